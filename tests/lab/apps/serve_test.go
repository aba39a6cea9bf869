// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// startApp serves app on loopback; end stops it as SIGTERM does and ended gives serve's result.
func startApp(t *testing.T, app *App) (base string, end func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	main, done := listen(t), make(chan error, 1)
	fault := listen(t)
	go func() { done <- app.serve(ctx, main, fault) }()
	t.Cleanup(cancel)
	return "http://" + main.Addr().String(), cancel, done
}

func TestDrainFinishesRequestsAndClosesWebSocketsLast(t *testing.T) {
	base, end, ended := startApp(t, testApp(t, "site", nil))
	ws := dialSocket(t, base)
	resp, err := http.Get(base + "/stream?seconds=1&interval_ms=50")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() {
		t.Fatal("no first line")
	}
	end() // with the stream and the WebSocket open
	ctx := context.Background()
	if err := ws.Write(ctx, websocket.MessageText, []byte("still there?")); err != nil {
		t.Fatal(err)
	}
	if _, back, err := ws.Read(ctx); err != nil || string(back) != "still there?" {
		t.Errorf("echo while draining: %q, %v", back, err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	var chunks int
	if n, err := fmt.Sscanf(last, `{"chunks":%d,"end":true}`, &chunks); n != 1 || err != nil || chunks < 10 {
		t.Errorf("last line of the stream %q", last)
	}
	if _, _, err := ws.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the WebSocket ended with %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := http.Get(base + "/health"); err == nil {
		t.Error("still answering")
	}
}

// dialSocket opens a WebSocket and reads the greeting.
func dialSocket(t *testing.T, base string) *websocket.Conn {
	t.Helper()
	ctx := context.Background()
	ws, _, err := websocket.Dial(ctx, strings.Replace(base, "http", "ws", 1)+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	if _, hello, err := ws.Read(ctx); err != nil || !strings.Contains(string(hello), `"colour":"green"`) {
		t.Fatalf("hello %q, %v", hello, err)
	}
	return ws
}

func TestStreamRefusesNonsense(t *testing.T) {
	app := testApp(t, "site", nil)
	for _, query := range []string{"seconds=-1", "seconds=601", "interval_ms=1", "seconds=x"} {
		want(t, ask(app, "GET", "/stream?"+query, ""), 400, "seconds must be")
	}
	want(t, ask(app, "GET", "/stream?seconds=0", ""), 200, `"chunks":0`)
}

// An upstream that closes a kept-alive connection on the second request: net/http would send a replayable request again.
func TestPostIsNeverSentTwice(t *testing.T) {
	var posts atomic.Int32
	kratos := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"id":"f"}`)
			return
		}
		posts.Add(1)
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	defer kratos.Close()
	app := testApp(t, "hera", func(c *Config) { c.KratosPublic = kratos.URL })
	w := signIn(app, "good") // the flow leaves an idle connection
	want(t, w, 200, msgBadCredentials)
	if posts.Load() != 1 {
		t.Errorf("the POST was sent %d times", posts.Load())
	}
}

func TestServerErrorOfAnUpstreamIs502(t *testing.T) {
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer bad.Close()
	app := testApp(t, "hera", func(c *Config) { c.HydraAdmin = bad.URL })
	w := ask(app, "GET", "/consent?consent_challenge=secret-challenge", "")
	want(t, w, 502, "answered 503")
	if head := w.Header().Get("X-Olympus-Upstream-Error"); !strings.HasPrefix(head, "hydra: ") || strings.Contains(head, "secret") {
		t.Errorf("X-Olympus-Upstream-Error %q", head)
	}
}

func TestSlowRequestsAreCutAtTheEndOfTheDrain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the whole drain time")
	}
	base, end, ended := startApp(t, testApp(t, "site", nil))
	resp, err := http.Get(base + "/stream?seconds=60")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	start := time.Now()
	end()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if took := time.Since(start); took < drainTimeout || took > drainTimeout+3*time.Second {
		t.Errorf("the drain took %s", took)
	}
}
