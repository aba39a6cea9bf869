// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package journey walks through Olympus as its users do; every step is one request and one line of the log.
package journey

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"lab/load/config"
	"lab/load/record"
	"lab/load/wire"
)

// World is what all journeys share.
type World struct {
	Config  *config.Config
	Dialer  *wire.Dialer
	Journal *record.Journal
	Mails   *Mails
	People  People
	Client  Client
	Stop    <-chan struct{} // closed when the run ends: nobody keeps a form any longer
}

// Person is an identity registered by the load.
type Person struct{ Email, Password string }

// Client is an OAuth client.
type Client struct{ ID, Secret string }

// Agent is one user: own cookies (a program has none), own connections, one protocol.
type Agent struct {
	World   *World
	Kind    string
	Subject string
	Proto   string
	jar     *cookiejar.Jar
	lines   map[string]*wire.Line
}

// NewBrowser is a user who keeps cookies, of which there are none yet.
func (w *World) NewBrowser(kind string) *Agent {
	a := w.NewClient(kind)
	a.jar, _ = cookiejar.New(nil)
	return a
}

// NewClient is a program that keeps no cookies. Half of the agents speak
// HTTP/2.
func (w *World) NewClient(kind string) *Agent {
	proto := "h1"
	if rand.IntN(2) == 0 {
		proto = "h2"
	}
	return &Agent{World: w, Kind: kind, Proto: proto, lines: map[string]*wire.Line{}}
}

// Close closes the agent's connections.
func (a *Agent) Close() {
	for _, line := range a.lines {
		line.Close()
	}
}

// Step is one request of a journey.
type Step struct {
	Method, URL string
	Header      http.Header
	Fields      url.Values // of a form, sent as Multipart or urlencoded
	Multipart   bool
	Expect      record.Expect
	Asked       time.Duration
	From        string               // version that served the form
	hold        func(*record.Record) // takes the record instead of the log (a WebSocket's line is written at its end)
}

// Do makes one request; ok tells that the answer is the expected one.
func (a *Agent) Do(s Step) (answer *wire.Response, ok bool) {
	target, err := url.Parse(s.URL)
	if err != nil || target.Host == "" {
		return nil, false
	}
	req, pin := a.request(s, target)
	r := &record.Record{ID: a.World.Journal.NextID(), Kind: a.Kind, Subject: a.Subject, Proto: a.Proto,
		Method: s.Method, Host: target.Hostname(), Path: target.Path, AskedMS: record.Milli(s.Asked),
		From: s.From}
	if s.Method == http.MethodPost {
		r.Pin = pin
	}
	req.Header.Set("X-Lab-Id", r.ID)
	x := a.line(r.Host).Do(req)
	a.World.Journal.Fill(r, x, s.Expect)
	if x.Response != nil && a.jar != nil {
		a.jar.SetCookies(target, (&http.Response{Header: x.Response.Header}).Cookies())
	}
	if s.hold != nil && r.Outcome == record.OK {
		s.hold(r)
	} else {
		a.World.Journal.Write(r)
	}
	return x.Response, r.Outcome == record.OK
}

// request builds what goes out; pin is the colour named by one of the cookies.
func (a *Agent) request(s Step, target *url.URL) (req *wire.Request, pin string) {
	header := http.Header{"User-Agent": {"lab-load"}, "Accept": {"*/*"}}
	for name, values := range s.Header {
		header[name] = values
	}
	var cookies []string
	for _, c := range a.cookies(target) {
		cookies = append(cookies, c.Name+"="+c.Value)
		if c.Value == "blue" || c.Value == "green" {
			pin = c.Value
		}
	}
	if len(cookies) > 0 {
		header.Set("Cookie", strings.Join(cookies, "; "))
	}
	req = &wire.Request{Method: s.Method, Host: target.Hostname(), Path: target.RequestURI(), Header: header,
		Timeout: a.World.Config.Timeout() + s.Asked}
	switch {
	case s.Multipart:
		var contentType string
		req.Body, contentType = multipartBody(s.Fields)
		header.Set("Content-Type", contentType)
		header.Set("Origin", target.Scheme+"://"+target.Host)
	case s.Fields != nil:
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Body = []byte(s.Fields.Encode())
	}
	return req, pin
}

// multipartBody is a form as browsers send it.
func multipartBody(fields url.Values) (body []byte, contentType string) {
	var out bytes.Buffer
	writer := multipart.NewWriter(&out)
	for name, values := range fields {
		for _, value := range values {
			_ = writer.WriteField(name, value)
		}
	}
	_ = writer.Close()
	return out.Bytes(), writer.FormDataContentType()
}

func (a *Agent) cookies(target *url.URL) []*http.Cookie {
	if a.jar == nil {
		return nil
	}
	return a.jar.Cookies(target)
}

func (a *Agent) line(host string) *wire.Line {
	line, ok := a.lines[host]
	if !ok {
		line = &wire.Line{Dialer: a.World.Dialer, Host: host, Proto: a.Proto}
		a.lines[host] = line
	}
	return line
}

// Get asks for a page and expects status.
func (a *Agent) Get(address, name string, status ...int) (*wire.Response, bool) {
	return a.Do(Step{Method: http.MethodGet, URL: address, Expect: record.Status(name, status...)})
}

// location is where a redirect leads, made absolute against the address that was asked.
func location(asked string, answer *wire.Response) string {
	base, err := url.Parse(asked)
	if err != nil {
		return ""
	}
	to, err := base.Parse(answer.Header.Get("Location"))
	if err != nil || answer.Header.Get("Location") == "" {
		return ""
	}
	return to.String()
}

// redirect expects a redirect that leads neither to an error page nor back to the place named.
func redirect(name, notTo string) record.Expect {
	return func(answer *wire.Response) string {
		switch answer.Status {
		case http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		default:
			return record.Status(name, 0)(answer)
		}
		to, err := url.Parse(answer.Header.Get("Location"))
		query := url.Values{}
		if err == nil {
			query = to.Query()
		}
		switch {
		case err != nil || to.Path == "/error" || strings.HasPrefix(to.Path, "/oauth2/fallbacks/error") || query.Has("error"):
			return name + "_error_page"
		case notTo != "" && to.Path == notTo && !query.Has("login_challenge"):
			return name + "_back"
		}
		return ""
	}
}

// decode reads a JSON answer; a body that can't be read leaves out empty.
func decode[T any](answer *wire.Response) (out T) {
	_ = json.Unmarshal(answer.Body, &out)
	return out
}
