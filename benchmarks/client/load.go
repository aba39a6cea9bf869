// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lab/load/wire"
)

// record of one request; sent and end are nanoseconds since the epoch.
type record struct {
	sent, end int64
	id        uint32
	kind      uint8
	colour    colour
	why       string // '' for the right answer
}

// load is one run: what its workers share.
type load struct {
	*config
	ids, lost, idle, stray atomic.Uint32
	sockets                sockets
	open                   []*wire.Line
	lock                   sync.Mutex
	records                [][]record
}

// progress is printed once a second.
type progress struct {
	Requests uint32 `json:"requests"`
	Lost     uint32 `json:"lost"`
}

// run loads the edge until stdin says "stop" (or ends) or a bound is met, and prints {"ready"}, {"progress"} and {"figures"}.
func run(c *config, in io.Reader, out *json.Encoder) error {
	if err := begin(c.Control, c.Run); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.MaxSeconds)*time.Second)
	defer cancel()
	marks := make(chan []mark, 1)
	failed := make(chan error, 1)
	go func() {
		found, err := readMarks(in)
		failed <- err
		marks <- found
		cancel()
	}()
	l := &load{config: c}
	var warm, done sync.WaitGroup
	for number := range c.Kinds {
		if err := l.start(ctx, uint8(number), &warm, &done); err != nil {
			return err
		}
	}
	warm.Wait()
	from := time.Now().UnixNano()
	if err := out.Encode(map[string]bool{"ready": true}); err != nil {
		return err
	}
	l.tell(ctx, cancel, out)
	to := time.Now().UnixNano()
	done.Wait()
	l.sockets.end()
	for _, line := range l.open {
		line.Close()
	}
	if err := <-failed; err != nil {
		return err
	}
	f, err := l.figures(<-marks, from, to)
	if err != nil {
		return err
	}
	return out.Encode(map[string]*figures{"figures": f})
}

// tell prints progress until the load is to end.
func (l *load) tell(ctx context.Context, cancel func(), out *json.Encoder) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		_ = out.Encode(map[string]progress{"progress": {l.ids.Load(), l.lost.Load()}})
		if l.MaxRequests > 0 && l.ids.Load() >= l.MaxRequests {
			cancel()
		}
	}
}

// mark of a flip: when it was begun and when its act was over, in nanoseconds since the epoch.
type mark struct {
	Flip string `json:"flip"`
	At   int64  `json:"at"`
	Done int64  `json:"done"`
}

// readMarks reads until "stop" or the end; the load goes on for as long.
func readMarks(in io.Reader) ([]mark, error) {
	var found []mark
	lines := bufio.NewScanner(in)
	for lines.Scan() && lines.Text() != "stop" {
		var m mark
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, err
		}
		if colours[m.Flip] == 0 {
			return nil, fmt.Errorf("a flip to %q", m.Flip)
		}
		found = append(found, m)
	}
	return found, lines.Err()
}

// start lets the workers of a kind run; warm counts those that have not yet had their first answer.
func (l *load) start(ctx context.Context, number uint8, warm, done *sync.WaitGroup) error {
	k := &l.Kinds[number]
	lines := l.lines(k)
	l.open = append(l.open, lines...)
	for _, line := range lines[:k.Sockets] {
		if err := l.sockets.open(line, l.Host); err != nil {
			return err
		}
	}
	for i := range k.Workers {
		warm.Add(1)
		done.Add(1)
		w := &worker{load: l, number: number, kind: k, line: lines[i%len(lines)], share: float64(i) / float64(k.Workers)}
		go func() {
			defer done.Done()
			w.loop(ctx, sync.OnceFunc(warm.Done))
		}()
	}
	return nil
}

// worker sends one request after another. share (0 to 1) spreads the workers of a kind over their common interval.
type worker struct {
	*load
	number  uint8
	kind    *kind
	line    *wire.Line
	share   float64
	records []record
}

func (w *worker) loop(ctx context.Context, warmed func()) {
	defer warmed()
	defer func() {
		w.lock.Lock()
		defer w.lock.Unlock()
		w.load.records = append(w.load.records, w.records)
	}()
	if w.kind.Seconds > 0 {
		warmed() // its first answer takes as long as it does
	}
	interval := time.Duration(0)
	if w.kind.Rate > 0 {
		interval = time.Duration(float64(w.kind.Workers) / w.kind.Rate * float64(time.Second))
	}
	next := time.Now().Add(time.Duration(w.share * float64(interval)))
	for ctx.Err() == nil {
		if interval > 0 {
			time.Sleep(time.Until(next))
			// Who is late does not hurry afterwards: the load stays even.
			next = later(next.Add(interval), time.Now())
		}
		w.send()
		warmed()
	}
}

func later(one, other time.Time) time.Time {
	if one.After(other) {
		return one
	}
	return other
}

func (w *worker) send() {
	id := w.ids.Add(1) - 1
	var body []byte
	path := fmt.Sprintf("/api/%d/%d", w.Run, id)
	if w.kind.Seconds > 0 {
		path = fmt.Sprintf("/stream/%d/%d/%d", w.Run, id, w.kind.Seconds)
	}
	if w.kind.Bytes > 0 {
		body = make([]byte, w.kind.Bytes)
		for i := range body {
			body[i] = 'a' + byte((int(id)+i)%26)
		}
	}
	x := w.line.Do(&wire.Request{Method: w.kind.Method, Host: w.Host, Path: path, Body: body, Header: http.Header{},
		Timeout: timeout + time.Duration(w.kind.Seconds)*time.Second})
	r := record{sent: x.Sent.UnixNano(), id: id, kind: w.number}
	r.end = r.sent + int64(x.Took)
	r.colour, r.why = judge(x, w.kind, id, body)
	if r.why != "" {
		w.lost.Add(1)
		time.Sleep(time.Millisecond) // a dead edge must not make a busy loop
	}
	if x.IdleClosed {
		w.idle.Add(1)
	}
	if x.Stray {
		w.stray.Add(1)
	}
	w.records = append(w.records, r)
}
