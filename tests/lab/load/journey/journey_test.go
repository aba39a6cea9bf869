// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bytes"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"lab/load/wire"
)

func TestForm(t *testing.T) {
	page := []byte(`<form action="/search"><input name="q"></form><form action="" encType="multipart/form-data" method="POST">
		<input type="hidden" name="$ACTION_1:0" value="a&amp;b"/><input name="email"/><input name="password"/></form>`)
	f, ok := form("https://login.test/login?login_challenge=1", page, "email", "password")
	if !ok || f.Action != "https://login.test/login?login_challenge=1" || !f.Multipart || f.Fields.Get("$ACTION_1:0") != "a&b" {
		t.Errorf("%v %+v", ok, f)
	}
	if _, ok := form("https://login.test/", page, "consent_challenge"); ok {
		t.Error("a form that is not there")
	}
}

func TestChunks(t *testing.T) {
	got := chunks([]byte(`<script src="/_next/static/chunks/app-1.js"></script> /_next/static/css/x.css`))
	if !reflect.DeepEqual(got, []string{"/_next/static/chunks/app-1.js"}) {
		t.Error(got)
	}
}

func TestRedirectKnowsTheDisguises(t *testing.T) {
	cases := []struct {
		status   int
		location string
		want     string
	}{
		{303, "https://login.test/", ""}, {302, "/consent?consent_challenge=c", ""},
		{303, "https://login.test/error?id=1", "x_error_page"}, {302, "/oauth2/fallbacks/error?error=e", "x_error_page"},
		{303, "https://olympus.test/callback?error=access_denied", "x_error_page"},
		{303, "/login?flow=2", "x_back"}, {307, "https://olympus.test/callback?code=c", ""}, {303, "https://olympus.test/callback?error=login_required", "x_error_page"}, {302, "/login?login_challenge=c", ""},
		{200, "", "x_200"}, {500, "", "x_500"},
	}
	for _, c := range cases {
		answer := &wire.Response{Status: c.status, Header: http.Header{"Location": {c.location}}}
		if got := redirect("x", "/login")(answer); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.location, got, c.want)
		}
	}
}

func TestMailsAreExpectedOnceAndDoubtIsSaid(t *testing.T) {
	path := t.TempDir() + "/mails.jsonl"
	mails, err := OpenMails(path)
	if err != nil {
		t.Fatal(err)
	}
	fault := &wire.Response{Status: 500, Header: http.Header{"X-Olympus-Fault": {"1"}}}
	mails.Expect("good", true, &wire.Response{Status: 200})
	mails.Expect("refused", false, &wire.Response{Status: 400})
	mails.Expect("fault", false, fault)
	mails.Expect("unknown", false, nil)
	mails.Expect("edge", false, &wire.Response{Status: 502})
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 || strings.Contains(lines[0], "uncertain") || !strings.Contains(lines[1], `"uncertain":true`) ||
		!strings.Contains(lines[2], "edge") {
		t.Error(string(text))
	}
}

func TestFramesOfAServer(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	stream := bytes.NewReader(append([]byte{0x81, 2, 'h', 'i', 0x81, 126, 1, 44}, long...))
	for _, want := range []string{"hi", string(long)} {
		op, payload, err := readFrame(stream)
		if err != nil || op != opText || string(payload) != want {
			t.Errorf("%d %q %v", op, payload, err)
		}
	}
	if _, _, err := readFrame(stream); err == nil {
		t.Error("a frame out of nothing")
	}
}
