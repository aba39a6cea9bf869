// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package record

import (
	"errors"
	"net/http"
	"testing"

	"lab/load/wire"
)

func answered(status int, body string, headers ...string) wire.Exchange {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	return wire.Exchange{Response: &wire.Response{Status: status, Header: h, Body: []byte(body)}}
}

func TestOutcome(t *testing.T) {
	app := []string{"X-Olympus-Colour", "blue", "X-Olympus-Version", "v-good"}
	both := append([]string{"X-Bluegreen-Colour", "blue"}, app...)
	bad := []string{"X-Bluegreen-Colour", "green", "X-Olympus-Colour", "green", "X-Olympus-Version", "v-bad"}
	ory := []string{"Content-Type", "application/json; charset=utf-8"}
	cases := map[string]struct {
		adopted bool
		x       wire.Exchange
		want    string
	}{
		"no answer":                     {true, wire.Exchange{Failure: &wire.Failure{Reason: "eof", Err: errors.New("x")}}, "lost eof"},
		"good":                          {true, answered(200, "", both...), "ok "},
		"limited":                       {true, answered(429, ""), "rate_limited "},
		"edge's 502":                    {true, answered(502, "", "Server", "Caddy"), "lost edge_502"},
		"edge's 502 before adopt":       {false, answered(502, "", "Server", "Caddy"), "lost edge_502"},
		"app's 500 before adopt":        {false, answered(500, "", app...), "lost want_500"},
		"app's 502 after adopt":         {true, answered(502, "", both...), "lost want_502"},
		"edge's 404":                    {true, answered(404, ""), "lost edge_404"},
		"proxied 404 before adopt":      {false, answered(404, "", "Via", "1.1 Caddy"), "lost want_404"},
		"Ory's error before adopt":      {false, answered(500, `{"error":{"code":500}}`, ory...), "lost want_500"},
		"Ory's error without the mark":  {true, answered(500, `{"error":{"code":500}}`, ory...), "lost edge_500"},
		"session refused":               {true, answered(401, "", both...), "lost want_401"},
		"fault of a release":            {true, answered(500, "", append(bad, "X-Olympus-Fault", "1")...), "release_error fault"},
		"wrong answer of a bad release": {true, answered(200, "", append(bad, "X-Refused", "1")...), "release_error disguised"},
		"its own 500 without a fault":   {true, answered(500, "", bad...), "lost want_500"},
		"wrong answer of a good one":    {true, answered(200, "", append(both, "X-Refused", "1")...), "lost disguised"},
	}
	expect := func(answer *wire.Response) string {
		if answer.Header.Get("X-Refused") != "" {
			return "disguised"
		}
		return Status("want", 200)(answer)
	}
	for name, c := range cases {
		outcome, reason := Judge{Adopted: c.adopted, Faulty: map[string]bool{"v-bad": true}}.Outcome(c.x, expect)
		if got := outcome + " " + reason; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestThePrivatePathMayBeTheEdges404(t *testing.T) {
	x := answered(404, "", "Server", "Caddy")
	if outcome, _ := (Judge{Adopted: true, Edge404: true}).Outcome(x, Status("exposed", 404)); outcome != OK {
		t.Error(outcome)
	}
}

// A form of a faulty release that was taken back is that release's fault; one of a good release is a loss.
func TestFormOfAFaultyRelease(t *testing.T) {
	refused := answered(500, "", "X-Bluegreen-Colour", "green", "X-Olympus-Version", "v-good")
	for from, want := range map[string]string{"v-bad": ReleaseError, "v-good": Lost, "": Lost} {
		judge := Judge{Adopted: true, Faulty: map[string]bool{"v-bad": true}, From: from}
		if got, _ := judge.Outcome(refused, Status("form_refused", 303)); got != want {
			t.Errorf("from %q: %s, not %s", from, got, want)
		}
	}
}
