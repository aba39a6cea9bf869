// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// A small identity server with Kratos' ports, paths and command line, in an old and some new versions (migrate.go): what
// a migration does to a server that runs through it, without a vendor's binary that brings such a migration.
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

	"github.com/jackc/pgx/v5/pgxpool"
)

// version is linked in.
var version = "v1"

const (
	help    = "Usage:\n  kratos migrate [command]\n\nAvailable Commands:\n  sql         Create SQL schemas and apply migrations\n"
	helpSQL = "Usage:\n  kratos migrate sql [flags]\n\nFlags:\n  -c, --config strings\n  -e, --read-from-env\n  -y, --yes\n"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(words []string) error {
	sql := len(words) > 1 && words[0] == "migrate" && words[1] == "sql"
	switch {
	case sql && slices.Contains(words, "--help"):
		fmt.Print(helpSQL)
	case slices.Equal(words, []string{"migrate", "--help"}):
		fmt.Print(help)
	case sql || len(words) > 0 && words[0] == "serve":
		return work(sql, words)
	default:
		return fmt.Errorf("unknown command %q for kratos", words)
	}
	return nil
}

// work is what needs a database. As in Kratos a word too many behind `migrate sql` is nothing: `status` migrates.
func work(sql bool, words []string) error {
	for n, word := range words[1:] {
		if words[n] == "-c" || words[n] == "--config" {
			if _, err := os.ReadFile(word); err != nil {
				return err
			}
		}
	}
	if sql && !(slices.Contains(words, "-e") && slices.Contains(words, "--yes")) {
		return errors.New("EOF")
	}
	db, err := open(os.Getenv("DSN"))
	if err != nil {
		return err
	}
	defer db.Close()
	if sql {
		return migrate(context.Background(), db)
	}
	ended := make(chan error)
	go func() { ended <- http.ListenAndServe(":"+os.Getenv("SERVE_PUBLIC_PORT"), routes(db, public)) }()
	go func() { ended <- http.ListenAndServe(":"+os.Getenv("SERVE_ADMIN_PORT"), routes(db, admin)) }()
	return <-ended
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
