# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``bluegreen-rollback``: the way back when Ansible is the problem, for a person at the edge host with nothing but sh.

It is ``Switch.rollback`` once more, in the same order and under the same flock; a property of the tests keeps the two
alike. Every step is a rename or an unlink of a name that exists, so it needs no space, and it may be killed anywhere.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.files import read_text, write_atomic
from .._core.names import STATE_DIR

DIRECTORY = "/usr/local/sbin"
PLAIN = "olympus"
# How an edge that does not look at the switch is made to follow it (_edge/running/find.py).
FOLLOW = "follow.json"
MARK = "# Written by olympus.bluegreen (adopt); undo removes it."
SCRIPT = r"""#!/bin/sh
@MARK@
# The rollback of @DEPLOYMENT@ without Ansible: it does to the switch what --tags rollback does.
set -eu
export LC_ALL=C
switch=@SWITCH@ not_by_rename=@NOT_BY_RENAME@ play='ansible-playbook bluegreen.yml'
check='' drop='' force='' lock=yes

die() { echo "${0##*/}: $1" >&2; exit 2; }
step() { if [ -n "$check" ]; then echo "would: $*"; else "$@"; fi; }
live() { if [ -e switch/green ]; then echo green; elif [ -e switch/ready ]; then echo blue; else echo none; fi; }

# The run in progress is stopped at its next write. A 1 before the twelve digits: with zeros they would be octal.
fence() {
    for token in token-*; do :; done
    if [ -e "$token" ]; then
        raised=$((1${token#token-} + 1))
        step mv -f "$token" "token-${raised#1}"
    fi
    if [ -e claimed ]; then step rm -f claimed; fi
}

# A refusal stops the run in progress all the same.
refuse() {
    stopped=''
    if [ -e claimed ]; then fence; [ -n "$check" ] || stopped='; the run in progress was stopped'; fi
    die "$1$stopped. $2"
}

other() { if [ "$1" = blue ]; then echo green; else echo blue; fi; }
drained() { [ -e "switch/removing-$1" ] || [ ! -e "switch/assets-$1" ]; }

# Who moved the marker last? A person, where it is not what our own last move left: the way back is to what that person
# left, unless the marker went where the last cutover came from, and that is whole.
way_back() {
    now=$(live) back=''
    if [ -e return_to ]; then
        back=$(head -c 4096 return_to | sed -n '1s/^{"colour": "\([a-z]*\)", .*/\1/p')
        case $back in blue | green) ;; *)
            die "$switch/return_to has another shape. Look at it; mv green blue in $switch/switch is the whole switch"
        esac
    fi
    was=$(other "$now")
    if [ -e "moved-$was" ] && [ -e "switch/$now" ] && [ ! -e "switch/$was" ] && [ -e switch/ready ]; then
        if [ -z "$back" ]; then back=$was
        elif [ "$back" = "$now" ] && drained "$now"; then back=$was; fi
    fi
    [ -n "$back" ] || refuse "nothing to roll back: no cutover yet" "Run: $play --tags status"
    left=$(other "$back")
    if [ "$(live)" = "$back" ] || [ -n "$force" ]; then return; fi
    if [ -e "switch/removing-$back" ]; then
        if [ -e claimed ]; then fence; fi
        die "$back is being removed or replaced, or was. Wait until that ends, or run: $play --tags rollback\
 -e version=<version>"
    fi
    [ -e "switch/assets-$back" ] ||
        refuse "$back was drained to be removed or replaced: it is not what the last cutover came from"\
 "Run: $play --tags rollback -e version=<version>, or go there anyway with --force"
}

moved() { if [ -e "moved-$left" ]; then step mv -f "moved-$left" "moved-$back"; fi; }

go() {
    way_back
    pinned=''
    if [ -n "$drop" ] && [ -e "switch/warm-$left" ]; then pinned=yes; fi
    if [ ! -e "switch/$left" ] && [ -e "switch/$back" ] && [ -e switch/ready ] && [ ! -e claimed ] && [ -z "$pinned" ]
    then moved; return; fi
    fence
    if [ -n "$pinned" ]; then step rm -f "switch/warm-$left"; fi
    if [ -e "switch/$left" ]; then step mv -f "switch/$left" "switch/$back"
    elif [ ! -e "switch/$back" ]; then step touch "switch/$back"; fi
    moved
    # They went with a drain; a full disk is no reason not to be back.
    for name in "warm-$back" "assets-$back"; do [ -e "switch/$name" ] || step touch "switch/$name" || :; done
}

for word in "$@"; do
    case $word in
        --check) check=yes ;;
        --drop-pinned) drop=yes ;;
        --force) force=yes ;;
        --no-lock) lock='' ;;
        *) die "$word: unknown option. --check prints what would be done; --drop-pinned: the left colour is bad,\
 so no form that it showed is posted to it; --force: also to a drained colour; --no-lock: wait for no process" ;;
    esac
done
if [ -n "$not_by_rename" ]; then die "$not_by_rename. Run: $play --tags rollback"; fi
cd "$switch/switch/.." 2>/dev/null || die "no switch at $switch. Become root, or run: $play --tags adopt"
# The edge's container may write here too: what it puts in the place of a file of ours is not followed or waited for.
for name in "$switch" "$switch/switch" lock return_to claimed token-* moved-* switch/ready switch/*blue switch/*green
do
    case $name in /*) [ ! -h "$name" ] ;; *) [ ! -h "$name" ] && { [ -f "$name" ] || [ ! -e "$name" ]; } ;; esac ||
        die "$name was not put there by this collection. Remove it and run this again, or run: $play --tags rollback"
done
# Adopted with another method since this was written.
if [ -e @FOLLOW@ ]; then die "no file alone moves this edge: its configuration does. Run: $play --tags rollback"; fi
if [ -n "$lock" ] && command -v flock >/dev/null; then
    exec 9>>lock
    flock -w 5 9 || die "another process holds $switch/lock (fuser -v names it). Run this again, or with --no-lock"
else
    lock=''
fi
go
# Without the lock a process may have read the token just before it was raised: it has moved the marker by now.
if [ -z "$lock$check" ]; then sleep 1; go; fi
if [ -n "$check" ]; then echo "$(live) is live, a rollback goes to $back"; exit; fi
sync . switch 2>/dev/null || sync
[ "$(live)" = "$back" ] || die "the switch has lost its sentinel: no colour is live. Run: $play --tags adopt"
echo "$back is live. Run $play --tags rollback as soon as Ansible works again: mails and other singletons follow then"
"""


