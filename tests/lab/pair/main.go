// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// A small identity server with Kratos' ports, paths and command line, and one with Hydra's, each in an old and some new
// versions (migrate.go, oauth_migrations.go): what a migration does to a server that runs through it, without a vendor's
// binary that brings such a migration.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// product and version are linked in.
var product, version = "kratos", "v1"

// program is what the two products do each in its own way.
type program struct {
	help, helpSQL string
	public, admin map[string]route
	failed        func(*ask) (int, any)
	// sql runs `migrate sql` with these further words.
	sql func(db *pgxpool.Pool, further []string) error
}

const flags = "\nFlags:\n  -c, --config strings\n  -e, --read-from-env\n  -y, --yes\n"

var programs = map[string]program{
	"kratos": {
		"Usage:\n  kratos migrate [command]\n\nAvailable Commands:\n  sql         Create SQL schemas and apply migrations\n",
		"Usage:\n  kratos migrate sql [flags]\n" + flags,
		public, admin, (*ask).failed, sqlOfKratos,
	},
	"hydra": {
		"Usage:\n  hydra migrate [command]\n\nAvailable Commands:\n  sql         Perform SQL migrations\n",
		"Usage:\n  hydra migrate sql [command]\n\nAvailable Commands:\n  status      Migration status\n  up          Apply migrations\n" + flags,
		oauthPublic, oauthAdmin, (*ask).oauthFailed, sqlOfHydra,
	},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(words []string) error {
	its, plain := programs[product], commands(words)
	help := slices.Contains(words, "--help")
	sql := len(plain) > 1 && plain[0] == "migrate" && plain[1] == "sql"
	switch {
	case sql && help:
		fmt.Print(its.helpSQL)
	case help && slices.Equal(plain, []string{"migrate"}):
		fmt.Print(its.help)
	case sql || len(plain) > 0 && plain[0] == "serve":
		return work(sql, words)
	default:
		return fmt.Errorf("unknown command %q for %s", words, product)
	}
	return nil
}

// commands are the words that are neither options nor an option's value.
func commands(words []string) (plain []string) {
	for n, word := range words {
		if !strings.HasPrefix(word, "-") && (n == 0 || !slices.Contains([]string{"-c", "--config", "--format"}, words[n-1])) {
			plain = append(plain, word)
		}
	}
	return plain
}

// work is what needs a database.
func work(sql bool, words []string) error {
	for n, word := range words[1:] {
		if words[n] == "-c" || words[n] == "--config" {
			if _, err := os.ReadFile(word); err != nil {
				return err
			}
		}
	}
	its, plain := programs[product], commands(words)
	status := product == "hydra" && slices.Contains(plain, "status")
	if sql && !(slices.Contains(words, "-e") && (status || slices.Contains(words, "--yes"))) {
		return errors.New("EOF")
	}
	db, err := open(os.Getenv("DSN"))
	if err != nil {
		return err
	}
	defer db.Close()
	if sql {
		return its.sql(db, plain[2:])
	}
	ended := make(chan error)
	go func() { ended <- http.ListenAndServe(":"+os.Getenv("SERVE_PUBLIC_PORT"), routes(db, its.public)) }()
	go func() { ended <- http.ListenAndServe(":"+os.Getenv("SERVE_ADMIN_PORT"), routes(db, its.admin)) }()
	return <-ended
}

// sqlOfKratos takes a word too many for nothing, as Kratos does: `status` migrates.
func sqlOfKratos(db *pgxpool.Pool, _ []string) error { return migrate(context.Background(), db) }

func sqlOfHydra(db *pgxpool.Pool, further []string) error {
	switch {
	case slices.Equal(further, []string{"status"}):
		return status(context.Background(), db)
	case len(further) == 0 || slices.Equal(further, []string{"up"}):
		return migrate(context.Background(), db)
	}
	return fmt.Errorf("unknown command %q for hydra migrate sql", further)
}

// open takes the size of the pool as Ory's DSN tells it.
func open(dsn string) (*pgxpool.Pool, error) {
	at, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("DSN is no URL")
	}
	query := at.Query()
	if size := query.Get("max_conns"); size != "" {
		query.Set("pool_max_conns", size)
	}
	query.Del("max_conns")
	at.RawQuery = query.Encode()
	return pgxpool.New(context.Background(), at.String())
}
