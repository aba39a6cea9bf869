// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package figures

import (
	"math"
	"strings"

	"lab/load/record"
)

const toleranceMS = 250

// inFlightMS before the next mark a request may still be under way when the switch turns, and go either way.
const inFlightMS = 1000

// window is the time of an announced reload, span the time in which one colour alone may answer; both in Unix ns.
type window struct{ begin, end int64 }

type span struct {
	window
	colour string
}

// Flip is one turn of the switch. FirstNewMS: from the mark to the first answer of the new colour; LastOldMS: to the
// last answer of the old one; LastOldSentMS: to the sending of the last request that the old one answered.
// Null where there was no such answer. Pinned POSTs, assets and streams begun before are left out.
type Flip struct {
	To            string   `json:"to"`
	At            int64    `json:"at"`
	FirstNewMS    *float64 `json:"first_new_ms"`
	LastOldMS     *float64 `json:"last_old_ms"`
	LastOldSentMS *float64 `json:"last_old_sent_ms"`
}

// lasting is the time from the first mark to the next one named closing; without one it lasts.
func lasting(marks []Mark, closing string) window {
	w := window{begin: marks[0].At, end: math.MaxInt64}
	for _, later := range marks[1:] {
		if later.Mark == closing {
			w.end = later.At
			break
		}
	}
	return w
}

// windows pairs NAME-begin with NAME-end; a window without an end lasts.
func windows(marks []Mark) []window {
	var out []window
	for i, m := range marks {
		name, ok := strings.CutSuffix(m.Mark, "-begin")
		if !ok {
			continue
		}
		out = append(out, lasting(marks[i:], name+"-end"))
	}
	return out
}

// retirements are, by colour, the times from its retire mark on until it goes live again.
func retirements(marks []Mark) map[string][]window {
	out := map[string][]window{}
	for i, m := range marks {
		colour, ok := strings.CutPrefix(m.Mark, "retire:")
		if !ok {
			continue
		}
		out[colour] = append(out[colour], lasting(marks[i:], "live:"+colour))
	}
	return out
}

func inAny(windows []window, r *record.Record) bool {
	return within(windows, r.At-nanos(r.DialMS), r.At+nanos(r.MS))
}

// within tells whether the time from..to touches a window.
func within(windows []window, from, to int64) bool {
	for _, w := range windows {
		if from <= w.end && to >= w.begin {
			return true
		}
	}
	return false
}

// liveSpans are the times in which the marks claim one live colour: from a live mark and its tolerance to the next
// live or flip mark.
func liveSpans(marks []Mark) []span {
	var out []span
	for i, m := range marks {
		colour, ok := strings.CutPrefix(m.Mark, "live:")
		if !ok {
			continue
		}
		tolerance := float64(toleranceMS)
		if m.ToleranceMS != nil {
			tolerance = *m.ToleranceMS
		}
		s := span{colour: colour, window: window{begin: m.At + nanos(tolerance), end: math.MaxInt64}}
		for _, later := range marks[i+1:] {
			if strings.HasPrefix(later.Mark, "live:") || strings.HasPrefix(later.Mark, "flip:") {
				s.end = later.At - nanos(later.BeforeMS)
				break
			}
		}
		out = append(out, s)
	}
	return out
}

// mustBe is the colour that must answer the request, "" where nothing is claimed: it was sent in the span, and was
// answered in it or had a second to be.
func mustBe(spans []span, r *record.Record) string {
	for _, s := range spans {
		if r.At >= s.begin && (r.At+nanos(r.MS) < s.end || r.At < s.end-nanos(inFlightMS)) {
			return s.colour
		}
	}
	return ""
}

func flips(records []record.Record, marks []Mark) []Flip {
	out := []Flip{}
	for i, m := range marks {
		colour, ok := strings.CutPrefix(m.Mark, "flip:")
		if !ok {
			continue
		}
		end := int64(math.MaxInt64)
		for _, later := range marks[i+1:] {
			if strings.HasPrefix(later.Mark, "flip:") {
				end = later.At
				break
			}
		}
		out = append(out, flip(records, colour, m.At, end))
	}
	return out
}

// flip looks at the answers that came between the mark and the next flip.
func flip(records []record.Record, to string, at, end int64) Flip {
	f := Flip{To: to, At: at}
	for i := range records {
		r := &records[i]
		answered := r.At + nanos(r.MS)
		colour := r.Colour()
		if colour == "" || answered < at || answered >= end || r.AskedMS > 0 || r.Pin != "" ||
			strings.HasPrefix(r.Path, "/_next/static/") {
			continue
		}
		ms := float64(answered-at) / 1e6
		if colour == to {
			f.FirstNewMS = pick(f.FirstNewMS, ms, f.FirstNewMS != nil && ms < *f.FirstNewMS)
			continue
		}
		sent := float64(r.At-at) / 1e6
		f.LastOldMS = pick(f.LastOldMS, ms, f.LastOldMS != nil && ms > *f.LastOldMS)
		f.LastOldSentMS = pick(f.LastOldSentMS, sent, f.LastOldSentMS != nil && sent > *f.LastOldSentMS)
	}
	return f
}

// pick is value when there was none or it is better.
func pick(old *float64, value float64, better bool) *float64 {
	if old == nil || better {
		return &value
	}
	return old
}
