# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Build the lab's images without a registry, or take the published ones (``LAB_IMAGES=<registry host>``).

Each gets the name that the operator's compose file says, so nothing is ever pulled by that name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from olympus_lab import binaries, config, lock, podman, postgres18, rootfs
from olympus_lab.progress import run_logged, say

BASE = "localhost/olympus-lab/tools:lab"
PAIR = "localhost/olympus-lab/pair"
HASH_LABEL = "olympus.lab.inputs"
CONTAINERFILES = config.LAB / "images"

# Shared services, as the operator's compose file names their images.
SHARED = {
    "postgres": "docker.io/postgres:18-alpine",
    "caddy": "ghcr.io/olympusoss/caddy:latest",
    "mail": "docker.io/axllent/mailpit:v1.27.11",
    "pgadmin": "docker.io/dpage/pgadmin4:9.14.0",
    "seed": "docker.io/curlimages/curl:8.19.0",
}
# LAB_IMAGES=HOST: what that registry has is taken from there. The apps and pgAdmin's page are the lab's own.
PUBLISHED = ("postgres", "caddy", "mail", "kratos", "hydra")
# The published apps cache their settings for a minute; nobody wants to wait that long in a lab.
CACHE = {"SETTINGS_TTL": "5s"}


@dataclass(frozen=True)
class Image:
    """One image: its reference, the Containerfile, the files beside it and what is set in its environment."""

    product: str
    reference: str
    files: Mapping[str, Path]
    env: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def name(self) -> str:
        return self.reference.rpartition("/")[2]

    def text(self) -> str:
        lines = [(CONTAINERFILES / f"{self.product}.Containerfile").read_text().rstrip()]
        lines += [f"ENV {key}={value}" for key, value in sorted(self.env.items())]
        lines.append(f"LABEL {config.LABEL}")
        if self.version:
            lines.append(f"LABEL org.opencontainers.image.version={self.version}")
        return "\n".join(lines) + "\n"

    def inputs(self) -> str:
        """Hash of all that goes in. Read after the files exist."""
        digest = hashlib.sha256(self.text().encode())
        for name, path in sorted(self.files.items()):
            digest.update(f"\0{name}\0".encode() + binaries.fingerprint(path).encode())
        if self.product != "tools":
            digest.update(_label(BASE).encode())
        return digest.hexdigest()[:32]


def _label(reference: str) -> str:
    done = podman.call(
        ["image", "inspect", reference, "--format", f'{{{{index .Labels "{HASH_LABEL}"}}}}'], check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _products() -> list[Image]:
    """What the compose file of some release names: Ory's by their own versions, the apps by the release's."""
    images: dict[str, Image] = {}
    for release in config.RELEASES:
        for product in ("kratos", "hydra"):
            version = getattr(release, product)
            files = {product: binaries.path(f"{product}-{version}")}
            image = Image(product, config.image(product, release.version), files, version=version)
            images[image.reference] = image
        for product in ("hera", "athena", "site"):
            env = {
                "BUILD_ID": release.build_id,
                "OLYMPUS_VERSION": release.version,
                **CACHE,
                **release.faults.get(product, {}),
            }
            files = {"olympus-app": binaries.path("olympus-app")}
            image = Image(product, config.image(product, release.version), files, env, release.version)
            images[image.reference] = image
    return list(images.values())


def _shared() -> list[Image]:
    files: dict[str, dict[str, Path]] = {
        "caddy": {"caddy": binaries.path("caddy")},
        "mail": {"mailpit": binaries.path("mailpit")},
        "postgres": {
            "root.tar": rootfs.TARBALL,
            "server": postgres18.SERVER,
            "entrypoint.sh": CONTAINERFILES / "postgres-entrypoint.sh",
        },
        "pgadmin": {
            "pgadmin-entrypoint.sh": CONTAINERFILES / "pgadmin-entrypoint.sh",
            "olympus-app": binaries.path("olympus-app"),
        },
        "seed": {},
    }
    return [Image(product, reference, files[product]) for product, reference in SHARED.items()]


def _build(image: Image) -> bool:
    """Build ``image`` unless one with the same inputs is tagged already; True if it was built."""
    inputs = image.inputs()
    if _label(image.reference) == inputs:
        return False
    with tempfile.TemporaryDirectory(dir=config.BUILD) as directory:
        context = Path(directory)
        (context / "Containerfile").write_text(image.text())
        for name, source in image.files.items():
            _place(source, context / name)
        argv = ["podman", "build", "-q", "--pull=never", "--label", f"{HASH_LABEL}={inputs}"]
        run_logged(f"image {image.name}", [*argv, "-t", image.reference, directory], env=podman.environment())
    return True


def _place(source: Path, target: Path) -> None:
    """Put ``source`` at ``target``, a file by hard link (the contexts lie in build/lab, most sources too)."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _pull(image: Image, registry: str) -> None:
    path = image.reference.partition("/")[2]
    source = f"{registry}/{path if '/' in path else 'library/' + path}"
    run_logged(f"pull {image.name}", ["podman", "pull", "-q", source], env=podman.environment())
    podman.call(["tag", source, image.reference])


def _base() -> Image:
    """The base of all scratch images: a static busybox with its links."""
    return Image("tools", BASE, {"rootfs": rootfs.tools()})


def images() -> None:
    """All images of all releases, tagged; skips what is current. LabError if one can't be had."""
    with lock.held(lock.MACHINE):
        _make(os.environ.get("LAB_IMAGES", ""))


def _make(registry: str) -> None:
    if registry:
        binaries.build(["olympus-app", "lab-load"])
    else:
        binaries.build(list(binaries.BINARIES))
        rootfs.postgres()
        postgres18.server()
    built = [image.name for image in [_base()] if _build(image)]
    for image in _shared() + _products():
        if registry and image.product in PUBLISHED:
            _pull(image, registry)
        elif _build(image):
            built.append(image.name)
    say(f"images: {len(built)} built, the others were current")


def on_demand(product: str, version: str) -> str:
    """Build a program that no release of the lab has, and its image; the image's reference."""
    with lock.held(lock.MACHINE):
        name = f"{product}-{version}"
        binaries.build([name])
        reference = f"docker.io/oryd/{product}:{version}"
        _build(Image(product, reference, {product: binaries.path(name)}, version=version))
    return reference


def missing() -> list[str]:
    """References that the lab needs and this machine's store lacks."""
    wanted = [BASE, *(image.reference for image in [*_shared(), *_products()])]
    return [ref for ref in wanted if podman.call(["image", "exists", ref], check=False).returncode != 0]


def pair(product: str, version: str) -> str:
    """A program of the proof's tests (tests/lab/pair), old or new, and its image; the image's reference. Seconds."""
    with lock.held(lock.MACHINE):
        name = f"pair-{product}-{version}"
        binaries.build([name])
        _build(_base())
        image = Image(product, f"{PAIR}-{product}:{version}", {product: binaries.path(name)}, version=version)
        _build(image)
    return image.reference
