// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"errors"
	"net/http"
	"net/url"
)

const msgBadCredentials = "Invalid email or password."

func (a *App) heraRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /{$}", a.heraHome)
	mux.HandleFunc("GET /error", a.heraError)
	mux.HandleFunc("GET /api/settings", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, 200, a.store.readSettings(r.Context(), a.cfg.SettingsTTL))
	})
	for _, kind := range []string{"login", "registration"} {
		mux.HandleFunc("GET /"+kind, func(w http.ResponseWriter, r *http.Request) { a.openForm(w, r, kind) })
		mux.HandleFunc("POST /"+kind, a.action(func(w http.ResponseWriter, r *http.Request) { a.submitForm(w, r, kind) }))
	}
	mux.HandleFunc("POST /logout", a.action(a.endSession))
	mux.HandleFunc("GET /logout", a.acceptLogout)
	mux.HandleFunc("GET /consent", a.askConsent)
	mux.HandleFunc("POST /consent", a.action(a.grantConsent))
}

// action lets a form's POST through that was made by this build's pages, as Next.js does.
func (a *App) action(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := parseAction(r, a.cfg.BuildID); {
		case errors.Is(err, errAction):
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case err != nil:
			writeJSON(w, bodyStatus(err), map[string]string{"error": "form", "reason": err.Error()})
		default:
			next(w, r)
		}
	}
}

func (a *App) heraHome(w http.ResponseWriter, r *http.Request) {
	session, err := a.kratos.whoami(r)
	if err != nil {
		fail(w, r, err)
		return
	}
	a.render(w, r, "home.html", page{Title: "Welcome", Email: session.Identity.Traits.Email})
}

func (a *App) heraError(w http.ResponseWriter, r *http.Request) {
	text, err := a.kratos.selfServiceError(r, r.FormValue("id"))
	if err != nil {
		fail(w, r, err)
		return
	}
	a.render(w, r, "message.html", page{Title: "Something went wrong", Messages: []string{text}})
}

// openForm shows the login or registration page on a fresh flow (or the one that Kratos sent the browser here with).
func (a *App) openForm(w http.ResponseWriter, r *http.Request, kind string) {
	challenge := r.FormValue("login_challenge")
	if challenge != "" {
		request, err := a.hydra.get(r.Context(), "login", challenge)
		if err != nil {
			fail(w, r, err)
			return
		}
		if request.RedirectTo != "" {
			seeOther(w, r, request.RedirectTo)
			return
		}
		if request.Skip {
			a.finish(w, r, challenge, request.Subject)
			return
		}
	}
	flow, status, err := a.kratos.openFlow(w, r, kind, r.FormValue("flow"))
	switch {
	case err != nil:
		fail(w, r, err)
	case status == http.StatusOK && flow.ID != "":
		a.form(w, r, kind, flow, challenge, "")
	default:
		a.noFlow(w, r, kind, challenge, status, flow)
	}
}

// submitForm posts the client's form to its flow.
func (a *App) submitForm(w http.ResponseWriter, r *http.Request, kind string) {
	challenge, id := r.PostFormValue("login_challenge"), r.PostFormValue("flow")
	address := r.PostFormValue("identifier")
	form := url.Values{"method": {"password"}, "csrf_token": {r.PostFormValue("csrf_token")}, "password": {r.PostFormValue("password")}}
	if kind == "login" {
		form.Set("identifier", address)
	} else {
		address = r.PostFormValue("email")
		form.Set("traits.email", address)
	}
	if kind == "login" && a.faults.current().BrokenLogin {
		flow := &Flow{ID: id}
		flow.UI.Messages = []message{{ID: badCredentials}}
		a.page(w, r, kind, flow, challenge, address, form.Get("csrf_token"))
		return
	}
	result, status, err := a.kratos.submit(w, r, kind, id, form)
	switch {
	case err != nil:
		fail(w, r, err)
	case status == http.StatusOK && result.Session.Identity.ID != "":
		a.finish(w, r, challenge, result.Session.Identity.ID)
	case status == http.StatusOK: // registered, but Kratos is not set to open a session for it
		seeOther(w, r, withChallenge("/login", challenge))
	case status == http.StatusBadRequest && result.ID != "":
		a.form(w, r, kind, &result.Flow, challenge, address)
	default:
		a.noFlow(w, r, kind, challenge, status, &result.Flow)
	}
}

