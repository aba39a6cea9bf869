# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""Build the lab's images without a registry, or take the published ones (``LAB_IMAGES=<registry host>``)."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from olympus_lab import binaries, config, lock, podman, rootfs
from olympus_lab.progress import run_logged, say

PREFIX = "localhost/olympus-lab"
HASH_LABEL = "olympus.lab.inputs"
CONTAINERFILES = config.LAB / "images"

# LAB_IMAGES=HOST: the image of that registry that stands for ours. The apps are the lab's own and always built.
PUBLISHED = {
    "postgres": "library/postgres:15",
    "caddy": "olympusoss/caddy:latest",
    "mail": "axllent/mailpit:v1.27.11",
    "kratos-v1.0.0": "oryd/kratos:v1.0.0",
    "kratos-v1.3.1": "oryd/kratos:v1.3.1",
    "hydra-v2.3.0": "oryd/hydra:v2.3.0",
}


# The published apps cache their settings for a minute; nobody wants to wait that long in a lab.
CACHE = {"SETTINGS_TTL": "5s"}


@dataclass(frozen=True)
class Image:
    """One image: its tags, the Containerfile, the files beside it and what is set in its environment."""

    name: str
    tags: tuple[str, ...]
    containerfile: str
    files: Mapping[str, Path]
    env: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def references(self) -> list[str]:
        return [f"{PREFIX}/{tag}" for tag in self.tags]

    def text(self) -> str:
        lines = [(CONTAINERFILES / self.containerfile).read_text().rstrip()]
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
        if self.containerfile != "tools.Containerfile":
            digest.update(_label(f"{PREFIX}/tools:lab").encode())
        return digest.hexdigest()[:32]


def _label(reference: str) -> str:
    done = podman.call(
        ["image", "inspect", reference, "--format", f'{{{{index .Labels "{HASH_LABEL}"}}}}'], check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _products() -> list[Image]:
    """One image per distinct content of a product, tagged for every Olympus version that has it."""
    images = []
    for product in ("kratos", "hydra"):
        ory = {release.version: getattr(release, product) for release in config.RELEASES}
        for version in dict.fromkeys(ory.values()):
            tags = tuple(f"{product}:{olympus}" for olympus, of in ory.items() if of == version)
            files = {product: binaries.path(f"{product}-{version}")}
            images.append(Image(f"{product}-{version}", tags, f"{product}.Containerfile", files, version=version))
    for release in config.RELEASES:
        for product in ("hera", "athena", "site"):
            env = {
                "BUILD_ID": release.build_id,
                "OLYMPUS_VERSION": release.version,
                **CACHE,
                **release.faults.get(product, {}),
            }
            tag = f"{product}:{release.version}"
            files = {"olympus-app": binaries.path("olympus-app")}
            images.append(Image(tag, (tag,), f"{product}.Containerfile", files, env, release.version))
    return images


def _shared() -> list[Image]:
    postgres = {"root.tar": rootfs.TARBALL, "entrypoint.sh": CONTAINERFILES / "postgres-entrypoint.sh"}
    return [
        Image("caddy", ("caddy:lab",), "caddy.Containerfile", {"caddy": binaries.path("caddy")}),
        Image("mail", ("mail:lab",), "mail.Containerfile", {"mailpit": binaries.path("mailpit")}),
        Image("postgres", ("postgres:lab",), "postgres.Containerfile", postgres),
    ]


def _build(image: Image) -> bool:
    """Build ``image`` unless one with the same inputs is tagged already; True if it was built."""
    inputs = image.inputs()
    if all(_label(reference) == inputs for reference in image.references()):
        return False
    with tempfile.TemporaryDirectory(dir=config.BUILD) as directory:
        context = Path(directory)
        (context / "Containerfile").write_text(image.text())
        for name, source in image.files.items():
            _place(source, context / name)
        tags = [option for reference in image.references() for option in ("-t", reference)]
        argv = ["podman", "build", "-q", "--pull=never", "--label", f"{HASH_LABEL}={inputs}", *tags, directory]
        run_logged(f"image {image.name}", argv, env=podman.environment())
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
    source = f"{registry}/{PUBLISHED[image.name]}"
    run_logged(f"pull {image.name}", ["podman", "pull", "-q", source], env=podman.environment())
    for reference in image.references():
        podman.call(["tag", source, reference])


def _busybox() -> Image:
    """The base of all scratch images: a static busybox with its links; also runs the seed."""
    return Image("tools", ("tools:lab",), "tools.Containerfile", {"rootfs": rootfs.tools()})


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
    built = [image.name for image in [_busybox()] if _build(image)]
    for image in _shared() + _products():
        if registry and image.name in PUBLISHED:
            _pull(image, registry)
        elif _build(image):
            built.append(image.name)
    say(f"images: {len(built)} built, the others were current")


def missing() -> list[str]:
    """References that the lab needs and this machine's store lacks."""
    wanted = [ref for image in [_busybox(), *_shared(), *_products()] for ref in image.references()]
    return [ref for ref in wanted if podman.call(["image", "exists", ref], check=False).returncode != 0]
