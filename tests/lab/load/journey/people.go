// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"context"
	"errors"
	"net/http"
)

// Keepers are few people with many sessions: those are asked about for the whole run, so none of them ever logs out.
const keepers = 4

// People are the identities of a run. One that is borrowed is nobody else's: a logout ends all that the person has.
type People struct {
	keep []Person
	free chan Person
}

// Borrow waits for a free person; ok is false when the run ends first. Give the person back.
func (w *World) Borrow() (p Person, back func(), ok bool) {
	select {
	case p = <-w.People.free:
		return p, func() { w.People.free <- p }, true
	case <-w.Stop:
		return Person{}, nil, false
	}
}

// keeper is the person of the n-th session or token.
func (w *World) keeper(n int) Person { return w.People.keep[n%len(w.People.keep)] }

// people makes the identities: at Kratos' admin API where it is given (verified, as Kratos may demand for a login), else
// by Hera's registration form.
func (w *World) people(ctx context.Context, setup *Agent) error {
	n := w.Config.Identities
	w.People.free = make(chan Person, n)
	for i := range n + keepers {
		p := w.newPerson()
		if err := w.makePerson(ctx, setup, p); err != nil {
			return err
		}
		if i < n {
			w.People.free <- p
		} else {
			w.People.keep = append(w.People.keep, p)
		}
	}
	return nil
}

func (w *World) makePerson(ctx context.Context, setup *Agent, p Person) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if w.Config.KratosAdmin == "" {
		if !setup.register(p, 0) {
			return errors.New("setting up: an identity could not be registered (see kind setup in requests.jsonl)")
		}
		return nil
	}
	address := map[string]any{"value": p.Email, "verified": true, "via": "email", "status": "completed"}
	return admin(ctx, w.Config.KratosAdmin, http.MethodPost, "/admin/identities", map[string]any{
		"schema_id": w.Config.Schema, "traits": map[string]string{"email": p.Email}, "verifiable_addresses": []any{address},
		"credentials": map[string]any{"password": map[string]any{"config": map[string]string{"password": p.Password}}},
	}, nil)
}
