// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

const (
	maxBody      = 1 << 20
	drainTimeout = 10 * time.Second
)

// App is one running stand-in.
type App struct {
	cfg     Config
	faults  *Faults
	store   *Store
	kratos  *Kratos
	hydra   *Hydra
	conns   *sockets
	counter counter
}

// newApp opens no connection; it fails on a DSN that can't be read.
func newApp(cfg Config) (*App, error) {
	store, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	client := newUpstreamClient()
	return &App{
		cfg: cfg, faults: newFaults(cfg.Fault, cfg.FaultSeed), store: store, conns: newSockets(),
		kratos: &Kratos{public: upstream{"kratos", cfg.KratosPublic, client}, admin: upstream{"kratos", cfg.KratosAdmin, client}},
		hydra:  &Hydra{admin: upstream{"hydra", cfg.HydraAdmin, client}},
	}, nil
}

func (a *App) close() { a.store.close() }

// handler is the whole of the public port: headers, the record of POSTs, faults, then the service's own paths.
func (a *App) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+chunkDir, a.serveChunk)
	mux.HandleFunc("POST /api/echo", echo)
	switch a.cfg.Service {
	case "hera":
		a.heraRoutes(mux)
	case "athena":
		a.athenaRoutes(mux)
	case "site":
		a.siteRoutes(mux)
	case "pgadmin":
		a.consoleRoutes(mux)
	}
	return a.named(a.recorded(a.faults.inject(mux)))
}

// named puts the headers on that every answer carries, and bounds what a client may send.
func (a *App) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if a.cfg.Colour != "" {
			h.Set("X-Olympus-Colour", a.cfg.Colour)
		}
		h.Set("X-Olympus-Build", a.cfg.BuildID)
		h.Set("X-Olympus-Version", a.cfg.Version)
		h.Set("X-Olympus-Service", a.cfg.Service)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// recorded writes each marked POST to lab_seen before anything is done with it: one row is one execution.
func (a *App) recorded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Lab-Id"); id != "" && r.Method == http.MethodPost {
			if err := a.store.seen(r.Context(), id); err != nil {
				log.Printf("lab_seen: %v", err)
				writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "lab_seen", "reason": err.Error()})
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers on both listeners until ctx ends, then lets requests in flight finish and closes the WebSockets last.
func (a *App) serve(ctx context.Context, main, fault net.Listener) error {
	srv := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	control := &http.Server{Handler: a.faults.control(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- srv.Serve(main) }()
	go func() { failed <- control.Serve(fault) }()
	defer func() { _ = control.Close() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := srv.Shutdown(drain)
	a.conns.closeAll()
	if errors.Is(err, context.DeadlineExceeded) {
		log.Printf("requests were still in flight after %s and are cut", drainTimeout)
		err = srv.Close()
	}
	return err
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(w, bodyStatus(err), map[string]string{"error": "body", "reason": err.Error()})
		return
	}
	contentType := r.Header.Get("Content-Type")
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body)
}

func bodyStatus(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func quoteJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
