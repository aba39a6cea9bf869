// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/rand"
	"log"
	"net/http"
	"net/url"
)

const (
	msgBadCredentials = "Invalid email or password."
	msgMissing        = "Email and password are required."
)

func (a *App) heraRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /api/settings", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, 200, a.store.readSettings(r.Context(), a.cfg.SettingsTTL))
	})
	mux.HandleFunc("GET /login", a.loginPage)
	mux.HandleFunc("POST /login", a.actions(map[string]http.HandlerFunc{"login": a.login, "code": a.secondFactor}))
	mux.HandleFunc("GET /registration", func(w http.ResponseWriter, r *http.Request) { a.registrationForm(w, r, nil) })
	mux.HandleFunc("POST /registration", a.actions(map[string]http.HandlerFunc{"registration": a.register}))
	mux.HandleFunc("GET /consent", a.askConsent)
	mux.HandleFunc("POST /consent", a.actions(map[string]http.HandlerFunc{"consent": a.grantConsent}))
	mux.HandleFunc("GET /logout", a.acceptLogout)
}

// loginPage shows the form for Hydra's challenge, or goes on at once: Hydra says skip, or the browser has a session of Kratos.
func (a *App) loginPage(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("login_challenge")
	if challenge == "" {
		a.startFlow(w, r, "No login flow available")
		return
	}
	request, err := a.hydra.get(r.Context(), "login", challenge)
	if err == nil && request.RedirectTo == "" {
		var to string
		if to, err = a.withoutForm(r, challenge, request); err == nil && to != "" {
			leave(w, r, to)
			return
		}
	}
	if err != nil || request.RedirectTo != "" {
		log.Printf("login request: %v", err)
		a.startFlow(w, r, "Invalid or expired login request")
		return
	}
	a.loginForm(w, r, "")
}

// withoutForm accepts a login that needs no password; "" when it needs one.
func (a *App) withoutForm(r *http.Request, challenge string, request *Challenge) (string, error) {
	if request.Skip {
		return a.hydra.accept(r.Context(), "login", challenge, map[string]any{"subject": request.Subject})
	}
	session, err := a.kratos.whoami(r)
	if err != nil || session.Identity.ID == "" {
		return "", nil // as the real one: a Kratos that fails here means the form
	}
	return a.hydra.acceptLogin(r.Context(), challenge, session.Identity, a.cfg.Remember)
}

// startFlow begins a code flow of the default client; where none is configured (or Hydra can't name it) the page says why.
func (a *App) startFlow(w http.ResponseWriter, r *http.Request, why string) {
	if a.cfg.DefaultClient != "" {
		redirect, err := a.hydra.redirectURI(r.Context(), a.cfg.DefaultClient)
		if err == nil && redirect != "" {
			query := url.Values{"client_id": {a.cfg.DefaultClient}, "response_type": {"code"}, "scope": {"openid profile email"},
				"redirect_uri": {redirect}, "state": {rand.Text()}}
			leave(w, r, a.cfg.HydraPublic+"/oauth2/auth?"+query.Encode())
			return
		}
		log.Printf("default client: %v", err)
	}
	a.render(w, r, "message.html", page{Title: why})
}

// login is the Server Action of the login page. Whatever fails at Kratos or Hydra looks like a wrong password, as in the real one.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	challenge, email, password := r.PostFormValue("login_challenge"), r.PostFormValue("email"), r.PostFormValue("password")
	if challenge == "" || email == "" || password == "" {
		a.loginForm(w, r, msgMissing)
		return
	}
	if a.faults.current().BrokenLogin {
		a.loginForm(w, r, msgBadCredentials)
		return
	}
	if refused := a.guarded(r, email); refused != "" {
		a.loginForm(w, r, refused)
		return
	}
	session, err := a.kratos.login(r.Context(), email, password)
	a.counted(r.Context(), email, err)
	if err == nil {
		var more bool
		if more, err = a.kratos.wantsSecondFactor(r.Context(), session.Token); err == nil && more {
			a.render(w, r, "code.html", a.withAction("code", page{Title: "Enter your code", Challenge: challenge}))
			return
		}
	}
	if err == nil {
		var to string
		if to, err = a.hydra.acceptLogin(r.Context(), challenge, session.Session.Identity, a.cfg.Remember); err == nil {
			seeOther(w, r, to)
			return
		}
	}
	log.Printf("login: %v", err)
	a.loginForm(w, r, msgBadCredentials)
}

