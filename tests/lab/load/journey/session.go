// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"net/http"
	"strings"

	"lab/load/record"
	"lab/load/wire"
)

// silentEvery: of so many questions about a session one is a silent login, the others ask /userinfo.
const silentEvery = 8

// session is what a person has after a login by Hera: Hydra's cookie in the browser, and the tokens of the
// application, whose back end has none of the browser's cookies.
type session struct {
	browser, back *Agent
	access        string
	asked         int
}

// openSession logs in by Hera's form and exchanges the code; nil when it did not work.
func (w *World) openSession(p Person) *session {
	s := &session{browser: w.NewBrowser("setup"), back: w.NewClient("setup")}
	end := s.browser.signIn(w.authorizeURL(), p, 0)
	grant, _ := s.back.exchange(parameter(end, "code"))
	if s.access = grant.Access; s.access == "" {
		s.close()
		return nil
	}
	return s
}

func (s *session) close() {
	s.browser.Close()
	s.back.Close()
}

// ask asks whether the session lives: mostly with its token, now and then (or surely) by a silent login.
func (s *session) ask(surely bool) {
	s.asked++
	if s.browser.World.Config.Silent && (surely || s.asked%silentEvery == 1) {
		s.silent()
		return
	}
	s.back.userinfoOf("session_refused", s.access)
}

// silent logs in again with prompt=none: Hydra's cookie must do without any form. The new token takes the old one's place.
func (s *session) silent() {
	client := s.browser.World.Config.Client.Redirect
	address := s.browser.World.authorizeURL("prompt", "none")
	for range 6 {
		answer, ok := s.browser.Do(Step{Method: http.MethodGet, URL: address, Expect: goesOn})
		if !ok {
			return
		}
		if address = location(address, answer); strings.HasPrefix(address, client) {
			if grant, _ := s.back.token("session", codeFields(s.browser.World, parameter(address, "code"))); grant.Access != "" {
				s.access = grant.Access
				s.back.userinfoOf("session_refused", s.access)
			}
			return
		}
	}
}

// goesOn expects a redirect without an error: a form, or error=login_required, is a session refused.
func goesOn(answer *wire.Response) string { return redirect("session_refused", "")(answer) }

// userinfoOf asks with an access token: the public way to learn whether it is alive. The loss is named name_STATUS.
func (a *Agent) userinfoOf(name, access string) bool {
	_, ok := a.Do(Step{Method: http.MethodGet, URL: a.World.oauth("/userinfo"),
		Header: http.Header{"Authorization": {"Bearer " + access}}, Expect: record.Status(name, http.StatusOK)})
	return ok
}
