# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""What the mail catcher holds: to count mails that came twice or not at all."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from olympus_lab import config, stack, web
from olympus_lab.progress import LabError

PAGE = 500


def _page(path: str, start: int, **query: str) -> dict[str, Any]:
    answer = web.local(config.MAIL_PORT, f"{path}?{urlencode({'start': start, 'limit': PAGE, **query})}")
    if answer.status != 200:
        raise LabError(f"the mail catcher answered {answer.status}")
    page: dict[str, Any] = answer.json()
    return page


def messages(to: str = "") -> list[dict[str, str]]:
    """Every message (or those for ``to``), newest first: id, message_id, to, subject, created (RFC 3339)."""
    found: list[dict[str, str]] = []
    while True:
        page = _page("/api/v1/search", len(found), query=f'to:"{to}"') if to else _page("/api/v1/messages", len(found))
        batch = [
            {
                "id": item["ID"],
                "message_id": item["MessageID"],
                "to": ",".join(address["Address"] for address in item["To"]),
                "subject": item["Subject"],
                "created": item["Created"],
            }
            for item in page["messages"]
        ]
        found += batch
        if not batch or len(batch) < PAGE:
            return found


def text(message: str) -> str:
    """The plain text of the message with the catcher's id ``message`` (to read a code from it)."""
    answer = web.local(config.MAIL_PORT, f"/api/v1/message/{message}")
    if answer.status != 200:
        raise LabError(f"the mail catcher has no message {message}: {answer.status}")
    return str(answer.json()["Text"])


def counts() -> dict[str, int]:
    """Messages per recipient."""
    return dict(Counter(message["to"] for message in messages()))


def account() -> dict[str, int]:
    """What Kratos queued against what arrived, per recipient: queued, pending (not sent yet), caught, doubled, lost."""
    queued: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for domain in config.DOMAINS:
        # Status 2 is sent; 1 (queued) and 3 (being sent) may still come.
        query = "SELECT recipient, count(*), count(*) FILTER (WHERE status IN (1, 3)) FROM courier_messages GROUP BY 1"
        for recipient, total, waiting in stack.psql(query, f"{domain}_kratos"):
            queued[recipient] += int(total)
            pending[recipient] += int(waiting)
    caught = Counter(counts())
    return {
        "queued": queued.total(),
        "pending": pending.total(),
        "caught": caught.total(),
        "doubled": (caught - queued).total(),
        "lost": (queued - pending - caught).total(),
    }
