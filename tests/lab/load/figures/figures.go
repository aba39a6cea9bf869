// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package figures computes every printed figure from the files of a run alone.
package figures

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"lab/load/record"
)

const slowMS = 1000

// Kind is what became of the requests of one kind.
type Kind struct {
	Requests      int `json:"requests"`
	Lost          int `json:"lost"`
	ReleaseErrors int `json:"release_errors"`
	RateLimited   int `json:"rate_limited"`
}

// Figures of a run. Times in ms unless named otherwise. Lost leaves out what an announced reload lost.
type Figures struct {
	Requests          int             `json:"requests"`
	Lost              int             `json:"lost"`
	LostByReason      map[string]int  `json:"lost_by_reason"`
	AnnouncedLost     int             `json:"announced_lost"`
	AnnouncedByReason map[string]int  `json:"announced_by_reason"`
	Duplicated        int             `json:"duplicated"`
	Posts             int             `json:"posts"`  // answered POSTs to the apps
	Unseen            *int            `json:"unseen"` // of them, not in lab_seen; null when it was not exported
	ReleaseErrors     int             `json:"release_errors"`
	RateLimited       int             `json:"rate_limited"`
	IdleClosed        int             `json:"idle_closed"`
	Stray             int             `json:"stray"`
	Slow              int             `json:"slow"`
	WrongColour       int             `json:"wrong_colour"`
	Pinned            int             `json:"pinned"`         // POSTs that carried the colour cookie
	PinnedAway        int             `json:"pinned_away"`    // of them, answered by the colour that is not live
	AssetFallback     int             `json:"asset_fallback"` // assets answered by the colour that is not live
	Sessions          int             `json:"sessions"`
	SessionsKept      int             `json:"sessions_kept"`
	Tokens            int             `json:"tokens"`
	TokensKept        int             `json:"tokens_kept"`
	Refreshes         int             `json:"refreshes"`
	WSOpen            int             `json:"ws_open"`
	WSClosed          int             `json:"ws_closed"`
	WSClosedAnnounced int             `json:"ws_closed_announced"`
	Seconds           float64         `json:"seconds"`
	Rate              float64         `json:"rate"`
	P50               float64         `json:"p50_ms"`
	P99               float64         `json:"p99_ms"`
	Max               float64         `json:"max_ms"`
	ByKind            map[string]Kind `json:"by_kind"`
	ByColour          map[string]int  `json:"by_colour"`
	ByVersion         map[string]int  `json:"by_version"`
	ByProto           map[string]int  `json:"by_proto"`
	Flips             []Flip          `json:"flips"`
}

// Compute is a pure function of its input; Marks are in order of time.
func Compute(in Input) Figures {
	f := Figures{LostByReason: map[string]int{}, AnnouncedByReason: map[string]int{}, ByKind: map[string]Kind{},
		ByColour: map[string]int{}, ByVersion: map[string]int{}, ByProto: map[string]int{}}
	announced, lives, retired := windows(in.Marks), liveSpans(in.Marks), retirements(in.Marks)
	sessions, tokens := map[string]subject{}, map[string]subject{}
	var latencies []float64
	for i := range in.Records {
		r := &in.Records[i]
		f.count(r)
		f.outcome(r, inAny(announced, r))
		f.colours(r, lives)
		f.sockets(r, announced, retired)
		keep(r, "session", sessions)
		keep(r, "introspect", tokens)
		if r.Status > 0 {
			latencies = append(latencies, r.Latency())
		}
	}
	f.Sessions, f.SessionsKept = kept(sessions)
	f.Tokens, f.TokensKept = kept(tokens)
	f.span(in.Records)
	f.percentiles(latencies)
	f.seen(in)
	f.Flips = flips(in.Records, in.Marks)
	return f
}

func (f *Figures) count(r *record.Record) {
	f.Requests++
	f.ByProto[r.Proto]++
	if colour := r.Colour(); colour != "" {
		f.ByColour[colour]++
	}
	if r.Version != "" {
		f.ByVersion[r.Version]++
	}
	if r.IdleClosed {
		f.IdleClosed++
	}
	if r.Stray {
		f.Stray++
	}
	if r.Latency() > slowMS {
		f.Slow++
	}
	if r.Kind == "refresh" && r.Outcome == record.OK {
		f.Refreshes++
	}
}

