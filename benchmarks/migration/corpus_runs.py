# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Every change of the corpus on every major: ours beside the server's own answer and squawk's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit import corpus, majors
from kit.corpus import Case, linter
from kit.corpus.figures import Results, Row
from kit.corpus.oracle import Corpus
from kit.corpus.ours import tried

from ansible_collections.olympus.bluegreen.plugins.module_utils._proof.shadow import sqllog


def of_major(major: int, cases: Sequence[Case]) -> list[Row]:
    with majors.server(major, **sqllog.SETTINGS) as server:
        bench = Corpus(server, corpus.application())
        return [Row(case, major, *tried(bench, case)) for case in cases if case.since <= major]


def run(wanted: Sequence[int], cases: Sequence[Case]) -> Results:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda major: of_major(major, cases), wanted))
    order = {case.name: number for number, case in enumerate(cases)}
    rows = sorted((row for rows in found for row in rows), key=lambda row: (order[row.case.name], row.major))
    squawk: dict[str, tuple[str, ...]] = {}
    if linter.version():
        with tempfile.TemporaryDirectory() as given:
            squawk = linter.flagged(cases, max(wanted), Path(given))
    return Results(rows, squawk)
