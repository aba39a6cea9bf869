// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package run

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"crypto/x509"

	"lab/load/fakeedge"
	"lab/load/figures"
	"lab/load/record"
	"lab/load/wire"
)

// bench is a journal and one keep-alive line to an edge that loses on purpose.
type bench struct {
	t       *testing.T
	dir     string
	edge    *fakeedge.Edge
	line    *wire.Line
	journal *record.Journal
}

func newBench(t *testing.T) *bench {
	t.Helper()
	edge := fakeedge.Start(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(edge.CA)
	dir := t.TempDir()
	journal, err := record.Open(filepath.Join(dir, "requests.jsonl"), "t", []string{"v-bad"})
	if err != nil {
		t.Fatal(err)
	}
	dialer := &wire.Dialer{Address: edge.Address, Roots: roots, Timeout: 2 * time.Second}
	return &bench{t: t, dir: dir, edge: edge, journal: journal,
		line: &wire.Line{Dialer: dialer, Host: "olympus.test", Proto: "h1"}}
}

// send makes n requests; between says what happens before each.
func (b *bench) send(n int, kind, method, path string, between func()) {
	for range n {
		if between != nil {
			between()
		}
		r := &record.Record{ID: b.journal.NextID(), Kind: kind, Proto: "h1", Method: method, Host: "olympus.test", Path: path}
		x := b.line.Do(&wire.Request{Method: method, Host: r.Host, Path: path, Timeout: 1500 * time.Millisecond,
			Header: map[string][]string{"X-Lab-Id": {r.ID}}})
		name := map[string]string{"session": "session_refused", "old_form": "form_refused", "static": "asset"}[kind]
		b.journal.Fill(r, x, record.Status(name, 200))
		b.journal.Write(r)
	}
}

func (b *bench) figures() figures.Figures {
	b.t.Helper()
	if err := b.journal.Close(); err != nil {
		b.t.Fatal(err)
	}
	f, err := Figures(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// settled waits until what the edge did to the idle connection has arrived.
func (b *bench) settled() {
	b.t.Helper()
	for range 500 {
		if b.line.Fate() != wire.Usable {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.t.Fatal("the close never arrived")
}

func TestEveryLossIsSeen(t *testing.T) {
	b := newBench(t)
	injected := map[string]struct {
		n      int
		kind   string
		reason string
	}{
		"/reset": {3, "volume", "reset"}, "/reset-head": {1, "volume", ""}, "/eof": {4, "volume", "eof"},
		"/short-head": {2, "volume", "short_head"}, "/short-body": {3, "volume", "short_body"},
		"/cut-chunks": {2, "volume", "short_body"}, "/hang": {1, "volume", "timeout"},
		"/edge-502": {5, "volume", "edge_502"}, "/edge-404": {2, "volume", "edge_404"},
		"/_next/static/chunks/gone.js": {2, "static", "edge_404"},
		"/form-500":                    {2, "old_form", "form_refused_500"}, "/session-401": {3, "session", "session_refused_401"},
	}
	lost, reasons := 0, map[string]int{}
	for path, fault := range injected {
		b.send(2, "volume", "GET", "/", nil)
		b.send(fault.n, fault.kind, "GET", path, func() { b.send(1, "volume", "GET", "/", nil) })
		lost += fault.n
		if fault.reason != "" { // a reset after half a head may be seen as either
			reasons[fault.reason] += fault.n
		}
	}
	f := b.figures()
	if f.Lost != lost {
		t.Errorf("lost %d, injected %d: %v", f.Lost, lost, f.LostByReason)
	}
	for reason, n := range reasons {
		if got := f.LostByReason[reason]; got < n || got > n+1 {
			t.Errorf("%s: %d, injected %d", reason, got, n)
		}
	}
	if f.IdleClosed != 0 || f.ReleaseErrors != 0 || f.RateLimited != 0 || f.Stray != 0 {
		t.Errorf("a loss was put under another name: %+v", f)
	}
	if want := lost + 2*len(injected) + lost; f.Requests != want {
		t.Errorf("requests %d, sent %d", f.Requests, want)
	}
}

func TestWhatIsNoLossIsCountedApart(t *testing.T) {
	b := newBench(t)
	b.send(3, "volume", "GET", "/", nil)
	b.send(4, "volume", "GET", "/fault", nil)
	b.send(2, "volume", "GET", "/limited", nil)
	b.send(2, "volume", "GET", "/close-told", nil)
	b.send(1, "volume", "GET", "/slow", nil)
	for range 5 {
		b.send(1, "volume", "GET", "/close-after", nil)
		b.settled()
	}
	b.send(1, "volume", "GET", "/", nil)
	b.send(1, "volume", "GET", "/double", nil)
	b.settled()
	b.send(1, "volume", "GET", "/", nil)
	f := b.figures()
	got := [...]int{f.Requests, f.Lost, f.ReleaseErrors, f.RateLimited, f.IdleClosed, f.Stray, f.Slow}
	if want := [...]int{20, 0, 4, 2, 5, 1, 1}; got != want {
		t.Errorf("requests, lost, release errors, limited, idle closed, stray, slow: %v, want %v", got, want)
	}
}

func TestDuplicatedAndUnseenPosts(t *testing.T) {
	b := newBench(t)
	b.send(5, "volume", "POST", "/", nil)
	b.send(3, "volume", "POST", "/twice", nil)
	b.send(2, "volume", "POST", "/unwritten", nil)
	file, err := os.Create(filepath.Join(b.dir, "seen.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range b.edge.Seen() {
		if n > 0 {
			_ = json.NewEncoder(file).Encode(map[string]any{"id": id, "colour": "blue", "n": n})
		}
	}
	_ = file.Close()
	f := b.figures()
	if f.Duplicated != 3 || f.Unseen == nil || *f.Unseen != 2 || f.Posts != 10 {
		t.Errorf("duplicated %d, unseen %v, posts %d", f.Duplicated, f.Unseen, f.Posts)
	}
}

func TestClosedPortIsLost(t *testing.T) {
	b := newBench(t)
	b.line.Dialer = &wire.Dialer{Address: "127.0.0.1:1", Timeout: time.Second}
	b.send(3, "volume", "GET", "/", nil)
	if f := b.figures(); f.Lost != 3 || f.LostByReason["dial"] != 3 {
		t.Errorf("%+v", f)
	}
}
