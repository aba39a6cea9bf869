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
			t.Run("code, silent login and logout", s.codeSilentLogout)
			t.Run("default client", s.defaultClientFlow)
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
	upstreams := func(c *Config) {
		c.KratosPublic, c.KratosAdmin, c.HydraAdmin, c.HydraPublic = kratosPublic, kratosAdmin, hydraAdmin, s.oauth.URL
		c.DefaultClient = "apps-test"
	}
	s.hera, _, _ = startApp(t, testApp(t, "hera", upstreams))
	s.athena, _, _ = startApp(t, testApp(t, "athena", upstreams))
	s.oauth.route = func(string) string { return hydraPublic }
	s.login.route = func(string) string { return s.hera }
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
		"client_id": s.clientID, "client_secret": s.clientSecret, "scope": "openid offline profile email", "redirect_uris": []string{callbackURL},
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
		"token_endpoint_auth_method": "client_secret_post", "post_logout_redirect_uris": []string{callbackURL},
	})
}

func (s *stack) newEmail() string {
	s.usersCreated++
	return fmt.Sprintf("user-%d@olympus.test", s.usersCreated)
}

// register makes a user; the browser is not signed in by it.
func (s *stack) register(t *testing.T, b *browser) (email string) {
	t.Helper()
	email = s.newEmail()
	p := b.get(s.login.URL + "/registration")
	p.want(t, 200, "Create an account")
	b.submit(p, "email", email, "password", password).want(t, 303, "/login")
	return email
}

func (s *stack) authorize(b *browser, more ...string) *answer {
	q := url.Values{
		"client_id": {s.clientID}, "response_type": {"code"}, "scope": {"openid offline"}, "redirect_uri": {callbackURL}, "state": {"state-of-the-test"},
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return b.follow(b.get(s.oauth.URL+"/oauth2/auth?"+q.Encode()), callbackURL)
}

// tokens exchanges the code of the redirect to the client.
func (s *stack) tokens(t *testing.T, b *browser, end *answer) map[string]any {
	t.Helper()
	to, err := url.Parse(end.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" || to.Query().Get("state") != "state-of-the-test" {
		t.Fatalf("callback without a code: %d %s %s", end.StatusCode, to, end.text)
	}
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

// introspect is what Hydra knows of an access token.
func (s *stack) introspect(t *testing.T, b *browser, tokens map[string]any) (sub string, active bool) {
	t.Helper()
	found := b.post(s.hydraAdmin+"/admin/oauth2/introspect", url.Values{"token": {tokens["access_token"].(string)}})
	var got struct {
		Active bool
		Sub    string
	}
	if err := json.Unmarshal([]byte(found.text), &got); err != nil {
		t.Fatalf("introspection: %s", found.text)
	}
	return got.Sub, got.Active
}

func (s *stack) kratosAway(t *testing.T) {
	b := newBrowser(t)
	p := s.authorize(b)
	p.want(t, 200, "Sign in")
	s.kratos.stop(syscall.SIGTERM)
	b.submit(p, "email", "a@olympus.test", "password", "b").want(t, 200, msgBadCredentials)
	b.get(s.athena+"/").want(t, 502, `"upstream":"kratos"`)
	b.get(s.login.URL+"/health").want(t, 200, "ok")
}
