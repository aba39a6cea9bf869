// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// beside a switch is what was sent less than this before or after it.
const beside = int64(time.Second)

// figures of one run. Rate counts right answers between the first of every worker and the end of the load.
type figures struct {
	Requests   int            `json:"requests"`
	Lost       int            `json:"lost"`
	ByReason   map[string]int `json:"lost_by_reason"`
	Kinds      map[string]*by `json:"kinds"`
	Duplicated int            `json:"duplicated"`
	Unseen     int            `json:"unseen"`    // answered, and no backend knows the id
	LostSeen   int            `json:"lost_seen"` // lost, and a backend did what was asked
	IdleClosed uint32         `json:"idle_closed"`
	Stray      uint32         `json:"stray"`
	Seconds    float64        `json:"seconds"`
	Rate       float64        `json:"rate"`
	Flips      []flip         `json:"flips"`
	Near       histogram      `json:"near"`
	Far        histogram      `json:"far"`
	Opened     uint32         `json:"sockets_opened"`
	Closed     uint32         `json:"sockets_closed"`
}

// by kind of request.
type by struct {
	Requests int `json:"requests"`
	Lost     int `json:"lost"`
}

// flip as the client saw it, in ms from the beginning of its act. FirstNew is null where the new colour never
// answered. LastOld: the last answer of the old colour, LastAsked: when that was asked (negative: before the act; null:
// it gave none). Late: answers of the old colour to what was sent more than the tolerance after the act was over and
// the new colour had answered.
type flip struct {
	To        string   `json:"to"`
	FirstNew  *float64 `json:"first_new_ms"`
	LastOld   *float64 `json:"last_old_ms"`
	LastAsked *float64 `json:"last_asked_ms"`
	Late      int      `json:"late"`
}

// histogram of latencies: how many in bucket b, which ends at 1.02^b microseconds.
type histogram map[int]int

func (h histogram) add(took int64) {
	h[int(math.Ceil(math.Log(max(1, float64(took)/1e3))/math.Log(1.02)))]++
}

// figures computes them; from and to bound the time that counts for Rate.
func (l *load) figures(marks []mark, from, to int64) (*figures, error) {
	f := &figures{ByReason: map[string]int{}, Kinds: map[string]*by{}, Near: histogram{}, Far: histogram{},
		IdleClosed: l.idle.Load(), Stray: l.stray.Load(), Opened: l.sockets.opened, Closed: l.sockets.closed,
		Seconds: float64(to-from) / 1e9, Flips: []flip{}}
	counts, err := seen(l.Control, int(l.ids.Load()))
	if err != nil {
		return nil, err
	}
	for _, k := range l.Kinds {
		f.Kinds[k.Name] = &by{}
	}
	records := slices.Concat(l.records...)
	slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.end, b.end) })
	right := 0
	for i := range records {
		r := &records[i]
		f.count(r, l.Kinds[r.kind].Name, counts[r.id])
		if r.why == "" && r.end >= from && r.end <= to {
			right++
		}
		if l.Kinds[r.kind].Seconds == 0 && r.why == "" {
			f.latency(r, marks)
		}
	}
	f.Rate = float64(right) / f.Seconds
	// A stream belongs to the colour that it began with.
	short := slices.DeleteFunc(records, func(r record) bool { return l.Kinds[r.kind].Seconds > 0 })
	f.Flips = flips(short, marks, int64(l.ToleranceMS*1e6))
	return f, nil
}

func (f *figures) count(r *record, name string, times uint16) {
	f.Requests++
	f.Kinds[name].Requests++
	if r.why != "" {
		f.Lost++
		f.Kinds[name].Lost++
		f.ByReason[r.why]++
	}
	switch {
	case times > 1:
		f.Duplicated++
	case times == 0 && r.why == "":
		f.Unseen++
	case times == 1 && r.why != "":
		f.LostSeen++
	}
}

func (f *figures) latency(r *record, marks []mark) {
	next, _ := slices.BinarySearchFunc(marks, r.sent, func(m mark, at int64) int { return cmp.Compare(m.At, at) })
	near := next < len(marks) && marks[next].At-r.sent < beside || next > 0 && r.sent-marks[next-1].Done < beside
	if near {
		f.Near.add(r.end - r.sent)
	} else {
		f.Far.add(r.end - r.sent)
	}
}

// flips looks at each flip's own time: from its beginning to the next one's. Records are in order of their end.
func flips(records []record, marks []mark, tolerance int64) []flip {
	found := make([]flip, len(marks))
	for i, m := range marks {
		f := &found[i]
		f.To = m.Flip
		until := int64(math.MaxInt64)
		if i+1 < len(marks) {
			until = marks[i+1].At
		}
		start, _ := slices.BinarySearchFunc(records, m.At, func(r record, at int64) int { return cmp.Compare(r.end, at) })
		settled := int64(math.MaxInt64)
		for _, r := range records[start:] {
			switch {
			case r.end >= until:
			case r.why != "":
				continue
			case r.colour == colours[m.Flip] && f.FirstNew == nil:
				f.FirstNew = ms(r.end - m.At)
				settled = max(r.end, m.Done) + tolerance
				continue
			case r.colour == colours[m.Flip]:
				continue
			default:
				f.LastOld = ms(r.end - m.At)
				if f.LastAsked == nil || *f.LastAsked < *ms(r.sent - m.At) {
					f.LastAsked = ms(r.sent - m.At)
				}
				if r.sent > settled {
					f.Late++
				}
				continue
			}
			break
		}
	}
	return found
}

func ms(nanoseconds int64) *float64 {
	value := float64(nanoseconds) / 1e6
	return &value
}