func (f *Figures) outcome(r *record.Record, announced bool) {
	kind := f.ByKind[r.Kind]
	kind.Requests++
	switch r.Outcome {
	case record.ReleaseError:
		f.ReleaseErrors++
		kind.ReleaseErrors++
	case record.RateLimited:
		f.RateLimited++
		kind.RateLimited++
	case record.Lost:
		if announced {
			f.AnnouncedLost++
			f.AnnouncedByReason[r.Reason]++
			break
		}
		f.Lost++
		f.LostByReason[r.Reason]++
		kind.Lost++
	}
	f.ByKind[r.Kind] = kind
}

// colours counts answers of the colour that the marks say is not live, with the three reasons there may be for it.
func (f *Figures) colours(r *record.Record, lives []span) {
	if r.Pin != "" {
		f.Pinned++
	}
	colour := r.Colour()
	live := mustBe(lives, r)
	if colour == "" || live == "" || colour == live {
		return
	}
	switch {
	case r.Pin == colour:
		f.PinnedAway++
	case strings.HasPrefix(r.Path, "/_next/static/"):
		f.AssetFallback++
	default:
		f.WrongColour++
	}
}

// sockets counts a socket that the edge closed as announced in a reload's window, or when its colour was being retired.
func (f *Figures) sockets(r *record.Record, announced []window, retired map[string][]window) {
	if r.WS == nil {
		return
	}
	f.WSOpen++
	if r.WS.ClosedBy != "edge" {
		return
	}
	end := r.At + nanos(r.MS+r.WS.LifeMS)
	if within(announced, end, end) || within(retired[r.Colour()], end, end) {
		f.WSClosedAnnounced++
	} else {
		f.WSClosed++
	}
}

func (f *Figures) span(records []record.Record) {
	if len(records) == 0 {
		return
	}
	first, last := int64(math.MaxInt64), int64(0)
	for i := range records {
		first = min(first, records[i].At)
		last = max(last, records[i].At+nanos(records[i].MS))
	}
	f.Seconds = float64(last-first) / 1e9
	if f.Seconds > 0 {
		f.Rate = float64(f.Requests) / f.Seconds
	}
}

func (f *Figures) percentiles(latencies []float64) {
	if len(latencies) == 0 {
		return
	}
	slices.Sort(latencies)
	rank := func(p float64) float64 { return latencies[int(math.Ceil(p*float64(len(latencies))))-1] }
	f.P50, f.P99, f.Max = rank(0.50), rank(0.99), rank(1)
}

// seen compares the POSTs that the apps answered with the rows that they wrote.
func (f *Figures) seen(in Input) {
	unseen := 0
	for i := range in.Records {
		r := &in.Records[i]
		if r.Method != http.MethodPost || r.App == "" || r.Outcome != record.OK {
			continue
		}
		f.Posts++
		if in.Seen[r.ID] == 0 {
			unseen++
		}
	}
	for _, n := range in.Seen {
		if n > 1 {
			f.Duplicated++
		}
	}
	if in.Seen != nil {
		f.Unseen = &unseen
	}
}

// subject is a long-lived session or token: kept when it was accepted at least once and never refused. Losses of the
// transport say nothing about it.
type subject struct{ accepted, refused bool }

func keep(r *record.Record, kind string, subjects map[string]subject) {
	if r.Kind != kind || r.Subject == "" {
		return
	}
	s := subjects[r.Subject]
	s.accepted = s.accepted || r.Outcome == record.OK
	s.refused = s.refused || strings.Contains(r.Reason, "refused")
	subjects[r.Subject] = s
}

func kept(subjects map[string]subject) (all, good int) {
	for _, s := range subjects {
		if s.accepted && !s.refused {
			good++
		}
	}
	return len(subjects), good
}

func nanos(ms float64) int64 { return int64(math.Round(ms * 1e6)) }
