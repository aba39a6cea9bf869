// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
)

// free gives n addresses on loopback that nobody listens at.
func free(t *testing.T, n int) []string {
	t.Helper()
	var found []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		found = append(found, listener.Addr().String())
	}
	return found
}

// faulty stands before a backend and is wrong with some ids: 10, 30, ... cut, 20, 40, ... asked twice, 5, 15, ... a 502.
func faulty(t *testing.T, backend string) string {
	t.Helper()
	target, _ := url.Parse("http://" + backend)
	forward := httputil.NewSingleHostReverseProxy(target)
	edge := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		parts := strings.Split(in.URL.Path, "/")
		id, _ := strconv.Atoi(parts[len(parts)-1])
		switch {
		case parts[1] == "ws":
		case id%20 == 10:
			panic(http.ErrAbortHandler)
		case id%20 == 0:
			again, err := http.Get("http://" + backend + in.URL.Path)
			if err != nil {
				t.Error(err)
				return
			}
			_ = again.Body.Close()
		case id%10 == 5:
			out.WriteHeader(http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(out, in)
	}))
	t.Cleanup(edge.Close)
	return edge.Listener.Addr().String()
}

func TestEveryFaultIsCounted(t *testing.T) {
	addresses := free(t, 2)
	if err := serve("blue", addresses[0], addresses[1]); err != nil {
		t.Fatal(err)
	}
	edge := faulty(t, addresses[0])
	c := &config{Run: 3, Plain: edge, TLS: edge, Control: addresses[1:], MaxSeconds: 20, MaxRequests: 100, Host: "site.test",
		Kinds: []kind{{Name: "one", Proto: "h1", Method: "GET", Workers: 2}, {Name: "sockets", Proto: "h1", Sockets: 3}}}
	stop, saying := io.Pipe()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(c, stop, json.NewEncoder(out)) }()
	var last map[string]figures
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), `"figures"`) {
		if strings.Contains(lines.Text(), "progress") {
			go func() { _, _ = saying.Write([]byte("stop\n")) }()
		}
	}
	if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
		t.Fatal(err)
	}
	f, n := last["figures"], last["figures"].Requests
	cut, twice, refused := (n+9)/20, (n+19)/20, (n+4)/10
	if n < 100 || f.Duplicated != twice || f.ByReason["status_502"] != refused || f.Lost != cut+refused || f.Unseen != 0 {
		t.Errorf("%+v; wanted %d cut, %d twice, %d refused", f, cut, twice, refused)
	}
	if f.Opened != 3 || f.Closed != 0 {
		t.Errorf("WebSockets: %d opened, %d closed", f.Opened, f.Closed)
	}
}

func TestAddressesOfOthersAreRefused(t *testing.T) {
	path := t.TempDir() + "/load.json"
	c, _ := json.Marshal(config{Plain: "192.0.2.1:80", TLS: "127.0.0.1:1", MaxSeconds: 1})
	if err := os.WriteFile(path, c, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(path); err == nil || !strings.Contains(err.Error(), "192.0.2.1:80 is not an address of this host's loopback") {
		t.Error(err)
	}
}
