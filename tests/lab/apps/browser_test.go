// Copyright: (c) 2026, the olympus.bluegreen authors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/tls"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// edge stands where Caddy stands: TLS in front, Kratos' public paths and everything else by path. Target is set later,
// because Kratos and Hydra must know the edge's URL before they start.
type edge struct {
	*httptest.Server
	route func(path string) string
}

func startEdge(t *testing.T) *edge {
	t.Helper()
	e := &edge{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target, _ := url.Parse(e.route(r.In.URL.Path))
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	e.Server = httptest.NewTLSServer(proxy)
	t.Cleanup(e.Close)
	return e
}

// browser keeps cookies and follows no redirect by itself, so that each step can be looked at.
type browser struct {
	t      *testing.T
	client *http.Client
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	text string
}

func newBrowser(t *testing.T) *browser {
	jar, _ := cookiejar.New(nil)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // our own edge's certificate
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

func (b *browser) do(req *http.Request) *answer {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{resp, string(body)}
}

func (b *browser) get(target string) *answer {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) post(target string, form url.Values) *answer {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// follow goes along redirects until an answer is none, or one points to stop.
func (b *browser) follow(a *answer, stop string) *answer {
	b.t.Helper()
	for range 10 {
		if a.StatusCode/100 != 3 || (stop != "" && strings.HasPrefix(a.Header.Get("Location"), stop)) {
			return a
		}
		next, err := a.Request.URL.Parse(a.Header.Get("Location"))
		if err != nil {
			b.t.Fatal(err)
		}
		a = b.get(next.String())
	}
	b.t.Fatal("more than 10 redirects")
	return nil
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/>`)

// form is what the page's hidden fields say.
func (a *answer) form() url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.text, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	return form
}

// submit posts a page's form to the page's own address, with the fields filled in, as a browser without JavaScript does.
func (b *browser) submit(a *answer, fields ...string) *answer {
	b.t.Helper()
	form := a.form()
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	var pairs []string
	for name := range form {
		pairs = append(pairs, name, form.Get(name))
	}
	body, contentType := multi(pairs...)
	req, err := http.NewRequest(http.MethodPost, a.Request.URL.String(), strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Origin", "https://"+a.Request.URL.Host)
	return b.do(req)
}

func (a *answer) want(t *testing.T, status int, part string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.text+a.Header.Get("Location"), part) {
		t.Fatalf("%s %s: %d, Location %q, %s\nwanted %d with %q", a.Request.Method, a.Request.URL.Path,
			a.StatusCode, a.Header.Get("Location"), a.text, status, part)
	}
}
