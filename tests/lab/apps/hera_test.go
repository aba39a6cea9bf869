// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// ory plays Kratos and Hydra on one port; it notes what it was asked, and password "good" is the right one.
type ory struct {
	lock    sync.Mutex
	calls   []string
	bodies  map[string]string
	skip    bool
	aal2    bool
	consent map[string]any
}

func (o *ory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.lock.Lock()
	call := r.Method + " " + r.URL.Path
	o.calls = append(o.calls, call)
	o.bodies[call] = string(body)
	o.lock.Unlock()
	const session = `{"session_token":"t","session":{"identity":{"id":"id-1","traits":{"email":"a@b.test"}}},"identity":{"id":"id-1"}}`
	switch call {
	case "GET /self-service/login/api", "GET /self-service/registration/api":
		_, _ = io.WriteString(w, `{"id":"f"}`)
	case "POST /self-service/login", "POST /self-service/registration":
		form, _ := url.ParseQuery(string(body))
		if form.Get("password") != "good" || form.Get("method") != "password" || r.URL.Query().Get("flow") != "f" {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"id":"f","ui":{"messages":[{"id":4000006,"text":"no"}]}}`)
			return
		}
		_, _ = io.WriteString(w, session)
	case "GET /sessions/whoami":
		if o.aal2 || r.Header.Get("X-Session-Token")+r.Header.Get("Cookie") == "" {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"error":{"id":"session_aal2_required"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"identity":{"id":"id-1","traits":{"email":"a@b.test"}}}`)
	case "GET /admin/oauth2/auth/requests/login", "GET /admin/oauth2/auth/requests/consent", "GET /admin/oauth2/auth/requests/logout":
		o.request(w, r)
	case "PUT /admin/oauth2/auth/requests/login/accept", "PUT /admin/oauth2/auth/requests/consent/accept", "PUT /admin/oauth2/auth/requests/logout/accept":
		_, _ = io.WriteString(w, `{"redirect_to":"https://oauth.test/on"}`)
	case "GET /admin/clients/site-client":
		_, _ = io.WriteString(w, `{"redirect_uris":["https://site.test/callback"]}`)
	default:
		w.WriteHeader(204)
	}
}

func (o *ory) request(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.Contains(r.URL.RawQuery, "used"):
		w.WriteHeader(410)
		_, _ = io.WriteString(w, `{"redirect_to":"https://oauth.test/used"}`)
	case strings.Contains(r.URL.RawQuery, "nonsense"):
		w.WriteHeader(404)
		_, _ = io.WriteString(w, `{"error":"not_found"}`)
	default:
		answer := map[string]any{"subject": "id-1", "skip": o.skip, "requested_scope": []string{"openid"}, "context": map[string]string{"email": "a@b.test"}}
		for key, value := range o.consent {
			answer[key] = value
		}
		writeJSON(w, 200, answer)
	}
}

// asked tells whether a call was made; sent is its JSON body.
func (o *ory) asked(call string) (sent map[string]any, ok bool) {
	o.lock.Lock()
	defer o.lock.Unlock()
	text, ok := o.bodies[call]
	_ = json.Unmarshal([]byte(text), &sent)
	return sent, ok
}

func heraWith(t *testing.T, change func(*Config)) (*App, *ory) {
	t.Helper()
	o := &ory{bodies: map[string]string{}}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	return testApp(t, "hera", func(c *Config) {
		c.KratosPublic, c.KratosAdmin, c.HydraAdmin, c.HydraPublic = server.URL, server.URL, server.URL, "https://oauth.test"
		if change != nil {
			change(c)
		}
	}), o
}

// multi makes a multipart body of pairs.
func multi(pairs ...string) (body, contentType string) {
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		_ = form.WriteField(pairs[i], pairs[i+1])
	}
	_ = form.Close()
	return out.String(), form.FormDataContentType()
}

// acted are the hidden fields of a build's action, with more behind them.
func acted(build, name string, more ...string) []string {
	return append([]string{"$ACTION_REF_1", "", "$ACTION_1:0", fmt.Sprintf(`{"id":%q,"bound":"$@1"}`, actionID(build, name)),
		"$ACTION_1:1", `[{"error":null}]`, "$ACTION_KEY", "k1"}, more...)
}

func submit(app *App, target string, fields ...string) *httptest.ResponseRecorder {
	body, contentType := multi(fields...)
	return ask(app, "POST", target, body, "Content-Type", contentType)
}

func signIn(app *App, password string, more ...string) *httptest.ResponseRecorder {
	fields := append([]string{"login_challenge", "c", "email", "a@b.test", "password", password}, more...)
	return submit(app, "/login?login_challenge=c", acted("build-b", "login", fields...)...)
}

func leads(t *testing.T, w *httptest.ResponseRecorder, status int, to string) {
	t.Helper()
	if w.Code != status || !strings.HasPrefix(w.Header().Get("Location"), to) {
		t.Errorf("%d to %q, want %d to %q", w.Code, w.Header().Get("Location"), status, to)
	}
}

