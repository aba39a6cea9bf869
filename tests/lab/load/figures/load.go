// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package figures

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lab/load/record"
)

// Mark is one line of marks.jsonl, appended by whoever drives the run, at any time and in any order.
// At: Unix ns. Mark: "live:COLOUR" (from here COLOUR alone is live), "flip:COLOUR" (just before the switch),
// "NAME-begin" and "NAME-end" (an announced reload). ToleranceMS: how long after a live mark the other colour
// may still answer (default 250). BeforeMS: how long before this mark nothing is claimed (default 0).
type Mark struct {
	At          int64    `json:"at"`
	Mark        string   `json:"mark"`
	ToleranceMS *float64 `json:"tolerance_ms,omitempty"`
	BeforeMS    float64  `json:"before_ms,omitempty"`
}

// Input is what a run left on disk. Seen is nil when nobody exported table lab_seen.
type Input struct {
	Records []record.Record
	Marks   []Mark
	Seen    map[string]int
}

type seenLine struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

// Load reads requests.jsonl and, where they are there, marks.jsonl and seen.jsonl of a directory.
func Load(dir string) (Input, error) {
	var in Input
	err := lines(filepath.Join(dir, "requests.jsonl"), func(r record.Record) { in.Records = append(in.Records, r) })
	if err != nil {
		return in, err
	}
	err = lines(filepath.Join(dir, "marks.jsonl"), func(m Mark) { in.Marks = append(in.Marks, m) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return in, err
	}
	slices.SortStableFunc(in.Marks, func(a, b Mark) int { return int(max(-1, min(1, a.At-b.At))) })
	seen := map[string]int{}
	err = lines(filepath.Join(dir, "seen.jsonl"), func(s seenLine) { seen[s.ID] += s.N })
	if errors.Is(err, fs.ErrNotExist) {
		return in, nil
	}
	in.Seen = seen
	return in, err
}

// lines decodes a file of one JSON object a line. A last line without its newline is still being written: left out.
func lines[T any](path string, take func(T)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	reader := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(line)) == "" {
			continue
		}
		var item T
		if err := json.Unmarshal(line, &item); err != nil {
			return fmt.Errorf("%s line %d: %w", path, number, err)
		}
		take(item)
	}
}
