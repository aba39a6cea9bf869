# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""PostgreSQL's certificate and the authority behind it, of one lab alone. The authority's key is thrown away."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from olympus_lab.progress import LabError

# The user of the server in its container, as in the published image.
POSTGRES = 70
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def write(directory: Path, name: str) -> None:
    """pg-ca.crt, and server.crt and server.key for the host ``name``; the key is for its server alone."""
    directory.mkdir(parents=True, exist_ok=True)
    ca, certificate, key = (str(directory / file) for file in ("pg-ca.crt", "server.crt", "server.key"))
    with tempfile.TemporaryDirectory() as place:
        ca_key, request, extensions = (str(Path(place) / file) for file in ("ca.key", "server.csr", "extensions"))
        Path(extensions).write_text(f"subjectAltName=DNS:{name}\n")
        itself = ("-x509", "-days", "3650", "-subj", "/CN=olympus lab database")
        _openssl("req", *KEY, *itself, "-keyout", ca_key, "-out", ca)
        _openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signed = ("-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-set_serial", "1", "-days", "3650")
        _openssl("x509", *signed, "-extfile", extensions, "-out", certificate)
    os.chown(key, POSTGRES, POSTGRES)
    os.chmod(key, 0o600)


def _openssl(*args: str) -> None:
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"openssl {args[0]}: rc {done.returncode}: {done.stderr.strip()}")
