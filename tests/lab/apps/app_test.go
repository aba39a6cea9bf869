// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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
	if len(actionID("a", "login")) != 40 || actionID("a", "login") == actionID("b", "login") || actionID("a", "login") == actionID("a", "consent") {
		t.Error("the action id must be 40 hex digits of the build and the page")
	}
	if chunkPath("a") == chunkPath("b") {
		t.Error("two builds share a chunk name")
	}
	app := testApp(t, "hera", nil)
	want(t, ask(app, "GET", chunkPath("build-b"), ""), 200, `"build-b"`)
	want(t, ask(app, "GET", chunkPath("build-a"), ""), 404, "")
	want(t, ask(app, "GET", "/login", ""), 200, `src="`+chunkPath("build-b")+`"`)
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
		"FAULT_ERROR_SHARE": "1.5", "SETTINGS_TABLE": "a; drop", "LOCKOUT_MAX_ATTEMPTS": "x", "CAPTCHA_ENABLED": "perhaps",
		"FAULT_LATENCY_MS": "x", "FAULT_BROKEN_LOGIN": "perhaps", "FAULT_REFUSE_START": "perhaps",
	} {
		if _, err := configFromEnv("hera", func(n string) string { return map[string]string{name: value}[n] }); err == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
	}
	if _, err := configFromEnv("zeus", func(string) string { return "" }); err == nil {
		t.Error("an unknown service was taken")
	}
}

func TestPublishedNamesAreRead(t *testing.T) {
	env := map[string]string{"PORT": "4000", "DATABASE_URL": "postgres://a", "OLYMPUS_DSN": "postgres://b", "APP_INSTANCE": "CIAM", "LOCKOUT_DURATION": "60"}
	cfg, err := configFromEnv("hera", func(n string) string { return env[n] })
	if err != nil || cfg.Listen != ":4000" || cfg.DSN != "postgres://a" || cfg.Domain != "ciam" || cfg.Lockout.Duration != time.Minute {
		t.Errorf("%+v %v", cfg, err)
	}
	cfg, err = configFromEnv("console", func(string) string { return "" })
	if err != nil || cfg.Service != "pgadmin" || cfg.Listen != ":80" || cfg.Colour != "" {
		t.Errorf("%+v %v", cfg, err)
	}
}

func TestConsoleAsksThePlainNamesEachTime(t *testing.T) {
	site, _, _ := startApp(t, testApp(t, "site", nil))
	env := map[string]string{"SITE_INTERNAL_URL": site + "/", "IAM_HYDRA_INTERNAL_URL": "http://127.0.0.1:1", "CONSOLE_DIR": t.TempDir()}
	cfg, err := configFromEnv("pgadmin", func(n string) string { return env[n] })
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 2; n++ { // a new process goes on counting
		app, err := newApp(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w := ask(app, "GET", "/", "")
		app.close()
		var got struct {
			Requests   int
			Neighbours map[string]Seen
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Requests != n || w.Header().Get("X-Olympus-Colour") != "" {
			t.Errorf("%s %v", w.Body, err)
		}
		if one := got.Neighbours["SITE_INTERNAL_URL"]; one.Status != 200 || one.Colour != "green" || one.Build != "build-b" {
			t.Errorf("%+v", one)
		}
		if one := got.Neighbours["IAM_HYDRA_INTERNAL_URL"]; one.URL != "http://127.0.0.1:1/health/ready" || one.Status != 0 || one.Error == "" {
			t.Errorf("%+v", one)
		}
	}
	want(t, ask(testApp(t, "pgadmin", nil), "GET", "/misc/ping", ""), 200, "PING")
}
