// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package run drives the load from its set-up to its figures.
package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lab/load/config"
	"lab/load/figures"
	"lab/load/journey"
	"lab/load/record"
)

// sweepLimit bounds the last look at every session and token.
const sweepLimit = 30 * time.Second

// atOnce is how many runs of one journey may be under way; more are skipped and counted.
const atOnce = 30

// Runner is one run in directory Dir.
type Runner struct {
	Config  config.Config
	Dir     string
	world   *journey.World
	kept    *journey.Kept
	group   sync.WaitGroup
	skipped atomic.Int64
	state   atomic.Value
	began   time.Time
}

// Run loads until ctx ends or max_seconds are over, and returns the figures as computed from the files.
func (r *Runner) Run(ctx context.Context) (figures.Figures, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := r.open(ctx); err != nil {
		return figures.Figures{}, err
	}
	r.began = time.Now()
	r.state.Store("setup")
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() { r.report(done) })
	err := r.drive(ctx, cancel)
	r.state.Store("done")
	if err != nil {
		r.state.Store("failed")
	}
	close(done)
	reporter.Wait()
	if closing := r.world.Journal.Close(); err == nil {
		err = closing
	}
	if closing := r.world.Mails.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return figures.Figures{}, err
	}
	return Figures(r.Dir)
}

func (r *Runner) open(ctx context.Context) error {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	dialer, err := r.Config.Dialer()
	if err != nil {
		return err
	}
	run := strconv.FormatInt(time.Now().UnixMilli(), 36)
	journal, err := record.Open(filepath.Join(r.Dir, "requests.jsonl"), run, r.Config.Faulty)
	if err != nil {
		return err
	}
	mails, err := journey.OpenMails(filepath.Join(r.Dir, "mails.jsonl"))
	r.world = &journey.World{Config: &r.Config, Dialer: dialer, Journal: journal, Mails: mails, Stop: ctx.Done()}
	return err
}

// drive sets up, loads, waits for what is under way and takes a last look at what must have been kept.
func (r *Runner) drive(ctx context.Context, cancel context.CancelFunc) error {
	kept, err := r.world.SetUp(ctx)
	if err != nil {
		return err
	}
	r.kept = kept
	r.state.Store("running")
	if r.Config.MaxSeconds > 0 {
		timer := time.AfterFunc(time.Duration(r.Config.MaxSeconds*float64(time.Second)), cancel)
		defer timer.Stop()
	}
	r.volume(ctx)
	r.journeys(ctx)
	<-ctx.Done()
	r.state.Store("stopping")
	r.group.Wait()
	limit := time.Now().Add(sweepLimit)
	late := func() bool { return time.Now().After(limit) }
	kept.Sessions.All((*journey.Holder).Prove, late)
	kept.Tokens.All((*journey.Holder).Check, late)
	kept.Sessions.Close()
	kept.Tokens.Close()
	kept.Chains.Close()
	return nil
}

func (r *Runner) journeys(ctx context.Context) {
	w, kept := r.world, r.kept
	plain := map[string]func(*journey.World){
		"hera_login": journey.HeraLogin,
		"code_flow":  journey.CodeFlow, "client_credentials": journey.ClientCredentials,
		"registration": journey.Registration, "static": journey.Static, "old_login": journey.OldLogin,
		"old_registration": journey.OldRegistration, "private": journey.Private,
	}
	for name, walk := range plain {
		r.schedule(ctx, name, func() { walk(w) })
	}
	r.schedule(ctx, "session", func() { kept.Sessions.Use((*journey.Holder).Ask) })
	r.schedule(ctx, "introspect", func() { kept.Tokens.Use((*journey.Holder).Check) })
	r.schedule(ctx, "refresh", func() { kept.Chains.Use((*journey.Holder).Turn) })
	for range r.Config.WebSockets {
		r.group.Go(func() { journey.WebSocket(ctx, w) })
	}
	for range r.Config.Streams {
		r.group.Go(func() { journey.Stream(ctx, w) })
	}
}

// schedule starts walk rate times a second, whether or not the last one has ended.
func (r *Runner) schedule(ctx context.Context, name string, walk func()) {
	rate := r.Config.Rates[name]
	if rate <= 0 {
		return
	}
	every := time.Duration(float64(time.Second) / rate)
	slots := make(chan struct{}, atOnce)
	r.group.Go(func() {
		next := time.Now().Add(rand.N(every))
		for sleepUntil(ctx, next) {
			next = next.Add(every)
			select {
			case slots <- struct{}{}:
				r.group.Go(func() { walk(); <-slots })
			default:
				r.skipped.Add(1)
			}
		}
	})
}

// progress is progress.json.
type progress struct {
	State   string  `json:"state"` // setup, running, stopping, done, failed
	At      int64   `json:"at"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rate"` // of the last second
	Skipped int64   `json:"skipped"`
	record.Progress
}

// report writes the state every second, and a line on stdout every five, until done.
func (r *Runner) report(done <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last := 0
	for n := 1; ; n++ {
		ended := false
		select {
		case <-done:
			ended = true
		case <-ticker.C:
		}
		p := r.progress(last)
		last = p.Requests
		if n%5 == 0 || ended {
			fmt.Printf("lab-load: %s %.0f s, requests=%d rate=%.0f lost=%d release_errors=%d rate_limited=%d idle_closed=%d %v\n",
				p.State, p.Seconds, p.Requests, p.Rate, p.Lost, p.ReleaseErrors, p.RateLimited, p.IdleClosed, p.ByColour)
		}
		if ended {
			return
		}
	}
}

// progress flushes the log and writes progress.json; last is the number of requests a second ago.
func (r *Runner) progress(last int) progress {
	if err := r.world.Journal.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "lab-load: the log can't be written:", err)
	}
	state, _ := r.state.Load().(string)
	p := progress{State: state, At: time.Now().UnixNano(), Skipped: r.skipped.Load(),
		Seconds: time.Since(r.began).Seconds(), Progress: r.world.Journal.Live.Snapshot()}
	p.Rate = float64(p.Requests - last)
	if err := writeJSON(filepath.Join(r.Dir, "progress.json"), p); err != nil {
		fmt.Fprintln(os.Stderr, "lab-load:", err)
	}
	return p
}

// Figures computes the figures of a directory and writes figures.json there.
func Figures(dir string) (figures.Figures, error) {
	input, err := figures.Load(dir)
	if err != nil {
		return figures.Figures{}, err
	}
	f := figures.Compute(input)
	return f, writeJSON(filepath.Join(dir, "figures.json"), f)
}

// writeJSON replaces a file whole, so that a reader never sees a half.
func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
