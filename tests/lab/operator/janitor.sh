#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# A job that must never run twice at once: one row a run, and whether another one was running. One that has begun is
# finished before the container stops.
stop=""
trap 'stop=1' TERM
sql="psql $DSN -X -q -v ON_ERROR_STOP=1 -v colour=${BLUEGREEN_COLOUR:-project}"
until $sql -c 'CREATE TABLE IF NOT EXISTS lab_janitor (id bigserial PRIMARY KEY, colour text, alone bool,
  began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz)'; do sleep 1; done
while [ -z "$stop" ]; do
  $sql -f - <<'SQL'
INSERT INTO lab_janitor (colour, alone) SELECT :'colour', NOT EXISTS (SELECT FROM lab_janitor WHERE ended IS NULL)
RETURNING id \gset
SELECT pg_sleep(1) \g /dev/null
UPDATE lab_janitor SET ended = clock_timestamp() WHERE id = :id;
SQL
  sleep 0.1
done
