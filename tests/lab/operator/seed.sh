#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# The identities and OAuth clients that the deployment starts with. A second run changes nothing.
set -eu
umask 077
body=$(mktemp)
trap 'rm -f "$body"' EXIT

# The body comes from a file, so that no secret stands in a process list. 409: it is there already.
post() {
    if answer=$(wget -S -O /dev/null --header 'Content-Type: application/json' --post-file "$body" "$1" 2>&1); then
        echo "created: $2"
    else
        case $answer in
            *" 409 "*) echo "exists: $2" ;;
            *) echo "$2: $answer" >&2; return 1 ;;
        esac
    fi
}

# ready URL: a bare `up -d` starts everything at once, and an old podman-compose knows no order.
ready() {
    tries=60
    until wget -q -O /dev/null "$1" 2> /dev/null; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "no answer: $1" >&2; return 1; }
        sleep 1
    done
}

# identity KRATOS SCHEMA: the probe. Its address is verified: Kratos demands that of customers.
identity() {
    cat > "$body" <<JSON
{"schema_id": "$2", "traits": {"email": "probe@olympus.test"},
 "verifiable_addresses": [{"value": "probe@olympus.test", "verified": true, "via": "email", "status": "completed"}],
 "credentials": {"password": {"config": {"password": "$PROBE_PASSWORD"}}}}
JSON
    post "$1/admin/identities" "probe@olympus.test at $1"
}

# client HYDRA ID REDIRECT_URI SECRET [SUBJECT_TYPE [SKIP_CONSENT [GRANT]]]: without a secret a public client, for PKCE.
client() {
    method=client_secret_basic secret="\"client_secret\": \"$4\","
    [ -n "$4" ] || method=none secret=
    cat > "$body" <<JSON
{"client_id": "$2", "client_name": "$2", $secret "token_endpoint_auth_method": "$method",
 "grant_types": ["authorization_code", "refresh_token"${7:+, \"$7\"}], "response_types": ["code"],
 "redirect_uris": ["$3"], "scope": "openid offline profile email",
 "subject_type": "${5:-pairwise}", "skip_consent": ${6:-true}}
JSON
    post "$1/admin/clients" "$2"
}

ready "$CIAM_KRATOS_ADMIN_URL/admin/health/ready"
ready "$IAM_KRATOS_ADMIN_URL/admin/health/ready"
ready "$CIAM_HYDRA_ADMIN_URL/health/ready"
ready "$IAM_HYDRA_ADMIN_URL/health/ready"
for hydra in "$CIAM_HYDRA_ADMIN_URL" "$IAM_HYDRA_ADMIN_URL"; do
    client "$hydra" probe "$SITE_PUBLIC_URL/callback" "$PROBE_CLIENT_SECRET" public false client_credentials
done
identity "$CIAM_KRATOS_ADMIN_URL" default
identity "$IAM_KRATOS_ADMIN_URL" admin
client "$IAM_HYDRA_ADMIN_URL" "$ATHENA_CIAM_OAUTH_CLIENT_ID" "$CIAM_ATHENA_PUBLIC_URL/api/auth/callback" "" public
client "$IAM_HYDRA_ADMIN_URL" "$ATHENA_IAM_OAUTH_CLIENT_ID" "$IAM_ATHENA_PUBLIC_URL/api/auth/callback" "" public
client "$CIAM_HYDRA_ADMIN_URL" "$SITE_CIAM_CLIENT_ID" "$SITE_PUBLIC_URL/callback/ciam" "$SITE_CIAM_CLIENT_SECRET" pairwise false
client "$IAM_HYDRA_ADMIN_URL" "$SITE_IAM_CLIENT_ID" "$SITE_PUBLIC_URL/callback/iam" "$SITE_IAM_CLIENT_SECRET"
client "$IAM_HYDRA_ADMIN_URL" "$PGADMIN_OAUTH_CLIENT_ID" "$PGADMIN_PUBLIC_URL/oauth2/authorize" "$PGADMIN_OAUTH_CLIENT_SECRET"
