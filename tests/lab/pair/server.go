// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type object = map[string]any

// ask is one request; after its first error it asks the database nothing more.
type ask struct {
	*http.Request
	w   http.ResponseWriter
	db  *pgxpool.Pool
	err error
}

// route answers with a status and what goes out as JSON (nil: nothing).
type route func(*ask) (int, any)

// refusal is the visitor's fault: a status and, in a flow, Kratos' number of its message.
type refusal struct {
	status, number int
	text           string
}

func (r refusal) Error() string { return r.text }

var (
	wrong      = refusal{400, 4000006, "The provided credentials are invalid"}
	nobody     = refusal{401, 0, "No valid session"}
	forged     = refusal{403, 0, "The request has no valid CSRF token"}
	absent     = refusal{404, 0, "Unable to locate the resource"}
	unreadable = refusal{400, 0, "The request can't be read"}
)

func (a *ask) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *ask) exec(sql string, values ...any) {
	if a.err == nil {
		_, a.err = a.db.Exec(a.Context(), sql, values...)
	}
}

func (a *ask) body(into any) {
	if json.NewDecoder(a.Body).Decode(into) != nil {
		a.fail(unreadable)
	}
}

// read is one value of the database; without a row the visitor is told so.
func read[T any](a *ask, none refusal, sql string, values ...any) (found T) {
	if a.err == nil {
		a.err = a.db.QueryRow(a.Context(), sql, values...).Scan(&found)
	}
	if errors.Is(a.err, pgx.ErrNoRows) {
		a.err = none
	}
	return found
}

// readAny is the same where no row is no fault; it gives an empty value then.
func readAny[T any](a *ask, sql string, values ...any) (found T) {
	none := refusal{text: "none"}
	if found = read[T](a, none, sql, values...); a.err == error(none) {
		a.err = nil
	}
	return found
}

func routes(db *pgxpool.Pool, given map[string]route) http.Handler {
	mux := http.NewServeMux()
	for path, act := range given {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			a := &ask{r, w, db, nil}
			status, body := act(a)
			if a.err != nil {
				log.Printf("%s %s: %v", r.Method, r.URL.Path, a.err)
				status, body = programs[product].failed(a)
			}
			w.WriteHeader(status)
			if body != nil {
				_ = json.NewEncoder(w).Encode(body)
			}
		})
	}
	return mux
}

// failed says it as Kratos does: an error page in a browser, 400 with code 500 inside in a flow, else 500.
func (a *ask) failed() (int, any) {
	var told refusal
	switch {
	case strings.Contains(a.Header.Get("Accept"), "text/html"):
		return a.redirect("/error?id=1")
	case errors.As(a.err, &told) && told.number != 0:
		return told.status, object{"ui": object{"messages": []object{{"id": told.number, "text": told.text}}}}
	case errors.As(a.err, &told):
		return told.status, object{"error": object{"code": told.status, "message": told.text}}
	}
	body := object{"error": object{"code": 500, "status": "Internal Server Error", "message": a.err.Error()}}
	if a.Method == "POST" && strings.HasPrefix(a.URL.Path, "/self-service/") {
		return 400, body
	}
	return 500, body
}

func ready(a *ask) (int, any) {
	if left, err := pending(a.Context(), a.db); err != nil || left > 0 {
		return 503, object{"errors": object{"migrations": "pending"}}
	}
	return 200, object{"status": "ok"}
}

const (
	person = `jsonb_build_object('id', i.id, 'schema_id', i.schema_id, 'state', i.state, 'traits', i.traits)`
	schema = `{"type": "object", "properties": {"traits": {"type": "object", "required": ["email"], "properties": {"email": {
		"type": "string", "format": "email", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}}}}}`
)

var admin = map[string]route{
	"GET /admin/health/ready":      ready,
	"GET /admin/version":           func(*ask) (int, any) { return 200, object{"version": version} },
	"POST /admin/identities":       create,
	"POST /admin/recovery/code":    recoveryCode,
	"GET /admin/identities":        list,
	"GET /admin/identities/{id}":   func(a *ask) (int, any) { return 200, a.identity(a.PathValue("id")) },
	"PATCH /admin/identities/{id}": patch,
}

func (a *ask) identity(id string) object {
	return read[object](a, absent, `SELECT `+person+` FROM identities i WHERE i.id = $1`, id)
}

func create(a *ask) (int, any) {
	var given struct {
		Traits      object
		Credentials struct {
			Password struct{ Config struct{ Password string } }
		}
	}
	a.body(&given)
	return 201, a.made(given.Traits, given.Credentials.Password.Config.Password)
}

// list reads whatever columns the table has, as Kratos' does.
func list(a *ask) (int, any) {
	columns := []string{"id", "schema_id", "state", "traits"}
	if version == "v2-list" {
		columns = append(columns, "external_id")
	}
	return 200, strict(a, columns, `SELECT identities.* FROM identities LIMIT 250`)
}

// strict is the rows of a table with whatever columns it has; it fails on one that it has no place for, rows or none.
func strict(a *ask, columns []string, sql string, values ...any) []object {
	if a.err != nil {
		return nil
	}
	rows, err := a.db.Query(a.Context(), sql, values...)
	a.fail(err)
	found, err := pgx.CollectRows(rows, pgx.RowToMap)
	a.fail(err)
	for _, one := range rows.FieldDescriptions() {
		if !slices.Contains(columns, one.Name) {
			a.fail(fmt.Errorf("missing destination name %s in *[]main.row", one.Name))
		}
	}
	return found
}

// patch can change the state alone.
func patch(a *ask) (int, any) {
	var given []struct{ Op, Path, Value string }
	if a.body(&given); len(given) != 1 || given[0].Path != "/state" {
		a.fail(unreadable)
		return 0, nil
	}
	a.exec(`UPDATE identities SET state = $1 WHERE id = $2`, given[0].Value, a.PathValue("id"))
	return 200, a.identity(a.PathValue("id"))
}

// recoveryCode makes a flow that its code ends.
func recoveryCode(a *ask) (int, any) {
	var given struct {
		Who string `json:"identity_id"`
	}
	a.body(&given)
	id, code := rand.Text(), rand.Text()
	a.exec(`INSERT INTO identity_recovery_codes (id, identity_id, nid, code) VALUES ($1, $2, '', $3)`, id, given.Who, hashed(code))
	return 201, object{"recovery_link": a.link("/self-service/recovery?flow=" + id), "recovery_code": code}
}

// inOne executes statements as one transaction.
func (a *ask) inOne(statements *pgx.Batch) {
	if a.err == nil {
		a.err = a.db.SendBatch(a.Context(), statements).Close()
	}
}
