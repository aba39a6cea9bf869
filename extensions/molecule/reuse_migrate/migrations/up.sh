# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Each pending file in a transaction of its own, with its line in schema_version.
set -eu
psql -q -c "CREATE TABLE IF NOT EXISTS schema_version (version text PRIMARY KEY)"
for version in $(sh /migrations/pending.sh); do
    psql -q -v ON_ERROR_STOP=1 -1 -f "/migrations/$version.sql" -c "INSERT INTO schema_version VALUES ('$version')"
done
