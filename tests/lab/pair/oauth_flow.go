// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

const oauthSession, oauthCSRF = "ory_hydra_session", "ory_hydra_login_csrf"

// flow is what an authorization carries from step to step: in the challenges and verifiers, in no table until its end.
type flow struct {
	ID, Client, Redirect, State, Nonce, Challenge, Method, CSRF string
	// URL is the query that it began with.
	URL           string
	Scope         []string
	None          bool
	Subject, SID  string
	Authenticated time.Time
	// Of the login and of the consent: Skip where an earlier one is remembered.
	Skip, Remember               bool
	RememberFor                  int
	ConsentSkip, ConsentRemember bool
	ConsentFor                   int
	Granted                      []string
}

type remembered struct {
	SID, Subject  string
	Authenticated time.Time
}

func issuer(path string) string {
	return strings.TrimSuffix(os.Getenv("URLS_SELF_ISSUER"), "/") + path
}

// with is a URL with more in its query.
func with(address string, more ...string) string {
	at, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := at.Query()
	for n := 0; n < len(more); n += 2 {
		query.Set(more[n], more[n+1])
	}
	at.RawQuery = query.Encode()
	return at.String()
}

// authorize has three steps: to the login, back from it and to the consent, back from that and to the client.
func authorize(a *ask) (int, any) {
	client := a.client(a.FormValue("client_id"))
	if a.err == nil && !slices.Contains(client.Redirects, a.FormValue("redirect_uri")) {
		a.fail(refusal{400, 0, "invalid_request"})
	}
	switch {
	case a.err != nil:
		return 0, nil
	case a.FormValue("consent_verifier") != "":
		return consented(a)
	case a.FormValue("login_verifier") != "":
		return loggedIn(a)
	}
	return authorizing(a, client)
}

// back is the client's own address, with an error.
func (a *ask) back(what string) (int, any) {
	return a.to(with(a.FormValue("redirect_uri"), "error", what, "state", a.FormValue("state")))
}

func authorizing(a *ask, client client) (int, any) {
	f := flow{
		ID: rand.Text(), Client: client.ID, Redirect: a.FormValue("redirect_uri"), State: a.FormValue("state"),
		Nonce: a.FormValue("nonce"), Challenge: a.FormValue("code_challenge"), Method: a.FormValue("code_challenge_method"),
		CSRF: rand.Text(), URL: a.URL.RawQuery, Scope: strings.Fields(a.FormValue("scope")), None: a.FormValue("prompt") == "none",
	}
	for _, one := range f.Scope {
		if !slices.Contains(strings.Fields(client.Scope), one) {
			return a.back("invalid_scope")
		}
	}
	if found := a.remembered(a.kept(oauthSession)); found.SID != "" && a.FormValue("prompt") != "login" {
		f.Skip, f.SID, f.Subject, f.Authenticated = true, found.SID, found.Subject, found.Authenticated
	} else if f.None {
		return a.back("login_required")
	}
	a.keep(oauthCSRF, f.CSRF, 3600)
	return a.to(with(os.Getenv("URLS_LOGIN"), "login_challenge", sealed("login_challenge", f)))
}

// remembered is the login of a browser's cookie, or an empty one.
func (a *ask) remembered(sid string) (found remembered) {
	const find = `SELECT jsonb_build_object('sid', id, 'subject', subject, 'authenticated', authenticated_at AT TIME ZONE 'utc')
		FROM hydra_oauth2_authentication_session WHERE id = $1 AND remember`
	return readAny[remembered](a, find, sid)
}

// loggedIn goes on to the consent.
func loggedIn(a *ask) (int, any) {
	var f flow
	if !unsealed("login_verifier", a.FormValue("login_verifier"), &f) || f.CSRF != a.kept(oauthCSRF) {
		return a.back("access_denied")
	}
	if !f.Skip {
		f.SID, f.Authenticated = rand.Text(), time.Now().UTC()
		a.exec(`INSERT INTO hydra_oauth2_authentication_session (id, subject, remember, authenticated_at) VALUES ($1, $2, $3, $4)`,
			f.SID, f.Subject, f.Remember, f.Authenticated)
		if f.Remember {
			a.keep(oauthSession, f.SID, f.RememberFor)
		}
	}
	f.ConsentSkip = a.client(f.Client).SkipConsent || a.consentRemembered(f)
	if f.None && !f.ConsentSkip {
		return a.back("consent_required")
	}
	return a.to(with(os.Getenv("URLS_CONSENT"), "consent_challenge", sealed("consent_challenge", f)))
}

// granted is what a consent that counts looks like to this program; v2-consent leaves two of the columns empty itself.
func granted() string {
	if version == "v2-consent" {
		return `coalesce(state, 6) = 6 AND coalesce(consent_error, '{}') = '{}'`
	}
	return `state = 6 AND consent_error = '{}'`
}

func (a *ask) consentRemembered(f flow) bool {
	return readAny[bool](a, `SELECT true FROM hydra_oauth2_flow WHERE subject = $1 AND client_id = $2 AND granted_scope @> $3
		AND consent_remember AND NOT consent_skip AND `+granted()+` AND (consent_remember_for = 0
		OR requested_at + consent_remember_for * interval '1 second' > now() AT TIME ZONE 'utc') LIMIT 1`, f.Subject, f.Client, f.Scope)
}

// consented ends the flow: its row, and a code for the client. What it can't read ends as in Hydra 2.2: without an answer.
func consented(a *ask) (int, any) {
	var f flow
	if !unsealed("consent_verifier", a.FormValue("consent_verifier"), &f) {
		panic(http.ErrAbortHandler)
	}
	if f.CSRF != a.kept(oauthCSRF) {
		return a.back("access_denied")
	}
	a.written(f)
	code := a.minted("code", grant{
		Request: rand.Text(), Client: f.Client, Subject: f.Subject, Scope: f.Granted, Challenge: &f.ID,
		Session: sessionData{f.SID, f.Nonce, f.Redirect, f.Authenticated.Unix()},
	})
	// v2-flight keeps nothing of a client that sent no challenge, and its elder looks for it.
	if f.Challenge != "" || version != "v2-flight" {
		a.exec(`INSERT INTO hydra_oauth2_pkce (signature, code_challenge, code_challenge_method) VALUES ($1, $2, $3)`,
			hashed(code), f.Challenge, f.Method)
	}
	return a.to(with(f.Redirect, "code", code, "scope", strings.Join(f.Granted, " "), "state", f.State))
}

func (a *ask) written(f flow) {
	// As Hydra 26.2 does, v2-consent leaves empty what it needs no more.
	var state, failed, verifier, csrf any = 6, object{}, f.ID, f.CSRF
	if version == "v2-consent" {
		state, failed, verifier, csrf = nil, nil, nil, nil
	}
	now := time.Now().UTC()
	a.exec(`INSERT INTO hydra_oauth2_flow (login_challenge, consent_challenge_id, client_id, subject, requested_at, login_session_id,
		requested_scope, granted_scope, request_url, state, consent_error, login_verifier, login_csrf, login_skip, login_remember,
		login_remember_for, consent_skip, consent_remember, consent_remember_for, consent_handled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`,
		f.ID, f.ID, f.Client, f.Subject, now, f.SID, f.Scope, f.Granted, issuer("/oauth2/auth?"+f.URL), state, failed, verifier, csrf,
		f.Skip, f.Remember, f.RememberFor, f.ConsentSkip, f.ConsentRemember, f.ConsentFor, now)
}
