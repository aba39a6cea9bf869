// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Kratos speaks the browser flows of the public port (cookies are the client's, relayed both ways) and the admin API.
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
	RedirectBrowserTo string `json:"redirect_browser_to"`
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
	sessionCookie    = "ory_kratos_session"
	sessionAvailable = "session_already_available"
	badCredentials   = 4000006
)

// csrf is the token that the flow's form must carry.
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
		if m.ID == badCredentials {
			m.Text = msgBadCredentials
		}
		texts = append(texts, m.Text)
	}
	return texts
}

// relayed is what Kratos must see of the client's request: its cookies, and who it is for the session's device list.
func relayed(r *http.Request) http.Header {
	h := http.Header{}
	for _, name := range []string{"Cookie", "User-Agent", "X-Forwarded-For"} {
		if values := r.Header.Values(name); len(values) > 0 {
			h[name] = values
		}
	}
	return h
}

// relayCookies hands Kratos' cookies to the client.
func relayCookies(w http.ResponseWriter, from *reply) {
	for _, c := range from.header.Values("Set-Cookie") {
		w.Header().Add("Set-Cookie", c)
	}
}

// openFlow creates a browser flow of kind login or registration, or reads the one named by id. Cookies go to w.
func (k *Kratos) openFlow(w http.ResponseWriter, r *http.Request, kind, id string) (*Flow, int, error) {
	path, query := "/self-service/"+kind+"/browser", url.Values(nil)
	if id != "" {
		path, query = "/self-service/"+kind+"/flows", url.Values{"id": {id}}
	}
	rep, err := k.public.call(r.Context(), http.MethodGet, path, query, relayed(r), nil)
	if err != nil {
		return nil, 0, err
	}
	relayCookies(w, rep)
	flow := &Flow{}
	return flow, rep.status, k.public.decode(rep, flow)
}

// submission is Kratos' answer to a form: Session when it opened one, else Flow.
type submission struct {
	Flow
	Session  Session  `json:"session"`
	Identity Identity `json:"identity"`
}

// submit posts a form to a flow; its cookies (the session's) go to w.
func (k *Kratos) submit(w http.ResponseWriter, r *http.Request, kind, flow string, form url.Values) (*submission, int, error) {
	header := relayed(r)
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	body := strings.NewReader(form.Encode())
	rep, err := k.public.call(r.Context(), http.MethodPost, "/self-service/"+kind, url.Values{"flow": {flow}}, header, body)
	if err != nil {
		return nil, 0, err
	}
	relayCookies(w, rep)
	result := &submission{}
	return result, rep.status, k.public.decode(rep, result)
}

// whoami returns the client's session; without a valid one an empty Session.
func (k *Kratos) whoami(r *http.Request) (Session, error) {
	var s Session
	if _, err := r.Cookie(sessionCookie); err != nil {
		return s, nil
	}
	rep, err := k.public.call(r.Context(), http.MethodGet, "/sessions/whoami", nil, relayed(r), nil)
	if err != nil || rep.status != http.StatusOK {
		return s, err
	}
	return s, k.public.decode(rep, &s)
}

// logout ends the client's session and takes its cookie away; nobody signed in is no error.
func (k *Kratos) logout(w http.ResponseWriter, r *http.Request) error {
	rep, err := k.public.call(r.Context(), http.MethodGet, "/self-service/logout/browser", nil, relayed(r), nil)
	if err != nil || rep.status == http.StatusUnauthorized {
		return err
	}
	var flow struct {
		Token string `json:"logout_token"`
	}
	if err := k.public.decode(rep, &flow); err != nil {
		return err
	}
	rep, err = k.public.call(r.Context(), http.MethodGet, "/self-service/logout", url.Values{"token": {flow.Token}}, relayed(r), nil)
	if err != nil {
		return err
	}
	if rep.status >= 400 && rep.status != http.StatusUnauthorized {
		return &refusal{http.StatusForbidden, "Kratos refused the logout"}
	}
	relayCookies(w, rep)
	return nil
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

// selfServiceError returns Kratos' own description of an error id.
func (k *Kratos) selfServiceError(r *http.Request, id string) (string, error) {
	rep, err := k.public.call(r.Context(), http.MethodGet, "/self-service/errors", url.Values{"id": {id}}, relayed(r), nil)
	if err != nil {
		return "", err
	}
	if rep.status != http.StatusOK {
		return "This error is not known (any more).", nil
	}
	var found struct {
		Error struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"error"`
	}
	err = k.public.decode(rep, &found)
	return strings.TrimSpace(found.Error.Message + " " + found.Error.Reason), err
}
