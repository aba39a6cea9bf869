// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	schema = `SELECT pg_advisory_xact_lock(741852);
CREATE TABLE IF NOT EXISTS %s (key text PRIMARY KEY, value text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS login_lockouts (identifier text PRIMARY KEY, failed int NOT NULL, locked_until timestamptz);
CREATE TABLE IF NOT EXISTS lab_seen (id text NOT NULL, colour text NOT NULL, at timestamptz NOT NULL)`
	undefinedTable = "42P01"
	seenBatch      = 500
	dbTimeout      = 5 * time.Second
)

var errNoDatabase = errors.New("no database: DATABASE_URL is empty")

// Store is the database `olympus`: the settings table, the lockouts and the record of POSTs.
type Store struct {
	pool     *pgxpool.Pool
	colour   string
	table    string // of the settings
	incoming chan sighting
	stop     context.CancelFunc
	settings settingsCache
}

type sighting struct {
	id   string
	at   time.Time
	done chan<- error
}

// newStore reads the DSN (empty: no database) and connects on first use. What the DSN says of TLS holds, verify-full too.
func newStore(conf Config) (*Store, error) {
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{colour: conf.Colour, table: conf.SettingsTable, incoming: make(chan sighting, seenBatch), stop: stop}
	if conf.DSN == "" {
		return s, nil
	}
	cfg, err := pgxpool.ParseConfig(conf.DSN)
	if err != nil {
		return nil, errors.New("DATABASE_URL can't be read, or the file of its sslrootcert") // the cause may quote the password
	}
	cfg.MaxConns = 5 // as the Olympus SDK
	cfg.ConnConfig.ConnectTimeout = dbTimeout
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, err
	}
	go s.record(ctx)
	return s, nil
}

func (s *Store) close() {
	s.stop()
	if s.pool != nil {
		s.pool.Close()
	}
}

// seen returns when the row is committed. A row may be there although an error is returned, never the other way round.
func (s *Store) seen(ctx context.Context, id string) error {
	if s.pool == nil {
		return errNoDatabase
	}
	done := make(chan error, 1)
	select {
	case s.incoming <- sighting{strings.ToValidUTF8(id, "?"), time.Now(), done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record writes what has queued up while the last batch was under way: one INSERT for many requests under load, none waits for a timer.
func (s *Store) record(ctx context.Context) {
	for {
		var batch []sighting
		select {
		case <-ctx.Done():
			return
		case first := <-s.incoming:
			batch = append(batch, first)
		}
		for len(batch) < seenBatch && len(s.incoming) > 0 {
			batch = append(batch, <-s.incoming)
		}
		err := s.insert(ctx, batch)
		for _, one := range batch {
			one.done <- err
		}
	}
}

func (s *Store) insert(ctx context.Context, batch []sighting) error {
	ids, ats := make([]string, len(batch)), make([]time.Time, len(batch))
	for i, one := range batch {
		ids[i], ats[i] = one.id, one.at
	}
	return s.exec(ctx, `INSERT INTO lab_seen (id, colour, at) SELECT i, $2, a FROM unnest($1::text[], $3::timestamptz[]) AS t(i, a)`, ids, s.colour, ats)
}

// exec runs one statement, and once more after making the tables when they are missing (nothing was written in that case).
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, sql, args...)
	if !isUndefinedTable(err) {
		return err
	}
	if err := s.makeTables(ctx); err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, sql, args...)
	return err
}

// makeTables takes a lock: two apps that start together race inside CREATE TABLE IF NOT EXISTS.
func (s *Store) makeTables(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	// Several statements in one simple query are one transaction.
	if _, err := conn.Conn().PgConn().Exec(ctx, fmt.Sprintf(schema, s.table)).ReadAll(); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	return nil
}

func isUndefinedTable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == undefinedTable
}
