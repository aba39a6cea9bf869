// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"lab/load/wire"
)

func answer(status int, body string, header ...string) wire.Exchange {
	head := http.Header{}
	if len(header) > 0 {
		head.Set(colourHeader, header[0])
	}
	return wire.Exchange{Response: &wire.Response{Status: status, Header: head, Body: []byte(body)}}
}

func TestOnlyTheRightAnswerIsRight(t *testing.T) {
	get, post, stream := &kind{}, &kind{Method: "POST"}, &kind{Seconds: 1}
	whole := strings.Repeat("blue\n", 4)
	for _, c := range []struct {
		x    wire.Exchange
		kind *kind
		sent string
		want colour
		why  string
	}{
		{answer(200, "blue 7\n"), get, "", blue, ""},
		{answer(200, "green 7\n", "green"), get, "", green, ""},
		{answer(200, "green 7\n", "blue"), get, "", 0, "wrong_header"},
		{answer(200, "blue 8\n"), get, "", 0, "wrong_body"},
		{answer(200, "blue 7"), get, "", 0, "wrong_body"},
		{answer(200, "red 7\n"), get, "", 0, "wrong_body"},
		{answer(200, "blue 7\nabc"), post, "abc", blue, ""},
		{answer(200, "blue 7\nab"), post, "abc", 0, "wrong_body"},
		{answer(502, ""), get, "", 0, "status_502"},
		{answer(200, whole+"blue 7\n"), stream, "", blue, ""},
		{answer(200, whole), stream, "", 0, "stream_cut"},
		{answer(200, whole[5:]+"blue 7\n"), stream, "", 0, "stream_cut"},
		{answer(200, whole[5:]+"green\nblue 7\n"), stream, "", 0, "stream_mixed"},
		{wire.Exchange{Failure: &wire.Failure{Reason: "reset", Err: errors.New("x")}}, get, "", 0, "reset"},
	} {
		if said, why := judge(c.x, c.kind, 7, []byte(c.sent)); said != c.want || why != c.why {
			t.Errorf("%+v: colour %d, %q; wanted %d, %q", c.x, said, why, c.want, c.why)
		}
	}
}