func TestLoginWithoutAChallengeBeginsAFlow(t *testing.T) {
	app, _ := heraWith(t, nil)
	want(t, ask(app, "GET", "/login", ""), 200, "No login flow available")
	for _, used := range []string{"nonsense", "used"} {
		want(t, ask(app, "GET", "/login?login_challenge="+used, ""), 200, "Invalid or expired login request")
	}
	app, _ = heraWith(t, func(c *Config) { c.DefaultClient = "site-client" })
	for _, path := range []string{"/login", "/login?login_challenge=nonsense"} {
		w := ask(app, "GET", path, "")
		leads(t, w, 307, "https://oauth.test/oauth2/auth?client_id=site-client&")
		if to, _ := url.Parse(w.Header().Get("Location")); to.Query().Get("redirect_uri") != "https://site.test/callback" || to.Query().Get("state") == "" {
			t.Error(to)
		}
	}
	app, _ = heraWith(t, func(c *Config) { c.DefaultClient = "unknown" })
	want(t, ask(app, "GET", "/login", ""), 200, "No login flow available")
}

func TestTheServerLogsInAndTheBrowserGetsNoCookie(t *testing.T) {
	app, o := heraWith(t, nil)
	form := ask(app, "GET", "/login?login_challenge=c", "")
	want(t, form, 200, `name="login_challenge" value="c"`)
	want(t, form, 200, `name="$ACTION_REF_1"`)
	done := signIn(app, "good")
	leads(t, done, 303, "https://oauth.test/on")
	if cookies := done.Header().Values("Set-Cookie"); len(cookies) > 0 {
		t.Error(cookies)
	}
	sent, _ := o.asked("PUT /admin/oauth2/auth/requests/login/accept")
	if sent["subject"] != "id-1" || sent["remember"] != true {
		t.Error(sent)
	}
	app, o = heraWith(t, func(c *Config) { c.Remember = false })
	signIn(app, "good")
	if sent, _ := o.asked("PUT /admin/oauth2/auth/requests/login/accept"); sent["remember"] != nil {
		t.Error(sent)
	}
}

func TestWhateverFailsIsAWrongPassword(t *testing.T) {
	app, _ := heraWith(t, nil)
	want(t, signIn(app, "bad"), 200, msgBadCredentials)
	want(t, signIn(app, ""), 200, msgMissing)
	app, _ = heraWith(t, func(c *Config) { c.KratosPublic = "http://127.0.0.1:1" })
	want(t, signIn(app, "good"), 200, msgBadCredentials)
	app, _ = heraWith(t, func(c *Config) { c.HydraAdmin = "http://127.0.0.1:1" })
	w := signIn(app, "good")
	want(t, w, 200, msgBadCredentials)
	if strings.Contains(w.Body.String(), "good") {
		t.Error("the password came back in the page")
	}
}

func TestSkipAndASessionOfTheBrowserNeedNoForm(t *testing.T) {
	app, o := heraWith(t, nil)
	leads(t, ask(app, "GET", "/login?login_challenge=c", "", "Cookie", sessionCookie+"=x"), 307, "https://oauth.test/on")
	o.skip = true
	leads(t, ask(app, "GET", "/login?login_challenge=c", ""), 307, "https://oauth.test/on")
}

func TestConsentAndLogout(t *testing.T) {
	app, o := heraWith(t, nil)
	page := ask(app, "GET", "/consent?consent_challenge=c", "")
	want(t, page, 200, "Allow access")
	leads(t, submit(app, "/consent?consent_challenge=c", acted("build-b", "consent", "consent_challenge", "c")...), 303, "https://oauth.test/on")
	if sent, _ := o.asked("PUT /admin/oauth2/auth/requests/consent/accept"); sent["remember"] != true {
		t.Error(sent)
	}
	o.consent = map[string]any{"client": map[string]any{"skip_consent": true}}
	leads(t, ask(app, "GET", "/consent?consent_challenge=c", ""), 307, "https://oauth.test/on")
	want(t, ask(app, "GET", "/consent?consent_challenge=nonsense", ""), 400, "refused")
	automatic, _ := heraWith(t, func(c *Config) { c.ConsentForm = false })
	leads(t, ask(automatic, "GET", "/consent?consent_challenge=c", ""), 307, "https://oauth.test/on")
	leads(t, ask(app, "GET", "/logout?logout_challenge=c", ""), 307, "https://oauth.test/on")
	for _, call := range []string{"/admin/identities/id-1/sessions", "/admin/oauth2/auth/sessions/login", "/admin/oauth2/auth/sessions/consent"} {
		if _, ok := o.asked("DELETE " + call); !ok {
			t.Error("not ended: " + call)
		}
	}
}

