// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
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
	Context           struct {
		Email string `json:"email"`
	} `json:"context"`
	Client struct {
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
	if body == nil {
		body = map[string]any{}
	}
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

// acceptLogin accepts for an identity. With remember Hydra's session outlives the browser's request (prompt=none works).
func (h *Hydra) acceptLogin(ctx context.Context, challenge string, who Identity, remember bool) (string, error) {
	body := map[string]any{"subject": who.ID, "context": map[string]string{"email": who.Traits.Email}}
	if remember {
		body["remember"], body["remember_for"] = true, 0
	}
	return h.accept(ctx, "login", challenge, body)
}

// acceptConsent grants what is asked for; a first consent is remembered for good, so that the next one is skipped.
func (h *Hydra) acceptConsent(ctx context.Context, challenge string, c *Challenge) (string, error) {
	body := map[string]any{
		"grant_scope": c.RequestedScope, "grant_access_token_audience": c.RequestedAudience,
		"session": map[string]any{"id_token": map[string]string{"email": c.Context.Email}},
	}
	if !c.Skip {
		body["remember"], body["remember_for"] = true, 0
	}
	return h.accept(ctx, "consent", challenge, body)
}

// redirectURI is the first redirect URI of a client.
func (h *Hydra) redirectURI(ctx context.Context, client string) (string, error) {
	rep, err := h.admin.call(ctx, http.MethodGet, "/admin/clients/"+url.PathEscape(client), nil, nil, nil)
	if err != nil {
		return "", err
	}
	var found struct {
		RedirectURIs []string `json:"redirect_uris"`
	}
	if err := h.admin.decode(rep, &found); err != nil || rep.status != http.StatusOK || len(found.RedirectURIs) == 0 {
		return "", &upstreamError{"hydra", "knows no such client with a redirect URI"}
	}
	return found.RedirectURIs[0], nil
}

// endSessions forgets a subject's logins and consents (and with these its tokens); a failure is only logged.
func (h *Hydra) endSessions(ctx context.Context, subject string) {
	for kind, query := range map[string]url.Values{"login": {}, "consent": {"all": {"true"}}} {
		query.Set("subject", subject)
		rep, err := h.admin.call(ctx, http.MethodDelete, "/admin/oauth2/auth/sessions/"+kind, query, nil, nil)
		if err == nil && rep.status >= 400 && rep.status != http.StatusNotFound {
			err = &upstreamError{"hydra", http.StatusText(rep.status)}
		}
		if err != nil {
			log.Printf("Hydra's %s sessions not ended: %v", kind, err)
		}
	}
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
