# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/errors.md from the code: every refusal with the option that it names and its fix. ``make docs`` writes it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
CODE = ("plugins/module_utils", "plugins/plugin_utils", "plugins/modules", "plugins/action")
# Who makes an error, and which positional argument holds its text and its fix.
MAKERS = {
    "BluegreenError": (0, None),
    "Refused": (0, None),
    "CommandError": (0, None),
    "QueryError": (0, None),
    "Fenced": (0, None),
    "OrderRefused": (0, 2),
    "CaddyfileError": (2, 3),
    "_error": (1, 2),
    "wrong_target": (1, 2),
}
# Errors that are of one option.
OPTIONS = {"OrderRefused": "bluegreen_watch_do", "wrong_target": "targets"}
# Functions of the stages that answer with a refusal.
SAYS_WHY = re.compile(r"^_(unfit|unproven|unkept|not_\w+)$")
AREAS = {
    "_edge": "The edge (Caddy)",
    "_switch": "The switch",
    "_cloudflare": "The edge (Cloudflare)",
    "_compose": "Releases and containers",
    "_core": "Everywhere",
    "_health": "Gates",
    "_ledger": "Lock and ledger",
    "_state": "Lock and ledger",
    "_preflight": "Preflight",
    "_schema": "Migrations",
    "_watch": "The watch",
    "_boot": "Boot",
    "plugin_utils": "What a stage may do",
    "playbooks": "What was typed",
}
HEAD = """<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Written by `make docs` from the code; a test keeps it current. -->
# Errors

Every error has one form: `option=value: what is wrong. Fix: what to do`. `…` stands for what is filled in.
After an error, run `--tags status`: it says what is live and what to run next. No error changes what is live.
An error before a stage's first step has changed nothing. After a later one, run the same command again: it continues.
`--tags rollback` needs nothing of what failed.
"""


@dataclass(frozen=True, order=True)
class Entry:
    area: str
    text: str
    option: str
    fix: str


def template(node: ast.AST | None) -> str:
    """The text of an expression, with … for what is only known when it happens."""
    if node is None:
        return ""
    if isinstance(node, ast.Constant):
        return re.sub(r"%(\(\w+\))?[-0-9.]*[sdrgfx]", "…", str(node.value)) if isinstance(node.value, str) else "…"
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        left = template(node.left)
        return left if isinstance(node.op, ast.Mod) else left + template(node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.IfExp):
        return " / ".join(one for one in (template(node.body), template(node.orelse)) if one)
    return "…"


def _made(area: str, call: ast.Call) -> Entry | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {word.arg: word.value for word in call.keywords}
    if name == "Decision" and "refusal" in given:
        text = template(given["refusal"])
        return Entry(area, text, "", "") if text.strip("…") else None
    if name not in MAKERS:
        return None
    at, fix_at = MAKERS[name]
    text = template(given.get("msg") or (call.args[at] if len(call.args) > at else None))
    fix = given.get("fix") or (call.args[fix_at] if fix_at and len(call.args) > fix_at else None)
    return (
        Entry(area, text, template(given.get("option")) or OPTIONS.get(name, ""), template(fix))
        if text.strip("… :")
        else None
    )


def _area(path: Path) -> str:
    part = next((part for part in path.parts if part in AREAS), "_core")
    return AREAS[part]


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for top in CODE:
        for path in sorted((ROOT / top).rglob("*.py")):
            area = _area(path.relative_to(ROOT))
            yield from ((area, node) for node in ast.walk(ast.parse(path.read_text())))


def of_code() -> Iterator[Entry]:
    """What is raised or refused with an entry of its own."""
    for area, node in _nodes():
        entry = _made(area, node) if isinstance(node, ast.Call) else None
        if entry:
            yield entry


def of_stages() -> Iterator[Entry]:
    """What a stage or an order answers: its fix is part of the sentence."""
    for area, node in _nodes():
        if isinstance(node, ast.FunctionDef) and SAYS_WHY.match(node.name):
            texts = [template(one.value) for one in ast.walk(node) if isinstance(one, ast.Return)]
            yield from (Entry(area, text, "", "") for text in texts if text.strip("… "))


def of_guard() -> Iterator[Entry]:
    play = yaml.safe_load((ROOT / "playbooks" / "guard.yml").read_text())[0]
    for rule in play["vars"]["guard_rules"]:
        yield Entry(AREAS["playbooks"], re.sub(r"\{\{.*?\}\}", "…", str(rule["msg"])), "", "")


def page() -> str:
    entries = sorted({*of_code(), *of_stages(), *of_guard()})
    lines = [HEAD]
    for area in sorted({entry.area for entry in entries}):
        lines += ["\n## %s\n\n" % area, "| what it says | option | fix |\n|---|---|---|\n"]
        for entry in entries:
            if entry.area == area:
                cells = [part.replace("|", "\\|").replace("\n", " ").strip() for part in (entry.text, entry.fix)]
                lines.append("| %s | %s | %s |\n" % (cells[0], "`%s`" % entry.option if entry.option else "", cells[1]))
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write("%s: %d lines\n" % (PAGE.relative_to(ROOT), len(page().splitlines())))
