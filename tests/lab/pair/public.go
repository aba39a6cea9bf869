// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

const session, csrf = "ory_kratos_session", "csrf_token"

var public = map[string]route{
	"GET /health/ready":                  ready,
	"GET /schemas":                       func(*ask) (int, any) { return 200, []object{{"id": "default", "schema": json.RawMessage(schema)}} },
	"GET /self-service/login/api":        begin("login"),
	"GET /self-service/login/browser":    begin("login"),
	"GET /self-service/login/flows":      func(a *ask) (int, any) { return 200, a.flow("login", a.FormValue("id")) },
	"GET /self-service/registration/api": begin("registration"),
	"GET /self-service/settings/api":     begin("settings"),
	"GET /self-service/recovery/api":     begin("recovery"),
	"POST /self-service/login":           login,
	"POST /self-service/registration":    registration,
	"POST /self-service/settings":        settings,
	"POST /self-service/recovery":        recovery,
	"GET /sessions/whoami":               whoami,
	"DELETE /self-service/logout/api":    logout,
	"GET /self-service/logout/browser":   logoutURL,
	"GET /self-service/logout":           logoutBrowser,
}

func hashed(password string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(password))) }

// link is below the public name that Kratos is configured with, whoever is asked.
func (a *ask) link(path string) string {
	return strings.TrimSuffix(os.Getenv("SERVE_PUBLIC_BASE_URL"), "/") + path
}

func (a *ask) redirect(path string) (int, any) { return a.to(a.link(path)) }

func (a *ask) to(url string) (int, any) {
	a.w.Header().Set("Location", url)
	return 303, nil
}

func (a *ask) keep(name, value string, age int) {
	http.SetCookie(a.w, &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, MaxAge: age})
}

func (a *ask) kept(name string) string {
	if found, err := a.Cookie(name); err == nil {
		return found.Value
	}
	return ""
}

// flow is nowhere kept: its token against forgery is in the browser's cookie and has to come back in the form.
func (a *ask) flow(kind, id string) object {
	nodes := []object{{"group": "default", "attributes": object{"name": csrf, "type": "hidden", "value": a.kept(csrf)}}}
	nodes = append(nodes, object{"group": "profile"}, object{"group": "password"})
	return object{"id": id, "ui": object{"action": a.link("/self-service/" + kind + "?flow=" + id), "nodes": nodes}}
}

func begin(kind string) route {
	return func(a *ask) (int, any) {
		id := rand.Text()
		if strings.HasSuffix(a.URL.Path, "/browser") {
			a.keep(csrf, rand.Text(), 600)
			return a.redirect("/login?flow=" + id)
		}
		return 200, a.flow(kind, id)
	}
}

func login(a *ask) (int, any) {
	var given struct{ Identifier, Password string }
	browser := a.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	if browser {
		given.Identifier, given.Password = a.FormValue("identifier"), a.FormValue("password")
		if token := a.kept(csrf); token == "" || a.FormValue(csrf) != token {
			a.fail(forged)
		}
	} else {
		a.body(&given)
	}
	const find = `SELECT identity_id FROM identity_credentials WHERE identifier = $1 AND hash = $2`
	who := read[string](a, wrong, find, given.Identifier, hashed(given.Password))
	token := a.opened(who)
	if browser {
		a.keep(session, token, 0)
		return a.redirect("/")
	}
	return 200, object{"session_token": token, "session": a.session(token)}
}

// opened is a new session; it writes a row of session_devices, which v2's schema wants more of.
func (a *ask) opened(who string) (token string) {
	id, token, both := rand.Text(), rand.Text(), &pgx.Batch{}
	both.Queue(`INSERT INTO sessions (id, token, logout_token, active, identity_id) VALUES ($1, $2, $3, true, $4)`,
		id, token, rand.Text(), who)
	device, values := `INSERT INTO session_devices (id, session_id, user_agent) VALUES ($1, $2, $3)`, []any{rand.Text(), id, a.UserAgent()}
	if version == "v2" || version == "v2-race" {
		device = `INSERT INTO session_devices (id, session_id, user_agent, identity_id) VALUES ($1, $2, $3, $4)`
		values = append(values, who)
	}
	both.Queue(device, values...)
	a.inOne(both)
	return token
}

func (a *ask) session(token string) object {
	return read[object](a, nobody, `SELECT jsonb_build_object('id', s.id, 'active', true, 'identity', `+person+`)
		FROM sessions s JOIN identities i ON i.id = s.identity_id WHERE s.token = $1 AND s.active`, token)
}

func (a *ask) token() string {
	if given := a.Header.Get("X-Session-Token"); given != "" {
		return given
	}
	return a.kept(session)
}

func whoami(a *ask) (int, any) { return 200, a.session(a.token()) }

// made is a new identity.
func (a *ask) made(traits object, password string) object {
	id, both := rand.Text(), &pgx.Batch{}
	both.Queue(`INSERT INTO identities (id, schema_id, state, traits) VALUES ($1, 'default', 'active', $2)`, id, traits)
	both.Queue(`INSERT INTO identity_credentials (identifier, hash, identity_id) VALUES ($1, $2, $3)`,
		fmt.Sprint(traits["email"]), hashed(password), id)
	a.inOne(both)
	return a.identity(id)
}

type submission struct {
	Method, Password string
	Traits           object
}

func registration(a *ask) (int, any) {
	var given submission
	a.body(&given)
	return 200, object{"identity": a.made(given.Traits, given.Password)}
}

func settings(a *ask) (int, any) {
	var given submission
	a.body(&given)
	who := read[string](a, nobody, `SELECT identity_id FROM sessions WHERE token = $1 AND active`, a.token())
	if given.Method == "password" {
		a.exec(`UPDATE identity_credentials SET hash = $1 WHERE identity_id = $2`, hashed(given.Password), who)
	} else {
		a.exec(`UPDATE identities SET traits = $1 WHERE id = $2`, given.Traits, who)
	}
	return 200, object{"state": "success", "identity": a.identity(who)}
}

func logout(a *ask) (int, any) {
	var given struct {
		Token string `json:"session_token"`
	}
	a.body(&given)
	a.exec(`UPDATE sessions SET active = false WHERE token = $1`, given.Token)
	return 204, nil
}

func logoutURL(a *ask) (int, any) {
	token := read[string](a, nobody, `SELECT logout_token FROM sessions WHERE token = $1 AND active`, a.token())
	return 200, object{"logout_url": a.link("/self-service/logout?token=" + token)}
}

func logoutBrowser(a *ask) (int, any) {
	a.exec(`UPDATE sessions SET active = false WHERE logout_token = $1`, a.FormValue("token"))
	a.keep(session, "", -1)
	return a.redirect("/login")
}

// recovery opens a session for the holder of the code of its flow. The ids that it reads are wider in v2-list.
func recovery(a *ask) (int, any) {
	var id, who string
	if a.err = a.db.QueryRow(a.Context(), `DELETE FROM identity_recovery_codes WHERE id = $1 AND code = $2 RETURNING id, identity_id`,
		a.FormValue("flow"), hashed(a.FormValue("code"))).Scan(&id, &who); errors.Is(a.err, pgx.ErrNoRows) {
		a.err = wrong
	}
	a.keep(session, a.opened(who), 0)
	return a.redirect("/settings")
}
