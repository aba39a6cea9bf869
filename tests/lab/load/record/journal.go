// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"lab/load/wire"
)

// Journal gives every request its id and writes its line.
type Journal struct {
	Faulty  map[string]bool
	Live    Counters
	run     string
	last    atomic.Int64
	adopted atomic.Bool
	lock    sync.Mutex
	file    *os.File
	buffer  *bufio.Writer
}

// Open makes the log file; it must not exist, so that a run never mixes with another. run begins every id.
func Open(path, run string, faulty []string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{run: run, file: file, buffer: bufio.NewWriterSize(file, 1<<20), Faulty: map[string]bool{}}
	for _, version := range faulty {
		j.Faulty[version] = true
	}
	return j, nil
}

// NextID is a new id of a request.
func (j *Journal) NextID() string { return fmt.Sprintf("%s-%07d", j.run, j.last.Add(1)) }

// Fill judges the exchange and completes the record begun by the caller (names, id, kind, subject, pin).
func (j *Journal) Fill(r *Record, x wire.Exchange, expect Expect) {
	judge := Judge{Adopted: j.adopted.Load(), Faulty: j.Faulty, Edge404: r.Kind == "private", From: r.From}
	r.At = x.Sent.UnixNano()
	r.MS, r.DialMS = Milli(x.Took), Milli(x.Dial)
	r.IdleClosed, r.Stray = x.IdleClosed, x.Stray
	if answer := x.Response; answer != nil {
		r.Status = answer.Status
		r.Edge, r.App = answer.Header.Get(edgeColour), answer.Header.Get(appColour)
		r.Version = answer.Header.Get(appVersion)
		// The latest good answer shows whether the edge marks what comes from behind it.
		if answer.Status < 400 && answer.Status != http.StatusSwitchingProtocols {
			j.adopted.Store(r.Edge != "")
		}
	}
	r.Outcome, r.Reason = judge.Outcome(x, expect)
}

// Write appends the record and counts it.
func (j *Journal) Write(r *Record) {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of strings and numbers: can't fail
	}
	j.Live.add(r)
	j.lock.Lock()
	defer j.lock.Unlock()
	_, _ = j.buffer.Write(append(line, '\n'))
}

// Flush brings what is buffered to the file; it reports the first error of any write.
func (j *Journal) Flush() error {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.buffer.Flush()
}

// Close flushes and closes the file.
func (j *Journal) Close() error {
	if err := j.Flush(); err != nil {
		return err
	}
	return j.file.Close()
}

// Counters are the figures that can be told while the run goes on.
type Counters struct {
	lock sync.Mutex
	now  Progress
}

// Progress is one look at the counters.
type Progress struct {
	Requests      int            `json:"requests"`
	Lost          int            `json:"lost"`
	LostByReason  map[string]int `json:"lost_by_reason"`
	ReleaseErrors int            `json:"release_errors"`
	RateLimited   int            `json:"rate_limited"`
	IdleClosed    int            `json:"idle_closed"`
	ByKind        map[string]int `json:"by_kind"`
	ByColour      map[string]int `json:"by_colour"`
}

func (c *Counters) add(r *Record) {
	c.lock.Lock()
	defer c.lock.Unlock()
	p := &c.now
	if p.ByKind == nil {
		p.ByKind, p.ByColour, p.LostByReason = map[string]int{}, map[string]int{}, map[string]int{}
	}
	p.Requests++
	p.ByKind[r.Kind]++
	if colour := r.Colour(); colour != "" {
		p.ByColour[colour]++
	}
	if r.IdleClosed {
		p.IdleClosed++
	}
	switch r.Outcome {
	case Lost:
		p.Lost++
		p.LostByReason[r.Reason]++
	case ReleaseError:
		p.ReleaseErrors++
	case RateLimited:
		p.RateLimited++
	}
}

// Snapshot is a copy of the counters.
func (c *Counters) Snapshot() Progress {
	c.lock.Lock()
	defer c.lock.Unlock()
	copied := c.now
	copied.LostByReason, copied.ByKind = maps.Clone(c.now.LostByReason), maps.Clone(c.now.ByKind)
	copied.ByColour = maps.Clone(c.now.ByColour)
	return copied
}

// Milli is a duration in ms with three decimals.
func Milli(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e3 }
