// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright: (c) 2026, the olympus.bluegreen authors

package main

import "strings"

// The table of flows as Hydra has it: most columns are NOT NULL, and most of these have a default.
var (
	flowOwn = []string{
		`login_challenge text PRIMARY KEY`,
		`client_id text NOT NULL REFERENCES hydra_client ON DELETE CASCADE`,
		`requested_at timestamp NOT NULL`,
		`login_session_id text REFERENCES hydra_oauth2_authentication_session ON DELETE SET NULL`,
		`consent_challenge_id text UNIQUE`,
		`granted_scope jsonb`,
		`consent_handled_at timestamp`,
	}
	flowRequired = []string{
		`state smallint`, `subject text`, `requested_scope jsonb`, `request_url text`, `login_verifier text`, `login_csrf text`,
	}
	flowDefaults = []string{
		`login_skip boolean DEFAULT false`, `login_remember boolean DEFAULT false`, `login_remember_for integer DEFAULT 0`,
		`login_error jsonb DEFAULT '{}'`, `login_was_used boolean DEFAULT true`, `acr text DEFAULT ''`, `amr jsonb DEFAULT '[]'`,
		`context jsonb DEFAULT '{}'`, `oidc_context jsonb DEFAULT '{}'`, `force_subject_identifier text DEFAULT ''`,
		`consent_skip boolean DEFAULT false`, `consent_remember boolean DEFAULT false`, `consent_remember_for integer DEFAULT 0`,
		`consent_error jsonb DEFAULT '{}'`, `consent_was_used boolean DEFAULT true`,
	}
)

const (
	flowState = `CONSTRAINT hydra_oauth2_flow_state CHECK (state BETWEEN 1 AND 6 AND (state < 6 OR consent_handled_at IS NOT NULL))`
	// The three kinds of tokens have the same columns.
	tokenTable = ` (signature text PRIMARY KEY, request_id text NOT NULL, requested_at timestamp NOT NULL, client_id text NOT NULL
		REFERENCES hydra_client ON DELETE CASCADE, subject text NOT NULL, granted_scope jsonb NOT NULL, session_data jsonb NOT NULL,
		active boolean NOT NULL DEFAULT true, challenge_id text REFERENCES hydra_oauth2_flow (consent_challenge_id) ON DELETE CASCADE)`
)

var oauthBase = []migration{
	{"20240101000000000001", "client", `CREATE TABLE hydra_client (id text PRIMARY KEY, client_secret text NOT NULL,
		client_name text NOT NULL, redirect_uris jsonb NOT NULL, grant_types jsonb NOT NULL, response_types jsonb NOT NULL,
		scope text NOT NULL, token_endpoint_auth_method text NOT NULL, post_logout_redirect_uris jsonb NOT NULL,
		skip_consent boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL DEFAULT now())`, nil},
	{"20240101000000000002", "jwk", `CREATE TABLE hydra_jwk (sid text PRIMARY KEY, kid text NOT NULL, keydata bytea NOT NULL,
		created_at timestamp NOT NULL DEFAULT now())`, nil},
	{"20240101000000000003", "session", `CREATE TABLE hydra_oauth2_authentication_session (id text PRIMARY KEY,
		subject text NOT NULL, remember boolean NOT NULL, authenticated_at timestamp NOT NULL)`, nil},
	{"20240101000000000004", "flow", flowTable(), nil},
	{"20240101000000000005", "code", `CREATE TABLE hydra_oauth2_code` + tokenTable, nil},
	{"20240101000000000006", "access", `CREATE TABLE hydra_oauth2_access` + tokenTable, nil},
	{"20240101000000000007", "refresh", `CREATE TABLE hydra_oauth2_refresh` + tokenTable, nil},
	{"20240101000000000008", "pkce", `CREATE TABLE hydra_oauth2_pkce (signature text PRIMARY KEY, code_challenge text NOT NULL,
		code_challenge_method text NOT NULL)`, nil},
	{"20240101000000000009", "logout", `CREATE TABLE hydra_oauth2_logout_request (challenge text PRIMARY KEY,
		verifier text NOT NULL UNIQUE, subject text NOT NULL, sid text NOT NULL, redir_url text NOT NULL, request_url text NOT NULL,
		accepted boolean NOT NULL DEFAULT false, was_used boolean NOT NULL DEFAULT false)`, nil},
}

var oauthAdded = map[string][]migration{
	// The shape of Hydra 25.4: every row is written again under the strongest lock, and an old server's logout can't read them.
	"v2-logout": {
		{"20250101000000000001", "flow_remembered_until", `ALTER TABLE hydra_oauth2_flow ADD COLUMN remembered_until timestamp
			GENERATED ALWAYS AS (CASE WHEN consent_remember_for > 0 THEN requested_at + consent_remember_for * interval '1 second' END) STORED`, nil},
		{"20250101000000000002", "flow_device", `ALTER TABLE hydra_oauth2_flow ADD COLUMN device_code_request_id text`, nil},
	},
	// That of Hydra 26.2: nothing is wrong with the schema, but the new server leaves empty what an old one compares.
	"v2-consent": {
		{"20250201000000000001", "flow_nullable", alterFlow(" DROP NOT NULL", flowRequired, flowDefaults), nil},
		{"20250201000000000002", "flow_defaults", alterFlow(" DROP DEFAULT", flowDefaults), nil},
		{"20250201000000000003", "flow_state", `ALTER TABLE hydra_oauth2_flow DROP CONSTRAINT hydra_oauth2_flow_state`, nil},
	},
	// That of Hydra 2.3: what a flow carries from step to step is sealed in another form (sealed).
	"v2-flight": {{"20250301000000000001", "device", `CREATE TABLE hydra_oauth2_device_auth_codes (device_code_signature text PRIMARY KEY,
		client_id text NOT NULL REFERENCES hydra_client ON DELETE CASCADE)`, nil}},
	// Nothing that an old server meets.
	"v2-plain": {{"20250401000000000001", "trusted_issuer", `CREATE TABLE hydra_oauth2_trusted_jwt_bearer_issuer (id text PRIMARY KEY)`, nil}},
}

func flowTable() string {
	columns := append([]string{}, flowOwn...)
	for _, one := range append(flowRequired[:len(flowRequired):len(flowRequired)], flowDefaults...) {
		columns = append(columns, one+" NOT NULL")
	}
	return "CREATE TABLE hydra_oauth2_flow (" + strings.Join(append(columns, flowState), ", ") + ")"
}

// alterFlow does the same to each of the columns.
func alterFlow(what string, columns ...[]string) string {
	parts := []string{}
	for _, some := range columns {
		for _, name := range names(some) {
			parts = append(parts, "ALTER COLUMN "+name+what)
		}
	}
	return "ALTER TABLE hydra_oauth2_flow " + strings.Join(parts, ", ")
}

func names(columns []string) (found []string) {
	for _, one := range columns {
		name, _, _ := strings.Cut(one, " ")
		found = append(found, name)
	}
	return found
}

// flowColumns are those that this version has a place for.
func flowColumns() []string {
	found := append(names(flowOwn), append(names(flowRequired), names(flowDefaults)...)...)
	if version == "v2-logout" {
		found = append(found, "remembered_until", "device_code_request_id")
	}
	return found
}