def command(deployment: str) -> str:
    """The name of the command."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", deployment)
    return "bluegreen-rollback" if deployment == PLAIN else "bluegreen-rollback-" + name


def paths(deployment: str, state_dir: str, directory: str) -> tuple[str, str]:
    """On the PATH, and beside the boot program, where it is found when another program has its name."""
    return os.path.join(directory, command(deployment)), os.path.join(state_dir, "rollback")


def text(deployment: str, switch_dir: str, edge: Mapping[str, Any], state_dir: str = STATE_DIR) -> str:
    """The script for this deployment. An edge that no rename moves gets one that says so."""
    given = {
        "MARK": MARK,
        "DEPLOYMENT": re.sub(r"\s", " ", deployment),
        "SWITCH": shlex.quote(switch_dir),
        "FOLLOW": shlex.quote(os.path.join(state_dir, FOLLOW)),
        "NOT_BY_RENAME": shlex.quote(_not_by_rename(edge)),
    }
    return re.sub("@([A-Z_]+)@", lambda found: given[found.group(1)], SCRIPT)


def _not_by_rename(edge: Mapping[str, Any]) -> str:
    if edge.get("kind") == "cloudflare":
        return "the switch of this deployment is at Cloudflare: no file on this host moves it"
    if edge.get("method") not in (None, "", "switch"):
        return "this edge is moved by its configuration (method %s): no file alone moves it" % edge["method"]
    return ""


def ours(path: str) -> bool:
    """Whether a script of ours is there."""
    try:
        return MARK in (read_text(path) or "").split("\n", 2)[1:2]
    except (OSError, UnicodeDecodeError):
        return False


def wanted(paths: Sequence[str], script: str) -> list[str]:
    """Those of ``paths`` that have to be written: never over what is not ours, never where nothing can be written."""
    return [path for path in paths if not _hindered(path) and not (ours(path) and read_text(path) == script)]


def write(path: str, script: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    write_atomic(path, script, 0o755)


def _hindered(path: str) -> str:
    """Why our script can't be at ``path``; '' where it can."""
    if os.path.lexists(path) and not ours(path):
        return "is another program"
    where = os.path.dirname(path)
    while not os.path.exists(where):
        where = os.path.dirname(where)
    return "" if os.access(where, os.W_OK) else "can't be written"


def complaint(paths: Sequence[str]) -> str:
    """What keeps the script from where a person would look for it, and what to run instead; '' where nothing does."""
    found = ["%s %s" % (path, why) for path in paths if (why := _hindered(path))]
    left = [path for path in paths if not _hindered(path)]
    return "%s; the rollback by hand is %s" % (" and ".join(found), " or ".join(left) or "not there") if found else ""
