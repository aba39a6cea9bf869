// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// settle is how long bytes already in the socket may take to become an answer of the TLS layer.
const settle = 5 * time.Millisecond

// H1 is one HTTP/1.1 connection, used by one goroutine at a time.
type H1 struct {
	tcp    *net.TCPConn
	conn   net.Conn
	reader *bufio.Reader
	ended  bool
}

// NewH1 speaks HTTP/1.1 on conn, which runs over tcp.
func NewH1(tcp *net.TCPConn, conn net.Conn) *H1 {
	return &H1{tcp: tcp, conn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}
}

// Fate looks whether the peer's close, or bytes nobody asked for, have arrived.
func (h *H1) Fate() Fate {
	if h.ended {
		return PeerClosed
	}
	if h.reader.Buffered() > 0 {
		return Stray
	}
	data, closed := arrived(h.tcp)
	if closed {
		return PeerClosed
	}
	if !data {
		return Usable
	}
	// Data may be a close_notify, a TLS message of no meaning for us, or a stray answer.
	_ = h.conn.SetReadDeadline(time.Now().Add(settle))
	_, err := h.reader.Peek(1)
	_ = h.conn.SetReadDeadline(time.Time{})
	switch {
	case err == nil:
		return Stray
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Usable
	}
	return PeerClosed
}

// Ended tells that an answer or a failure already ended the connection.
func (h *H1) Ended() bool { return h.ended }

// Do writes the request once and reads its answer to the end.
func (h *H1) Do(req *Request) (*Response, *Failure) {
	_ = h.conn.SetDeadline(time.Now().Add(req.Timeout))
	defer func() { _ = h.conn.SetDeadline(time.Time{}) }()
	if _, err := h.conn.Write(encode(req)); err != nil {
		return nil, h.fail(reason(err), err)
	}
	head, failure := h.head(req)
	if failure != nil {
		return nil, failure
	}
	answer := &Response{Status: head.StatusCode, Header: head.Header}
	if head.StatusCode == http.StatusSwitchingProtocols {
		return answer, nil
	}
	body, err := io.ReadAll(head.Body)
	answer.Body = body
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return answer, h.fail("timeout", err)
		}
		return answer, h.fail("short_body", err)
	}
	h.ended = head.Close
	return answer, nil
}

// head reads the final head; interim ones (100, 103) are passed over.
func (h *H1) head(req *Request) (*http.Response, *Failure) {
	for {
		if _, err := h.reader.Peek(1); err != nil {
			return nil, h.fail(reason(err), err)
		}
		head, err := http.ReadResponse(h.reader, &http.Request{Method: req.Method})
		if err != nil {
			why := reason(err)
			if why == "eof" {
				why = "short_head"
			}
			return nil, h.fail(why, err)
		}
		if head.StatusCode >= 200 || head.StatusCode == http.StatusSwitchingProtocols {
			return head, nil
		}
	}
}

// Hijack hands out the raw connection after a 101.
func (h *H1) Hijack() (net.Conn, *bufio.Reader) {
	h.ended = true
	return h.conn, h.reader
}

// Close closes the connection.
func (h *H1) Close() { _ = h.conn.Close() }

func (h *H1) fail(why string, err error) *Failure {
	h.ended = true
	_ = h.conn.Close()
	return &Failure{Reason: why, Err: err}
}

// encode makes one buffer of the request, so that it leaves in one write.
func encode(req *Request) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, req.Path, req.Host)
	_ = req.Header.Write(&out)
	if req.Body != nil || req.Method == http.MethodPost {
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(req.Body))
	}
	out.WriteString("\r\n")
	out.Write(req.Body)
	return out.Bytes()
}
