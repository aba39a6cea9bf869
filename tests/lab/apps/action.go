// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

var (
	errAction = errors.New("Failed to find Server Action") // Next.js' own words
	errOrigin = errors.New("Invalid Server Actions request.")
)

// Action is what Next.js puts into a form that works without JavaScript: $ACTION_REF_1, $ACTION_1:0 with the id, $ACTION_1:1
// with the bound state and $ACTION_KEY.
type Action struct{ Reference, State, Key string }

// actionID is the id of a page's action: another build has another one.
func actionID(buildID, name string) string { return buildHash("action "+name, buildID)[:40] }

func (a *App) withAction(name string, p page) page {
	reference, _ := json.Marshal(map[string]string{"id": actionID(a.cfg.BuildID, name), "bound": "$@1"})
	p.Action = Action{string(reference), `[{"error":null}]`, "k" + buildHash("key "+name, a.cfg.BuildID)[:31]}
	return p
}

// actions lets a form's POST through to the action that it names; an action of another build is refused as Next.js does.
func (a *App) actions(known map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := parseAction(r)
		for name, do := range known {
			if err == nil && id == actionID(a.cfg.BuildID, name) {
				do(w, r)
				return
			}
		}
		switch {
		case err == nil, errors.Is(err, errAction):
			http.Error(w, errAction.Error(), http.StatusInternalServerError)
		case errors.Is(err, errOrigin):
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			writeJSON(w, bodyStatus(err), map[string]string{"error": "form", "reason": err.Error()})
		}
	}
}

// parseAction reads a multipart form and returns the id of its action; errAction when it names none.
func parseAction(r *http.Request) (string, error) {
	if !sameOrigin(r) {
		return "", errOrigin
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return "", errAction
	}
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return "", err
	}
	for name := range r.PostForm {
		if id, ok := strings.CutPrefix(name, "$ACTION_ID_"); ok {
			return id, nil
		}
		number, ok := strings.CutPrefix(name, "$ACTION_REF_")
		if !ok {
			continue
		}
		var reference struct{ ID, Bound string }
		err := json.Unmarshal([]byte(r.PostForm.Get("$ACTION_"+number+":0")), &reference)
		state, bound := strings.CutPrefix(reference.Bound, "$@")
		if err != nil || bound && !r.PostForm.Has("$ACTION_"+number+":"+state) {
			return "", errAction
		}
		return reference.ID, nil
	}
	return "", errAction
}

// sameOrigin is Next.js' check against forms of other sites; a client without an Origin passes.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	host := r.Header.Get("X-Forwarded-Host")
	if host == "" {
		host = r.Host
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host == host
}

func parseForm(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return r.ParseMultipartForm(maxBody)
	}
	return r.ParseForm()
}
