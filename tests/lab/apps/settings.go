// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"log"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	defaultTheme = "light"
	settingsTTL  = 60 * time.Second // as the Olympus SDK; SETTINGS_TTL makes it shorter
	failureTTL   = time.Second      // a database that is away is asked once a second, not by every request
)

// Settings is what /api/settings answers. ReadAt is nil until the table was read once.
type Settings struct {
	Theme  string     `json:"theme"`
	Probe  string     `json:"probe,omitempty"` // what a release tool wrote to see how old the caches are
	ReadAt *time.Time `json:"read_at"`
	Stale  bool       `json:"stale,omitempty"`
}

type settingsCache struct {
	mu       sync.Mutex
	last     Settings
	failedAt time.Time
}

// readSettings returns the settings at most maxAge old; when the database can't be read the last ones, marked stale.
func (s *Store) readSettings(ctx context.Context, maxAge time.Duration) Settings {
	c := &s.settings
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.ReadAt != nil && time.Since(*c.last.ReadAt) < maxAge {
		return c.last
	}
	if time.Since(c.failedAt) >= failureTTL {
		found, err := s.querySettings(ctx)
		if err == nil {
			now := time.Now().UTC()
			found.ReadAt = &now
			c.last = found
			return c.last
		}
		if ctx.Err() == nil { // a client that went away says nothing about the database
			c.failedAt = time.Now()
			log.Printf("settings: %v", err)
		}
	}
	stale := c.last
	stale.Stale = true
	if stale.Theme == "" {
		stale.Theme = defaultTheme
	}
	return stale
}

func (s *Store) querySettings(ctx context.Context) (Settings, error) {
	found := Settings{Theme: defaultTheme}
	if s.pool == nil {
		return found, errNoDatabase
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	rows, err := s.pool.Query(ctx, "SELECT key, value FROM "+s.table+" WHERE key IN ('theme', 'probe')")
	if err == nil {
		var key, value string
		_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
			if key == "theme" {
				found.Theme = value
			} else {
				found.Probe = value
			}
			return nil
		})
	}
	if isUndefinedTable(err) {
		err = nil
	}
	return found, err
}

// writeSetting stores one setting; other processes see it when their cache runs out.
func (s *Store) writeSetting(ctx context.Context, key, value string) error {
	if s.pool == nil {
		return errNoDatabase
	}
	return s.exec(ctx, "INSERT INTO "+s.table+` (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`, key, value)
}
