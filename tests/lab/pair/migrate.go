// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// migration is SQL, or code for what SQL alone does not do.
type migration struct {
	version, name, sql string
	code               func(context.Context, *pgxpool.Pool) error
}

// history is what the old version of a product has, and what each new one has beyond it.
type history struct {
	base  []migration
	added map[string][]migration
}

var histories = map[string]history{"kratos": {base, added}, "hydra": {oauthBase, oauthAdded}}

var base = []migration{
	{"20240101000000000001", "identities", `CREATE TABLE identities (id text PRIMARY KEY, schema_id text NOT NULL,
		state text NOT NULL, traits jsonb NOT NULL)`, nil},
	{"20240101000000000002", "identity_credentials", `CREATE TABLE identity_credentials (identifier text PRIMARY KEY,
		hash text NOT NULL, identity_id text NOT NULL REFERENCES identities ON DELETE CASCADE)`, nil},
	{"20240101000000000003", "sessions", `CREATE TABLE sessions (id text PRIMARY KEY, token text NOT NULL, logout_token text NOT NULL,
		active bool NOT NULL, identity_id text NOT NULL REFERENCES identities ON DELETE CASCADE)`, nil},
	{"20240101000000000004", "session_devices", `CREATE TABLE session_devices (id text PRIMARY KEY, user_agent text NOT NULL,
		session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE);` + codeTables, nil},
}

// added is what a version has beyond v1.
var added = map[string][]migration{
	// The shape of Kratos 26.2: an old server's login can't write its row any more.
	"v2": {
		{"20250101000000000001", "identity_id", `ALTER TABLE session_devices ADD COLUMN identity_id text`, nil},
		{"20250101000000000002", "identity_id_backfill", "", backfill},
		{"20250101000000000003", "identity_id_not_null", notNull, nil},
	},
	// The same on a big table: what an old server writes meanwhile makes the last step fail, now and at each rerun.
	"v2-race": {
		{"20250101000000000001", "identity_id", `ALTER TABLE session_devices ADD COLUMN identity_id text`, nil},
		{"20250101000000000002", "identity_id_backfill", "", backfillSlowly},
		{"20250101000000000003", "identity_id_not_null", notNull, nil},
	},
	// That of Kratos 25.4: an old server's list can't read the column; and rewrites, lost indexes and a foreign key beside it.
	"v2-list": {
		{"20250201000000000001", "codes_ids", wideCodes, nil},
		{"20250201000000000002", "codes_indexes", `DROP INDEX identity_recovery_codes_nid, identity_recovery_codes_identity,
			identity_verification_codes_nid, identity_verification_codes_identity, identities_state, identities_state_id, sessions_active`, nil},
		{"20250201000000000003", "codes_identity", `ALTER TABLE identity_recovery_codes ADD CONSTRAINT identity_recovery_codes_identity_fk
			FOREIGN KEY (identity_id) REFERENCES identities ON DELETE CASCADE`, nil},
		{"20250201000000000004", "external_id", `ALTER TABLE identities ADD COLUMN external_id text`, nil},
	},
	// Nothing that an old server meets.
	"v2-plain": {{"20250301000000000001", "organizations", `CREATE TABLE organizations (id text PRIMARY KEY)`, nil}},
}

