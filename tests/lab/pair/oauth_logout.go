// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
)

// ending is a row of hydra_oauth2_logout_request.
type ending struct{ Challenge, Verifier, Subject, SID, Redirect string }

const endings = `SELECT jsonb_build_object('challenge', challenge, 'verifier', verifier, 'subject', subject, 'sid', sid, 'redirect',
	redir_url) FROM hydra_oauth2_logout_request WHERE NOT was_used AND `

// oauthLogout begins a logout, and ends it when the browser is back with what the admin port accepted.
func oauthLogout(a *ask) (int, any) {
	if a.FormValue("logout_verifier") != "" {
		return loggedOut(a)
	}
	sid, redirect := a.kept(oauthSession), afterLogout()
	if hint := a.FormValue("id_token_hint"); hint != "" {
		claims := a.claims(hint)
		sid = fmt.Sprint(claims["sid"])
		if wish := a.FormValue("post_logout_redirect_uri"); wish != "" {
			redirect = a.allowed(claims, wish)
		}
	}
	found := a.remembered(sid)
	if found.SID == "" {
		return a.to(redirect)
	}
	challenge := rand.Text()
	a.exec(`INSERT INTO hydra_oauth2_logout_request (challenge, verifier, subject, sid, redir_url, request_url)
		VALUES ($1, $2, $3, $4, $5, $6)`, challenge, rand.Text(), found.Subject, found.SID, redirect, a.URL.Path)
	return a.to(with(os.Getenv("URLS_LOGOUT"), "logout_challenge", challenge))
}

// allowed is an address that a client of the token may send the browser to.
func (a *ask) allowed(claims object, wish string) string {
	audience, _ := claims["aud"].([]any)
	for _, one := range audience {
		if slices.Contains(a.client(fmt.Sprint(one)).Logouts, wish) {
			return wish
		}
	}
	a.fail(refusal{400, 0, "invalid_request"})
	return ""
}

func askedLogout(a *ask) (int, any) {
	found := read[ending](a, absent, endings+`challenge = $1`, a.FormValue("logout_challenge"))
	return 200, object{"challenge": found.Challenge, "subject": found.Subject, "sid": found.SID}
}

func acceptLogout(a *ask) (int, any) {
	found := read[ending](a, absent, endings+`challenge = $1`, a.FormValue("logout_challenge"))
	a.exec(`UPDATE hydra_oauth2_logout_request SET accepted = true WHERE challenge = $1`, found.Challenge)
	return 200, object{"redirect_to": with(issuer("/oauth2/sessions/logout"), "logout_verifier", found.Verifier)}
}

func loggedOut(a *ask) (int, any) {
	found := read[ending](a, absent, endings+`accepted AND verifier = $1`, a.FormValue("logout_verifier"))
	a.endSession(found.SID)
	a.exec(`UPDATE hydra_oauth2_logout_request SET was_used = true WHERE challenge = $1`, found.Challenge)
	a.keep(oauthSession, "", -1)
	return a.to(found.Redirect)
}

// endSession reads the session's flows with whatever columns they have, as Hydra does to tell their clients of it.
func (a *ask) endSession(sid string) {
	strict(a, flowColumns(), `SELECT hydra_oauth2_flow.* FROM hydra_oauth2_flow WHERE login_session_id = $1`, sid)
	a.exec(`DELETE FROM hydra_oauth2_authentication_session WHERE id = $1`, sid)
}

// endSessions ends one by its id, or all of a person.
func endSessions(a *ask) (int, any) {
	subject, sid := a.FormValue("subject"), a.FormValue("sid")
	if (subject == "") == (sid == "") {
		a.fail(refusal{400, 0, "invalid_request"})
	}
	if sid != "" {
		a.endSession(sid)
	} else {
		a.exec(`DELETE FROM hydra_oauth2_authentication_session WHERE subject = $1`, subject)
	}
	return 204, nil
}
