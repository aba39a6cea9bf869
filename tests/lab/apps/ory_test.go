// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	callbackURL = "https://olympus.test/callback"
	password    = "correct horse battery staple 42"
)

// stack is Kratos, Hydra, Hera and Athena behind an edge, as the lab runs them.
type stack struct {
	login, oauth *edge
	hera, athena string
	kratos       *child
	hydraAdmin   string
	clientID     string
	clientSecret string
	usersCreated int
}

func TestOryFlows(t *testing.T) {
	kratos, hydra := os.Getenv("OLYMPUS_LAB_KRATOS"), os.Getenv("OLYMPUS_LAB_HYDRA")
	if kratos == "" || hydra == "" {
		t.Skip("set OLYMPUS_LAB_KRATOS (one or more programs, separated by colons) and OLYMPUS_LAB_HYDRA to run the flows for real")
	}
	for _, bin := range filepath.SplitList(kratos) {
		t.Run(filepath.Base(bin), func(t *testing.T) {
			s := startStack(t, bin, hydra)
			t.Run("registration and logout", s.registrationAndLogout)
			t.Run("login", s.loginAndRefusals)
			t.Run("code for a new user", s.codeForNewUser)
			t.Run("code with a session", s.codeWithSession)
			t.Run("logout challenge", s.logoutChallenge)
			t.Run("bad challenges", s.badChallenges)
			t.Run("identities", s.listsIdentities)
			t.Run("Kratos away", s.kratosAway)
		})
	}
}

func startStack(t *testing.T, kratosBin, hydraBin string) *stack {
	t.Helper()
	pg := startPostgres(t)
	s := &stack{login: startEdge(t), oauth: startEdge(t)}
	kratosPublic, kratosAdmin, proc := startKratos(t, kratosBin, pg.create("kratos"), s.login.URL)
	hydraPublic, hydraAdmin := startHydra(t, hydraBin, pg.create("hydra"), s.oauth.URL, s.login.URL)
	s.kratos, s.hydraAdmin = proc, hydraAdmin
	upstreams := func(c *Config) { c.KratosPublic, c.KratosAdmin, c.HydraAdmin = kratosPublic, kratosAdmin, hydraAdmin }
	s.hera, _, _ = startApp(t, testApp(t, "hera", upstreams))
	s.athena, _, _ = startApp(t, testApp(t, "athena", upstreams))
	s.oauth.route = func(string) string { return hydraPublic }
	s.login.route = func(path string) string {
		if strings.HasPrefix(path, "/self-service/") || strings.HasPrefix(path, "/sessions/") {
			return kratosPublic
		}
		return s.hera
	}
	s.makeClient(t)
	return s
}

// admin calls Hydra's admin API and decodes its answer.
func (s *stack) admin(t *testing.T, method, path string, body map[string]any) map[string]any {
	t.Helper()
	data, _ := json.Marshal(body)
	req, err := http.NewRequest(method, s.hydraAdmin+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	a := newBrowser(t).do(req)
	got := map[string]any{}
	if err := json.Unmarshal([]byte(a.text), &got); err != nil || a.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.text)
	}
	return got
}

func (s *stack) makeClient(t *testing.T) {
	t.Helper()
	s.clientID, s.clientSecret = "apps-test", "only-for-this-test"
	s.admin(t, http.MethodPost, "/admin/clients", map[string]any{
		"client_id": s.clientID, "client_secret": s.clientSecret, "scope": "openid offline", "redirect_uris": []string{callbackURL},
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": "client_secret_post", "post_logout_redirect_uris": []string{callbackURL},
	})
}

func (s *stack) newEmail() string {
	s.usersCreated++
	return fmt.Sprintf("user-%d@olympus.test", s.usersCreated)
}

// register makes a user who is signed in afterwards.
func (s *stack) register(t *testing.T, b *browser) (email string) {
	t.Helper()
	email = s.newEmail()
	p := b.get(s.login.URL + "/registration")
	p.want(t, 200, "Create an account")
	b.post(s.login.URL+"/registration", p.with("email", email, "password", password)).want(t, 303, "/")
	return email
}

func (s *stack) whoami(b *browser) int { return b.get(s.login.URL + "/sessions/whoami").StatusCode }

func (s *stack) registrationAndLogout(t *testing.T) {
	b := newBrowser(t)
	email := s.register(t, b)
	home := b.get(s.login.URL + "/")
	home.want(t, 200, "signed in as <strong>"+email)
	if code := s.whoami(b); code != 200 {
		t.Errorf("Kratos itself answers %d to the session cookie", code)
	}
	b.get(s.login.URL+"/login").want(t, 303, "/")
	b.post(s.login.URL+"/logout", home.with("action_id", "another")).want(t, 500, "Failed to find Server Action")
	b.post(s.login.URL+"/logout", home.form()).want(t, 303, "/")
	if code := s.whoami(b); code != 401 {
		t.Errorf("after the logout Kratos answers %d", code)
	}
	b.get(s.login.URL+"/").want(t, 200, "not signed in")
	b.post(s.login.URL+"/logout", home.form()).want(t, 303, "/") // nobody there: no error

	p := b.get(s.login.URL + "/registration")
	again := b.post(s.login.URL+"/registration", p.with("email", email, "password", password))
	again.want(t, 200, `class="message"`)
	b.post(s.login.URL+"/registration", again.with("email", s.newEmail(), "password", password)).want(t, 303, "/")
}

