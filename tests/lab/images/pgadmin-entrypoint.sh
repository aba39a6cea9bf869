#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# In pgAdmin's place: a page on port 80, and state of its own on an anonymous volume, whose loss must not go unseen.
set -eu
state=/var/lib/pgadmin/made
[ -e "$state" ] || head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$state"
exec httpd -f -p 80 -h /www
