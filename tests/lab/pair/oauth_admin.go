// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
)

var oauthPublic = map[string]route{
	"GET /health/ready":                     ready,
	"GET /.well-known/jwks.json":            jwks,
	"GET /.well-known/openid-configuration": discovery,
	"GET /oauth2/auth":                      authorize,
	"POST /oauth2/token":                    token,
	"POST /oauth2/revoke":                   revoke,
	"GET /userinfo":                         userinfo,
	"GET /oauth2/sessions/logout":           oauthLogout,
}

var oauthAdmin = map[string]route{
	"GET /health/ready":                              ready,
	"GET /version":                                   func(*ask) (int, any) { return 200, object{"version": version} },
	"POST /admin/oauth2/introspect":                  introspect,
	"POST /admin/clients":                            createClient,
	"GET /admin/clients":                             listClients,
	"GET /admin/clients/{id}":                        func(a *ask) (int, any) { return 200, a.client(a.PathValue("id")) },
	"PUT /admin/clients/{id}":                        changeClient,
	"DELETE /admin/clients/{id}":                     deleteClient,
	"GET /admin/oauth2/auth/requests/login":          asked("login"),
	"GET /admin/oauth2/auth/requests/consent":        asked("consent"),
	"PUT /admin/oauth2/auth/requests/login/accept":   acceptLogin,
	"PUT /admin/oauth2/auth/requests/consent/accept": acceptConsent,
	"GET /admin/oauth2/auth/requests/logout":         askedLogout,
	"PUT /admin/oauth2/auth/requests/logout/accept":  acceptLogout,
	"DELETE /admin/oauth2/auth/sessions/login":       endSessions,
	"GET /admin/oauth2/auth/sessions/consent":        listConsents,
	"DELETE /admin/oauth2/auth/sessions/consent":     revokeConsents,
}

// client has its secret only in the answer that makes it.
type client struct {
	ID          string   `json:"client_id"`
	Secret      string   `json:"client_secret,omitempty"`
	Name        string   `json:"client_name"`
	Redirects   []string `json:"redirect_uris"`
	Grants      []string `json:"grant_types"`
	Responses   []string `json:"response_types"`
	Scope       string   `json:"scope"`
	Method      string   `json:"token_endpoint_auth_method"`
	Logouts     []string `json:"post_logout_redirect_uris"`
	SkipConsent bool     `json:"skip_consent"`
}

const clients = `SELECT jsonb_build_object('client_id', id, 'client_name', client_name, 'redirect_uris', redirect_uris,
	'grant_types', grant_types, 'response_types', response_types, 'scope', scope, 'token_endpoint_auth_method',
	token_endpoint_auth_method, 'post_logout_redirect_uris', post_logout_redirect_uris, 'skip_consent', skip_consent) FROM hydra_client`

func (a *ask) client(id string) client { return read[client](a, absent, clients+` WHERE id = $1`, id) }

// given is the client of a request's body, with what Hydra puts where nothing was said.
func (a *ask) given() (c client) {
	c = client{Redirects: []string{}, Grants: []string{"authorization_code"}, Responses: []string{"code"},
		Scope: "offline_access offline openid", Method: "client_secret_basic", Logouts: []string{}}
	a.body(&c)
	return c
}

