// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// loginEvery keeps the set-up under the edge's limit of 5 logins in 10 s, beside everybody else's.
const loginEvery = 2200 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// SetUp makes the identities and the client and opens what is kept through the run.
func (w *World) SetUp(ctx context.Context) (*Kept, error) {
	setup := w.NewBrowser("setup")
	defer setup.Close()
	if err := w.people(ctx, setup); err != nil {
		return nil, err
	}
	kept := &Kept{}
	if !w.needsClient() {
		return kept, nil
	}
	if err := w.makeClient(ctx); err != nil {
		return nil, err
	}
	// Hydra makes its keys at the first question; many at once would each make one, for seconds.
	if _, ok := setup.Get(w.oauth("/.well-known/jwks.json"), "jwks", http.StatusOK); !ok {
		return nil, errors.New("setting up: no JWKS (see kind setup in requests.jsonl)")
	}
	if err := w.sessions(ctx, kept); err != nil {
		return nil, err
	}
	return kept, w.tokens(ctx, kept)
}

func (w *World) needsClient() bool {
	rates := w.Config.Rates
	return w.Config.Sessions+w.Config.Tokens+w.Config.Chains > 0 ||
		rates["code_flow"]+rates["client_credentials"]+rates["old_login"]+rates["static"] > 0
}

// sessions opens the long-lived sessions, each by Hera's form, as slowly as the edge lets a household log in.
func (w *World) sessions(ctx context.Context, kept *Kept) error {
	for n := range w.Config.Sessions {
		if err := pause(ctx, min(time.Duration(n), 1)*loginEvery); err != nil {
			return err
		}
		s := w.openSession(w.keeper(n))
		if s == nil {
			return errors.New("setting up: a login failed (see kind setup in requests.jsonl)")
		}
		kept.Sessions.addSession(s)
	}
	return nil
}

// tokens makes the grants by Hydra's admin API where it is given, else through Hera's forms (slowly: logins are
// limited at the edge).
func (w *World) tokens(ctx context.Context, kept *Kept) error {
	for n := range w.Config.Tokens + w.Config.Chains {
		a := w.NewBrowser("setup")
		grant, err := w.grant(ctx, a, w.keeper(n))
		if err != nil {
			return err
		}
		a.jar = nil // from here on it is the client's back end
		if n < w.Config.Tokens {
			a.Kind = "introspect"
			kept.Tokens.add(a, grant.Access)
		} else {
			a.Kind = "refresh"
			kept.Chains.add(a, grant.Refresh)
		}
	}
	return nil
}

func (w *World) grant(ctx context.Context, a *Agent, p Person) (Grant, error) {
	var code string
	if w.Config.HydraAdmin != "" {
		var err error
		if code, err = w.authorizeByAdmin(ctx, a, p); err != nil {
			return Grant{}, err
		}
	} else {
		if err := pause(ctx, loginEvery); err != nil {
			return Grant{}, err
		}
		code = parameter(a.signIn(w.authorizeURL(), p, 0), "code")
	}
	grant, _ := a.exchange(code)
	if grant.Refresh == "" {
		return grant, errors.New("setting up: a code flow gave no tokens (see kind setup in requests.jsonl)")
	}
	return grant, nil
}

// authorizeByAdmin accepts login and consent at Hydra's admin API, so that many grants don't meet the login limit.
func (w *World) authorizeByAdmin(ctx context.Context, a *Agent, p Person) (string, error) {
	address, ok := a.hop(w.authorizeURL(), "authorize")
	if !ok {
		return "", errors.New("setting up: Hydra did not begin a code flow")
	}
	for _, step := range []struct {
		name string
		body map[string]any
	}{
		{"login", map[string]any{"subject": p.Email}},
		{"consent", map[string]any{"grant_scope": []string{"openid", "offline"}}},
	} {
		query := values(step.name+"_challenge", parameter(address, step.name+"_challenge"))
		var accepted struct {
			To string `json:"redirect_to"`
		}
		err := admin(ctx, w.Config.HydraAdmin, http.MethodPut, "/admin/oauth2/auth/requests/"+step.name+"/accept?"+query.Encode(), step.body, &accepted)
		if err != nil {
			return "", err
		}
		if address, ok = a.hop(accepted.To, "authorize"); !ok {
			return "", errors.New("setting up: Hydra did not go on after " + step.name)
		}
	}
	return parameter(address, "code"), nil
}

// makeClient takes the client of the configuration or makes one.
func (w *World) makeClient(ctx context.Context) error {
	c := w.Config.Client
	if c.ID != "" {
		w.Client = Client{ID: c.ID, Secret: os.Getenv(c.SecretEnv)}
		if w.Client.Secret == "" {
			return fmt.Errorf("client.secret_env: %q is empty", c.SecretEnv)
		}
		return nil
	}
	if w.Config.HydraAdmin == "" {
		return errors.New("neither client.id nor hydra_admin is given")
	}
	secret := rand.Text()
	var made struct {
		ID string `json:"client_id"`
	}
	err := admin(ctx, w.Config.HydraAdmin, http.MethodPost, "/admin/clients", map[string]any{
		"client_name": "lab-load", "client_secret": secret, "scope": "openid offline", "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token", "client_credentials"}, "redirect_uris": []string{c.Redirect},
		"token_endpoint_auth_method": "client_secret_basic",
	}, &made)
	w.Client = Client{ID: made.ID, Secret: secret}
	return err
}

// admin calls an admin API of Ory, while setting up only; it is no request of the load. Into may be nil.
func admin(ctx context.Context, base, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("admin API %s: %s", path[:min(len(path), 40)], answer.Status)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(got, into)
}
