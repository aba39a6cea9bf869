// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Hydra is the admin API's part for login, consent and logout requests.
type Hydra struct{ admin upstream }

// Challenge is the part of a login or consent request that the pages need. RedirectTo is set when it was already handled.
type Challenge struct {
	Subject           string   `json:"subject"`
	Skip              bool     `json:"skip"`
	RequestedScope    []string `json:"requested_scope"`
	RequestedAudience []string `json:"requested_access_token_audience"`
	Client            struct {
		ID   string `json:"client_id"`
		Name string `json:"client_name"`
		Skip bool   `json:"skip_consent"`
	} `json:"client"`
	RedirectTo string `json:"redirect_to"`
}

// get reads a request of kind login, consent or logout.
func (h *Hydra) get(ctx context.Context, kind, challenge string) (*Challenge, error) {
	found := &Challenge{}
	return found, h.call(ctx, http.MethodGet, kind, "", challenge, nil, found)
}

// accept accepts a request and returns where the browser goes next.
func (h *Hydra) accept(ctx context.Context, kind, challenge string, body map[string]any) (string, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	var next struct {
		RedirectTo string `json:"redirect_to"`
	}
	if err := h.call(ctx, http.MethodPut, kind, "/accept", challenge, data, &next); err != nil {
		return "", err
	}
	if next.RedirectTo == "" {
		return "", &upstreamError{"hydra", "no redirect_to in its answer"}
	}
	return next.RedirectTo, nil
}

func (h *Hydra) acceptLogin(ctx context.Context, challenge, subject string) (string, error) {
	return h.accept(ctx, "login", challenge, map[string]any{"subject": subject, "remember": false})
}

func (h *Hydra) acceptConsent(ctx context.Context, challenge string, c *Challenge) (string, error) {
	return h.accept(ctx, "consent", challenge, map[string]any{
		"grant_scope": c.RequestedScope, "grant_access_token_audience": c.RequestedAudience, "remember": false,
	})
}

func (h *Hydra) acceptLogout(ctx context.Context, challenge string) (string, error) {
	return h.accept(ctx, "logout", challenge, map[string]any{})
}

// call decodes 200 and 410 (already handled, with redirect_to); other 4xx are the client's challenge.
func (h *Hydra) call(ctx context.Context, method, kind, action, challenge string, body []byte, into any) error {
	header := http.Header{}
	path := "/admin/oauth2/auth/requests/" + kind + action
	query := url.Values{kind + "_challenge": {challenge}}
	var rep *reply
	var err error
	if body == nil {
		rep, err = h.admin.call(ctx, method, path, query, header, nil)
	} else {
		header.Set("Content-Type", "application/json")
		rep, err = h.admin.call(ctx, method, path, query, header, bytes.NewReader(body))
	}
	if err != nil {
		return err
	}
	if rep.status != http.StatusOK && rep.status != http.StatusGone {
		return &refusal{http.StatusBadRequest, "Hydra does not know this " + kind + " challenge"}
	}
	return h.admin.decode(rep, into)
}
