#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# check-secrets.sh SERVICE VARIABLE... -- COMMAND...: becomes COMMAND, but only if no VARIABLE is empty: Kratos and Hydra
# would start all the same and sign with nothing.
set -eu
service=$1
shift
empty=
while [ $# -gt 0 ]; do
    name=$1
    shift
    [ "$name" != -- ] || break
    eval "value=\${$name:-}"
    [ -n "$value" ] || empty="$empty $name"
done
if [ -n "$empty" ]; then
    echo "$service does not start: empty in .env:$empty" >&2
    exit 1
fi
echo "$service: every secret is there"
exec "$@"
