// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

func TestStoreThroughAnOutage(t *testing.T) {
	pg := startPostgres(t)
	dsn := pg.create("olympus")
	onDB := func(c *Config) { c.DSN = dsn }
	athena, hera := testApp(t, "athena", onDB), testApp(t, "hera", onDB)

	w := ask(athena, "POST", "/api/settings", `{"theme":"dark"}`, "Content-Type", "application/json")
	want(t, w, 200, `"theme":"dark"`)
	want(t, ask(hera, "GET", "/api/settings", ""), 200, `"theme":"dark"`)
	w = ask(athena, "POST", "/api/settings", "theme=light", "Content-Type", "application/x-www-form-urlencoded")
	want(t, w, 200, `"theme":"light"`)
	want(t, ask(athena, "GET", "/api/settings", ""), 200, `"theme":"light"`)
	want(t, ask(hera, "GET", "/api/settings", ""), 200, `"theme":"dark"`) // its cache holds for 60 s

	brief := testApp(t, "hera", func(c *Config) { onDB(c); c.SettingsTTL = 0 })
	want(t, ask(athena, "POST", "/api/settings", `{"probe":"p1"}`, "Content-Type", "application/json"), 200, `"probe":"p1"`)
	want(t, ask(brief, "GET", "/api/settings", ""), 200, `"theme":"light","probe":"p1"`)

	pg.stop()
	want(t, ask(hera, "POST", "/api/echo", "x", "X-Lab-Id", "lost"), 500, `"error":"lab_seen"`)
	want(t, ask(hera, "POST", "/api/echo", "x"), 200, "x")
	w = ask(athena, "GET", "/api/settings", "")
	var got Settings
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Theme != "light" || !got.Stale || got.ReadAt == nil {
		t.Errorf("in the outage Athena said %s", w.Body)
	}
	want(t, ask(athena, "POST", "/api/settings", "theme=x", "Content-Type", "application/x-www-form-urlencoded"), 503, "settings")

	pg.start()
	want(t, ask(hera, "POST", "/api/echo", "x", "X-Lab-Id", "after"), 200, "x")
	var n int
	if err := pg.query("olympus", "SELECT count(*) FROM lab_seen WHERE id = 'lost'", &n); err != nil || n != 0 {
		t.Errorf("%d rows of the POST that was refused, %v", n, err)
	}
}

// Eight apps start on an empty database at once: the tables are made once, every POST is one row, committed when the answer is there.
func TestEveryMarkedPostIsOneRow(t *testing.T) {
	pg := startPostgres(t)
	dsn := pg.create("olympus")
	var wait sync.WaitGroup
	for a := range 8 {
		app := testApp(t, "site", func(c *Config) { c.DSN = dsn; c.Fault.ErrorShare = float64(a % 2) })
		for i := range 50 {
			wait.Go(func() {
				status := 200 + 300*(a%2) // an injected 500 is recorded too
				want(t, ask(app, "POST", "/api/echo", "x", "X-Lab-Id", fmt.Sprintf("%d-%d", a, i)), status, "")
			})
		}
	}
	wait.Wait()
	var rows, ids int
	var colour string
	if err := pg.query("olympus", "SELECT count(*), count(DISTINCT id), min(colour) FROM lab_seen", &rows, &ids, &colour); err != nil {
		t.Fatal(err)
	}
	if rows != 400 || ids != 400 || colour != "green" {
		t.Errorf("%d rows, %d ids, colour %s", rows, ids, colour)
	}
}
