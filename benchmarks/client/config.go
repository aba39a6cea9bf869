// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"lab/load/wire"
)

// config of one run. Plain and TLS are the edge's two addresses; TLS is that of HTTP/3 too.
type config struct {
	Run         uint32   `json:"run"`
	Plain       string   `json:"plain"`
	TLS         string   `json:"tls"`
	CA          string   `json:"ca"`
	Host        string   `json:"host"`
	Control     []string `json:"control"`
	Kinds       []kind   `json:"kinds"`
	MaxSeconds  int      `json:"max_seconds"`
	MaxRequests uint32   `json:"max_requests"`
	ToleranceMS float64  `json:"tolerance_ms"`
	roots       *x509.CertPool
}

// kind of request. Proto is h1, h2 (by TLS), h2c or h3. Rate is what all its Workers together send in a second; 0 is
// as many as they can. Lines: connections they share; 0 is one each. Fresh: a connection for each request.
// Seconds > 0 makes it a stream of that length; Sockets > 0 that many WebSockets, each asked once a second.
type kind struct {
	Name    string  `json:"name"`
	Proto   string  `json:"proto"`
	Method  string  `json:"method"`
	Workers int     `json:"workers"`
	Lines   int     `json:"lines"`
	Rate    float64 `json:"rate"`
	Fresh   bool    `json:"fresh"`
	Bytes   int     `json:"bytes"`
	Seconds int     `json:"seconds"`
	Sockets int     `json:"sockets"`
}

const (
	timeout = 10 * time.Second
	// Nothing here runs longer, whatever a configuration says.
	longest = 900
)

func readConfig(path string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &config{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return nil, err
	}
	if c.MaxSeconds < 1 || c.MaxSeconds > longest {
		return nil, fmt.Errorf("max_seconds is %d: say 1 to %d", c.MaxSeconds, longest)
	}
	for _, address := range append([]string{c.Plain, c.TLS}, c.Control...) {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			return nil, fmt.Errorf("%s is not an address of this host's loopback", address)
		}
	}
	authority, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	c.roots = x509.NewCertPool()
	if !c.roots.AppendCertsFromPEM(authority) {
		return nil, errors.New(c.CA + " holds no certificate")
	}
	return c, nil
}

// lines are the connections of a kind, dialled when first used.
func (c *config) lines(k *kind) []*wire.Line {
	var opener wire.Opener
	proto := k.Proto
	switch k.Proto {
	case "h3":
		opener = &quicDialer{address: c.TLS, roots: c.roots, timeout: timeout}
	case "h2":
		opener = &wire.Dialer{Address: c.TLS, Roots: c.roots, Timeout: timeout}
	default:
		proto = map[string]string{"h1": "h1", "h2c": "h2"}[k.Proto]
		opener = &wire.Dialer{Address: c.Plain, Timeout: timeout}
	}
	count := k.Lines
	if count == 0 {
		count = max(k.Workers, k.Sockets)
	}
	made := make([]*wire.Line, count)
	for i := range made {
		made[i] = &wire.Line{Dialer: opener, Host: c.Host, Proto: proto, Fresh: k.Fresh}
	}
	return made
}
