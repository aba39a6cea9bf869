// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestDiceFollowTheSeed(t *testing.T) {
	count := func(share float64, seed uint64) (n int, pattern string) {
		f := newFaults(FaultState{ErrorShare: share}, seed)
		for range 1000 {
			if _, fail := f.roll(); fail {
				n, pattern = n+1, pattern+"x"
			} else {
				pattern += "."
			}
		}
		return n, pattern
	}
	n1, p1 := count(0.5, 7)
	_, p2 := count(0.5, 7)
	_, p3 := count(0.5, 8)
	if p1 != p2 || p1 == p3 {
		t.Error("the same seed must give the same faults, another one others")
	}
	if n1 < 440 || n1 > 560 { // 4 standard deviations around 500
		t.Errorf("%d of 1000 at a share of 0.5", n1)
	}
	if n, _ := count(0, 7); n != 0 {
		t.Errorf("%d faults at a share of 0", n)
	}
	if n, _ := count(1, 7); n != 1000 {
		t.Errorf("%d faults at a share of 1", n)
	}
}

func TestFaultStateBounds(t *testing.T) {
	for _, bad := range []FaultState{{ErrorShare: -0.1}, {ErrorShare: 1.1}, {ErrorShare: math.NaN()}, {LatencyMS: -1}, {LatencyMS: 60_001}} {
		if bad.check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestFaultsAtRunTime(t *testing.T) {
	app := testApp(t, "hera", func(c *Config) { c.Fault.LatencyMS = 1 })
	set := func(body string) int {
		w := httptest.NewRecorder()
		app.faults.control().ServeHTTP(w, httptest.NewRequest("POST", "/fault", strings.NewReader(body)))
		return w.Code
	}
	if code := set(`{"error_share":1}`); code != 200 {
		t.Fatalf("fault port answered %d", code)
	}
	if got := app.faults.current(); got != (FaultState{ErrorShare: 1, LatencyMS: 1}) {
		t.Errorf("a key left out must keep its value: %+v", got)
	}
	w := ask(app, "GET", "/login", "")
	want(t, w, 500, "injected")
	if w.Header().Get("X-Olympus-Fault") != "1" {
		t.Error("no X-Olympus-Fault")
	}
	want(t, ask(app, "GET", "/health", ""), 200, "ok")
	for _, bad := range []string{`{"error_share":2}`, `{"unknown":1}`, `nonsense`} {
		if code := set(bad); code != 400 {
			t.Errorf("%s answered %d", bad, code)
		}
	}
	if got := app.faults.current(); got.ErrorShare != 1 {
		t.Errorf("a refused change changed the state: %+v", got)
	}
}

func TestLatencySparesHealth(t *testing.T) {
	app := testApp(t, "site", func(c *Config) { c.Fault.LatencyMS = 80 })
	took := func(path string) time.Duration {
		start := time.Now()
		want(t, ask(app, "GET", path, ""), 200, "")
		return time.Since(start)
	}
	if d := took("/"); d < 80*time.Millisecond {
		t.Errorf("/ took %s", d)
	}
	if d := took("/health"); d >= 80*time.Millisecond {
		t.Errorf("/health took %s", d)
	}
}

func TestBrokenLoginLooksLikeWrongCredentials(t *testing.T) {
	app, o := heraWith(t, func(c *Config) { c.Fault.BrokenLogin = true })
	want(t, signIn(app, "good"), 200, msgBadCredentials)
	want(t, signIn(app, "good"), 200, `name="login_challenge" value="c"`)
	if len(o.calls) > 0 {
		t.Error(o.calls)
	}
}
