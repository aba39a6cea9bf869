// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*"))

// page is what a template can show; App fills the fields that every page has.
type page struct {
	Title, Service, Domain, Colour, Version, Chunk, ActionID string

	Messages                                    []string
	Kind, Flow, CSRF, Challenge, Address, Email string
	Client                                      string
	Scopes                                      []string
	Identities                                  []Identity
	Settings                                    Settings
}

// form shows the login or registration form of a flow; address is what the user typed before.
func (a *App) form(w http.ResponseWriter, r *http.Request, kind string, flow *Flow, challenge, address string) {
	a.page(w, r, kind, flow, challenge, address, flow.csrf())
}

func (a *App) page(w http.ResponseWriter, r *http.Request, kind string, flow *Flow, challenge, address, csrf string) {
	title := "Sign in"
	if kind == "registration" {
		title = "Create an account"
	}
	a.render(w, r, "form.html", page{
		Title: title, Kind: kind, Flow: flow.ID, CSRF: csrf, Challenge: challenge, Address: address, Messages: flow.messages(),
	})
}

func (a *App) render(w http.ResponseWriter, r *http.Request, name string, p page) {
	p.Service, p.Domain, p.Colour, p.Version = a.cfg.Service, a.cfg.Domain, a.cfg.Colour, a.cfg.Version
	p.Chunk, p.ActionID = chunkPath(a.cfg.BuildID), actionID(a.cfg.BuildID)
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, p); err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes())
}
