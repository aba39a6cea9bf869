// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (a *App) athenaRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/health", a.versionedHealth)
	mux.HandleFunc("GET /{$}", a.dashboard)
	mux.HandleFunc("GET /api/identities", a.listIdentities)
	mux.HandleFunc("GET /api/settings", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, 200, a.store.readSettings(r.Context(), 0))
	})
	mux.HandleFunc("POST /api/settings", a.writeSettings)
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
	theme, err := parseTheme(r)
	if err != nil {
		writeJSON(w, bodyStatus(err), map[string]string{"error": "settings", "reason": err.Error()})
		return
	}
	if err := a.store.writeTheme(r.Context(), theme); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"error": "settings", "reason": err.Error()})
		return
	}
	now := time.Now().UTC()
	writeJSON(w, 200, Settings{Theme: theme, ReadAt: &now})
}

// parseTheme reads a theme (1..64 characters) from a JSON or form body.
func parseTheme(r *http.Request) (string, error) {
	var body struct {
		Theme string `json:"theme"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return "", err
		}
	} else {
		if err := parseForm(r); err != nil {
			return "", err
		}
		body.Theme = r.PostFormValue("theme")
	}
	if n := len(body.Theme); n < 1 || n > 64 {
		return "", &refusal{http.StatusBadRequest, "theme must have 1 to 64 characters"}
	}
	return body.Theme, nil
}
