// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

// Package config reads load.json: where the public names are answered, and how much of what is asked.
package config

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"lab/load/wire"
)

// Target is one request of the plain volume, weighted; Status is the one right answer (default 200).
type Target struct {
	Method string `json:"method"` // GET, or POST of a body that must come back
	Host   string `json:"host"`
	Path   string `json:"path"`
	Weight int    `json:"weight"`
	Status int    `json:"status"`
}

// Volume is the plain load: Rate requests a second over H1 connections, H2 connections of Streams streams each, and
// Fresh workers that open a connection for every request.
type Volume struct {
	Rate    float64  `json:"rate"`
	H1      int      `json:"h1"`
	H2      int      `json:"h2"`
	Streams int      `json:"streams"`
	Fresh   int      `json:"fresh"`
	Targets []Target `json:"targets"`
}

// Client is the OAuth client: made at HydraAdmin when ID is empty, else this one with the secret in SecretEnv.
type Client struct {
	ID        string `json:"id"`
	SecretEnv string `json:"secret_env"`
	Redirect  string `json:"redirect_uri"`
}

// Hosts are the public names of one domain and of the site: plain, or the URLs of the deployment.
type Hosts struct {
	Login string `json:"login"`
	OAuth string `json:"oauth"`
	Admin string `json:"admin"`
	Site  string `json:"site"`
}

// Config is load.json. Rates are runs of a journey a second. Times are in the unit of their name.
type Config struct {
	HTTPS       string             `json:"https"` // address of the edge, a loopback one
	CA          string             `json:"ca"`
	Hosts       Hosts              `json:"hosts"`
	MailDomain  string             `json:"mail_domain"`
	HydraAdmin  string             `json:"hydra_admin"`  // used while setting up only
	KratosAdmin string             `json:"kratos_admin"` // used while setting up only
	Schema      string             `json:"schema_id"`    // of the identities made there
	Client      Client             `json:"client"`
	MaxSeconds  float64            `json:"max_seconds"` // 0: until SIGTERM
	TimeoutMS   int                `json:"timeout_ms"`
	Identities  int                `json:"identities"`
	Sessions    int                `json:"sessions"`
	Silent      bool               `json:"silent_login"` // false for a Hera whose logins Hydra does not remember
	Tokens      int                `json:"tokens"`
	Chains      int                `json:"refresh_chains"`
	WebSockets  int                `json:"websockets"`
	Streams     int                `json:"streams"`
	StreamS     int                `json:"stream_seconds"`
	FormAgeS    [2]float64         `json:"form_age_s"`  // how long a form is kept before it is posted
	AssetAgeS   float64            `json:"asset_age_s"` // how long chunks of a served page are asked for
	Volume      Volume             `json:"volume"`
	Rates       map[string]float64 `json:"rates"`
	Faulty      []string           `json:"faulty_versions"` // their wrong answers are release errors
}

// Default is what load.json changes. What follows from the public names is filled in by Read.
func Default() Config {
	return Config{
		HTTPS: "127.0.0.1:8443", Schema: "default", TimeoutMS: 15000,
		Hosts:      Hosts{Login: "login.ciam.olympus.test", OAuth: "oauth.ciam.olympus.test", Admin: "admin.ciam.olympus.test", Site: "olympus.test"},
		Identities: 6, Sessions: 30, Silent: true, Tokens: 12, Chains: 6, WebSockets: 4, Streams: 2, StreamS: 20,
		FormAgeS: [2]float64{2, 20}, AssetAgeS: 20, Faulty: []string{"v1.5.2-errors"},
		Volume: Volume{Rate: 200, H1: 12, H2: 3, Streams: 4, Fresh: 1},
		Rates: map[string]float64{
			"hera_login": 0.08, "session": 6, "code_flow": 0.06, "client_credentials": 1, "introspect": 3, "refresh": 0.6,
			"registration": 0.4, "static": 1, "old_login": 0.08, "old_registration": 0.2, "private": 0.5,
		},
	}
}

// targets is the plain volume where load.json names none.
func (h Hosts) targets() []Target {
	return []Target{
		{"GET", h.Site, "/", 4, 200}, {"GET", h.Site, "/health", 2, 200}, {"POST", h.Site, "/api/echo", 2, 200},
		{"GET", h.Login, "/health", 4, 200}, {"GET", h.Login, "/api/settings", 4, 200}, {"POST", h.Login, "/api/echo", 2, 200},
		{"GET", h.OAuth, "/.well-known/jwks.json", 2, 200}, {"GET", h.OAuth, "/.well-known/openid-configuration", 1, 200},
		{"GET", h.Admin, "/api/health", 2, 200}, {"GET", h.Admin, "/api/settings", 1, 200}, {"POST", h.Admin, "/api/echo", 1, 200},
	}
}

// derive fills in what follows from the public names.
func (c *Config) derive() {
	for _, name := range []*string{&c.Hosts.Login, &c.Hosts.OAuth, &c.Hosts.Admin, &c.Hosts.Site} {
		*name = strings.TrimSuffix(strings.TrimPrefix(*name, "https://"), "/")
	}
	if c.MailDomain == "" {
		c.MailDomain = c.Hosts.Site
	}
	if c.Client.Redirect == "" {
		c.Client.Redirect = "https://" + c.Hosts.Site + "/callback"
	}
	if c.Volume.Targets == nil {
		c.Volume.Targets = c.Hosts.targets()
	}
}

// Read reads load.json over the defaults; a key it doesn't know is an error. A table (rates) is merged by key.
func Read(path string) (Config, error) {
	c := Default()
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	c.derive()
	return c, c.check()
}

func (c *Config) check() error {
	host, _, err := net.SplitHostPort(c.HTTPS)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("https: %s is not a loopback address", c.HTTPS)
	}
	known := Default().Rates
	for name := range c.Rates {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("rates: unknown journey %q", name)
		}
	}
	for i := range c.Volume.Targets {
		t := &c.Volume.Targets[i]
		if t.Status == 0 {
			t.Status = 200
		}
		if t.Method != "GET" && t.Method != "POST" {
			return fmt.Errorf("volume: method %q", t.Method)
		}
	}
	if c.Volume.Rate > 0 && (len(c.Volume.Targets) == 0 || c.Volume.H1+c.Volume.H2*c.Volume.Streams+c.Volume.Fresh == 0) {
		return errors.New("volume: a rate without targets or workers")
	}
	return nil
}

// Timeout is how long one answer may take.
func (c *Config) Timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

// Dialer opens connections to the edge, trusting only the configured authority.
func (c *Config) Dialer() (*wire.Dialer, error) {
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", c.CA)
	}
	return &wire.Dialer{Address: c.HTTPS, Roots: roots, Timeout: c.Timeout()}, nil
}
