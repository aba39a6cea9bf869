// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"time"

	"lab/load/wire"
)

// sockets are the open WebSockets of a run. Each says something once a second, and at the end, and must hear it back.
type sockets struct {
	opened, closed uint32
	stop           chan struct{}
	verdicts       chan bool
}

func (s *sockets) open(line *wire.Line, host string) error {
	x := line.Do(&wire.Request{Method: "GET", Host: host, Path: "/ws", Timeout: timeout, Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}})
	if x.Failure != nil {
		return x.Failure
	}
	if x.Response.Status != http.StatusSwitchingProtocols {
		return fmt.Errorf("no WebSocket: status %d", x.Response.Status)
	}
	if s.stop == nil {
		s.stop, s.verdicts = make(chan struct{}), make(chan bool, 1)
	}
	s.opened++
	conn, reader := line.Hijack().Hijack()
	go func() { s.verdicts <- s.kept(conn, reader) }()
	return nil
}

// kept talks until the run ends, or until the peer closes or says something else.
func (s *sockets) kept(conn net.Conn, reader *bufio.Reader) bool {
	defer func() { _ = conn.Close() }()
	for last := false; ; {
		_ = conn.SetDeadline(time.Now().Add(timeout))
		if _, err := conn.Write([]byte("there?\n")); err != nil {
			return false
		}
		if said, err := reader.ReadString('\n'); err != nil || said != "there?\n" {
			return false
		}
		if last {
			return true
		}
		select {
		case <-s.stop:
			last = true
		case <-time.After(time.Second):
		}
	}
}

// end asks every socket a last time and counts those that were closed.
func (s *sockets) end() {
	if s.opened == 0 {
		return
	}
	close(s.stop)
	for range s.opened {
		if !<-s.verdicts {
			s.closed++
		}
	}
}
