# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which variables hold a secret, by their names. Values are only asked whether they are empty."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMES = re.compile(r"(^|_)(SECRETS?|PASSWORD|PASSWD|DSN|SALT|TOKEN|KEY|CREDENTIALS?)(_|$)", re.I)
# What holds the name of something, or a setting of it.
NOT = re.compile(r"(_(FILE|PATH|URL|URI|ID|TTL|LIFESPAN|HEADER|NAME)|^PUBLIC_.*|_PUBLIC_KEY)$", re.I)
# Without these Kratos and Hydra do not start, or make new ones that no other colour knows.
NEEDED = re.compile(r"^(DSN|SECRETS_\w+|\w*PAIRWISE_SALT)$")


def secret(name: str) -> bool:
    return bool(NAMES.search(name)) and not NOT.search(name)


def empty_names(values: Mapping[str, str | None]) -> list[str]:
    return sorted(name for name, value in values.items() if secret(name) and not (value or "").strip())


def needed(name: str) -> bool:
    return bool(NEEDED.match(name))
