// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package figures

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Print writes every figure, a line each, names as in figures.json.
func Print(out io.Writer, f Figures) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, err := fmt.Fprintf(out, "%-20s %s\n", name, all[name]); err != nil {
			return err
		}
	}
	return nil
}
