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

func (s *stack) codeForNewUser(t *testing.T) {
	b := newBrowser(t)
	p := s.authorize(b)
	p.want(t, 200, "Sign in")
	challenge := p.form().Get("login_challenge")
	if challenge == "" {
		t.Fatal("the login page lost its challenge")
	}
	p = b.get(s.login.URL + withChallenge("/registration", challenge))
	email := s.newEmail()
	next := b.post(s.login.URL+"/registration", p.with("email", email, "password", password))
	next.want(t, 303, s.oauth.URL)
	tokens := s.consent(t, b, b.follow(next, callbackURL))
	if got, want := s.subject(t, b, tokens), s.identityID(t, b, email); got != want {
		t.Errorf("the token's subject is %s, the identity is %s", got, want)
	}
	b.get(s.login.URL+withChallenge("/login", challenge)).want(t, 303, s.oauth.URL) // used: sent on to where Hydra says

	other := newBrowser(t)
	p = s.authorize(other)
	wrong := other.post(s.login.URL+"/login", p.with("identifier", email, "password", "not the password"))
	wrong.want(t, 200, msgBadCredentials)
	next = other.post(s.login.URL+"/login", wrong.with("identifier", email, "password", password))
	s.consent(t, other, other.follow(next, callbackURL))
}

func (s *stack) codeWithSession(t *testing.T) {
	b := newBrowser(t)
	email := s.register(t, b)
	tokens := s.consent(t, b, s.authorize(b)) // no form on the way to consent
	if got, want := s.subject(t, b, tokens), s.identityID(t, b, email); got != want {
		t.Errorf("the token's subject is %s, the identity is %s", got, want)
	}
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

// logoutChallenge needs a login that Hydra remembers: Hera's are not, so this one is accepted by the test.
func (s *stack) logoutChallenge(t *testing.T) {
	b := newBrowser(t)
	p := s.authorize(b)
	query := "?" + url.Values{"login_challenge": {p.form().Get("login_challenge")}}.Encode()
	to := s.admin(t, http.MethodPut, "/admin/oauth2/auth/requests/login/accept"+query, map[string]any{"subject": "remembered", "remember": true})
	tokens := s.consent(t, b, b.follow(b.get(to["redirect_to"].(string)), callbackURL))
	q := url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {callbackURL}, "state": {"bye"}}
	asked := b.get(s.oauth.URL + "/oauth2/sessions/logout?" + q.Encode())
	if !strings.HasPrefix(asked.Header.Get("Location"), s.login.URL+"/logout?logout_challenge=") {
		t.Fatalf("Hydra asks nobody to log out: %d %s", asked.StatusCode, asked.Header.Get("Location"))
	}
	b.follow(asked, callbackURL).want(t, 302, callbackURL+"?state=bye")
	p = s.authorize(b)
	p.want(t, 200, "Sign in") // Hydra has forgotten the login
}

func (s *stack) badChallenges(t *testing.T) {
	b := newBrowser(t)
	for _, kind := range []string{"login", "registration"} {
		b.get(s.login.URL+withChallenge("/"+kind, "nonsense")).want(t, 400, "refused")
	}
	b.get(s.login.URL+"/consent?consent_challenge=nonsense").want(t, 400, "refused")
	b.get(s.login.URL+"/consent").want(t, 400, "refused")
	b.get(s.login.URL+"/logout?logout_challenge=nonsense").want(t, 400, "refused")
	b.get(s.login.URL+"/logout").want(t, 303, "/")
	b.get(s.login.URL+"/error?id=5d3b1a1e-0000-4000-8000-000000000000").want(t, 200, "not known")
}

func (s *stack) listsIdentities(t *testing.T) {
	b := newBrowser(t)
	email := s.register(t, newBrowser(t))
	b.get(s.athena+"/").want(t, 200, "<td>"+email)
	b.get(s.athena+"/api/identities?page_size=1").want(t, 200, `"email"`)
	b.get(s.athena+"/api/identities?page_size=0").want(t, 400, "page_size")
}
