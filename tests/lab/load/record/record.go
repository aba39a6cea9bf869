// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package record turns exchanges into lines of requests.jsonl: one line a request, with its outcome.
package record

// Outcomes of a request.
const (
	OK           = "ok"
	Lost         = "lost"
	ReleaseError = "release_error"
	RateLimited  = "rate_limited"
)

// Record is one line of requests.jsonl. At: Unix ns just before the write; MS: from then to the last byte;
// DialMS: spent on a new connection before; AskedMS: how long the answer was asked to take.
type Record struct {
	ID         string  `json:"id"`
	At         int64   `json:"at"`
	MS         float64 `json:"ms"`
	DialMS     float64 `json:"dial_ms,omitempty"`
	AskedMS    float64 `json:"asked_ms,omitempty"`
	Proto      string  `json:"proto"`
	Method     string  `json:"method"`
	Host       string  `json:"host"`
	Path       string  `json:"path"`
	Kind       string  `json:"kind"`
	Subject    string  `json:"subject,omitempty"` // the long-lived session or token asked about
	Status     int     `json:"status"`
	Edge       string  `json:"edge,omitempty"`
	App        string  `json:"app,omitempty"`
	Version    string  `json:"version,omitempty"`
	Pin        string  `json:"pin,omitempty"`  // the colour named by a cookie of a POST
	From       string  `json:"from,omitempty"` // the version whose page held the form that is posted
	Outcome    string  `json:"outcome"`
	Reason     string  `json:"reason,omitempty"`
	IdleClosed bool    `json:"idle_closed,omitempty"`
	Stray      bool    `json:"stray,omitempty"`
	WS         *WS     `json:"ws,omitempty"`
}

// WS is the life of a WebSocket, on the line of the request that opened it (written when it ends).
type WS struct {
	LifeMS   float64 `json:"life_ms"`
	Pings    int     `json:"pings"`
	ClosedBy string  `json:"closed_by"` // "us" or "edge"
}

// Colour is the colour that answered: what the edge says, else what the app says.
func (r *Record) Colour() string {
	if r.Edge != "" {
		return r.Edge
	}
	return r.App
}

// Latency in ms is what the request took beyond what it asked for, with its connection.
func (r *Record) Latency() float64 { return max(0, r.MS+r.DialMS-r.AskedMS) }
