// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"time"

	"lab/load/record"
	"lab/load/wire"
)

// withForm expects a page with a form that posts to path.
func withForm(name, path string) record.Expect {
	status := record.Status(name, http.StatusOK)
	return func(answer *wire.Response) string {
		if why := status(answer); why != "" {
			return why
		}
		if _, ok := form("https://x", answer.Body, path); !ok {
			return name + "_without_form"
		}
		return ""
	}
}

// openForm gets a page of Hera and its form.
func (a *Agent) openForm(address, path string) (Form, bool) {
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: address, Expect: withForm("page", path)})
	if !ok {
		return Form{}, false
	}
	f, ok := form(address, answer.Body, path)
	f.From = answer.Header.Get("X-Olympus-Version")
	return f, ok
}

// postForm posts a form; a refusal is a redirect back, an error page, or anything but a redirect.
func (a *Agent) postForm(f Form, back string) (to string, ok bool) {
	answer, ok := a.Do(Step{Method: http.MethodPost, URL: f.Action, Form: f.Fields, From: f.From,
		Expect: redirect("form_refused", back)})
	if !ok {
		return "", false
	}
	return location(f.Action, answer), true
}

// HeraLogin: the login page, its form at once, the signed-in page, logout.
func HeraLogin(w *World) {
	a := w.NewBrowser("hera_login")
	defer a.Close()
	heraLogin(a, 0)
}

// OldLogin keeps the form for a while before posting it.
func OldLogin(w *World) {
	a := w.NewBrowser("old_form")
	defer a.Close()
	heraLogin(a, w.formAge())
}

func heraLogin(a *Agent, age time.Duration) {
	w := a.World
	f, ok := a.openForm(w.login("/login"), "/login")
	if !ok {
		return
	}
	w.wait(age)
	p := w.anyone()
	f.Fields.Set("identifier", p.Email)
	f.Fields.Set("password", p.Password)
	if _, ok = a.postForm(f, "/login"); !ok {
		return
	}
	home := w.login("/")
	signedIn := func(answer *wire.Response) string {
		why := withForm("session_refused", "/logout")(answer)
		if why == "" && !bytes.Contains(answer.Body, []byte(p.Email)) {
			why = "session_refused_unknown"
		}
		return why
	}
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: home, Expect: signedIn})
	if !ok {
		return
	}
	out, _ := form(home, answer.Body, "/logout")
	a.postForm(out, "")
}

// OldRegistration keeps Hera's registration form for a while before posting it.
func OldRegistration(w *World) {
	a := w.NewBrowser("old_form")
	defer a.Close()
	f, ok := a.openForm(w.login("/registration"), "/registration")
	if !ok {
		return
	}
	w.wait(w.formAge())
	p := w.newPerson()
	f.Fields.Set("email", p.Email)
	f.Fields.Set("password", p.Password)
	// Without a session hook the way leads to /login, so only the way back to /registration is a refusal.
	answer, ok := a.Do(Step{Method: http.MethodPost, URL: f.Action, Form: f.Fields, From: f.From,
		Expect: redirect("form_refused", "/registration")})
	w.Mails.Expect(p.Email, ok, answer)
}

// Static gets a page and then its chunks: at once, and again later, as long as a user may have the page open.
func Static(w *World) {
	a := w.NewBrowser("static")
	defer a.Close()
	pages := []string{"https://" + w.Config.Hosts.Site + "/", w.login("/"), w.login("/login"),
		"https://" + w.Config.Hosts.Admin + "/"}
	page := pages[rand.IntN(len(pages))]
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
	hosts := []string{w.Config.Hosts.Login, w.Config.Hosts.Admin}
	hidden := func(answer *wire.Response) string {
		if record.FromBehind(answer, false) {
			return "exposed"
		}
		return record.Status("exposed", http.StatusNotFound)(answer)
	}
	a.Do(Step{Method: http.MethodGet, URL: "https://" + hosts[rand.IntN(len(hosts))] + "/internal/state", Expect: hidden})
}
