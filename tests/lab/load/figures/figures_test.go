// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package figures

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"lab/load/record"
)

const ms = int64(1e6)

func at(t int64, r record.Record) record.Record {
	r.At = t * ms
	if r.Outcome == "" {
		r.Outcome = record.OK
	}
	if r.Status == 0 {
		r.Status = 200
	}
	return r
}

func TestColoursAgainstTheMarks(t *testing.T) {
	hundred := 100.0
	in := Input{
		Marks: []Mark{{At: 0, Mark: "live:blue"}, {At: 1000 * ms, Mark: "flip:green"},
			{At: 1010 * ms, Mark: "live:green", ToleranceMS: &hundred}},
		Records: []record.Record{
			at(100, record.Record{Edge: "green"}),         // within the tolerance of the first mark
			at(300, record.Record{Edge: "blue"}),          // right
			at(400, record.Record{Edge: "green"}),         // wrong
			at(990, record.Record{Edge: "green", MS: 20}), // under way when the switch turned
			at(500, record.Record{App: "green"}),          // wrong, said by the app
			at(600, record.Record{}),                      // nobody says
			at(1005, record.Record{Edge: "green"}),        // after the flip nothing is claimed
			at(1100, record.Record{Edge: "blue"}),         // within 100 ms of the second mark
			at(1200, record.Record{Edge: "blue"}),         // wrong
			at(1300, record.Record{Edge: "blue", Method: "POST", Pin: "blue"}),
			at(1400, record.Record{Edge: "green", Method: "POST", Pin: "blue"}),
			at(1500, record.Record{Edge: "blue", Path: "/_next/static/chunks/a.js"}),
		},
	}
	f := Compute(in)
	if got := [...]int{f.WrongColour, f.Pinned, f.PinnedAway, f.AssetFallback}; got != [...]int{3, 2, 1, 1} {
		t.Errorf("wrong, pinned, pinned away, assets: %v", got)
	}
}

func TestFlip(t *testing.T) {
	in := Input{
		Marks: []Mark{{At: 1000 * ms, Mark: "flip:green"}, {At: 2000 * ms, Mark: "flip:blue"}},
		Records: []record.Record{
			at(990, record.Record{Edge: "blue", MS: 30}), at(1003, record.Record{Edge: "green", MS: 2}),
			at(1001, record.Record{Edge: "green", MS: 9}), at(1002, record.Record{Edge: "blue", MS: 4}),
			at(1500, record.Record{Edge: "blue", Pin: "blue"}), at(900, record.Record{Edge: "blue", MS: 400, AskedMS: 400}),
		},
	}
	got := Compute(in).Flips
	five, twenty, two := 5.0, 20.0, 2.0
	want := []Flip{{To: "green", At: 1000 * ms, FirstNewMS: &five, LastOldMS: &twenty, LastOldSentMS: &two},
		{To: "blue", At: 2000 * ms}}
	if !reflect.DeepEqual(got, want) {
		a, _ := json.Marshal(got)
		t.Errorf("%s", a)
	}
}

func TestAnnouncedLossesAreApart(t *testing.T) {
	lost := record.Record{Outcome: record.Lost, Reason: "eof", MS: 50, Kind: "volume"}
	in := Input{
		Marks: []Mark{{At: 1000 * ms, Mark: "adopt-begin"}, {At: 2000 * ms, Mark: "adopt-end"}, {At: 5000 * ms, Mark: "undo-begin"}},
		Records: []record.Record{at(900, lost), at(960, lost), at(1500, lost), at(1999, lost), at(2001, lost), at(4000, lost),
			at(6000, lost), at(100, record.Record{WS: &record.WS{LifeMS: 1400, ClosedBy: "edge"}}),
			at(100, record.Record{WS: &record.WS{LifeMS: 400, ClosedBy: "edge"}}),
			at(100, record.Record{WS: &record.WS{LifeMS: 9000, ClosedBy: "us"}})},
	}
	f := Compute(in)
	if got := [...]int{f.Lost, f.AnnouncedLost, f.ByKind["volume"].Lost, f.WSOpen, f.WSClosed, f.WSClosedAnnounced}; got != [...]int{3, 4, 3, 3, 1, 1} {
		t.Errorf("lost, announced, by kind, sockets, closed, announced: %v", got)
	}
}

func TestKept(t *testing.T) {
	ask := func(subject, outcome, reason string) record.Record {
		return record.Record{Kind: "session", Subject: subject, Outcome: outcome, Reason: reason}
	}
	f := Compute(Input{Records: []record.Record{
		ask("1", "ok", ""), ask("1", "lost", "eof"), // a lost answer says nothing about the session
		ask("2", "ok", ""), ask("2", "lost", "session_refused_401"), ask("2", "ok", ""),
		ask("3", "lost", "eof"), // never accepted
		ask("", "ok", ""),       // the short session of a journey
	}})
	if f.Sessions != 3 || f.SessionsKept != 1 {
		t.Errorf("%d of %d", f.SessionsKept, f.Sessions)
	}
}

func TestDuplicated(t *testing.T) {
	post := func(id string) record.Record {
		return record.Record{ID: id, Method: "POST", App: "blue", Outcome: record.OK}
	}
	in := Input{Records: []record.Record{post("a"), post("b"), post("c")}, Seen: map[string]int{"a": 1, "b": 2, "other": 1}}
	if f := Compute(in); f.Duplicated != 1 || *f.Unseen != 1 || f.Posts != 3 {
		t.Errorf("%+v", f)
	}
	in.Seen = nil
	if f := Compute(in); f.Unseen != nil {
		t.Error("unseen without an export")
	}
}

func TestNothing(t *testing.T) {
	if f := Compute(Input{}); f.Requests != 0 || f.Rate != 0 || f.P99 != 0 {
		t.Errorf("%+v", f)
	}
}

func TestATornLastLineIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	text := `{"id":"1","outcome":"ok"}` + "\n" + `{"id":"2","outc`
	if err := os.WriteFile(dir+"/requests.jsonl", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := Load(dir)
	if err != nil || len(in.Records) != 1 {
		t.Errorf("%v %v", in.Records, err)
	}
}

// The recorded run is the one that tests/unit/test_lab_figures.py computes a second time, in Python.
func TestTheRecordedRun(t *testing.T) {
	const dir = "../../../unit/lab/fixtures/load"
	in, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/figures.json")
	if err != nil {
		t.Fatal(err)
	}
	var want Figures
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if got := Compute(in); !reflect.DeepEqual(got, want) {
		t.Errorf("recorded %+v\ncomputed %+v", want, got)
	}
}
