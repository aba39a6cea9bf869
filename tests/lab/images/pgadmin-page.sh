#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# Dials coloured services by their plain names, anew for every request, and says which ones answered.
# {"made": "<what the volume holds>", "iam_hydra": "<status line>", "site": "<status line>", "version": "v1.4.2", "colour": "blue"}
dial() {
    wget -S -T 3 -q -O /dev/null "$1" 2>&1 | tr -d '\r"\\' | sed 's/^ *//'
}
header() {
    sed -n "s/^$1: *//Ip" | head -n 1
}
hydra=$(dial http://iam-hydra:7002/health/ready)
site=$(dial http://site:3000/health)
printf 'Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n'
printf '{"made": "%s", "iam_hydra": "%s", "site": "%s", "version": "%s", "colour": "%s"}\n' \
    "$(cat /var/lib/pgadmin/made)" "$(echo "$hydra" | head -n 1)" "$(echo "$site" | head -n 1)" \
    "$(echo "$site" | header X-Olympus-Version)" "$(echo "$site" | header X-Olympus-Colour)"
