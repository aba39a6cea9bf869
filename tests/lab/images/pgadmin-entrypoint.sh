#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# What pgAdmin's own entrypoint does in the end: serve on port 80, with its state on the anonymous volume.
exec olympus-app pgadmin
