// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
)

const chunkDir = "/_next/static/chunks/"

var errAction = errors.New("Failed to find Server Action") // Next.js' own words

// actionID is the id that a build puts in its forms: as with a Next.js Server Action another build has another one.
func actionID(buildID string) string { return buildHash("action", buildID)[:40] }

// chunkPath is the path of the build's only script.
func chunkPath(buildID string) string {
	return chunkDir + "app-" + buildHash("chunk", buildID)[:16] + ".js"
}

func buildHash(kind, buildID string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + buildID))
	return hex.EncodeToString(sum[:])
}

// parseAction reads a form (urlencoded or multipart) and checks its action_id against the build: errAction when it is another one.
func parseAction(r *http.Request, buildID string) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if r.PostFormValue("action_id") != actionID(buildID) {
		return errAction
	}
	return nil
}

func parseForm(r *http.Request) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return r.ParseMultipartForm(maxBody)
	}
	return r.ParseForm()
}

// serveChunk answers this build's script and 404 for any other build's.
func (a *App) serveChunk(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != chunkPath(a.cfg.BuildID) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write([]byte("document.documentElement.dataset.build=" + quoteJSON(a.cfg.BuildID) + ";\n"))
}
