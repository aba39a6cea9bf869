# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# The files that table schema_version does not list yet, one a line.
set -eu
there=$(psql -At -c "SELECT to_regclass('schema_version') IS NOT NULL")
done=$([ "$there" = f ] || psql -At -c "SELECT version FROM schema_version")
cd /migrations
for file in *.sql; do
    echo "$done" | grep -qx "${file%.sql}" || echo "${file%.sql}"
done
