// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tick is the time between two lines of a stream.
const tick = 250 * time.Millisecond

// backend answers in its colour and notes every id: /api/RUN/ID (a body is sent back), /stream/RUN/ID/SECONDS, /ws.
type backend struct {
	colour string
	seen   ledger
}

func serve(colour, listen, control string) error {
	b := &backend{colour: colour}
	for _, address := range strings.Split(listen, ",") {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		go func() { _ = http.Serve(listener, http.HandlerFunc(b.answer)) }()
	}
	listener, err := net.Listen("tcp", control)
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, &b.seen) }()
	return nil
}

func (b *backend) answer(out http.ResponseWriter, in *http.Request) {
	parts := strings.Split(in.URL.Path, "/")
	if parts[1] == "ws" {
		b.upgrade(out, in.Header.Get("Sec-Websocket-Key"))
		return
	}
	if len(parts) < 4 {
		http.NotFound(out, in)
		return
	}
	run, _ := strconv.ParseUint(parts[2], 10, 32)
	id, err := strconv.ParseUint(parts[3], 10, 32)
	if err != nil {
		http.NotFound(out, in)
		return
	}
	b.seen.note(uint32(run), uint32(id))
	if parts[1] == "stream" && len(parts) == 5 {
		b.stream(out, parts[3], parts[4])
		return
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	head := b.colour + " " + parts[3] + "\n"
	out.Header()["Content-Type"] = []string{"text/plain"}
	out.Header()["Content-Length"] = []string{strconv.Itoa(len(head) + len(body))}
	_, _ = out.Write(append([]byte(head), body...))
}

// stream sends a line in its colour each tick, and at the end the id.
func (b *backend) stream(out http.ResponseWriter, id, seconds string) {
	length, _ := strconv.Atoi(seconds)
	out.Header().Set("Content-Type", "text/event-stream")
	for range int(time.Duration(length) * time.Second / tick) {
		_, _ = fmt.Fprintln(out, b.colour)
		_ = http.NewResponseController(out).Flush()
		time.Sleep(tick)
	}
	_, _ = fmt.Fprintf(out, "%s %s\n", b.colour, id)
}

// upgrade says back what it hears, for as long as the peer stays. HAProxy looks at the answer to the key.
func (b *backend) upgrade(out http.ResponseWriter, key string) {
	conn, buffered, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	accepted := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(accepted[:]))
	reader := bufio.NewReader(io.MultiReader(io.LimitReader(buffered, int64(buffered.Reader.Buffered())), conn))
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, line)
	}
}
