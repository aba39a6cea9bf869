// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import "testing"

const milli = int64(1e6)

func TestAFlipAsTheClientSawIt(t *testing.T) {
	records := []record{
		{sent: 90 * milli, end: 98 * milli, colour: blue},  // before
		{sent: 99 * milli, end: 104 * milli, colour: blue}, // under way
		{sent: 101 * milli, end: 105 * milli, colour: green},
		{sent: 100 * milli, end: 106 * milli, colour: blue}, // matched before
		{sent: 107 * milli, end: 108 * milli, why: "reset"},
		{sent: 110 * milli, end: 150 * milli, colour: blue},  // within the tolerance
		{sent: 126 * milli, end: 151 * milli, colour: blue},  // late
		{sent: 198 * milli, end: 201 * milli, colour: green}, // of the next one's time
	}
	marks := []mark{{"green", 100 * milli, 103 * milli}, {"blue", 200 * milli, 203 * milli}, {"green", 300 * milli, 300 * milli}}
	found := flips(records, marks, 20*milli)
	first := found[0]
	if *first.FirstNew != 5 || *first.LastOld != 51 || *first.LastAsked != 26 || first.Late != 1 {
		t.Errorf("%v %v %v %d", *first.FirstNew, *first.LastOld, *first.LastAsked, first.Late)
	}
	if second := found[1]; second.FirstNew != nil || *second.LastOld != 1 || second.Late != 0 {
		t.Errorf("%+v", second)
	}
	if third := found[2]; third.FirstNew != nil || third.LastOld != nil {
		t.Errorf("%+v", third)
	}
}

func TestBesideAndFarFromAFlip(t *testing.T) {
	second := int64(1e9)
	marks := []mark{{"green", 10 * second, 11 * second}}
	for at, near := range map[int64]bool{8: false, 9: false, 10: true, 11: true, 12: false} {
		f := &figures{Near: histogram{}, Far: histogram{}}
		f.latency(&record{sent: at * second, end: at*second + milli}, marks)
		if (len(f.Near) == 1) != near || (len(f.Far) == 1) == near {
			t.Errorf("second %d: near %v, far %v", at, f.Near, f.Far)
		}
	}
}

func TestBucketsEndAtPowers(t *testing.T) {
	h := histogram{}
	for _, took := range []int64{1, 1000, 1020, 1021, milli} {
		h.add(took)
	}
	if h[0] != 2 || h[1] != 1 || h[2] != 1 || h[349] != 1 {
		t.Error(h)
	}
}

func TestIdsAreCountedOverBothColours(t *testing.T) {
	f := &figures{ByReason: map[string]int{}, Kinds: map[string]*by{"k": {}}}
	for _, c := range []struct {
		why   string
		times uint16
	}{{"", 1}, {"", 2}, {"reset", 2}, {"", 0}, {"reset", 0}, {"reset", 1}} {
		f.count(&record{why: c.why}, "k", c.times)
	}
	if f.Requests != 6 || f.Lost != 3 || f.Duplicated != 2 || f.Unseen != 1 || f.LostSeen != 1 || f.Kinds["k"].Lost != 3 {
		t.Errorf("%+v", f)
	}
}
