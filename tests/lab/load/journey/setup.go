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
const loginEvery = 4 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// SetUp registers the identities, makes the client and opens what is kept through the run.
func (w *World) SetUp(ctx context.Context) (*Kept, error) {
	setup := w.NewClient("setup")
	defer setup.Close()
	if err := w.people(ctx, setup); err != nil {
		return nil, err
	}
	kept := &Kept{}
	if err := w.sessions(ctx, kept); err != nil {
		return nil, err
	}
	if w.Config.Tokens+w.Config.Chains == 0 && w.Config.Rates["code_flow"]+w.Config.Rates["client_credentials"] == 0 {
		return kept, nil
	}
	if err := w.makeClient(ctx); err != nil {
		return nil, err
	}
	// Hydra makes its keys at the first question; many at once would each make one, for seconds.
	if _, ok := setup.Get(w.oauth("/.well-known/jwks.json"), "jwks", http.StatusOK); !ok {
		return nil, errors.New("setting up: no JWKS (see kind setup in requests.jsonl)")
	}
	return kept, w.tokens(ctx, kept)
}

func (w *World) people(ctx context.Context, setup *Agent) error {
	for range w.Config.Identities {
		p := w.newPerson()
		if _, ok := setup.register(p); !ok {
			return errors.New("setting up: an identity could not be registered (see kind setup in requests.jsonl)")
		}
		w.People = append(w.People, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// sessions opens the long-lived sessions: every other one by token, by cookie.
func (w *World) sessions(ctx context.Context, kept *Kept) error {
	for n := range w.Config.Sessions {
		a, token, ok := w.NewClient("setup"), "", false
		if n%2 == 0 {
			token = a.tokenLogin(w.anyone())
			ok = token != ""
		} else {
			a = w.NewBrowser("setup")
			ok = a.cookieLogin(w.anyone())
		}
		if !ok {
			return errors.New("setting up: a login failed (see kind setup in requests.jsonl)")
		}
		a.Kind = "whoami"
		kept.Sessions.add(a, token)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// tokens makes the grants by Hydra's admin API where it is given, else through Hera's forms (slowly: logins are
// limited at the edge).
func (w *World) tokens(ctx context.Context, kept *Kept) error {
	for n := range w.Config.Tokens + w.Config.Chains {
		a := w.NewBrowser("setup")
		grant, err := w.grant(ctx, a)
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

func (w *World) grant(ctx context.Context, a *Agent) (Grant, error) {
	var code string
	if w.Config.HydraAdmin != "" {
		var err error
		if code, err = w.authorizeByAdmin(ctx, a); err != nil {
			return Grant{}, err
		}
	} else {
		if err := pause(ctx, loginEvery); err != nil {
			return Grant{}, err
		}
		code = a.authorize(0)
	}
	grant, _ := a.exchange(code)
	if grant.Refresh == "" {
		return grant, errors.New("setting up: a code flow gave no tokens (see kind setup in requests.jsonl)")
	}
	return grant, nil
}

// authorizeByAdmin accepts login and consent at Hydra's admin API, so that many grants don't meet the login limit.
func (w *World) authorizeByAdmin(ctx context.Context, a *Agent) (string, error) {
	address, ok := a.hop(w.authorizeURL(), "authorize")
	if !ok {
		return "", errors.New("setting up: Hydra did not begin a code flow")
	}
	for _, step := range []struct {
		name string
		body map[string]any
	}{
		{"login", map[string]any{"subject": w.anyone().Email}},
		{"consent", map[string]any{"grant_scope": []string{"openid", "offline"}}},
	} {
		query := values(step.name+"_challenge", parameter(address, step.name+"_challenge"))
		var accepted struct {
			To string `json:"redirect_to"`
		}
		err := w.admin(ctx, http.MethodPut, "/admin/oauth2/auth/requests/"+step.name+"/accept?"+query.Encode(), step.body, &accepted)
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
	err := w.admin(ctx, http.MethodPost, "/admin/clients", map[string]any{
		"client_name": "lab-load", "client_secret": secret, "scope": "openid offline", "response_types": []string{"code"},
		"grant_types": []string{"authorization_code", "refresh_token", "client_credentials"}, "redirect_uris": []string{c.Redirect},
		"token_endpoint_auth_method": "client_secret_basic",
	}, &made)
	w.Client = Client{ID: made.ID, Secret: secret}
	return err
}

// admin calls Hydra's admin API, while setting up only; it is no request of the load.
func (w *World) admin(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := strings.TrimSuffix(w.Config.HydraAdmin, "/")
	req, err := http.NewRequestWithContext(ctx, method, address+path, bytes.NewReader(text))
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
		return fmt.Errorf("hydra admin %s: %s", path[:min(len(path), 40)], answer.Status)
	}
	return json.Unmarshal(got, into)
}