// secondFactor never succeeds: the lab only needs the page that asks.
func (a *App) secondFactor(w http.ResponseWriter, r *http.Request) {
	p := page{Title: "Enter your code", Challenge: r.PostFormValue("login_challenge"), Messages: []string{"Invalid code."}}
	a.render(w, r, "code.html", a.withAction("code", p))
}

func (a *App) loginForm(w http.ResponseWriter, r *http.Request, message string) {
	p := page{Title: "Sign in", Kind: "login", Challenge: r.FormValue("login_challenge")}
	if message != "" {
		p.Messages = []string{message}
	}
	if a.cfg.Captcha.Enabled {
		p.Captcha, p.SiteKey = true, a.cfg.Captcha.SiteKey
	}
	a.render(w, r, "form.html", a.withAction("login", p))
}

func (a *App) registrationForm(w http.ResponseWriter, r *http.Request, messages []string) {
	a.render(w, r, "form.html", a.withAction("registration",
		page{Title: "Create an account", Kind: "registration", Challenge: r.FormValue("login_challenge"), Messages: messages}))
}

// register is the Server Action of the registration page; with a challenge the newcomer is logged in by it.
func (a *App) register(w http.ResponseWriter, r *http.Request) {
	identity, refused, err := a.kratos.register(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
	challenge := r.FormValue("login_challenge")
	switch {
	case err != nil:
		fail(w, r, err)
	case len(refused) > 0:
		a.registrationForm(w, r, refused)
	case challenge == "":
		seeOther(w, r, "/login")
	default:
		to, err := a.hydra.acceptLogin(r.Context(), challenge, identity, a.cfg.Remember)
		a.goOn(w, r, to, err)
	}
}

// askConsent grants at once what needs no question, else it shows the form.
func (a *App) askConsent(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("consent_challenge")
	request, err := a.hydra.get(r.Context(), "consent", challenge)
	if err == nil && request.RedirectTo == "" && !request.Skip && !request.Client.Skip && a.cfg.ConsentForm {
		name := request.Client.Name
		if name == "" {
			name = request.Client.ID
		}
		p := page{Title: "Allow access", Client: name, Scopes: request.RequestedScope, Challenge: challenge}
		a.render(w, r, "consent.html", a.withAction("consent", p))
		return
	}
	to, err := a.consented(r, challenge, request, err)
	if err != nil {
		fail(w, r, err)
		return
	}
	leave(w, r, to)
}

func (a *App) grantConsent(w http.ResponseWriter, r *http.Request) {
	challenge := r.PostFormValue("consent_challenge")
	request, err := a.hydra.get(r.Context(), "consent", challenge)
	to, err := a.consented(r, challenge, request, err)
	a.goOn(w, r, to, err)
}

// consented says where a consent request leads: it was answered before, or is accepted now.
func (a *App) consented(r *http.Request, challenge string, request *Challenge, err error) (string, error) {
	if err != nil || request.RedirectTo != "" {
		return request.RedirectTo, err
	}
	return a.hydra.acceptConsent(r.Context(), challenge, request)
}

// acceptLogout ends all that the person has: sessions at Kratos, logins and consents at Hydra. Only the last step may fail.
func (a *App) acceptLogout(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("logout_challenge")
	request, err := a.hydra.get(r.Context(), "logout", challenge)
	if err != nil {
		fail(w, r, err)
		return
	}
	to := request.RedirectTo
	if to == "" {
		if request.Subject != "" {
			a.kratos.endSessions(r.Context(), request.Subject)
			a.hydra.endSessions(r.Context(), request.Subject)
		}
		if to, err = a.hydra.accept(r.Context(), "logout", challenge, nil); err != nil {
			fail(w, r, err)
			return
		}
	}
	leave(w, r, to)
}

// goOn is where an action ends: 303, or the error's answer.
func (a *App) goOn(w http.ResponseWriter, r *http.Request, to string, err error) {
	if err != nil {
		fail(w, r, err)
		return
	}
	seeOther(w, r, to)
}

func seeOther(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// leave is the redirect of a page, as Next.js makes it: 307.
func leave(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusTemporaryRedirect)
}
