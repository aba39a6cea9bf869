// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package config

import (
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "load.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(path)
}

func TestWhatFollowsFromThePublicNames(t *testing.T) {
	c, err := read(t, `{"hosts": {"login": "https://id.example.test/", "site": "https://www.example.test"}, "rates": {"session": 1}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Hosts.Login != "id.example.test" || c.Client.Redirect != "https://www.example.test/callback" || c.MailDomain != "www.example.test" {
		t.Errorf("%+v", c)
	}
	hosts := map[string]bool{}
	for _, one := range c.Volume.Targets {
		hosts[one.Host] = true
	}
	if !hosts["id.example.test"] || !hosts["www.example.test"] || hosts["login.ciam.olympus.test"] || len(hosts) != 4 {
		t.Error(hosts)
	}
	if c.Rates["session"] != 1 || c.Rates["introspect"] != 3 {
		t.Error(c.Rates)
	}
	c, err = read(t, `{"volume": {"targets": [{"method": "GET", "host": "h", "path": "/"}]}}`)
	if err != nil || len(c.Volume.Targets) != 1 || c.Volume.Targets[0].Status != 200 {
		t.Errorf("%+v %v", c.Volume, err)
	}
}

func TestWhatTheLoadRefuses(t *testing.T) {
	for _, text := range []string{`{"https": "192.0.2.1:443"}`, `{"rates": {"browser_login": 1}}`, `{"unknown": 1}`, `{"volume": {"targets": [{"method": "PUT"}]}}`} {
		if _, err := read(t, text); err == nil {
			t.Error(text)
		}
	}
}
