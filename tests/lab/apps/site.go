// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

func (a *App) siteRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /health", a.versionedHealth)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { a.render(w, r, "site.html", page{Title: "Olympus"}) })
	mux.HandleFunc("GET /callback", callback)
	mux.HandleFunc("GET /callback/{client}", callback)
	mux.HandleFunc("GET /api/callback/{client}", callback)
	mux.HandleFunc("GET /ws", a.webSocket)
	mux.HandleFunc("GET /stream", a.stream)
}

func callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	writeJSON(w, 200, map[string]any{"code_received": q.Get("code") != "", "state": q.Get("state"), "error": q.Get("error")})
}

// stream sends a JSON line every interval_ms for seconds; the last line says that nothing was cut.
func (a *App) stream(w http.ResponseWriter, r *http.Request) {
	seconds, err1 := queryInt(r, "seconds", 5, 0, 600)
	interval, err2 := queryInt(r, "interval_ms", 100, 10, 60_000)
	if err1 != nil || err2 != nil {
		fail(w, r, &refusal{http.StatusBadRequest, "seconds must be 0..600 and interval_ms 10..60000"})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, enc := http.NewResponseController(w), json.NewEncoder(w)
	tick := time.NewTicker(time.Duration(interval) * time.Millisecond)
	defer tick.Stop()
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	n := 0
	for ; time.Now().Before(end); n++ {
		line := map[string]any{"n": n, "colour": a.cfg.Colour, "at": time.Now().UTC().Format(time.RFC3339Nano)}
		if enc.Encode(line) != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
	_ = enc.Encode(map[string]any{"end": true, "chunks": n})
}

func queryInt(r *http.Request, name string, fallback, low, high int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < low || n > high) {
		err = fmt.Errorf("%s must be between %d and %d", name, low, high)
	}
	return n, err
}

// webSocket says who answers, then echoes until either side closes.
func (a *App) webSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer a.conns.add(conn)()
	defer func() { _ = conn.CloseNow() }()
	ctx := context.WithoutCancel(r.Context())
	hello, _ := json.Marshal(map[string]string{"service": a.cfg.Service, "colour": a.cfg.Colour, "version": a.cfg.Version})
	err = conn.Write(ctx, websocket.MessageText, hello)
	for err == nil {
		var kind websocket.MessageType
		var data []byte
		if kind, data, err = conn.Read(ctx); err == nil {
			err = conn.Write(ctx, kind, data)
		}
	}
}

// sockets are the open WebSockets: http.Server.Shutdown neither waits for nor closes them.
type sockets struct {
	mu   sync.Mutex
	open map[*websocket.Conn]struct{}
}

func newSockets() *sockets { return &sockets{open: map[*websocket.Conn]struct{}{}} }

// add returns the function that forgets the connection.
func (s *sockets) add(c *websocket.Conn) (forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, c)
	}
}

// closeAll says "going away" (1001) on every connection; a peer that doesn't answer is cut by the library after 5 s.
func (s *sockets) closeAll() {
	s.mu.Lock()
	var all []*websocket.Conn
	for c := range s.open {
		all = append(all, c)
	}
	s.mu.Unlock()
	var wait sync.WaitGroup
	for _, c := range all {
		wait.Go(func() { _ = c.Close(websocket.StatusGoingAway, "shutting down") })
	}
	wait.Wait()
}
