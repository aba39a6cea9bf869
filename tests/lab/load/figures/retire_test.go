// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package figures

import (
	"testing"

	"lab/load/record"
)

// A socket cut while its colour is retired is announced; one cut before, after it is live again, or on the other
// colour is not.
func TestRetiredSockets(t *testing.T) {
	socket := func(colour string, closed int64) record.Record {
		return record.Record{At: closed, Edge: colour, WS: &record.WS{ClosedBy: "edge"}}
	}
	got := Compute(Input{
		Marks: []Mark{{Mark: "retire:blue", At: 100}, {Mark: "live:blue", At: 200}},
		Records: []record.Record{
			socket("blue", 50), socket("blue", 150), socket("green", 150), socket("blue", 250),
		},
	})
	if got.WSClosed != 3 || got.WSClosedAnnounced != 1 {
		t.Errorf("closed %d, announced %d", got.WSClosed, got.WSClosedAnnounced)
	}
}
