// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// h2 has no pool and no dialler behind it: a ClientConn used alone never sends a request twice.
var h2 = &http2.Transport{DisableCompression: true}

// H2 is one HTTP/2 connection, shared by any number of goroutines.
type H2 struct {
	tcp    *net.TCPConn
	client *http2.ClientConn
	scheme string
	ended  atomic.Bool
}

// NewH2 speaks HTTP/2 on conn, which runs over tcp.
func NewH2(tcp *net.TCPConn, conn net.Conn) (*H2, error) {
	client, err := h2.NewClientConn(conn)
	if err != nil {
		return nil, err
	}
	scheme := "https"
	if conn == net.Conn(tcp) {
		scheme = "http"
	}
	return &H2{tcp: tcp, client: client, scheme: scheme}, nil
}

// Fate looks whether a GOAWAY or the close has arrived. What is still unread is given time to be read.
func (h *H2) Fate() Fate {
	for range int(settle / (100 * time.Microsecond)) {
		if !h.client.CanTakeNewRequest() {
			return PeerClosed
		}
		if h.client.State().StreamsActive > 0 {
			return Usable
		}
		data, closed := arrived(h.tcp)
		if closed {
			return PeerClosed
		}
		if !data {
			break
		}
		time.Sleep(100 * time.Microsecond)
	}
	if !h.client.CanTakeNewRequest() {
		return PeerClosed
	}
	return Usable
}

// Ended tells that a failure already reported ended the connection.
func (h *H2) Ended() bool { return h.ended.Load() }

// Do sends the request on one stream, once, and reads its answer to the end.
func (h *H2) Do(req *Request) (*Response, *Failure) {
	ctx, cancel := context.WithTimeout(context.Background(), req.Timeout)
	defer cancel()
	var body io.Reader
	if len(req.Body) > 0 {
		body = bytes.NewReader(req.Body)
	}
	out, err := http.NewRequestWithContext(ctx, req.Method, h.scheme+"://"+req.Host+req.Path, body)
	if err != nil {
		return nil, &Failure{Reason: "protocol", Err: err, Unsent: true}
	}
	out.GetBody = nil
	out.Header = req.Header.Clone()
	head, err := h.client.RoundTrip(out)
	if err != nil {
		return nil, h.fail(err)
	}
	defer func() { _ = head.Body.Close() }()
	answer := &Response{Status: head.StatusCode, Header: head.Header}
	answer.Body, err = io.ReadAll(head.Body)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return answer, &Failure{Reason: "timeout", Err: err}
		}
		h.ended.Store(true)
		return answer, &Failure{Reason: "short_body", Err: err}
	}
	return answer, nil
}

// Close closes the connection; streams in flight fail.
func (h *H2) Close() { _ = h.client.Close() }

func (h *H2) fail(err error) *Failure {
	failure := h2failure(err)
	h.ended.Store(!failure.Unsent)
	return failure
}

func h2failure(err error) *Failure {
	var goaway http2.GoAwayError
	var stream http2.StreamError
	text := err.Error()
	switch {
	case strings.Contains(text, "client conn not usable"):
		return &Failure{Reason: "h2_closing", Err: err, Unsent: true}
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Reason: "timeout", Err: err}
	case errors.As(err, &goaway), strings.Contains(text, "GOAWAY"):
		return &Failure{Reason: "h2_goaway", Err: err}
	case errors.As(err, &stream):
		return &Failure{Reason: "h2_stream_" + strings.ToLower(stream.Code.String()), Err: err}
	}
	return &Failure{Reason: reason(err), Err: err}
}
