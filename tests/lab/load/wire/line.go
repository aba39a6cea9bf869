// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Opener opens a connection for host by proto.
type Opener interface {
	Open(host, proto string) (Conn, *Failure)
}

// Dialer opens connections to the edge: always to one address, with the public name as SNI. Without Roots it speaks
// no TLS, and "h2" is then by prior knowledge.
type Dialer struct {
	Address string
	Roots   *x509.CertPool
	Timeout time.Duration
}

// Open dials for host; proto is "h1" or "h2".
func (d *Dialer) Open(host, proto string) (Conn, *Failure) {
	plain, err := net.DialTimeout("tcp", d.Address, d.Timeout)
	if err != nil {
		return nil, &Failure{Reason: "dial", Err: err, Unsent: true}
	}
	tcp, ok := plain.(*net.TCPConn)
	if !ok {
		return nil, &Failure{Reason: "dial", Err: errors.New("not TCP"), Unsent: true}
	}
	if d.Roots == nil {
		return speak(tcp, tcp, proto)
	}
	name := map[string]string{"h1": "http/1.1", "h2": "h2"}[proto]
	conn := tls.Client(tcp, &tls.Config{ServerName: host, RootCAs: d.Roots, NextProtos: []string{name},
		MinVersion: tls.VersionTLS12})
	_ = conn.SetDeadline(time.Now().Add(d.Timeout))
	if err := conn.Handshake(); err != nil {
		_ = tcp.Close()
		return nil, &Failure{Reason: "tls", Err: err, Unsent: true}
	}
	_ = conn.SetDeadline(time.Time{})
	if got := conn.ConnectionState().NegotiatedProtocol; proto == "h2" && got != "h2" {
		_ = tcp.Close()
		return nil, &Failure{Reason: "tls", Err: fmt.Errorf("no h2: %q", got), Unsent: true}
	}
	return speak(tcp, conn, proto)
}

func speak(tcp *net.TCPConn, conn net.Conn, proto string) (Conn, *Failure) {
	if proto != "h2" {
		return NewH1(tcp, conn), nil
	}
	client, err := NewH2(tcp, conn)
	if err != nil {
		_ = conn.Close()
		return nil, &Failure{Reason: "protocol", Err: err, Unsent: true}
	}
	return client, nil
}

// Exchange is what became of one request. Sent is the time just before the write; Dial the time spent on a new
// connection before it; Took from Sent to the last byte.
type Exchange struct {
	Response   *Response
	Failure    *Failure
	Sent       time.Time
	Dial, Took time.Duration
	IdleClosed bool
	Stray      bool
}

// Line is a connection to one host, opened when needed. An H1 line serves one request at a time.
type Line struct {
	Dialer      Opener
	Host, Proto string
	Fresh       bool // a new connection for every request
	lock        sync.Mutex
	conn        Conn
}

// Do sends the request once on a connection that is not known to be closed.
func (l *Line) Do(req *Request) Exchange {
	var x Exchange
	start := time.Now()
	conn, failure := l.acquire(&x)
	x.Sent = time.Now()
	x.Dial = x.Sent.Sub(start)
	if failure == nil {
		x.Response, failure = conn.Do(req)
		if failure != nil && failure.Unsent {
			// The peer's close was read between the look and the write: nothing left this process.
			x.IdleClosed = true
			l.drop(conn)
			if conn, failure = l.acquire(&x); failure == nil {
				x.Sent = time.Now()
				x.Dial = x.Sent.Sub(start)
				x.Response, failure = conn.Do(req)
			}
		}
	}
	x.Took = time.Since(x.Sent)
	x.Failure = failure
	if l.Fresh {
		l.Close()
	}
	return x
}

// acquire gives the line's connection, a new one if the old one's close has arrived.
func (l *Line) acquire(x *Exchange) (Conn, *Failure) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.conn != nil {
		switch l.conn.Fate() {
		case Usable:
			return l.conn, nil
		case Stray:
			x.Stray = true
			l.conn.Close()
		case PeerClosed:
			// What the log already shows (a failure, "Connection: close") is not counted again.
			x.IdleClosed = !l.conn.Ended()
			if h1, ok := l.conn.(*H1); ok {
				h1.Close() // a shared H2 connection is left to its streams in flight
			}
		}
		l.conn = nil
	}
	conn, failure := l.Dialer.Open(l.Host, l.Proto)
	l.conn = conn
	if failure != nil {
		l.conn = nil
	}
	return conn, failure
}

func (l *Line) drop(conn Conn) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.conn == conn {
		l.conn = nil
	}
}

// Hijack takes the connection out of the line after a 101.
func (l *Line) Hijack() *H1 {
	l.lock.Lock()
	defer l.lock.Unlock()
	h1, _ := l.conn.(*H1)
	l.conn = nil
	return h1
}

// Close closes the line's connection.
func (l *Line) Close() {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// Fate is the fate of the line's connection; without one it is Usable.
func (l *Line) Fate() Fate {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.conn == nil {
		return Usable
	}
	return l.conn.Fate()
}
