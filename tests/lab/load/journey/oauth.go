// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package journey

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"lab/load/record"
	"lab/load/wire"
)

// Grant is what the token endpoint gives.
type Grant struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func (w *World) oauth(path string) string { return "https://" + w.Config.Hosts.OAuth + path }

// authorizeURL begins an authorization code flow; more are further parameters.
func (w *World) authorizeURL(more ...string) string {
	return w.oauth("/oauth2/auth?" + values(append([]string{"response_type", "code", "client_id", w.Client.ID, "scope", "openid offline",
		"redirect_uri", w.Config.Client.Redirect, "state", "state-" + rand.Text()}, more...)...).Encode())
}

// basic is the client's proof of who it is.
func (c Client) basic() http.Header {
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret)
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}
}

// token asks the token endpoint; a grant refused is a loss named name_refused.
func (a *Agent) token(name string, fields url.Values) (Grant, *wire.Response) {
	w := a.World
	granted := func(answer *wire.Response) string {
		why := record.Status(name+"_refused", http.StatusOK)(answer)
		if why == "" && decode[Grant](answer).Access == "" {
			why = name + "_refused_empty"
		}
		return why
	}
	answer, ok := a.Do(Step{Method: http.MethodPost, URL: w.oauth("/oauth2/token"), Fields: fields, Expect: granted,
		Header: w.Client.basic()})
	if !ok {
		return Grant{}, answer
	}
	return decode[Grant](answer), answer
}

// userinfo asks whether an access token is alive.
func (a *Agent) userinfo(access string) bool { return a.userinfoOf("token_refused", access) }

func (a *Agent) refresh(token string) (Grant, *wire.Response) {
	return a.token("refresh", values("grant_type", "refresh_token", "refresh_token", token))
}

func (a *Agent) exchange(code string) (Grant, *wire.Response) {
	return a.token("code", codeFields(a.World, code))
}

func codeFields(w *World, code string) url.Values {
	return values("grant_type", "authorization_code", "code", code, "redirect_uri", w.Config.Client.Redirect)
}

// ClientCredentials: one token by the client's own secret, which must then be revocable.
func ClientCredentials(w *World) {
	a := w.NewClient("client_credentials")
	defer a.Close()
	if grant, _ := a.token("client", values("grant_type", "client_credentials")); grant.Access != "" {
		a.revoke(grant.Access)
	}
}

func (a *Agent) revoke(token string) {
	a.Do(Step{Method: http.MethodPost, URL: a.World.oauth("/oauth2/revoke"), Fields: values("token", token),
		Header: a.World.Client.basic(), Expect: record.Status("revoke_refused", http.StatusOK)})
}

// CodeFlow: authorization code through Hydra and Hera's login and consent forms (each kept for a while), the token,
// userinfo, one refresh, and the logout at Hydra.
func CodeFlow(w *World) {
	a := w.NewBrowser("code_flow")
	defer a.Close()
	p, back, ok := w.Borrow()
	if !ok {
		return
	}
	defer back()
	end := a.signIn(w.authorizeURL(), p, w.formAge()/2)
	if end == "" {
		return
	}
	a.Get(end, "callback", http.StatusOK)
	client := w.NewClient("code_flow") // the client's back end: it has none of the user's cookies
	defer client.Close()
	grant, _ := client.exchange(parameter(end, "code"))
	if grant.Access == "" || !client.userinfo(grant.Access) {
		return
	}
	if grant, _ = client.refresh(grant.Refresh); grant.Access == "" || !client.userinfo(grant.Access) {
		return
	}
	a.logoutEverywhere(grant.ID)
}

// hop asks for an address that must redirect, and says where to.
func (a *Agent) hop(address, name string) (string, bool) {
	answer, ok := a.Do(Step{Method: http.MethodGet, URL: address, Expect: redirect(name, "")})
	if !ok {
		return "", false
	}
	return location(address, answer), true
}

// logoutEverywhere ends the session at Hydra: Hydra, Hera, Hydra, and where Hydra then leads.
func (a *Agent) logoutEverywhere(idToken string) {
	address, ok := a.World.oauth("/oauth2/sessions/logout?"+values("id_token_hint", idToken).Encode()), true
	for hops := 0; ok && hops < 4 && a.World.logsOut(address); hops++ {
		address, ok = a.hop(address, "logout_refused")
	}
}

func (w *World) logsOut(address string) bool {
	return strings.HasPrefix(address, w.oauth("/oauth2/sessions/logout?")) || strings.HasPrefix(address, w.login("/logout?"))
}
