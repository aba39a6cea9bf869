// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FaultState is what an app does wrong on purpose. ErrorShare is 0..1, LatencyMS milliseconds. Under is a path prefix
// that errors and latency are confined to.
type FaultState struct {
	Under       string  `json:"under"`
	ErrorShare  float64 `json:"error_share"`
	LatencyMS   int     `json:"latency_ms"`
	BrokenLogin bool    `json:"broken_login"`
}

func (s FaultState) check() error {
	if !(s.ErrorShare >= 0 && s.ErrorShare <= 1) { // written so that NaN is refused too
		return errors.New("error_share must be between 0 and 1")
	}
	if s.LatencyMS < 0 || s.LatencyMS > 60_000 {
		return errors.New("latency_ms must be between 0 and 60000")
	}
	return nil
}

// Faults holds the current state and the dice; safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	state FaultState
	dice  *rand.Rand
}

// newFaults starts with state; seed 0 takes a random one.
func newFaults(state FaultState, seed uint64) *Faults {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &Faults{state: state, dice: rand.New(rand.NewPCG(seed, seed))}
}

func (f *Faults) current() FaultState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// roll returns the state for one request and whether that request is to fail.
func (f *Faults) roll() (FaultState, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, f.dice.Float64() < f.state.ErrorShare
}

// update decodes a partial state over the current one; nothing changes when it returns an error.
func (f *Faults) update(dec *json.Decoder) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.state
	dec.DisallowUnknownFields()
	if err := dec.Decode(&next); err != nil {
		return err
	}
	if err := next.check(); err != nil {
		return err
	}
	f.state = next
	return nil
}

// control is the handler of the fault port.
func (f *Faults) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, f.current()) })
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		body := http.MaxBytesReader(w, r.Body, 4096)
		if err := f.update(json.NewDecoder(body)); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": "fault", "reason": err.Error()})
			return
		}
		writeJSON(w, 200, f.current())
	})
	return mux
}

// inject applies the faults to every path but the health paths: a bad colour in the lab still looks healthy.
func (f *Faults) inject(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state, fail := f.roll()
		if r.URL.Path == "/health" || r.URL.Path == "/api/health" || !strings.HasPrefix(r.URL.Path, state.Under) {
			next.ServeHTTP(w, r)
			return
		}
		if state.LatencyMS > 0 {
			select {
			case <-time.After(time.Duration(state.LatencyMS) * time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
		if fail {
			w.Header().Set("X-Olympus-Fault", "1")
			writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "fault", "reason": "injected"})
			return
		}
		next.ServeHTTP(w, r)
	})
}
