// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// signedIn logs a user in by Hera's form and allows the access: the end is the redirect to the client.
func (s *stack) signedIn(t *testing.T, b *browser, email string) *answer {
	t.Helper()
	p := s.authorize(b)
	p.want(t, 200, "Sign in")
	b.submit(p, "email", email, "password", password, "$ACTION_1:0", `{"id":"0"}`).want(t, 500, errAction.Error())
	wrong := b.submit(p, "email", email, "password", "not the password")
	wrong.want(t, 200, msgBadCredentials)
	done := b.submit(wrong, "email", email, "password", password)
	done.want(t, 303, s.oauth.URL)
	p = b.follow(done, callbackURL)
	p.want(t, 200, "Allow access")
	end := b.follow(b.submit(p), callbackURL)
	again := b.follow(b.submit(p), callbackURL)
	again.want(t, 303, "error=access_denied") // a consent counts once; Hydra tells the client so
	return end
}

func (s *stack) codeSilentLogout(t *testing.T) {
	b := newBrowser(t)
	email := s.register(t, newBrowser(t))
	tokens := s.tokens(t, b, s.signedIn(t, b, email))
	if got, active := s.introspect(t, b, tokens); got != s.identityID(t, b, email) || !active {
		t.Errorf("the token's subject is %s, active %v", got, active)
	}
	at, _ := url.Parse(s.login.URL)
	for _, c := range b.client.Jar.Cookies(at) {
		if strings.Contains(c.Name, "kratos") {
			t.Error("a cookie of Kratos in the browser: " + c.Name)
		}
	}
	silent := s.tokens(t, b, s.authorize(b, "prompt", "none"))
	if got, _ := s.introspect(t, b, silent); got != s.identityID(t, b, email) {
		t.Errorf("silently logged in as %s", got)
	}
	s.authorize(newBrowser(t), "prompt", "none").want(t, 303, "error=login_required")
	s.signsOut(t, b, tokens)
	if _, active := s.introspect(t, b, silent); active {
		t.Error("a token outlived the logout")
	}
	s.authorize(b).want(t, 200, "Sign in") // Hydra has forgotten the login
}

func (s *stack) signsOut(t *testing.T, b *browser, tokens map[string]any) {
	t.Helper()
	q := url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {callbackURL}, "state": {"bye"}}
	asked := b.get(s.oauth.URL + "/oauth2/sessions/logout?" + q.Encode())
	if !strings.HasPrefix(asked.Header.Get("Location"), s.login.URL+"/logout?logout_challenge=") {
		t.Fatalf("Hydra asks nobody to log out: %d %s", asked.StatusCode, asked.Header.Get("Location"))
	}
	b.follow(asked, callbackURL).want(t, 302, callbackURL+"?state=bye")
}

func (s *stack) defaultClientFlow(t *testing.T) {
	b := newBrowser(t)
	b.follow(b.get(s.login.URL+"/login"), callbackURL).want(t, 200, "Sign in")
	b.follow(b.get(s.login.URL+"/login?login_challenge=nonsense"), callbackURL).want(t, 200, "Sign in")
}

func (s *stack) identityID(t *testing.T, b *browser, email string) string {
	t.Helper()
	var list []Identity
	if err := json.Unmarshal([]byte(b.get(s.athena+"/api/identities").text), &list); err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if one.Traits.Email == email {
			return one.ID
		}
	}
	t.Fatalf("Athena does not list %s", email)
	return ""
}

func (s *stack) badChallenges(t *testing.T) {
	b := newBrowser(t)
	for _, path := range []string{"/consent?consent_challenge=nonsense", "/consent", "/logout?logout_challenge=nonsense", "/logout"} {
		if a := b.get(s.login.URL + path); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func (s *stack) listsIdentities(t *testing.T) {
	b := newBrowser(t)
	email := s.register(t, newBrowser(t))
	b.get(s.athena+"/").want(t, 200, "<td>"+email)
	b.get(s.athena+"/api/identities?page_size=1").want(t, 200, `"email"`)
	b.get(s.athena+"/api/identities?page_size=0").want(t, 400, "page_size")
}
