// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"lab/load/fakeedge"
	"lab/load/wire"
)

func lineTo(edge *fakeedge.Edge, proto string) *wire.Line {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(edge.CA)
	dialer := &wire.Dialer{Address: edge.Address, Roots: roots, Timeout: 2 * time.Second}
	return &wire.Line{Dialer: dialer, Host: "olympus.test", Proto: proto}
}

func ask(line *wire.Line, path string) wire.Exchange {
	return line.Do(&wire.Request{Method: "GET", Host: "olympus.test", Path: path, Timeout: 2 * time.Second,
		Header: http.Header{}})
}

func arrivedClose(t *testing.T, line *wire.Line) {
	t.Helper()
	for range 500 {
		if line.Fate() == wire.PeerClosed {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal("the close never arrived")
}

// h2server is Go's own HTTP/2 server.
func h2server(t *testing.T, handler http.HandlerFunc) (*fakeedge.Edge, *http.Server) {
	t.Helper()
	edge := fakeedge.New(t)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	edge.Address = plain.Addr().String()
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{edge.Cert}, NextProtos: []string{"h2"}}}
	go func() { _ = server.ServeTLS(plain, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return edge, server
}

func TestH2GoawayBetweenRequestsIsIdleClosed(t *testing.T) {
	edge, server := h2server(t, func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, "x") })
	line := lineTo(edge, "h2")
	if x := ask(line, "/"); x.Failure != nil || string(x.Response.Body) != "x" {
		t.Fatalf("%+v", x.Failure)
	}
	go func() { _ = server.Shutdown(context.Background()) }()
	arrivedClose(t, line)
	if x := ask(line, "/"); !x.IdleClosed || x.Failure == nil || x.Failure.Reason != "dial" {
		t.Errorf("idle closed %v, failure %v", x.IdleClosed, x.Failure)
	}
}

func TestH2StreamErrorsAndCutBodies(t *testing.T) {
	edge, _ := h2server(t, func(out http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/cut" {
			_, _ = io.WriteString(out, "half")
			_ = http.NewResponseController(out).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	line := lineTo(edge, "h2")
	if x := ask(line, "/abort"); x.Failure == nil || x.Failure.Reason != "h2_stream_internal_error" {
		t.Errorf("%v", x.Failure)
	}
	if x := ask(line, "/cut"); x.Failure == nil || x.Failure.Reason != "short_body" {
		t.Errorf("%v", x.Failure)
	}
}

// rawH2 answers each connection's first request by what act writes.
func rawH2(t *testing.T, act func(*http2.Framer, uint32)) (*fakeedge.Edge, *atomic.Int64) {
	t.Helper()
	edge := fakeedge.New(t)
	requests := &atomic.Int64{}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{edge.Cert}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	edge.Address = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface)))
			framer := http2.NewFramer(conn, conn)
			_ = framer.WriteSettings()
			for {
				frame, err := framer.ReadFrame()
				if err != nil {
					break
				}
				if head, ok := frame.(*http2.HeadersFrame); ok {
					requests.Add(1)
					act(framer, head.StreamID)
					_ = conn.Close()
				}
			}
		}
	}()
	return edge, requests
}

func TestH2GoawayAfterTheWriteIsALossAndNotRetried(t *testing.T) {
	edge, requests := rawH2(t, func(f *http2.Framer, _ uint32) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil) })
	line := lineTo(edge, "h2")
	for range 3 {
		x := ask(line, "/")
		if x.Failure == nil || x.Failure.Reason != "h2_goaway" || x.IdleClosed {
			t.Errorf("failure %v, idle closed %v", x.Failure, x.IdleClosed)
		}
		arrivedClose(t, line)
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("3 requests made %d", n)
	}
}

func TestH2CloseAfterTheWriteIsALoss(t *testing.T) {
	edge, requests := rawH2(t, func(*http2.Framer, uint32) {})
	x := ask(lineTo(edge, "h2"), "/")
	if x.Failure == nil || requests.Load() != 1 {
		t.Errorf("failure %v, requests %d", x.Failure, requests.Load())
	}
}

func TestH2SharedByManyAtOnce(t *testing.T) {
	var most, now atomic.Int64
	edge, _ := h2server(t, func(out http.ResponseWriter, _ *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
		_, _ = fmt.Fprint(out, "x")
	})
	line := lineTo(edge, "h2")
	failures := make(chan *wire.Failure, 8)
	for range 8 {
		go func() { failures <- ask(line, "/").Failure }()
	}
	for range 8 {
		if f := <-failures; f != nil {
			t.Error(f)
		}
	}
	if most.Load() < 2 {
		t.Error("the streams ran one after another")
	}
}

func TestInterimAnswersArePassedOver(t *testing.T) {
	edge := fakeedge.Start(t)
	if x := ask(lineTo(edge, "h1"), "/interim"); x.Failure != nil || x.Response.Status != 200 {
		t.Errorf("%+v", x)
	}
}

func TestWithoutRootsItSpeaksNoTLS(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		_, _ = fmt.Fprint(out, in.Proto, in.TLS != nil)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	dialer := &wire.Dialer{Address: listener.Addr().String(), Timeout: 2 * time.Second}
	for proto, want := range map[string]string{"h1": "HTTP/1.1false", "h2": "HTTP/2.0false"} {
		x := ask(&wire.Line{Dialer: dialer, Host: "olympus.test", Proto: proto}, "/")
		if x.Failure != nil || string(x.Response.Body) != want {
			t.Errorf("%s: %v", proto, x.Failure)
		}
	}
}
