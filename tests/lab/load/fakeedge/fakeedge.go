// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package fakeedge is an edge for tests that loses requests on purpose, each in a way of its own.
package fakeedge

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Edge answers by the path of a request: see answers and broken.
type Edge struct {
	Address string
	CA      []byte // PEM
	Cert    tls.Certificate
	lock    sync.Mutex
	seen    map[string]int
}

// Start listens on loopback until the test ends.
func Start(t *testing.T) *Edge {
	t.Helper()
	e := New(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{e.Cert},
		NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	e.Address = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go e.serve(conn.(*tls.Conn))
		}
	}()
	return e
}

// New makes an edge that has a certificate for olympus.test but does not listen.
func New(t *testing.T) *Edge {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, DNSNames: []string{"olympus.test", "*.ciam.olympus.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &Edge{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), seen: map[string]int{},
		Cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
}

// Seen is how often each POST was executed, by id.
func (e *Edge) Seen() map[string]int {
	e.lock.Lock()
	defer e.lock.Unlock()
	out := map[string]int{}
	for id, n := range e.seen {
		out[id] = n
	}
	return out
}

func (e *Edge) note(id string, times int) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.seen[id] += times
}

func (e *Edge) serve(conn *tls.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if req.Method == http.MethodPost {
			e.note(req.Header.Get("X-Lab-Id"), map[string]int{"/twice": 2}[req.URL.Path])
			if req.URL.Path != "/twice" && req.URL.Path != "/unwritten" {
				e.note(req.Header.Get("X-Lab-Id"), 1)
			}
		}
		if text, ok := answers(req.URL.Path, body); ok {
			_, _ = io.WriteString(conn, text)
			continue
		}
		broken(conn, req.URL.Path)
		return
	}
}

// answers are the complete ones.
func answers(path string, body []byte) (string, bool) {
	colour, ok := strings.CutPrefix(path, "/colour/")
	if !ok {
		colour = "blue"
	}
	behind := "X-Bluegreen-Colour: " + colour + "\r\nX-Olympus-Colour: " + colour + "\r\nX-Olympus-Version: v1\r\n"
	good := answer(200, behind, string(body))
	switch path {
	case "/edge-502":
		return answer(502, "Server: Caddy\r\n", ""), true
	case "/edge-404", "/_next/static/chunks/gone.js":
		return answer(404, "Server: Caddy\r\n", ""), true
	case "/fault":
		return answer(500, behind+"X-Olympus-Fault: 1\r\n", ""), true
	case "/form-500":
		return answer(500, behind, "Failed to find Server Action"), true
	case "/limited":
		return answer(429, "Server: Caddy\r\n", ""), true
	case "/session-401":
		return answer(401, "X-Bluegreen-Colour: green\r\n", `{"error":{}}`), true
	case "/interim":
		return "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + good, true
	case "/double":
		return good + good, true
	case "/close-told":
		return answer(200, behind+"Connection: close\r\n", ""), true
	case "/slow":
		time.Sleep(1100 * time.Millisecond)
	}
	known := path == "/" || path == "/twice" || path == "/unwritten" || path == "/slow" || ok
	return good, known
}

func answer(status int, headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, headers, len(body), body)
}

// broken are the ways to lose an answer; the connection ends with each.
func broken(conn *tls.Conn, path string) {
	const head = "HTTP/1.1 200 OK\r\nX-Bluegreen-Colour: blue\r\n"
	switch path {
	case "/reset":
		reset(conn)
	case "/reset-head":
		_, _ = io.WriteString(conn, head)
		reset(conn)
	case "/short-head":
		_, _ = io.WriteString(conn, head)
	case "/short-body":
		_, _ = io.WriteString(conn, head+"Content-Length: 100\r\n\r\nhalf")
	case "/cut-chunks":
		_, _ = io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
	case "/hang":
		_, _ = io.Copy(io.Discard, conn)
	case "/close-after": // a whole answer, and the close follows it unasked
		_, _ = io.WriteString(conn, answer(200, "X-Bluegreen-Colour: blue\r\n", "bye"))
	}
	// "/eof" and anything else: closed without a byte.
}

func reset(conn *tls.Conn) {
	if tcp, ok := conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
}
