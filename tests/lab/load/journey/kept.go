// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"fmt"
	"sync"
)

// Kept are the sessions, tokens and refresh chains that live through the whole run.
type Kept struct {
	Sessions, Tokens, Chains Ring
}

// Ring hands out its holders in turn; one that is busy is passed over.
type Ring struct {
	lock    sync.Mutex
	next    int
	holders []*Holder
}

// Holder has something long-lived: a session, or an agent with an access or a refresh token.
type Holder struct {
	lock    sync.Mutex
	session *session
	agent   *Agent
	secret  string
	ended   bool
}

func (r *Ring) add(agent *Agent, secret string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	agent.Subject = fmt.Sprintf("%s-%d", agent.Kind, len(r.holders)+1)
	r.holders = append(r.holders, &Holder{agent: agent, secret: secret})
}

func (r *Ring) addSession(s *session) {
	s.browser.Kind, s.back.Kind = "session", "session"
	r.add(s.browser, "")
	s.back.Subject = s.browser.Subject
	r.holders[len(r.holders)-1].session = s
}

// Use lets the next free holder do something.
func (r *Ring) Use(do func(*Holder)) {
	for range r.holders {
		r.lock.Lock()
		h := r.holders[r.next%len(r.holders)]
		r.next++
		r.lock.Unlock()
		if !h.lock.TryLock() {
			continue
		}
		ended := h.ended
		if !ended {
			do(h)
		}
		h.lock.Unlock()
		if !ended {
			return
		}
	}
}

// All lets every holder do something, one after another, until stop says so.
func (r *Ring) All(do func(*Holder), stop func() bool) {
	for _, h := range r.holders {
		if stop() {
			return
		}
		h.lock.Lock()
		if !h.ended {
			do(h)
		}
		h.lock.Unlock()
	}
}

// Close closes every holder's connections.
func (r *Ring) Close() {
	for _, h := range r.holders {
		h.lock.Lock()
		h.agent.Close()
		if h.session != nil {
			h.session.close()
		}
		h.lock.Unlock()
	}
}

// Ask asks whether the session lives; Prove does so by a silent login.
func (h *Holder) Ask() { h.session.ask(false) }

// Prove see Ask.
func (h *Holder) Prove() { h.session.ask(true) }

// Check asks whether the access token is alive.
func (h *Holder) Check() { h.agent.userinfo(h.secret) }

// Turn trades the refresh token for the next one. A token is never used twice: where the answer is missing, or was
// no grant, nobody knows which token is the good one and the chain ends (the loss is in the log).
func (h *Holder) Turn() {
	grant, _ := h.agent.refresh(h.secret)
	h.secret = grant.Refresh
	h.ended = grant.Refresh == ""
}
