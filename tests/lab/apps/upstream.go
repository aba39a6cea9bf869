// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// upstream is one HTTP API with a name for error messages.
type upstream struct {
	name, base string
	client     *http.Client
}

// reply is an answer read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// upstreamError is a transport failure or a status that can't be the client's doing; it becomes a 502.
type upstreamError struct{ upstream, reason string }

func (e *upstreamError) Error() string { return e.upstream + ": " + e.reason }

// refusal is an upstream's 4xx that is the client's doing; it becomes that status.
type refusal struct {
	status int
	reason string
}

func (e *refusal) Error() string { return e.reason }

// newUpstreamClient keeps connections alive for less time than Ory's servers do (120 s) and follows no redirect.
func newUpstreamClient() *http.Client {
	return &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:  (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConns: 64, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
		},
	}
}

// call sends one request and reads the answer: body nil for a GET, else what is to be sent. 5xx is an *upstreamError.
func (u upstream) call(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*reply, error) {
	if u.base == "" {
		return nil, &upstreamError{u.name, "its URL is not set"}
	}
	target := u.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, &upstreamError{u.name, "request can't be made"}
	}
	// net/http repeats a request on a dead kept-alive connection when it can get the body again: a POST is tried once.
	req.GetBody = nil
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	resp, err := u.client.Do(req)
	if err != nil {
		return nil, &upstreamError{u.name, withoutURL(err)}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 4*maxBody))
	if err != nil {
		return nil, &upstreamError{u.name, err.Error()}
	}
	if resp.StatusCode >= 500 {
		return nil, &upstreamError{u.name, fmt.Sprintf("%s %s answered %d", method, path, resp.StatusCode)}
	}
	return &reply{resp.StatusCode, resp.Header, data}, nil
}

// decode reads a JSON answer; an answer that is none is the upstream's failure.
func (u upstream) decode(r *reply, into any) error {
	if err := json.Unmarshal(r.body, into); err != nil {
		return &upstreamError{u.name, fmt.Sprintf("answer %d is not the JSON expected", r.status)}
	}
	return nil
}

// withoutURL drops the URL, whose query holds challenges and tokens.
func withoutURL(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}

// fail answers err: 502 for an upstream, the refusal's own status, 500 for anything else.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	var up *upstreamError
	var no *refusal
	switch {
	case errors.As(err, &up):
		log.Printf("%s %s: 502: %v", r.Method, r.URL.Path, err)
		w.Header().Set("X-Olympus-Upstream-Error", strings.Join(strings.Fields(up.Error()), " "))
		writeJSON(w, http.StatusBadGateway, map[string]string{"error": "upstream", "upstream": up.upstream, "reason": up.reason})
	case errors.As(err, &no):
		writeJSON(w, no.status, map[string]string{"error": "refused", "reason": no.reason})
	default:
		log.Printf("%s %s: 500: %v", r.Method, r.URL.Path, err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "internal", "reason": err.Error()})
	}
}
