// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func testApp(t *testing.T, service string, change func(*Config)) *App {
	t.Helper()
	cfg, err := configFromEnv(service, func(name string) string {
		return map[string]string{"BLUEGREEN_COLOUR": "green", "OLYMPUS_VERSION": "v1.5.0", "BUILD_ID": "build-b"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg)
	}
	app, err := newApp(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.close)
	return app
}

func ask(app *App, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	app.handler().ServeHTTP(w, r)
	return w
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), part) {
		t.Errorf("got %d %q, want %d with %q", w.Code, w.Body.String(), status, part)
	}
}

func TestEveryAnswerSaysWhoAnswers(t *testing.T) {
	for service, health := range map[string]string{"hera": "/health", "athena": "/api/health", "site": "/health"} {
		app := testApp(t, service, nil)
		want(t, ask(app, "GET", health, ""), 200, `"status":"ok"`)
		for _, path := range []string{health, "/nothing-here", "/_next/static/chunks/app-0.js"} {
			h := ask(app, "GET", path, "").Header()
			got := []string{h.Get("X-Olympus-Colour"), h.Get("X-Olympus-Version"), h.Get("X-Olympus-Service")}
			if strings.Join(got, " ") != "green v1.5.0 "+service {
				t.Errorf("%s %s: headers %v", service, path, got)
			}
		}
	}
}

func TestActionAndChunkBelongToTheBuild(t *testing.T) {
	if len(actionID("a")) != 40 || actionID("a") == actionID("b") || actionID("a") != actionID("a") {
		t.Error("the action id must be 40 hex digits of the build alone")
	}
	if chunkPath("a") == chunkPath("b") {
		t.Error("two builds share a chunk name")
	}
	app := testApp(t, "hera", nil)
	want(t, ask(app, "GET", chunkPath("build-b"), ""), 200, `"build-b"`)
	want(t, ask(app, "GET", chunkPath("build-a"), ""), 404, "")
	want(t, ask(app, "GET", "/", ""), 200, `src="`+chunkPath("build-b")+`"`)
}

func TestFormOfAnotherBuildIsRefusedAsNextDoes(t *testing.T) {
	app := testApp(t, "hera", nil)
	urlencoded := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, path := range []string{"/login", "/registration", "/consent", "/logout"} {
		for _, body := range []string{"", "action_id=" + actionID("build-a")} {
			want(t, ask(app, "POST", path, body, urlencoded...), 500, "Failed to find Server Action")
		}
	}
	// The right id goes on to Kratos, which this test has none of.
	w := ask(app, "POST", "/login", "action_id="+actionID("build-b"), urlencoded...)
	want(t, w, 502, `"upstream":"kratos"`)
	if w.Header().Get("X-Olympus-Upstream-Error") != "kratos: its URL is not set" {
		t.Errorf("upstream error %q", w.Header().Get("X-Olympus-Upstream-Error"))
	}
}

func TestFormsAreReadInBothEncodings(t *testing.T) {
	id := actionID("x")
	multipart := "--b\r\nContent-Disposition: form-data; name=\"action_id\"\r\n\r\n" + id + "\r\n--b--\r\n"
	for contentType, body := range map[string]string{
		"application/x-www-form-urlencoded": "action_id=" + id, "multipart/form-data; boundary=b": multipart,
	} {
		r := httptest.NewRequest("POST", "/login?action_id=other", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if err := parseAction(r, "x"); err != nil {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	r := httptest.NewRequest("POST", "/login?action_id="+id, strings.NewReader("%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := parseAction(r, "x"); err == nil || err == errAction {
		t.Errorf("a broken form gave %v", err)
	}
}

func TestSettingIsRead(t *testing.T) {
	for _, c := range []struct{ contentType, body, key, value string }{
		{"application/json", `{"theme":"dark"}`, "theme", "dark"},
		{"application/json", `{"probe":"p1"}`, "probe", "p1"},
		{"application/x-www-form-urlencoded", "theme=dark", "theme", "dark"},
		{"application/json", `{"theme":""}`, "", ""},
		{"application/json", `{`, "", ""},
		{"application/x-www-form-urlencoded", "theme=" + strings.Repeat("x", 65), "", ""},
	} {
		r := httptest.NewRequest("POST", "/api/settings", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		key, value, err := parseSetting(r)
		if key != c.key || value != c.value || (err == nil) != (c.value != "") {
			t.Errorf("%s: %s %q, error %v", c.body, key, value, err)
		}
	}
}

func TestEchoReturnsTheBody(t *testing.T) {
	for _, service := range []string{"hera", "athena", "site"} {
		app := testApp(t, service, nil)
		want(t, ask(app, "POST", "/api/echo", "some\x00bytes"), 200, "some\x00bytes")
		want(t, ask(app, "POST", "/api/echo", strings.Repeat("x", maxBody+1)), http.StatusRequestEntityTooLarge, "body")
	}
}

func TestMarkedPostWithoutDatabaseIsNotDone(t *testing.T) {
	app := testApp(t, "site", nil)
	want(t, ask(app, "POST", "/api/echo", "hello", "X-Lab-Id", "1"), 500, `"error":"lab_seen"`)
	want(t, ask(app, "POST", "/api/echo", "hello"), 200, "hello")
}

func TestSettingsWithoutDatabase(t *testing.T) {
	w := ask(testApp(t, "hera", nil), "GET", "/api/settings", "")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %v", w.Code, err)
	}
	if got["theme"] != "light" || got["read_at"] != nil || got["stale"] != true {
		t.Errorf("settings %v", got)
	}
}

func TestCallbackShowsNoCode(t *testing.T) {
	w := ask(testApp(t, "site", nil), "GET", "/callback?code=secret-code&state=s", "")
	want(t, w, 200, `"code_received":true`)
	if strings.Contains(w.Body.String(), "secret-code") {
		t.Error("the code is in the answer")
	}
}

func TestConfigRefusesWhatItCantRead(t *testing.T) {
	for name, value := range map[string]string{
		"FAULT_ERROR_SHARE": "1.5", "FAULT_LATENCY_MS": "x", "FAULT_BROKEN_LOGIN": "perhaps", "FAULT_REFUSE_START": "perhaps",
	} {
		if _, err := configFromEnv("hera", func(n string) string { return map[string]string{name: value}[n] }); err == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
	}
	if _, err := configFromEnv("zeus", func(string) string { return "" }); err == nil {
		t.Error("an unknown service was taken")
	}
}
