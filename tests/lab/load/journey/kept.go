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

// Holder is an agent with something long-lived: a session token ("" means by cookie), an access or a refresh token.
type Holder struct {
	lock   sync.Mutex
	agent  *Agent
	secret string
	ended  bool
}

func (r *Ring) add(agent *Agent, secret string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	agent.Subject = fmt.Sprintf("%s-%d", agent.Kind, len(r.holders)+1)
	r.holders = append(r.holders, &Holder{agent: agent, secret: secret})
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
		h.lock.Unlock()
	}
}

// Ask asks who the session belongs to.
func (h *Holder) Ask() { h.agent.whoami(h.secret) }

// Check asks whether the access token is alive.
func (h *Holder) Check() { h.agent.userinfo(h.secret) }

// Turn trades the refresh token for the next one. A token is never used twice: where the answer is missing, or was
// no grant, nobody knows which token is the good one and the chain ends (the loss is in the log).
func (h *Holder) Turn() {
	grant, _ := h.agent.refresh(h.secret)
	h.secret = grant.Refresh
	h.ended = grant.Refresh == ""
}