// noFlow handles Kratos' answers that hold no flow: signed in already, another place to go, a flow that is gone, a refusal.
func (a *App) noFlow(w http.ResponseWriter, r *http.Request, kind, challenge string, status int, flow *Flow) {
	switch {
	case flow.Error.ID == sessionAvailable:
		session, err := a.kratos.whoami(r)
		if err == nil && session.Identity.ID == "" {
			err = &upstreamError{"kratos", "says there is a session and does not know it"}
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		a.finish(w, r, challenge, session.Identity.ID)
	case status == http.StatusUnprocessableEntity && flow.RedirectBrowserTo != "":
		seeOther(w, r, flow.RedirectBrowserTo)
	case status == http.StatusGone, status == http.StatusNotFound, status == http.StatusForbidden && r.Method == http.MethodGet:
		seeOther(w, r, withChallenge("/"+kind, challenge))
	case status >= 400:
		fail(w, r, &refusal{status, "Kratos: " + flow.Error.ID + " " + flow.Error.Reason})
	default:
		fail(w, r, &upstreamError{"kratos", "an answer that is neither flow nor error"})
	}
}

// finish sends a signed-in client on: to Hydra with the challenge accepted, else home.
func (a *App) finish(w http.ResponseWriter, r *http.Request, challenge, subject string) {
	if challenge == "" {
		seeOther(w, r, "/")
		return
	}
	a.goOn(w, r)(a.hydra.acceptLogin(r.Context(), challenge, subject))
}

func (a *App) endSession(w http.ResponseWriter, r *http.Request) {
	a.goOn(w, r)("/", a.kratos.logout(w, r))
}

func (a *App) acceptLogout(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("logout_challenge")
	if challenge == "" {
		seeOther(w, r, "/")
		return
	}
	a.goOn(w, r)(a.hydra.acceptLogout(r.Context(), challenge))
}

func (a *App) askConsent(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("consent_challenge")
	request, err := a.hydra.get(r.Context(), "consent", challenge)
	switch {
	case err != nil:
		fail(w, r, err)
	case request.RedirectTo != "":
		seeOther(w, r, request.RedirectTo)
	case request.Skip || request.Client.Skip:
		a.goOn(w, r)(a.hydra.acceptConsent(r.Context(), challenge, request))
	default:
		name := request.Client.Name
		if name == "" {
			name = request.Client.ID
		}
		a.render(w, r, "consent.html", page{Title: "Allow access", Client: name, Scopes: request.RequestedScope, Challenge: challenge})
	}
}

func (a *App) grantConsent(w http.ResponseWriter, r *http.Request) {
	challenge := r.PostFormValue("consent_challenge")
	request, err := a.hydra.get(r.Context(), "consent", challenge)
	switch {
	case err != nil:
		fail(w, r, err)
	case request.RedirectTo != "":
		seeOther(w, r, request.RedirectTo)
	default:
		a.goOn(w, r)(a.hydra.acceptConsent(r.Context(), challenge, request))
	}
}

// goOn returns a function that redirects to a target or answers its error.
func (a *App) goOn(w http.ResponseWriter, r *http.Request) func(target string, err error) {
	return func(target string, err error) {
		if err != nil {
			fail(w, r, err)
			return
		}
		seeOther(w, r, target)
	}
}

func seeOther(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func withChallenge(path, challenge string) string {
	if challenge == "" {
		return path
	}
	return path + "?" + url.Values{"login_challenge": {challenge}}.Encode()
}
