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
	Title, Service, Domain, Colour, Version, Chunk string

	Action          Action
	Messages        []string
	Kind, Challenge string
	Captcha         bool
	SiteKey, Client string
	Scopes          []string
	Identities      []Identity
	Settings        Settings
}

func (a *App) render(w http.ResponseWriter, r *http.Request, name string, p page) {
	p.Service, p.Domain, p.Colour, p.Version = a.cfg.Service, a.cfg.Domain, a.cfg.Colour, a.cfg.Version
	p.Chunk = chunkPath(a.cfg.BuildID)
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, p); err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes())
}