func (s *stack) loginAndRefusals(t *testing.T) {
	email := s.register(t, newBrowser(t))
	b, url := newBrowser(t), s.login.URL+"/login"
	p := b.get(url)
	p.want(t, 200, "Sign in")
	b.post(url, p.with("identifier", email, "password", password, "action_id", actionID("another"))).want(t, 500, "Failed to find Server Action")
	wrong := b.post(url, p.with("identifier", email, "password", "not the password"))
	wrong.want(t, 200, msgBadCredentials)
	if s.whoami(b) != 401 {
		t.Error("a wrong password opened a session")
	}
	newBrowser(t).post(url, p.with("identifier", email, "password", password)).want(t, 403, "security_csrf_violation")
	b.post(url, p.with("identifier", email, "password", password, "flow", "5d3b1a1e-0000-4000-8000-000000000000")).want(t, 303, "/login")
	done := b.post(url, wrong.with("identifier", email, "password", password))
	done.want(t, 303, "/")
	if !strings.Contains(strings.Join(done.Header.Values("Set-Cookie"), "\n"), sessionCookie+"=") {
		t.Error("no session cookie")
	}
	if s.whoami(b) != 200 {
		t.Error("Kratos does not know the session")
	}
	kratosLed := newBrowser(t) // a browser that Kratos itself sends to Hera with a flow
	p = kratosLed.follow(kratosLed.get(s.login.URL+"/self-service/login/browser"), "")
	p.want(t, 200, "Sign in")
	kratosLed.post(url, p.with("identifier", email, "password", password)).want(t, 303, "/")
}

func (s *stack) authorize(b *browser) *answer {
	q := url.Values{
		"client_id": {s.clientID}, "response_type": {"code"}, "scope": {"openid offline"}, "redirect_uri": {callbackURL}, "state": {"state-of-the-test"},
	}
	return b.follow(b.get(s.oauth.URL+"/oauth2/auth?"+q.Encode()), callbackURL)
}

// consent allows what the consent page asks for and exchanges the code; it returns Hydra's tokens.
func (s *stack) consent(t *testing.T, b *browser, p *answer) map[string]any {
	t.Helper()
	p.want(t, 200, "Allow access")
	b.post(s.login.URL+"/consent", p.with("action_id", "another")).want(t, 500, "Failed to find Server Action")
	end := b.follow(b.post(s.login.URL+"/consent", p.form()), callbackURL)
	end.want(t, 303, callbackURL)
	to, err := url.Parse(end.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" || to.Query().Get("state") != "state-of-the-test" {
		t.Fatalf("callback without a code: %s", to)
	}
	again := b.follow(b.post(s.login.URL+"/consent", p.form()), callbackURL)
	again.want(t, 303, "error=access_denied") // a consent counts once; Hydra tells the client so
	tokens := b.post(s.oauth.URL+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "redirect_uri": {callbackURL},
		"client_id": {s.clientID}, "client_secret": {s.clientSecret},
	})
	tokens.want(t, 200, "refresh_token")
	got := map[string]any{}
	if err := json.Unmarshal([]byte(tokens.text), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// subject is the identity id that an access token was made out to.
func (s *stack) subject(t *testing.T, b *browser, tokens map[string]any) string {
	t.Helper()
	found := b.post(s.hydraAdmin+"/admin/oauth2/introspect", url.Values{"token": {tokens["access_token"].(string)}})
	var got struct {
		Active bool
		Sub    string
	}
	if err := json.Unmarshal([]byte(found.text), &got); err != nil || !got.Active {
		t.Fatalf("introspection: %s", found.text)
	}
	return got.Sub
}

func (s *stack) kratosAway(t *testing.T) {
	b := newBrowser(t)
	p := b.get(s.login.URL + "/login")
	s.kratos.stop(syscall.SIGTERM)
	posted := b.post(s.login.URL+"/login", p.with("identifier", "a", "password", "b"))
	for _, a := range []*answer{posted, b.get(s.login.URL + "/login"), b.get(s.athena + "/")} {
		a.want(t, 502, `"upstream":"kratos"`)
		if !strings.HasPrefix(a.Header.Get("X-Olympus-Upstream-Error"), "kratos: ") {
			t.Errorf("%s: header %q", a.Request.URL.Path, a.Header.Get("X-Olympus-Upstream-Error"))
		}
	}
	b.get(s.login.URL+"/health").want(t, 200, "ok")
}
