// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"lab/load/wire"
)

// quicDialer opens HTTP/3 connections. A ClientConn used alone, with no pool behind it, sends no request twice.
type quicDialer struct {
	address string
	roots   *x509.CertPool
	timeout time.Duration
}

var h3 = &http3.Transport{DisableCompression: true}

func (d *quicDialer) Open(host, _ string) (wire.Conn, *wire.Failure) {
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	defer cancel()
	settings := &tls.Config{ServerName: host, RootCAs: d.roots, NextProtos: []string{http3.NextProtoH3}}
	conn, err := quic.DialAddr(ctx, d.address, settings, &quic.Config{MaxIdleTimeout: time.Minute})
	if err != nil {
		return nil, &wire.Failure{Reason: "dial", Err: err, Unsent: true}
	}
	return &h3Conn{quic: conn, client: h3.NewClientConn(conn)}, nil
}

type h3Conn struct {
	quic   *quic.Conn
	client *http3.ClientConn
	ended  atomic.Bool
}

func (c *h3Conn) Fate() wire.Fate {
	if c.quic.Context().Err() != nil {
		return wire.PeerClosed
	}
	return wire.Usable
}

func (c *h3Conn) Ended() bool { return c.ended.Load() }

func (c *h3Conn) Close() {
	_ = c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// Do sends the request once on a stream of its own and reads its answer to the end.
func (c *h3Conn) Do(req *wire.Request) (*wire.Response, *wire.Failure) {
	ctx, cancel := context.WithTimeout(context.Background(), req.Timeout)
	defer cancel()
	out, err := http.NewRequestWithContext(ctx, req.Method, "https://"+req.Host+req.Path, bytes.NewReader(req.Body))
	if err != nil {
		return nil, &wire.Failure{Reason: "protocol", Err: err, Unsent: true}
	}
	if len(req.Body) == 0 {
		out.Body = nil
	}
	out.GetBody = nil
	head, err := c.client.RoundTrip(out)
	if err != nil {
		return nil, c.fail(err)
	}
	defer func() { _ = head.Body.Close() }()
	answer := &wire.Response{Status: head.StatusCode, Header: head.Header}
	if answer.Body, err = io.ReadAll(head.Body); err != nil {
		failure := c.fail(err)
		if failure.Reason != "timeout" {
			failure.Reason = "short_body"
		}
		return answer, failure
	}
	return answer, nil
}

func (c *h3Conn) fail(err error) *wire.Failure {
	if errors.Is(err, context.DeadlineExceeded) {
		return &wire.Failure{Reason: "timeout", Err: err}
	}
	if strings.HasPrefix(err.Error(), "http3: conn unusable") { // no stream was opened
		return &wire.Failure{Reason: "h3_closing", Err: err, Unsent: true}
	}
	c.ended.Store(true)
	return &wire.Failure{Reason: "h3", Err: err}
}
