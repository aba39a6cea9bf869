#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# Makes the probe identity and the probe client in both domains; a second run changes nothing.
set -eu
umask 077
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# post URL: the body comes from a file, so that no secret stands in a process list. 409 means it is there already.
post() {
    if ! answer=$(wget -S -O /dev/null --header 'Content-Type: application/json' --post-file "$body" "$1" 2>&1); then
        case $answer in
            *" 409 "*) echo "exists: $1" ;;
            *) echo "$answer" >&2; return 1 ;;
        esac
    else
        echo "created: $1"
    fi
}

for domain in ciam iam; do
    cat > "$body" <<JSON
{"schema_id": "default", "traits": {"email": "probe@olympus.test"},
 "verifiable_addresses": [{"value": "probe@olympus.test", "verified": true, "via": "email", "status": "completed"}],
 "credentials": {"password": {"config": {"password": "$PROBE_PASSWORD"}}}}
JSON
    post "http://$domain-kratos:4434/admin/identities"
    cat > "$body" <<JSON
{"client_id": "probe", "client_name": "probe", "client_secret": "$PROBE_CLIENT_SECRET",
 "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "response_types": ["code"],
 "redirect_uris": ["https://olympus.test/callback"], "scope": "openid offline",
 "token_endpoint_auth_method": "client_secret_basic"}
JSON
    post "http://$domain-hydra:4445/admin/clients"
done
