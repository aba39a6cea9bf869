// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package run

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"lab/load/config"
	"lab/load/record"
	"lab/load/wire"
)

// worker sends the plain volume at its own pace, one request at a time, over lines of its own or shared ones.
type worker struct {
	runner *Runner
	proto  string
	lines  map[string]*wire.Line
	every  time.Duration
}

// volume starts the workers; each has an even share of the rate.
func (r *Runner) volume(ctx context.Context) {
	v := r.Config.Volume
	if v.Rate <= 0 {
		return
	}
	workers := v.H1 + v.H2*v.Streams + v.Fresh
	every := time.Duration(float64(workers) / v.Rate * float64(time.Second))
	for range v.H1 {
		r.spawn(ctx, worker{r, "h1", r.lines("h1", false), every})
	}
	for range v.H2 {
		shared := r.lines("h2", false)
		for range v.Streams {
			r.spawn(ctx, worker{r, "h2", shared, every})
		}
	}
	for range v.Fresh {
		r.spawn(ctx, worker{r, "h1", r.lines("h1", true), every})
	}
}

func (r *Runner) lines(proto string, fresh bool) map[string]*wire.Line {
	lines := map[string]*wire.Line{}
	for _, t := range r.Config.Volume.Targets {
		lines[t.Host] = &wire.Line{Dialer: r.world.Dialer, Host: t.Host, Proto: proto, Fresh: fresh}
	}
	return lines
}

func (r *Runner) spawn(ctx context.Context, w worker) {
	r.group.Go(func() { w.work(ctx) })
}

// work keeps the pace; after a stall of more than a second it does not make up for what it missed.
func (w worker) work(ctx context.Context) {
	next := time.Now().Add(rand.N(w.every))
	for sleepUntil(ctx, next) {
		w.one(pick(w.runner.Config.Volume.Targets))
		next = next.Add(w.every)
		if late := time.Since(next); late > time.Second {
			next = time.Now()
		}
	}
}

func (w worker) one(t config.Target) {
	journal := w.runner.world.Journal
	r := &record.Record{ID: journal.NextID(), Kind: "volume", Proto: w.proto, Method: t.Method, Host: t.Host, Path: t.Path}
	req := &wire.Request{Method: t.Method, Host: t.Host, Path: t.Path, Timeout: w.runner.Config.Timeout(),
		Header: http.Header{"User-Agent": {"lab-load"}, "Accept": {"*/*"}, "X-Lab-Id": {r.ID}}}
	if t.Method == http.MethodPost {
		req.Body = fmt.Appendf(nil, `{"echo":"%s"}`, r.ID)
		req.Header.Set("Content-Type", "application/json")
	}
	x := w.lines[t.Host].Do(req)
	journal.Fill(r, x, right(t, req.Body))
	journal.Write(r)
}

// right expects the target's status, and of a POST its own body back.
func right(t config.Target, body []byte) record.Expect {
	status := record.Status("status", t.Status)
	return func(answer *wire.Response) string {
		why := status(answer)
		if why == "" && body != nil && !bytes.Equal(bytes.TrimSpace(answer.Body), body) {
			why = "wrong_body"
		}
		return why
	}
}

func pick(targets []config.Target) config.Target {
	total := 0
	for _, t := range targets {
		total += max(1, t.Weight)
	}
	n := rand.IntN(total)
	for _, t := range targets {
		if n -= max(1, t.Weight); n < 0 {
			return t
		}
	}
	return targets[0]
}

// sleepUntil is false when the run ended.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