func TestFormOfAnotherBuildIsRefusedAsNextDoes(t *testing.T) {
	app, o := heraWith(t, nil)
	for path, name := range map[string]string{"/login": "login", "/registration": "registration", "/consent": "consent"} {
		want(t, submit(app, path, acted("build-a", name)...), 500, errAction.Error())
		want(t, submit(app, path, "email", "x"), 500, errAction.Error())
		want(t, submit(app, path, "$ACTION_REF_1", "", "$ACTION_1:0", `{"id":"`+actionID("build-b", name)+`","bound":"$@1"}`), 500, errAction.Error())
	}
	want(t, submit(app, "/login", acted("build-b", "consent")...), 500, errAction.Error())
	body := url.Values{"$ACTION_ID_" + actionID("build-b", "login"): {""}}.Encode()
	want(t, ask(app, "POST", "/login", body, "Content-Type", "application/x-www-form-urlencoded"), 500, errAction.Error())
	if len(o.calls) > 0 {
		t.Error(o.calls)
	}
	want(t, submit(app, "/login", "$ACTION_ID_"+actionID("build-b", "login"), ""), 200, msgMissing)
	body, contentType := multi(acted("build-b", "login")...)
	want(t, ask(app, "POST", "/login", body, "Content-Type", contentType, "Origin", "https://elsewhere.test"), 500, errOrigin.Error())
	want(t, ask(app, "POST", "/login", body, "Content-Type", contentType, "Origin", "https://example.com"), 200, msgMissing)
	want(t, ask(app, "POST", "/login", "--x", "Content-Type", "multipart/form-data; boundary=b"), 400, "form")
}

func TestCaptchaFailsClosedBeforeKratosIsAsked(t *testing.T) {
	app, o := heraWith(t, func(c *Config) { c.Captcha = Captcha{true, "site", "secret"} })
	form := ask(app, "GET", "/login?login_challenge=c", "")
	want(t, form, 200, `<div class="cf-turnstile" data-sitekey="site"><input type="hidden" name="cf-turnstile-response"/>`)
	want(t, signIn(app, "good"), 200, msgCaptcha)
	want(t, signIn(app, "good", "cf-turnstile-response", "guess"), 200, msgCaptcha)
	if _, ok := o.asked("GET /self-service/login/api"); ok {
		t.Error("Kratos was asked")
	}
	leads(t, signIn(app, "good", "cf-turnstile-response", captchaPass("secret")), 303, "https://oauth.test/on")
	app, _ = heraWith(t, func(c *Config) { c.Captcha.Enabled = true })
	want(t, signIn(app, "good", "cf-turnstile-response", captchaPass("")), 200, msgCaptcha)
}

func TestSecondFactorIsAskedFor(t *testing.T) {
	app, o := heraWith(t, nil)
	o.aal2 = true
	w := signIn(app, "good")
	want(t, w, 200, `name="totp_code"`)
	if _, ok := o.asked("PUT /admin/oauth2/auth/requests/login/accept"); ok || strings.Contains(w.Body.String(), `name="password"`) {
		t.Error("logged in without the code")
	}
	want(t, submit(app, "/login", acted("build-b", "code", "login_challenge", "c", "totp_code", "1")...), 200, "Invalid code.")
}

func TestRegistration(t *testing.T) {
	app, _ := heraWith(t, nil)
	want(t, ask(app, "GET", "/registration?login_challenge=c", ""), 200, `name="login_challenge" value="c"`)
	newcomer := func(password string, more ...string) *httptest.ResponseRecorder {
		return submit(app, "/registration", acted("build-b", "registration", append([]string{"email", "n@b.test", "password", password}, more...)...)...)
	}
	leads(t, newcomer("good"), 303, "/login")
	leads(t, newcomer("good", "login_challenge", "c"), 303, "https://oauth.test/on")
	want(t, newcomer("bad"), 200, `class="message"`)
}

func TestLockoutCountsWrongPasswordsOfOneIdentifier(t *testing.T) {
	pg := startPostgres(t)
	dsn := pg.create("olympus")
	app, o := heraWith(t, func(c *Config) { c.DSN, c.Lockout = dsn, Lockout{3, time.Second} })
	for range 2 {
		want(t, signIn(app, "bad"), 200, msgBadCredentials)
	}
	leads(t, signIn(app, "good"), 303, "https://oauth.test/on") // starts the count again
	for range 3 {
		want(t, signIn(app, "bad"), 200, msgBadCredentials)
	}
	before := len(o.calls)
	want(t, signIn(app, "good"), 200, msgLocked)
	if len(o.calls) != before {
		t.Error("Kratos was asked of a locked account")
	}
	eventually(t, 5*time.Second, "the end of the lock", func() error {
		if w := signIn(app, "good"); w.Code != 303 {
			return fmt.Errorf("%d", w.Code)
		}
		return nil
	})
	pg.stop() // fails open
	leads(t, signIn(app, "good"), 303, "https://oauth.test/on")
}
