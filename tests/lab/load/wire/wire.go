// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package wire speaks HTTP/1.1 and HTTP/2 on connections of its own. It never sends a request twice:
// what a library would hide by a retry is here a Failure that the log shows.
package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Request is one request as it goes out. Host is the public name, Path includes the query.
type Request struct {
	Method, Host, Path string
	Header             http.Header
	Body               []byte
	Timeout            time.Duration
}

// Response is a complete answer, or with a Failure what was seen of it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Failure says why there is no complete answer. Unsent: nothing of the request left this process.
type Failure struct {
	Reason string
	Err    error
	Unsent bool
}

func (f *Failure) Error() string { return f.Reason + ": " + f.Err.Error() }

// Fate is what is known of an idle connection before anything is written on it.
type Fate int

// A Usable connection may be written on; PeerClosed: the close had arrived; Stray: bytes nobody asked for had.
const (
	Usable Fate = iota
	PeerClosed
	Stray
)

// Conn is one connection to the edge.
type Conn interface {
	Fate() Fate
	Ended() bool // by this side, by "Connection: close" or by a failure already reported
	Do(*Request) (*Response, *Failure)
	Close()
}

// reason names a failure of the transport while no complete head has been read.
func reason(err error) string {
	var op *net.OpError
	var alert tls.AlertError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "eof"
	case errors.As(err, &alert):
		return "tls"
	case errors.As(err, &op) && op.Timeout():
		return "timeout"
	}
	return "protocol"
}

// arrived tells what lies unread in the socket: nothing, data, or the peer's FIN or reset.
func arrived(c *net.TCPConn) (data, closed bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false, true
	}
	// Control, not Read: a reader blocked in Read holds the lock that Read would wait for.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, errno := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(errno, syscall.EAGAIN), errors.Is(errno, syscall.EINTR):
		case errno != nil || n == 0:
			closed = true
		default:
			data = true
		}
	})
	return data, closed || err != nil
}
