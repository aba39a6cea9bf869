// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Neighbour is a service that is dialled by the plain name of the operator's network: the variable that gives it, and what is asked.
type Neighbour struct{ Variable, URL string }

// neighbours are all *_INTERNAL_URL that are set: Ory services are asked for /health/ready, the others for /.
func neighbours(getenv func(string) string) (found []Neighbour) {
	for _, service := range []string{
		"CIAM_KRATOS", "CIAM_HYDRA", "CIAM_HERA", "CIAM_ATHENA", "IAM_KRATOS", "IAM_HYDRA", "IAM_HERA", "IAM_ATHENA", "HERA", "ATHENA", "SITE",
	} {
		base := strings.TrimRight(getenv(service+"_INTERNAL_URL"), "/")
		path := map[bool]string{true: "/health/ready", false: "/"}[strings.HasSuffix(service, "KRATOS") || strings.HasSuffix(service, "HYDRA")]
		switch {
		case base == "":
			continue
		case strings.HasSuffix(service, "HERA"):
			path = "/health"
		case strings.HasSuffix(service, "ATHENA"):
			path = "/api/health"
		}
		found = append(found, Neighbour{service + "_INTERNAL_URL", base + path})
	}
	return found
}

// Seen is what a neighbour answered just now; Status 0 with an Error when it did not.
type Seen struct {
	URL     string `json:"url"`
	Status  int    `json:"status"`
	Colour  string `json:"colour,omitempty"`
	Build   string `json:"build,omitempty"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

// lookAround asks every neighbour on a new connection, so that each name is resolved each time.
func (a *App) lookAround(ctx context.Context) map[string]Seen {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	seen := map[string]Seen{}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for _, one := range a.cfg.Neighbours {
		wait.Go(func() {
			found := askNeighbour(ctx, client, one.URL)
			lock.Lock()
			defer lock.Unlock()
			seen[one.Variable] = found
		})
	}
	wait.Wait()
	return seen
}

func askNeighbour(ctx context.Context, client *http.Client, url string) Seen {
	found := Seen{URL: url}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		found.Error = "not a URL"
		return found
	}
	resp, err := client.Do(req)
	if err != nil {
		found.Error = withoutURL(err)
		return found
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	h := resp.Header
	found.Status, found.Colour, found.Build, found.Version = resp.StatusCode, h.Get("X-Olympus-Colour"), h.Get("X-Olympus-Build"), h.Get("X-Olympus-Version")
	return found
}

func (a *App) consoleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /misc/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "PING") })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		count, err := a.counter.next(a.cfg.CounterDir)
		answer := map[string]any{"service": a.cfg.Service, "requests": count, "neighbours": a.lookAround(r.Context())}
		if err != nil {
			answer["counter_error"] = err.Error()
		}
		writeJSON(w, 200, answer)
	})
}

// counter is a number in a file: what a shared service keeps on its volume.
type counter struct{ lock sync.Mutex }

func (c *counter) next(dir string) (int, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	path := filepath.Join(dir, "counter")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if err := os.WriteFile(path+".new", []byte(strconv.Itoa(n+1)+"\n"), 0o644); err != nil {
		return n, err
	}
	return n + 1, os.Rename(path+".new", path)
}
