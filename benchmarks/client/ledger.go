// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// ledger counts how often each id of the present run came. Ids are small and dense.
type ledger struct {
	lock   sync.Mutex
	run    uint32
	counts []byte
}

func (l *ledger) note(run, id uint32) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if run != l.run || id > 1<<28 {
		return
	}
	for int(id) >= len(l.counts) {
		l.counts = append(l.counts, make([]byte, max(1<<16, len(l.counts)))...)
	}
	if l.counts[id] < 255 {
		l.counts[id]++
	}
}

// ServeHTTP: POST /RUN begins a run and forgets the one before, GET / gives one byte for each id.
func (l *ledger) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if in.Method == http.MethodPost {
		run, err := strconv.ParseUint(in.URL.Path[1:], 10, 32)
		if err != nil {
			http.Error(out, "no number", http.StatusBadRequest)
			return
		}
		l.run, l.counts = uint32(run), nil
		return
	}
	_, _ = out.Write(l.counts)
}

// begin tells every backend that run begins.
func begin(controls []string, run uint32) error {
	for _, control := range controls {
		answer, err := http.Post(fmt.Sprintf("http://%s/%d", control, run), "", nil)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
	}
	return nil
}

// seen sums up what all backends counted: how often each of n ids came.
func seen(controls []string, n int) ([]uint16, error) {
	total := make([]uint16, n)
	for _, control := range controls {
		answer, err := http.Get("http://" + control + "/")
		if err != nil {
			return nil, err
		}
		counts, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		for id := range min(n, len(counts)) {
			total[id] += uint16(counts[id])
		}
	}
	return total, nil
}
