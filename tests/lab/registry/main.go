// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// A small image registry in memory, on loopback, for tests of what is asked of a registry.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

// main listens on $LISTEN (a free port of loopback if it has none) and prints the address first. With $USER_PASSWORD
// ("user:password") every request needs it.
func main() {
	where := os.Getenv("LISTEN")
	if where == "" {
		where = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", where)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	handler := registry.New(registry.Logger(log.New(os.Stderr, "", 0)))
	log.Fatal(http.Serve(listener, guarded(handler, os.Getenv("USER_PASSWORD"))))
}

func guarded(inner http.Handler, pair string) http.Handler {
	if pair == "" {
		return inner
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, given := r.BasicAuth(); !given || user+":"+password != pair {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	})
}
