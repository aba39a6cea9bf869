// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bytes"
	"fmt"
	"strconv"

	"lab/load/wire"
)

// colour of an answer; the zero value is that of none.
type colour uint8

const (
	blue colour = iota + 1
	green
)

var colours = map[string]colour{"blue": blue, "green": green}

// colourHeader is what our switch adds; where it is there it must say what the body says.
const colourHeader = "X-Bluegreen-Colour"

// judge says what became of a request: "" for the one right answer, else the reason why it counts as lost.
func judge(x wire.Exchange, k *kind, id uint32, sent []byte) (colour, string) {
	if x.Failure != nil {
		return 0, x.Failure.Reason
	}
	if x.Response.Status != 200 {
		return 0, fmt.Sprintf("status_%d", x.Response.Status)
	}
	said, why := saidColour(x.Response.Body, k, id, sent)
	if header := x.Response.Header.Get(colourHeader); why == "" && header != "" && colours[header] != said {
		return 0, "wrong_header"
	}
	return said, why
}

func saidColour(body []byte, k *kind, id uint32, sent []byte) (colour, string) {
	if k.Seconds > 0 {
		return streamed(body, k, id)
	}
	line, rest, found := bytes.Cut(body, []byte("\n"))
	name, number, _ := bytes.Cut(line, []byte(" "))
	said := colours[string(name)]
	if !found || said == 0 || string(number) != strconv.FormatUint(uint64(id), 10) || !bytes.Equal(rest, sent) {
		return 0, "wrong_body"
	}
	return said, ""
}

// streamed wants every line of one colour and the id at the end.
func streamed(body []byte, k *kind, id uint32) (colour, string) {
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	name, number, _ := bytes.Cut(lines[len(lines)-1], []byte(" "))
	if string(number) != strconv.FormatUint(uint64(id), 10) || len(lines)-1 != k.Seconds*1000/int(tick.Milliseconds()) {
		return 0, "stream_cut"
	}
	for _, line := range lines[:len(lines)-1] {
		if !bytes.Equal(line, name) {
			return 0, "stream_mixed"
		}
	}
	return colours[string(name)], ""
}
