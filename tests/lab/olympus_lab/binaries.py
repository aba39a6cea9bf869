# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""The static binaries that the images hold, each from its own small Go module with committed versions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from olympus_lab import config, golang
from olympus_lab.progress import LabError, run_logged, say

DIRECTORY = config.BUILD / "bin"


@dataclass(frozen=True)
class Binary:
    """``package`` built in the module at ``module`` (under tests/lab); ``version`` is linked in, where given, and
    ``product`` where one package is several."""

    module: str
    package: str
    version: str = ""
    product: str = ""

    def ldflags(self) -> str:
        where = "main.version" if self.package == "." else f"{self.package}/driver/config.Version"
        what = f" -X main.product={self.product}" if self.product else ""
        return "-s -w" + (f" -X {where}={self.version}" if self.version else "") + what


# What only the proof's tests want, and no release of the lab: an old and some new versions of each product.
PAIRS = {
    "kratos": ("v1", "v2", "v2-race", "v2-list", "v2-plain"),
    "hydra": ("v1", "v2-logout", "v2-consent", "v2-flight", "v2-plain"),
}
PAIR = {
    f"pair-{product}-{version}": Binary("pair", ".", version, product)
    for product, versions in PAIRS.items()
    for version in versions
}
BINARIES = {
    "kratos-v1.0.0": Binary("ory/kratos-v1.0.0", "github.com/ory/kratos", "v1.0.0"),
    "kratos-v1.3.1": Binary("ory/kratos-v1.3.1", "github.com/ory/kratos", "v1.3.1"),
    "hydra-v2.3.0": Binary("ory/hydra-v2.3.0", "github.com/ory/hydra/v2", "v2.3.0"),
    "caddy": Binary("caddy", "."),
    "mailpit": Binary("mail", "github.com/axllent/mailpit"),
    "olympus-app": Binary("apps", "."),
    "lab-load": Binary("load", "."),
    "registry": Binary("registry", "."),
}
# No release of the lab has them: a test asks for what it needs.
ON_DEMAND = {
    "hydra-v1.11.10": Binary("ory/hydra-v1.11.10", "github.com/ory/hydra", "v1.11.10"),
}


def path(name: str) -> Path:
    return DIRECTORY / name


def fingerprint(where: Path) -> str:
    """Hash of a file's content and executable bit, or of a tree's (names, links, contents); of no timestamps."""
    digest = hashlib.sha256()
    for item in [where] if not where.is_dir() else sorted(where.rglob("*")):
        digest.update(str(item.relative_to(where)).encode() + b"\0")
        if item.is_symlink():
            digest.update(str(item.readlink()).encode())
        elif item.is_file():
            with item.open("rb") as content:
                while block := content.read(1 << 20):
                    digest.update(block)
            digest.update(b"x" if item.stat().st_mode & 0o100 else b"-")
    return digest.hexdigest()


def _is_current(name: str, inputs: str) -> bool:
    stamp = DIRECTORY / f"{name}.inputs"
    return path(name).exists() and stamp.exists() and stamp.read_text() == inputs


def build(names: Sequence[str]) -> None:
    """Compile what has changed; Go's own caches make an unchanged part cheap."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, 1):
        binary = {**BINARIES, **PAIR, **ON_DEMAND}[name]
        module = config.LAB / binary.module
        if not (module / "go.mod").exists():
            raise LabError(f"{module.relative_to(config.ROOT)} has no go.mod: {name} can't be built")
        inputs = fingerprint(module) + binary.ldflags()
        if _is_current(name, inputs):
            continue
        go = str(golang.ensure())
        # Written beside and renamed: a running image build must never see half a binary.
        target = path(f"{name}.new")
        argv = ["nice", go, "build", "-trimpath", "-ldflags", binary.ldflags(), "-o", str(target), binary.package]
        run_logged(f"compile {name} ({number} of {len(names)})", argv, env=golang.environment(), cwd=module)
        target.rename(path(name))
        (DIRECTORY / f"{name}.inputs").write_text(inputs)
    say("binaries: current")
