// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"math/rand/v2"
	"net/http"
	"time"

	"lab/load/record"
	"lab/load/wire"
)

func (w *World) login(path string) string { return "https://" + w.Config.Hosts.Login + path }

// withForm expects a page with a form that has the fields.
func withForm(name string, fields ...string) record.Expect {
	status := record.Status(name, http.StatusOK)
	return func(answer *wire.Response) string {
		if why := status(answer); why != "" {
			return why
		}
		if _, ok := form("https://x", answer.Body, fields...); !ok {
			return name + "_without_form"
		}
		return ""
	}
}

// openForm gets a page of Hera and its form.
func (a *Agent) openForm(address string, fields ...string) (Form, bool) {
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: address, Expect: withForm("page", fields...)})
	if !ok {
		return Form{}, false
	}
	f, ok := form(address, answer.Body, fields...)
	f.From = answer.Header.Get("X-Olympus-Version")
	return f, ok
}

// postForm posts a form as a browser does; a refusal is a redirect back, an error page, or anything but a redirect.
func (a *Agent) postForm(f Form, back string) (to string, answer *wire.Response, ok bool) {
	answer, ok = a.Do(Step{Method: http.MethodPost, URL: f.Action, Fields: f.Fields, Multipart: f.Multipart, From: f.From,
		Expect: redirect("form_refused", back)})
	if !ok {
		return "", answer, false
	}
	return location(f.Action, answer), answer, true
}

// signIn goes from a link to Hydra over Hera's login and consent (a form, or none where Hera asks no more) to the
// redirect to the client; each form is kept for a while. "" when it did not work.
func (a *Agent) signIn(link string, p Person, think time.Duration) string {
	address, ok := a.hop(link, "authorize")
	if !ok {
		return ""
	}
	f, ok := a.openForm(address, "email", "password")
	if !ok {
		return ""
	}
	a.World.wait(think)
	f.Fields.Set("email", p.Email)
	f.Fields.Set("password", p.Password)
	if address, _, ok = a.postForm(f, "/login"); !ok {
		return ""
	}
	if address, ok = a.hop(address, "login_verifier_refused"); !ok {
		return ""
	}
	if address, ok = a.consent(address, think); !ok {
		return ""
	}
	address, _ = a.hop(address, "consent_verifier_refused")
	return address
}

// consent opens the consent page, which leads on at once where nothing is to be asked.
func (a *Agent) consent(address string, think time.Duration) (string, bool) {
	either := func(answer *wire.Response) string {
		if answer.Status == http.StatusOK {
			return withForm("page", "consent_challenge")(answer)
		}
		return redirect("consent_refused", "")(answer)
	}
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: address, Expect: either})
	if !ok || answer.Status != http.StatusOK {
		return location(address, answer), ok
	}
	f, _ := form(address, answer.Body, "consent_challenge")
	f.From = answer.Header.Get("X-Olympus-Version")
	a.World.wait(think)
	to, _, ok := a.postForm(f, "")
	return to, ok
}

// HeraLogin: the login page without a challenge, which begins a flow of Hera's default client; its form at once.
func HeraLogin(w *World) {
	a := w.NewBrowser("hera_login")
	defer a.Close()
	p, back, ok := w.Borrow()
	if !ok {
		return
	}
	defer back()
	link, ok := a.hop(w.login("/login"), "login")
	if !ok {
		return
	}
	if end := a.signIn(link, p, 0); end != "" {
		a.Get(end, "callback", http.StatusOK)
	}
}

// OldLogin keeps the forms for a while before posting them.
func OldLogin(w *World) {
	a := w.NewBrowser("old_form")
	defer a.Close()
	p, back, ok := w.Borrow()
	if !ok {
		return
	}
	defer back()
	if end := a.signIn(w.authorizeURL(), p, w.formAge()); end != "" {
		a.Get(end, "callback", http.StatusOK)
	}
}

// Registration registers an identity by Hera's form.
func Registration(w *World) {
	a := w.NewBrowser("registration")
	defer a.Close()
	a.register(w.newPerson(), 0)
}

// OldRegistration keeps the form for a while before posting it.
func OldRegistration(w *World) {
	a := w.NewBrowser("old_form")
	defer a.Close()
	a.register(w.newPerson(), w.formAge())
}

func (a *Agent) register(p Person, think time.Duration) bool {
	f, ok := a.openForm(a.World.login("/registration"), "email", "password")
	if !ok {
		return false
	}
	a.World.wait(think)
	f.Fields.Set("email", p.Email)
	f.Fields.Set("password", p.Password)
	// The way leads to /login, so only the way back to /registration is a refusal.
	_, answer, ok := a.postForm(f, "/registration")
	a.World.Mails.Expect(p.Email, ok, answer)
	return ok
}

// Static gets a page and then its chunks: at once, and again later, as long as a user may have the page open.
func Static(w *World) {
	a := w.NewBrowser("static")
	defer a.Close()
	page, ok := "https://"+w.Config.Hosts.Site+"/", true
	switch rand.IntN(3) {
	case 0:
		page = "https://" + w.Config.Hosts.Admin + "/"
	case 1:
		if page, ok = a.hop(w.authorizeURL(), "authorize"); !ok {
			return
		}
	}
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: page, Expect: namesChunks})
	if !ok {
		return
	}
	ages := []time.Duration{0, time.Duration(rand.Float64() * w.Config.AssetAgeS * float64(time.Second))}
	for _, age := range ages {
		w.wait(age)
		for _, name := range chunks(answer.Body) {
			host := location(page, &wire.Response{Header: http.Header{"Location": {name}}})
			a.Get(host, "asset", http.StatusOK)
		}
	}
}

func namesChunks(answer *wire.Response) string {
	why := record.Status("page", http.StatusOK)(answer)
	if why == "" && len(chunks(answer.Body)) == 0 {
		why = "page_without_assets"
	}
	return why
}

// Private asks for what the edge must not expose: its own 404 is the right answer.
func Private(w *World) {
	a := w.NewClient("private")
	defer a.Close()
	hidden := func(answer *wire.Response) string {
		if record.FromBehind(answer, false) {
			return "exposed"
		}
		return record.Status("exposed", http.StatusNotFound)(answer)
	}
	a.Do(Step{Method: http.MethodGet, URL: w.login("/api/policy/password-check"), Expect: hidden})
}
