// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"lab/load/record"
	"lab/load/wire"
)

const (
	pingEvery = time.Second
	pongLimit = 5 * time.Second
	opText    = 1
	opClose   = 8
)

// WebSocket keeps one WebSocket open, a message a second, until ctx ends; one that the edge closes is opened again.
func WebSocket(ctx context.Context, w *World) {
	for ctx.Err() == nil {
		if !webSocket(ctx, w) {
			_ = pause(ctx, pingEvery)
		}
	}
}

func webSocket(ctx context.Context, w *World) bool {
	a := w.NewClient("websocket")
	a.Proto = "h1"
	host := w.Config.Hosts.Site
	var opened *record.Record
	header := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString([]byte(rand.Text()[:16]))}}
	_, ok := a.Do(Step{Method: http.MethodGet, URL: "https://" + host + "/ws", Header: header,
		Expect: record.Status("upgrade", http.StatusSwitchingProtocols), hold: func(r *record.Record) { opened = r }})
	if !ok {
		a.Close()
		return false
	}
	conn, reader := a.line(host).Hijack().Hijack()
	defer func() { _ = conn.Close() }()
	start := time.Now()
	life := &record.WS{}
	life.ClosedBy = talk(ctx, conn, reader, life)
	life.LifeMS = record.Milli(time.Since(start))
	opened.WS = life
	w.Journal.Write(opened)
	return true
}

// talk sends a message a second and waits for its echo; it says who ended it. Between two messages it listens, so
// that a close is noticed when it comes.
func talk(ctx context.Context, conn net.Conn, reader *bufio.Reader, life *record.WS) string {
	for ctx.Err() == nil {
		message := fmt.Appendf(nil, "ping %d", life.Pings)
		_ = conn.SetDeadline(time.Now().Add(pongLimit))
		if writeFrame(conn, opText, message) != nil || !echoed(reader, message) {
			return "edge"
		}
		life.Pings++
		_ = conn.SetDeadline(time.Now().Add(pingEvery))
		if _, err := reader.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			return "edge"
		}
	}
	_ = conn.SetDeadline(time.Now().Add(pingEvery))
	_ = writeFrame(conn, opClose, []byte{0x03, 0xe8})
	return "us"
}

// echoed reads frames until the message comes back.
func echoed(reader io.Reader, message []byte) bool {
	for {
		op, payload, err := readFrame(reader)
		if err != nil || op == opClose {
			return false
		}
		if op == opText && bytes.Equal(payload, message) {
			return true
		}
	}
}

// writeFrame sends one masked frame of at most 125 bytes.
func writeFrame(conn io.Writer, op byte, payload []byte) error {
	var mask [4]byte
	_, _ = rand.Read(mask[:])
	frame := append([]byte{0x80 | op, 0x80 | byte(len(payload))}, mask[:]...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	_, err := conn.Write(frame)
	return err
}

// readFrame reads one unmasked frame of a server.
func readFrame(reader io.Reader) (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(reader, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1] & 0x7f)
	switch length {
	case 126:
		var more [2]byte
		_, err = io.ReadFull(reader, more[:])
		length = uint64(binary.BigEndian.Uint16(more[:]))
	case 127:
		err = errors.New("frame too long")
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(reader, payload)
	return head[0] & 0x0f, payload, err
}

// Stream asks for slow answers one after another until ctx ends; each must come to its end.
func Stream(ctx context.Context, w *World) {
	whole := func(answer *wire.Response) string {
		why := record.Status("stream", http.StatusOK)(answer)
		if why == "" && !bytes.Contains(answer.Body, []byte(`"end":true`)) {
			why = "stream_cut"
		}
		return why
	}
	address := fmt.Sprintf("https://%s/stream?seconds=%d&interval_ms=200", w.Config.Hosts.Site, w.Config.StreamS)
	for ctx.Err() == nil {
		a := w.NewClient("stream")
		_, ok := a.Do(Step{Method: http.MethodGet, URL: address, Expect: whole, Asked: time.Duration(w.Config.StreamS) * time.Second})
		a.Close()
		if !ok {
			_ = pause(ctx, pingEvery)
		}
	}
}
