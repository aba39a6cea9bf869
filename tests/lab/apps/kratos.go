// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"
)

// Kratos speaks the API flows of the public port, always from the server, and the admin API. The browser gets no cookie of it.
type Kratos struct{ public, admin upstream }

// Flow is the part of a self-service flow that the pages need. An answer without an ID is no flow; see Error.
type Flow struct {
	ID string `json:"id"`
	UI struct {
		Messages []message `json:"messages"`
		Nodes    []node    `json:"nodes"`
	} `json:"ui"`
	Error struct {
		ID     string `json:"id"`
		Reason string `json:"reason"`
	} `json:"error"`
}

type message struct {
	ID   int64  `json:"id"`
	Text string `json:"text"`
}

type node struct {
	Attributes struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"attributes"`
	Messages []message `json:"messages"`
}

// Session is a Kratos session; Identity.ID is empty when there is none.
type Session struct {
	Identity Identity `json:"identity"`
}

// Identity is a Kratos identity with the lab's traits.
type Identity struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Traits struct {
		Email string `json:"email"`
	} `json:"traits"`
}

const (
	sessionCookie = "ory_kratos_session"
	needsAAL2     = "session_aal2_required"
)

var errCredentials = errors.New("Kratos refuses the password")

// csrf is the token that the flow's form must carry; an API flow has none.
func (f *Flow) csrf() string {
	for _, n := range f.UI.Nodes {
		if n.Attributes.Name == "csrf_token" {
			token, _ := n.Attributes.Value.(string)
			return token
		}
	}
	return ""
}

// messages are the texts of the flow and of its fields, in that order.
func (f *Flow) messages() (texts []string) {
	all := f.UI.Messages
	for _, n := range f.UI.Nodes {
		all = append(all, n.Messages...)
	}
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return texts
}

// submission is Kratos' answer to a form: Session when it opened one, else Flow.
type submission struct {
	Flow
	Token    string   `json:"session_token"`
	Session  Session  `json:"session"`
	Identity Identity `json:"identity"`
}

// submit opens an API flow of kind login or registration and posts the form to it.
func (k *Kratos) submit(ctx context.Context, kind string, form url.Values) (*submission, int, error) {
	rep, err := k.public.call(ctx, http.MethodGet, "/self-service/"+kind+"/api", nil, http.Header{}, nil)
	if err != nil {
		return nil, 0, err
	}
	flow := Flow{}
	if err := k.public.decode(rep, &flow); err != nil || flow.ID == "" {
		return nil, 0, &upstreamError{"kratos", fmt.Sprintf("no %s flow in its answer %d", kind, rep.status)}
	}
	form.Set("method", "password")
	if token := flow.csrf(); token != "" {
		form.Set("csrf_token", token)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	rep, err = k.public.call(ctx, http.MethodPost, "/self-service/"+kind, url.Values{"flow": {flow.ID}}, header, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, err
	}
	result := &submission{}
	return result, rep.status, k.public.decode(rep, result)
}

// login returns the session; errCredentials when Kratos refuses the password.
func (k *Kratos) login(ctx context.Context, email, password string) (*submission, error) {
	result, status, err := k.submit(ctx, "login", url.Values{"identifier": {email}, "password": {password}})
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusBadRequest && result.Flow.ID != "":
		return nil, errCredentials
	case status != http.StatusOK || result.Session.Identity.ID == "":
		return nil, &upstreamError{"kratos", fmt.Sprintf("no session in its answer %d", status)}
	}
	return result, nil
}

// register returns the new identity, or what Kratos has against it.
func (k *Kratos) register(ctx context.Context, email, password string) (Identity, []string, error) {
	result, status, err := k.submit(ctx, "registration", url.Values{"traits.email": {email}, "password": {password}})
	switch {
	case err != nil:
		return Identity{}, nil, err
	case status == http.StatusBadRequest && result.Flow.ID != "":
		return Identity{}, append([]string{"This account can't be made."}, result.messages()...), nil
	case status != http.StatusOK || result.Identity.ID == "":
		return Identity{}, nil, &upstreamError{"kratos", fmt.Sprintf("no identity in its answer %d", status)}
	}
	return result.Identity, nil, nil
}

// wantsSecondFactor tells whether Kratos takes the session only with another proof.
func (k *Kratos) wantsSecondFactor(ctx context.Context, token string) (bool, error) {
	rep, err := k.public.call(ctx, http.MethodGet, "/sessions/whoami", nil, http.Header{"X-Session-Token": {token}}, nil)
	if err != nil || rep.status == http.StatusOK {
		return false, err
	}
	flow := Flow{}
	if err := k.public.decode(rep, &flow); err != nil {
		return false, err
	}
	if flow.Error.ID == needsAAL2 {
		return true, nil
	}
	return false, &upstreamError{"kratos", fmt.Sprintf("does not know its new session: %d", rep.status)}
}

// whoami returns the session of the browser's cookie; without a valid one an empty Session.
func (k *Kratos) whoami(r *http.Request) (Session, error) {
	var s Session
	if _, err := r.Cookie(sessionCookie); err != nil {
		return s, nil
	}
	header := http.Header{"Cookie": r.Header.Values("Cookie")}
	rep, err := k.public.call(r.Context(), http.MethodGet, "/sessions/whoami", nil, header, nil)
	if err != nil || rep.status != http.StatusOK {
		return s, err
	}
	return s, k.public.decode(rep, &s)
}

// endSessions ends every session of an identity; a failure is only logged, as in the real one.
func (k *Kratos) endSessions(ctx context.Context, identity string) {
	rep, err := k.admin.call(ctx, http.MethodDelete, "/admin/identities/"+url.PathEscape(identity)+"/sessions", nil, nil, nil)
	if err == nil && rep.status >= 400 && rep.status != http.StatusNotFound {
		err = fmt.Errorf("answered %d", rep.status)
	}
	if err != nil {
		log.Printf("Kratos' sessions not ended: %v", err)
	}
}

// identities returns the first pageSize identities of the admin API.
func (k *Kratos) identities(ctx context.Context, pageSize string) ([]Identity, error) {
	rep, err := k.admin.call(ctx, http.MethodGet, "/admin/identities", url.Values{"page_size": {pageSize}}, nil, nil)
	if err != nil {
		return nil, err
	}
	if rep.status != http.StatusOK {
		return nil, &refusal{http.StatusBadRequest, "Kratos refused the list"}
	}
	list := []Identity{}
	return list, k.admin.decode(rep, &list)
}