func createClient(a *ask) (int, any) {
	c := a.given()
	if c.ID == "" {
		c.ID = rand.Text()
	}
	if c.Secret == "" && c.Method != "none" {
		c.Secret = rand.Text()
	}
	a.exec(`INSERT INTO hydra_client (id, client_secret, client_name, redirect_uris, grant_types, response_types, scope,
		token_endpoint_auth_method, post_logout_redirect_uris, skip_consent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.ID, hashed(c.Secret), c.Name, c.Redirects, c.Grants, c.Responses, c.Scope, c.Method, c.Logouts, c.SkipConsent)
	return 201, c
}

// changeClient keeps the secret where none is given.
func changeClient(a *ask) (int, any) {
	c, id := a.given(), a.PathValue("id")
	a.exec(`UPDATE hydra_client SET client_name = $2, redirect_uris = $3, grant_types = $4, response_types = $5, scope = $6,
		token_endpoint_auth_method = $7, post_logout_redirect_uris = $8, skip_consent = $9 WHERE id = $1`,
		id, c.Name, c.Redirects, c.Grants, c.Responses, c.Scope, c.Method, c.Logouts, c.SkipConsent)
	if c.Secret != "" {
		a.exec(`UPDATE hydra_client SET client_secret = $2 WHERE id = $1`, id, hashed(c.Secret))
	}
	return 200, a.client(id)
}

func listClients(a *ask) (int, any) {
	return 200, read[[]client](a, absent, `SELECT coalesce(jsonb_agg(one), '[]') FROM (`+clients+` ORDER BY id LIMIT 100) found (one)`)
}

func deleteClient(a *ask) (int, any) {
	a.exec(`DELETE FROM hydra_client WHERE id = $1`, a.PathValue("id"))
	return 204, nil
}

// asked is what a login UI sees of a challenge; one that this program can't read is nowhere.
func asked(step string) route {
	return func(a *ask) (int, any) {
		f := a.challenged(step)
		return 200, object{
			"challenge": a.FormValue(step + "_challenge"), "requested_scope": f.Scope, "subject": f.Subject, "login_session_id": f.SID,
			"skip": step == "login" && f.Skip || step == "consent" && f.ConsentSkip, "client": a.client(f.Client),
			"request_url": issuer("/oauth2/auth?" + f.URL),
		}
	}
}

func (a *ask) challenged(step string) (f flow) {
	if !unsealed(step+"_challenge", a.FormValue(step+"_challenge"), &f) {
		a.fail(absent)
	}
	return f
}

// onward is where the browser goes with its login or consent.
func onward(step string, f flow) (int, any) {
	return 200, object{"redirect_to": with(issuer("/oauth2/auth?"+f.URL), step+"_verifier", sealed(step+"_verifier", f))}
}

func acceptLogin(a *ask) (int, any) {
	f := a.challenged("login")
	var given struct {
		Subject  string
		Remember bool
		For      int `json:"remember_for"`
	}
	a.body(&given)
	if a.err == nil && (given.Subject == "" || f.Skip && given.Subject != f.Subject) {
		a.fail(refusal{400, 0, "invalid_request"})
	}
	if !f.Skip {
		f.Subject, f.Remember, f.RememberFor = given.Subject, given.Remember, given.For
	}
	return onward("login", f)
}

func acceptConsent(a *ask) (int, any) {
	f := a.challenged("consent")
	var given struct {
		Scope    []string `json:"grant_scope"`
		Remember bool
		For      int `json:"remember_for"`
	}
	a.body(&given)
	f.Granted, f.ConsentRemember, f.ConsentFor = append([]string{}, given.Scope...), given.Remember, given.For
	return onward("consent", f)
}

func listConsents(a *ask) (int, any) {
	return 200, read[[]object](a, absent, `SELECT coalesce(jsonb_agg(jsonb_build_object('grant_scope', granted_scope, 'remember',
		consent_remember, 'handled_at', consent_handled_at, 'consent_request', jsonb_build_object('subject', subject, 'client',
		jsonb_build_object('client_id', client_id)))), '[]') FROM hydra_oauth2_flow WHERE subject = $1 AND NOT consent_skip AND `+granted(),
		a.FormValue("subject"))
}

// revokeConsents takes a person's consents away, and with their flows the tokens.
func revokeConsents(a *ask) (int, any) {
	subject, client := a.FormValue("subject"), a.FormValue("client")
	if subject == "" || client == "" && a.FormValue("all") != "true" {
		a.fail(refusal{400, 0, "invalid_request"})
	}
	a.exec(`DELETE FROM hydra_oauth2_flow WHERE subject = $1 AND ($2 = '' OR client_id = $2)`, subject, client)
	return 204, nil
}

func discovery(*ask) (int, any) {
	return 200, object{
		"issuer": issuer(""), "authorization_endpoint": issuer("/oauth2/auth"), "token_endpoint": issuer("/oauth2/token"),
		"jwks_uri": issuer("/.well-known/jwks.json"), "userinfo_endpoint": issuer("/userinfo"), "revocation_endpoint": issuer("/oauth2/revoke"),
		"end_session_endpoint": issuer("/oauth2/sessions/logout"), "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	}
}

// oauthFailed says it as Hydra does: a browser's way ends on an error page, a client and an admin read it.
func (a *ask) oauthFailed() (int, any) {
	var told refusal
	if !errors.As(a.err, &told) {
		told = refusal{500, 0, "server_error"}
	}
	if a.URL.Path == "/oauth2/auth" || strings.HasPrefix(a.URL.Path, "/oauth2/sessions/") {
		return a.to(with(issuer("/oauth2/fallbacks/error"), "error", told.text))
	}
	return told.status, object{"error": told.text, "error_description": a.err.Error(), "status_code": told.status}
}

func afterLogout() string {
	if given := os.Getenv("URLS_POST_LOGOUT_REDIRECT"); given != "" {
		return given
	}
	return issuer("/oauth2/fallbacks/logout/callback")
}
