// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

const chunkDir = "/_next/static/chunks/"

// chunkPath is the path of the build's only script.
func chunkPath(buildID string) string {
	return chunkDir + "app-" + buildHash("chunk", buildID)[:16] + ".js"
}

func buildHash(kind, buildID string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + buildID))
	return hex.EncodeToString(sum[:])
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
