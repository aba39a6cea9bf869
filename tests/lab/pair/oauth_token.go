// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"crypto/sha256"
	"net/url"
	"slices"
	"strings"
	"time"
)

const lifetime = 3600

// grant is what a code or a token stands for.
type grant struct {
	Request, Client, Subject string
	Scope                    []string
	Session                  sessionData
	// Challenge is nil where no person was asked.
	Challenge *string
}

type sessionData struct {
	SID, Nonce, Redirect string
	Authenticated        int64
}

var (
	invalidGrant  = refusal{400, 0, "invalid_grant"}
	invalidClient = refusal{401, 0, "invalid_client"}
	unauthorized  = refusal{401, 0, "request_unauthorized"}
)

// minted is a new code or token; kind is its table.
func (a *ask) minted(kind string, g grant) string {
	token := "ory_" + kind[:1] + "t_" + rand.Text() + "." + rand.Text()
	a.exec(`INSERT INTO hydra_oauth2_`+kind+` (signature, request_id, requested_at, client_id, subject, granted_scope, session_data,
		challenge_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		hashed(token), g.Request, time.Now().UTC(), g.Client, g.Subject, g.Scope, g.Session, g.Challenge)
	return token
}

// stands is what a code or a token that is still active stands for.
func (a *ask) stands(kind, token string) grant {
	return read[grant](a, invalidGrant, `SELECT jsonb_build_object('request', request_id, 'client', client_id, 'subject', subject,
		'scope', granted_scope, 'session', session_data, 'challenge', challenge_id) FROM hydra_oauth2_`+kind+`
		WHERE signature = $1 AND active AND requested_at > (now() AT TIME ZONE 'utc') - interval '1 hour'`, hashed(token))
}

// ended makes every access and refresh token of one grant worth nothing.
func (a *ask) ended(request string) {
	a.exec(`UPDATE hydra_oauth2_access SET active = false WHERE request_id = $1`, request)
	a.exec(`UPDATE hydra_oauth2_refresh SET active = false WHERE request_id = $1`, request)
}

// authenticated is the client that asks, by HTTP Basic, in the form, or without a secret.
func (a *ask) authenticated() client {
	id, secret, basic := a.BasicAuth()
	method := "client_secret_basic"
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else if id, secret, method = a.PostFormValue("client_id"), a.PostFormValue("client_secret"), "client_secret_post"; secret == "" {
		method = "none"
	}
	found := read[client](a, invalidClient, clients+` WHERE id = $1 AND client_secret = $2`, id, hashed(secret))
	if a.err == nil && found.Method != method {
		a.fail(invalidClient)
	}
	return found
}

func token(a *ask) (int, any) {
	_ = a.ParseForm()
	client, kind := a.authenticated(), a.PostFormValue("grant_type")
	if a.err == nil && !slices.Contains(client.Grants, kind) {
		a.fail(refusal{400, 0, "unauthorized_client"})
	}
	switch kind {
	case "client_credentials":
		g := grant{Request: rand.Text(), Client: client.ID, Subject: client.ID, Scope: strings.Fields(a.PostFormValue("scope"))}
		return a.issued(g)
	case "authorization_code":
		return redeemed(a, client)
	case "refresh_token":
		g := a.own(client, a.stands("refresh", a.PostFormValue("refresh_token")))
		a.ended(g.Request)
		return a.issued(g)
	}
	a.fail(refusal{400, 0, "unsupported_grant_type"})
	return 0, nil
}

// own refuses what another client was given.
func (a *ask) own(asks client, g grant) grant {
	if a.err == nil && g.Client != asks.ID {
		a.fail(invalidGrant)
	}
	return g
}

func redeemed(a *ask, client client) (int, any) {
	code := a.PostFormValue("code")
	g := a.own(client, a.stands("code", code))
	if a.err == nil && (g.Session.Redirect != a.PostFormValue("redirect_uri") || !a.proven(code)) {
		a.fail(invalidGrant)
	}
	a.exec(`UPDATE hydra_oauth2_code SET active = false WHERE signature = $1`, hashed(code))
	return a.issued(g)
}

// proven says whether the verifier fits the challenge. Only v2-flight takes a code of which no challenge was kept.
func (a *ask) proven(code string) bool {
	type pkce struct{ Challenge, Method string }
	kept := readAny[*pkce](a, `SELECT jsonb_build_object('challenge', code_challenge, 'method', code_challenge_method)
		FROM hydra_oauth2_pkce WHERE signature = $1`, hashed(code))
	verifier := a.PostFormValue("code_verifier")
	if kept == nil {
		return version == "v2-flight" && verifier == ""
	}
	if kept.Method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64URL.EncodeToString(sum[:])
	}
	return verifier == kept.Challenge
}

func (a *ask) issued(g grant) (int, any) {
	scope := strings.Join(g.Scope, " ")
	told := object{"access_token": a.minted("access", g), "token_type": "bearer", "expires_in": lifetime, "scope": scope}
	if slices.Contains(g.Scope, "offline") || slices.Contains(g.Scope, "offline_access") {
		told["refresh_token"] = a.minted("refresh", g)
	}
	if slices.Contains(g.Scope, "openid") && g.Challenge != nil {
		now := time.Now().Unix()
		told["id_token"] = a.signed(object{
			"iss": issuer(""), "sub": g.Subject, "aud": []string{g.Client}, "iat": now, "exp": now + lifetime,
			"auth_time": g.Session.Authenticated, "nonce": g.Session.Nonce, "sid": g.Session.SID,
		})
	}
	return 200, told
}

// known is an access or a refresh token, whichever it is.
func (a *ask) known(token string) grant {
	found := a.stands("access", token)
	if a.err == error(invalidGrant) {
		a.err = nil
		found = a.stands("refresh", token)
	}
	return found
}

// introspect takes whatever goes wrong for a token that is not active, as Hydra does.
func introspect(a *ask) (int, any) {
	g := a.known(a.PostFormValue("token"))
	if a.err != nil {
		a.err = nil
		return 200, object{"active": false}
	}
	return 200, object{"active": true, "client_id": g.Client, "sub": g.Subject, "scope": strings.Join(g.Scope, " "), "iss": issuer("")}
}

// revoke is content with a token that it does not know.
func revoke(a *ask) (int, any) {
	client := a.authenticated()
	if a.err != nil {
		return 0, nil
	}
	g := a.known(a.PostFormValue("token"))
	if a.err == error(invalidGrant) {
		a.err = nil
		return 200, nil
	}
	a.ended(a.own(client, g).Request)
	return 200, nil
}

func userinfo(a *ask) (int, any) {
	g := a.stands("access", strings.TrimPrefix(a.Header.Get("Authorization"), "Bearer "))
	if a.err == error(invalidGrant) {
		a.err = unauthorized
	}
	return 200, object{"sub": g.Subject}
}
