// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"log"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	defaultTheme = "light"
	settingsTTL  = 60 * time.Second
	failureTTL   = time.Second // a database that is away is asked once a second, not by every request
)

// Settings is what /api/settings answers. ReadAt is nil until the table was read once.
type Settings struct {
	Theme  string     `json:"theme"`
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
		theme, err := s.queryTheme(ctx)
		if err == nil {
			now := time.Now().UTC()
			c.last = Settings{Theme: theme, ReadAt: &now}
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

func (s *Store) queryTheme(ctx context.Context) (string, error) {
	if s.pool == nil {
		return "", errNoDatabase
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	theme := defaultTheme
	err := s.pool.QueryRow(ctx, `SELECT value FROM settings WHERE key = 'theme'`).Scan(&theme)
	if errors.Is(err, pgx.ErrNoRows) || isUndefinedTable(err) {
		err = nil
	}
	return theme, err
}

// writeTheme stores the theme; other processes see it when their cache runs out.
func (s *Store) writeTheme(ctx context.Context, theme string) error {
	if s.pool == nil {
		return errNoDatabase
	}
	return s.exec(ctx, `INSERT INTO settings (key, value) VALUES ('theme', $1)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`, theme)
}
