// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"lab/load/config"
	"lab/load/fakeedge"
	"lab/load/figures"
	"lab/load/record"
	"lab/load/wire"
)

// olympus plays Hydra and Hera behind an edge; what it forgot it refuses as they do.
type olympus struct {
	forgotLogin, forgotToken atomic.Bool
	posted                   atomic.Int64
}

const pageOfLogin = `<form action="" encType="multipart/form-data" method="POST"><input type="hidden" name="$ACTION_REF_1"/>
<input type="hidden" name="$ACTION_1:0" value="id"/><input name="email"/><input name="password"/></form>`

func (o *olympus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Bluegreen-Colour", "blue")
	query := r.URL.Query()
	client := "https://olympus.test/callback"
	to := func(address string) { http.Redirect(w, r, address, http.StatusSeeOther) }
	switch r.Method + " " + r.URL.Path {
	case "GET /oauth2/auth":
		_, err := r.Cookie("ory_hydra_session")
		switch {
		case query.Has("consent_verifier"), query.Get("prompt") == "none" && err == nil && !o.forgotLogin.Load():
			to(client + "?code=c")
		case query.Has("login_verifier"):
			http.SetCookie(w, &http.Cookie{Name: "ory_hydra_session", Value: "s", Path: "/"})
			to("https://login.ciam.olympus.test/consent?consent_challenge=c")
		case query.Get("prompt") == "none":
			to(client + "?error=login_required")
		default:
			to("https://login.ciam.olympus.test/login?login_challenge=c")
		}
	case "GET /login":
		_, _ = io.WriteString(w, pageOfLogin)
	case "POST /login":
		o.posted.Add(1)
		if query.Get("login_challenge") != "c" || r.PostFormValue("$ACTION_1:0") != "id" || r.PostFormValue("email") == "" || r.MultipartForm == nil {
			_, _ = io.WriteString(w, pageOfLogin)
			return
		}
		to("https://oauth.ciam.olympus.test/oauth2/auth?login_verifier=v")
	case "GET /consent":
		http.Redirect(w, r, "https://oauth.ciam.olympus.test/oauth2/auth?consent_verifier=v", http.StatusTemporaryRedirect)
	case "POST /oauth2/token":
		_, _ = io.WriteString(w, `{"access_token":"a","refresh_token":"r"}`)
	case "GET /userinfo":
		if o.forgotToken.Load() {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func worldWith(t *testing.T, o *olympus) (*World, string) {
	t.Helper()
	edge := fakeedge.New(t)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: o, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{edge.Cert}}}
	go func() { _ = server.ServeTLS(plain, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(edge.CA)
	dir := t.TempDir()
	journal, err := record.Open(filepath.Join(dir, "requests.jsonl"), "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Client.Redirect = "https://olympus.test/callback"
	dialer := &wire.Dialer{Address: plain.Addr().String(), Roots: roots, Timeout: 2 * time.Second}
	return &World{Config: &c, Dialer: dialer, Journal: journal, Client: Client{ID: "lab"}, Stop: context.Background().Done()}, dir
}

func TestASessionIsKeptOnlyWhileHydraAndItsTokensSaySo(t *testing.T) {
	for name, c := range map[string]struct {
		forget func(*olympus)
		kept   int
		reason string
	}{
		"lives":                {func(*olympus) {}, 2, ""},
		"Hydra forgot it":      {func(o *olympus) { o.forgotLogin.Store(true) }, 0, "session_refused_error_page"},
		"its token is refused": {func(o *olympus) { o.forgotToken.Store(true) }, 0, "session_refused_401"},
	} {
		o := &olympus{}
		w, dir := worldWith(t, o)
		kept := &Kept{}
		for n := range 2 {
			s := w.openSession(Person{Email: fmt.Sprint(n), Password: "p"})
			if s == nil {
				t.Fatal(name + ": no login")
			}
			kept.Sessions.addSession(s)
		}
		never := func() bool { return false }
		kept.Sessions.All((*Holder).Ask, never)
		c.forget(o)
		for range 3 {
			kept.Sessions.Use((*Holder).Ask)
		}
		kept.Sessions.All((*Holder).Prove, never)
		kept.Sessions.Close()
		if err := w.Journal.Close(); err != nil {
			t.Fatal(err)
		}
		input, err := figures.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		f := figures.Compute(input)
		if f.Sessions != 2 || f.SessionsKept != c.kept || c.reason != "" && f.LostByReason[c.reason] == 0 || c.reason == "" && f.Lost > 0 {
			t.Errorf("%s: %d of %d kept, lost %v", name, f.SessionsKept, f.Sessions, f.LostByReason)
		}
		if o.posted.Load() != 2 {
			t.Errorf("%s: %d logins by the form", name, o.posted.Load())
		}
	}
}

// A logout ends all that a person has: who is under way in one journey is in no other.
func TestAPersonIsInOneJourneyAtATime(t *testing.T) {
	stop := make(chan struct{})
	w := &World{People: People{free: make(chan Person, 1)}, Stop: stop}
	w.People.free <- Person{Email: "only"}
	_, back, ok := w.Borrow()
	if !ok {
		t.Fatal("nobody there")
	}
	got := make(chan bool)
	go func() {
		_, _, ok := w.Borrow()
		got <- ok
	}()
	select {
	case <-got:
		t.Fatal("borrowed twice")
	case <-time.After(50 * time.Millisecond):
	}
	back()
	if !<-got {
		t.Error("not given back")
	}
	close(stop)
	if _, _, ok := w.Borrow(); ok {
		t.Error("the run has ended")
	}
}
