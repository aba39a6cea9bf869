// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

func (a *App) athenaRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/health", a.versionedHealth)
	mux.HandleFunc("GET /{$}", a.dashboard)
	mux.HandleFunc("GET /api/identities", a.listIdentities)
	mux.HandleFunc("GET /api/settings", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, 200, a.store.readSettings(r.Context(), 0))
	})
	mux.HandleFunc("POST /api/settings", a.writeSettings)
	mux.HandleFunc("GET /api/stack", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, 200, a.lookAround(r.Context())) })
	mux.HandleFunc("GET /api/auth/callback", callback)
}

// versionedHealth checks nothing, as the real one.
func (a *App) versionedHealth(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, 200, map[string]string{"status": "ok", "version": a.cfg.Version})
}

func (a *App) dashboard(w http.ResponseWriter, r *http.Request) {
	list, err := a.kratos.identities(r.Context(), "25")
	if err != nil {
		fail(w, r, err)
		return
	}
	a.render(w, r, "dashboard.html", page{Title: "Dashboard", Identities: list, Settings: a.store.readSettings(r.Context(), 0)})
}

func (a *App) listIdentities(w http.ResponseWriter, r *http.Request) {
	size := r.FormValue("page_size")
	if size == "" {
		size = "250"
	}
	if n, err := strconv.Atoi(size); err != nil || n < 1 || n > 1000 {
		fail(w, r, &refusal{http.StatusBadRequest, "page_size must be between 1 and 1000"})
		return
	}
	list, err := a.kratos.identities(r.Context(), size)
	if err != nil {
		fail(w, r, err)
		return
	}
	writeJSON(w, 200, list)
}

func (a *App) writeSettings(w http.ResponseWriter, r *http.Request) {
	key, value, err := parseSetting(r)
	if err != nil {
		writeJSON(w, bodyStatus(err), map[string]string{"error": "settings", "reason": err.Error()})
		return
	}
	if err := a.store.writeSetting(r.Context(), key, value); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "settings", "reason": err.Error()})
		return
	}
	writeJSON(w, 200, a.store.readSettings(r.Context(), 0))
}

// parseSetting reads a theme or a probe (1..64 characters) from a JSON or form body.
func parseSetting(r *http.Request) (key, value string, err error) {
	var body struct {
		Theme string `json:"theme"`
		Probe string `json:"probe"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return "", "", err
		}
	} else {
		if err := parseForm(r); err != nil {
			return "", "", err
		}
		body.Theme, body.Probe = r.PostFormValue("theme"), r.PostFormValue("probe")
	}
	key, value = "theme", body.Theme
	if value == "" && body.Probe != "" {
		key, value = "probe", body.Probe
	}
	if n := len(value); n < 1 || n > 64 {
		return "", "", &refusal{http.StatusBadRequest, key + " must have 1 to 64 characters"}
	}
	return key, value, nil
}