const (
	// The second of the tables is one that v1 has no use for.
	codeTables = `
		CREATE TABLE identity_recovery_codes (id char(36) PRIMARY KEY, identity_id text, nid char(36) NOT NULL, code text NOT NULL);
		CREATE TABLE identity_verification_codes (id char(36) PRIMARY KEY, identity_id text, nid char(36) NOT NULL, code text NOT NULL);
		CREATE INDEX identity_recovery_codes_nid ON identity_recovery_codes (nid, id);
		CREATE INDEX identity_recovery_codes_identity ON identity_recovery_codes (identity_id, nid);
		CREATE INDEX identity_verification_codes_nid ON identity_verification_codes (nid, id);
		CREATE INDEX identity_verification_codes_identity ON identity_verification_codes (identity_id, nid);
		CREATE INDEX identities_state ON identities (state);
		CREATE INDEX identities_state_id ON identities (state, id);
		CREATE INDEX sessions_active ON sessions (active);`
	wideCodes = `
		ALTER TABLE identity_recovery_codes ALTER COLUMN id TYPE varchar(36), ALTER COLUMN nid TYPE varchar(36);
		ALTER TABLE identity_verification_codes ALTER COLUMN id TYPE varchar(36), ALTER COLUMN nid TYPE varchar(36);`

	notNull = `ALTER TABLE session_devices ALTER COLUMN identity_id SET NOT NULL`
	fill    = `UPDATE session_devices d SET identity_id = s.identity_id FROM sessions s WHERE s.id = d.session_id
		AND d.id IN (SELECT id FROM session_devices WHERE identity_id IS NULL LIMIT $1)`
	// A step of two rows takes as long as one of ten thousand.
	fewRows, slow  = 2, 300 * time.Millisecond
	undefinedTable = "42P01"
)

// backfill fills what is empty, batch by batch, until there is none.
func backfill(ctx context.Context, db *pgxpool.Pool) error {
	for {
		done, err := db.Exec(ctx, fill, 1000)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
	}
}

// backfillSlowly fills as many rows as were empty when it began.
func backfillSlowly(ctx context.Context, db *pgxpool.Pool) error {
	var left int
	err := db.QueryRow(ctx, `SELECT count(*) FROM session_devices WHERE identity_id IS NULL`).Scan(&left)
	for ; err == nil && left > 0; left -= fewRows {
		_, err = db.Exec(ctx, fill, fewRows)
		time.Sleep(slow)
	}
	return err
}

func known() []migration {
	its := histories[product]
	return append(its.base[:len(its.base):len(its.base)], its.added[version]...)
}

// status writes each migration that this version knows as Hydra's does; it changes nothing.
func status(ctx context.Context, db *pgxpool.Pool) error {
	applied := []string{}
	rows, err := db.Query(ctx, `SELECT version FROM schema_migration`)
	if err == nil {
		applied, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	var told *pgconn.PgError
	if err != nil && !(errors.As(err, &told) && told.Code == undefinedTable) {
		return err
	}
	listed := []object{}
	for _, one := range known() {
		state := "Pending"
		if slices.Contains(applied, one.version) {
			state = "Applied"
		}
		listed = append(listed, object{"state": state, "version": one.version, "name": one.name, "content": one.sql})
	}
	return json.NewEncoder(os.Stdout).Encode(listed)
}

// pending counts the migrations that this version knows and the database lacks; a database without any is an error.
func pending(ctx context.Context, db *pgxpool.Pool) (left int, err error) {
	versions := []string{}
	for _, one := range known() {
		versions = append(versions, one.version)
	}
	const there = `SELECT cardinality($1::text[]) - count(*) FROM schema_migration WHERE version = ANY ($1)`
	return left, db.QueryRow(ctx, there, versions).Scan(&left)
}

// migrate applies what is missing; each is noted when it is done, so one that fails is the first of the next run.
func migrate(ctx context.Context, db *pgxpool.Pool) error {
	if _, err := db.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migration (version varchar(48) PRIMARY KEY)`); err != nil {
		return err
	}
	for _, one := range known() {
		var there bool
		err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM schema_migration WHERE version = $1)`, one.version).Scan(&there)
		if err == nil && !there {
			err = one.apply(ctx, db)
		}
		if err != nil {
			return fmt.Errorf("migration %s: %w", one.name, err)
		}
	}
	return nil
}

// apply is one transaction with its note, but for code, which goes its own way.
func (one migration) apply(ctx context.Context, db *pgxpool.Pool) error {
	if one.code != nil {
		if err := one.code(ctx, db); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, one.sql, pgx.QueryExecModeSimpleProtocol)
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO schema_migration (version) VALUES ($1)`, one.version)
			fmt.Printf("level=info msg=applied migration_name=%s version=%s\n", one.name, one.version)
		}
		return err
	})
}
