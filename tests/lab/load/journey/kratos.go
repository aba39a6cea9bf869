// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bytes"
	"net/http"

	"lab/load/record"
	"lab/load/wire"
)

// flow is the part of a Kratos self-service flow that a client needs.
type flow struct {
	ID string `json:"id"`
	UI struct {
		Action string `json:"action"`
		Nodes  []struct {
			Attributes struct {
				Name  string `json:"name"`
				Value any    `json:"value"`
			} `json:"attributes"`
		} `json:"nodes"`
	} `json:"ui"`
}

func (f *flow) csrf() string {
	for _, node := range f.UI.Nodes {
		if node.Attributes.Name == "csrf_token" {
			token, _ := node.Attributes.Value.(string)
			return token
		}
	}
	return ""
}

// aFlow expects a flow with an action to post to.
func aFlow(name string) record.Expect {
	status := record.Status(name, http.StatusOK)
	return func(answer *wire.Response) string {
		if why := status(answer); why != "" {
			return why
		}
		if f := decode[flow](answer); f.ID == "" || f.UI.Action == "" {
			return name + "_empty"
		}
		return ""
	}
}

func (w *World) login(path string) string { return "https://" + w.Config.Hosts.Login + path }

// tokenLogin logs in by Kratos' API flow; "" when it did not work.
func (a *Agent) tokenLogin(p Person) string {
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: a.World.login("/self-service/login/api"),
		Expect: aFlow("login_flow")})
	if !ok {
		return ""
	}
	f := decode[flow](answer)
	answer, ok = a.Do(Step{Method: http.MethodPost, URL: f.UI.Action, Expect: record.Status("login_refused", 200),
		JSON: map[string]string{"method": "password", "identifier": p.Email, "password": p.Password}})
	if !ok {
		return ""
	}
	return decode[struct {
		Token string `json:"session_token"`
	}](answer).Token
}

// whoami asks for the session, by token or by the agent's cookie when it is "".
func (a *Agent) whoami(token string) bool {
	header := http.Header{}
	if token != "" {
		header.Set("X-Session-Token", token)
	}
	active := func(answer *wire.Response) string {
		why := record.Status("session_refused", 200)(answer)
		if why == "" && !bytes.Contains(answer.Body, []byte(`"active":true`)) {
			why = "session_refused_inactive"
		}
		return why
	}
	_, ok := a.Do(Step{Method: http.MethodGet, URL: a.World.login("/sessions/whoami"), Header: header, Expect: active})
	return ok
}

// APILogin: login, whoami, logout by token.
func APILogin(w *World) {
	a := w.NewClient("api_login")
	defer a.Close()
	token := a.tokenLogin(w.anyone())
	if token == "" || !a.whoami(token) {
		return
	}
	a.Do(Step{Method: http.MethodDelete, URL: w.login("/self-service/logout/api"),
		JSON: map[string]string{"session_token": token}, Expect: record.Status("logout_refused", 204)})
}

// cookieLogin logs in by Kratos' browser flow as a browser does it.
func (a *Agent) cookieLogin(p Person) bool {
	begin := a.World.login("/self-service/login/browser")
	html := http.Header{"Accept": {"text/html"}}
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: begin, Header: html, Expect: redirect("login_flow", "")})
	if !ok {
		return false
	}
	id := parameter(location(begin, answer), "flow")
	answer, ok = a.Do(Step{Method: http.MethodGet, URL: a.World.login("/self-service/login/flows?id=" + id),
		Expect: aFlow("login_flow_refused")})
	if !ok {
		return false
	}
	f := decode[flow](answer)
	_, ok = a.Do(Step{Method: http.MethodPost, URL: f.UI.Action, Header: html, Expect: redirect("login_refused", "/login"),
		Form: values("method", "password", "identifier", p.Email, "password", p.Password, "csrf_token", f.csrf())})
	return ok
}

// BrowserLogin: login, whoami, logout by cookie.
func BrowserLogin(w *World) {
	a := w.NewBrowser("browser_login")
	defer a.Close()
	if !a.cookieLogin(w.anyone()) || !a.whoami("") {
		return
	}
	answer, ok := a.Get(w.login("/self-service/logout/browser"), "logout_refused", 200)
	if !ok {
		return
	}
	out := decode[struct {
		URL string `json:"logout_url"`
	}](answer)
	a.Do(Step{Method: http.MethodGet, URL: out.URL, Header: http.Header{"Accept": {"text/html"}},
		Expect: redirect("logout_refused", "")})
}

// Registration registers an identity by the API flow and asks who it is.
func Registration(w *World) {
	a := w.NewClient("registration")
	defer a.Close()
	p := w.newPerson()
	if token, ok := a.register(p); ok && token != "" {
		a.whoami(token)
	}
}

// register makes an identity; token is "" where Kratos opens no session with it.
func (a *Agent) register(p Person) (token string, ok bool) {
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: a.World.login("/self-service/registration/api"),
		Expect: aFlow("registration_flow")})
	if !ok {
		return "", false
	}
	f := decode[flow](answer)
	answer, ok = a.Do(Step{Method: http.MethodPost, URL: f.UI.Action, Expect: record.Status("registration_refused", 200),
		JSON: map[string]any{"method": "password", "password": p.Password, "traits": map[string]string{"email": p.Email}}})
	a.World.Mails.Expect(p.Email, ok, answer)
	if !ok {
		return "", false
	}
	return decode[struct {
		Token string `json:"session_token"`
	}](answer).Token, true
}
