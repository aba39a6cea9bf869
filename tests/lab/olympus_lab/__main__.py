# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
"""``python -m olympus_lab setup|images|up|down|release|status|mail|env``; see tests/lab/README.md."""

from __future__ import annotations

import argparse
import json
import sys

from olympus_lab import config, images, mail, operator_edit, podman, setup, stack, status
from olympus_lab.progress import main_guard


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="olympus_lab", description="A real Olympus on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="install what this machine lacks")
    commands.add_parser("images", help="build (or pull) what is not current")
    up = commands.add_parser("up", help="bring the lab up, fresh unless it stands as wanted already")
    up.add_argument("--fresh", action="store_true", help="start anew even if it stands")
    commands.add_parser("down", help="remove what the lab made, but images and caches")
    edit = commands.add_parser("release", help="edit the operator's compose file and .env to a release")
    edit.add_argument("version", choices=[release.version for release in config.RELEASES])
    show = commands.add_parser("status", help="what runs")
    show.add_argument("--json", action="store_true")
    count = commands.add_parser("mail", help="messages in the catcher, per recipient")
    count.add_argument("--to", help="the messages of this recipient")
    count.add_argument("--account", action="store_true", help="what Kratos queued against what arrived")
    commands.add_parser("env", help="print the variables that other tools need to use this lab's Podman")
    return parser


def _mails(arguments: argparse.Namespace) -> object:
    if arguments.account:
        return mail.account()
    return mail.messages(arguments.to) if arguments.to else mail.counts()


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.command
    if command == "setup":
        setup.setup()
    elif command == "images":
        images.images()
    elif command == "up":
        stack.up(fresh=arguments.fresh)
    elif command == "down":
        stack.down()
    elif command == "release":
        edited = operator_edit.to(arguments.version)
        print(f"{config.OPERATOR} {'now says' if edited else 'says'} {arguments.version}")
    elif command == "status":
        print(json.dumps(status.observe(), indent=2) if arguments.json else status.screen())
    elif command == "mail":
        print(json.dumps(_mails(arguments), indent=2))
    elif command == "env" and config.CONTAINERS_CONF.exists():
        print(f"CONTAINERS_CONF={podman.environment()['CONTAINERS_CONF']}")
    return 0


if __name__ == "__main__":
    parsed = _parser().parse_args()
    sys.exit(main_guard(lambda: _run(parsed)))
