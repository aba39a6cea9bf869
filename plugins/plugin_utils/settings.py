# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's ``bluegreen_*`` variables: the description of the deployment, and what is about one run."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.edge import BEHIND_CLOUDFLARE, CADDY
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.fields import Field
from ansible_collections.olympus.bluegreen.plugins.module_utils._deployment.tree import COLOURS, DEPLOYMENT

PREFIX = "bluegreen_"
# What a run may do in between; a rollback is held up by nothing.
HOOKED = ("adopt", "preflight", "migrate", "deploy", "cutover", "watch", "cleanup")
MOMENTS = {
    **{"before_" + one: "Before C(%s) changes anything. Where it fails, the stage ends." % one for one in HOOKED},
    **{"after_" + one: "After C(%s) ended well. Where it fails, that is reported." % one for one in HOOKED},
    "on_rollback": "After traffic went back, before a container of the colour that was left is removed.",
}
RUN = (
    Field(
        "accept",
        "list",
        "Verdicts on a migration that are let through. Each entry has C(target) and C(hop) as the refusal prints"
        " them, a"
        " C(reason), and C(expires), which is a date (the end of that day, UTC) or a moment with its zone.",
        [],
    ),
    Field(
        "accept_pending",
        "bool",
        "Let a configuration file go live that differs from what the edge runs (an edit that was not loaded).",
        False,
    ),
    Field(
        "assume_live",
        "text",
        "With C(adopt), the colour that was live, where the switch directory is lost and both colours are alive.",
        choices=COLOURS,
    ),
    Field(
        "backup",
        "dict",
        (
            "The last backup of the databases, which C(migrate) looks at before it changes a schema.",
            "It makes a restore point as well, where the service's role may.",
        ),
        {},
        keys=(
            Field("path", "text", "Files of the backups on the database's host, as a glob. The newest counts."),
            Field(
                "command",
                "list",
                "Program that prints when the last backup was made, as C(2026-11-30T02:00:00Z) or in seconds since the"
                " epoch.",
            ),
            Field("max_age", "number", "Seconds that the last backup may be old.", usual="`86400`"),
            Field(
                "policy",
                "str",
                "What becomes of a migration without such a backup. V(ignore) makes no restore point either.",
                choices=("ignore", "warn", "refuse"),
                usual="`warn`",
            ),
        ),
    ),
    Field(
        "bake",
        "int",
        "Bake time in seconds. Until it is over, C(cleanup) refuses, and C(status) does not name it as the next step.",
        3600,
    ),
    Field(
        "dependents",
        "str",
        "What becomes of containers of no colour that depend on adopted ones. V(recreate) makes them again without that"
        " dependency, V(keep) refuses the cleanup.",
        "recreate",
        choices=("recreate", "keep"),
    ),
    Field("drain_deadline", "number", "Seconds to wait for open requests.", usual="`60`; `3600` behind Cloudflare"),
    Field(
        "drift",
        "str",
        "What becomes of a migration whose schema is not the one that was rehearsed, before it or after it.",
        "refuse",
        choices=("refuse", "warn", "ignore"),
    ),
    Field(
        "fix_forward",
        "bool",
        (
            "Leave a live colour that fails. With C(cutover) the idle colour is gated by its own checks alone; it is"
            " refused where the live colour is well. The watcher then does not roll back by itself.",
            "With C(deploy) and C(migrate), what is wrong with the live colour alone does not refuse them.",
        ),
        False,
    ),
    Field("force_rollback", "bool", "With C(rollback), go back although the target does not answer.", False),
    Field(
        "force_undo",
        "bool",
        "With C(adopt) and C(bluegreen_undo), discard edits made to the edge's configuration since.",
        False,
    ),
    Field(
        "hooks",
        "dict",
        "Task files of yours that a stage runs, by their moment. A path is from C(/) or relative to the playbook that"
        " you start.",
        {},
        keys=tuple(Field(name, "path", says) for name, says in MOMENTS.items()),
    ),
    Field(
        "host",
        "str",
        "Which host of group C(olympus_edge) a run is about. Where it has several, name one here or with C(--limit).",
    ),
    Field(
        "ignore_fence",
        "bool",
        "With C(rollback) and C(version), go back to a kept release beyond the fence.",
        False,
    ),
    Field("keep_releases", "count", "How many of the newest releases stay.", 3),
    Field(
        "keep_sticky",
        "bool",
        (
            "With C(rollback), whether a form that the colour left behind had served may still be posted to it.",
            "With V(false) the colour gone back to refuses such a form. Say V(false) when the colour left behind does"
            " harm.",
        ),
        usual="`true`; `false` behind Cloudflare",
    ),
    Field(
        "lock_budget",
        "number",
        "Seconds that a migration may hold a lock which stops reads or writes. Three times the estimate must lie below"
        " it, else the verdict is V(BLOCKING_LOCK).",
        2,
    ),
    Field(
        "notify_url",
        "text",
        "The address that messages of C(bluegreen_notify) go to, where no C(url_file) holds it. The environment"
        " variable C(BLUEGREEN_NOTIFY_URL) of the controller does the same.",
        secret=True,
    ),
    Field(
        "probe_secrets",
        "dict",
        (
            "Per domain the probe's C(password) and C(client_secret). Preflight logs in once by each.",
            "What is not given comes from the controller's environment variables E(BLUEGREEN_PROBE_PASSWORD) and"
            " E(BLUEGREEN_PROBE_CLIENT_SECRET), or of one domain with its name behind it"
            " (E(BLUEGREEN_PROBE_PASSWORD_CIAM)).",
        ),
        {},
        keys=(Field("password", "text", "Password."), Field("client_secret", "text", "Secret of the client.")),
        each=True,
        strict=None,
        secret=True,
    ),
    Field(
        "rehearsal_data",
        "str",
        (
            "Which rows the throw-away database gets beside production's schema. V(lookup) is those of small tables"
            " that refer to no other, V(schema) is none but the migrations' own, V(sample) is some of every table.",
            "The path of a dump of B(pg_dump) on the host takes that backup in place of production's own schema.",
        ),
        "lookup",
    ),
    Field(
        "rehearsal_dsn",
        "text",
        (
            "The address of PostgreSQL for a role of its own that reads production for a proof, from your vault, or the"
            " path of a file on the host that holds it and that only root may read. Each target's database takes the"
            " place of the one in it.",
            "The role needs C(pg_read_all_data). Without this the role of each target's service reads it.",
        ),
        secret=True,
    ),
    Field(
        "rehearsal_host",
        "text",
        "A host of the inventory on which migrations are tried, where the host itself has no room for a throw-away"
        " PostgreSQL. The images of the release and of PostgreSQL have to be there. Production is read from the host"
        " itself.",
    ),
    Field(
        "rehearsal_image",
        "str",
        "Image of the throw-away PostgreSQL, of the same major version, that migrations are tried on. Empty takes"
        " that of"
        " the database's container. Needed where the database runs in no container of the host.",
    ),
    Field(
        "remove_unmanaged",
        "bool",
        "With C(adopt), remove coloured containers of the project that belong to no colour (podman-compose made them"
        " since).",
        False,
    ),
    Field(
        "schema_policy",
        "dict",
        "What becomes of a verdict on a migration. V(proceed) goes ahead, V(ask) needs an entry of C(bluegreen_accept),"
        " V(refuse) is let through by none.",
        {},
        keys=tuple(
            Field(name, "str", says, usual, choices=("proceed", "ask", "refuse"))
            for name, usual, says in (
                ("SAFE", "proceed", "The old colour works on the new schema, and used all that changed."),
                (
                    "SAFE_IF_EXERCISED",
                    "proceed",
                    "It works on the new schema. Some changes were not tried.",
                ),
                ("BLOCKING_LOCK", "ask", "A lock stops reads or writes for longer than C(bluegreen_lock_budget)."),
                ("BRIDGE_REQUIRED", "ask", "Only a bridge lets the old colour go on writing."),
                ("BREAKS", "ask", "The old colour fails, or the migration does."),
                ("NOT_JUDGED", "ask", "Nothing could be tried."),
                ("IN_FLIGHT", "ask", "A login or another flow that is begun on one colour is lost on the other."),
            )
        ),
    ),
    Field(
        "schema_watch",
        "number",
        "Seconds for which C(migrate) reads the live colour's logs after a migration. An error that the new schema"
        " causes fails the stage.",
        10,
    ),
    Field(
        "undo",
        "bool",
        "With C(adopt), return traffic to your original containers and take the switch out of the edge. After a"
        " cutover,"
        " roll back first. Once C(cleanup) has removed those containers, it is no longer possible.",
        False,
    ),
    Field(
        "unlock",
        "str",
        "Break the lock of exactly this run, whose id the refusal prints. It writes no more, even if it is alive after"
        " all. Empty breaks none; refused while another run holds the lock.",
    ),
    Field("version", "str", "The same as C(version), which is the release to go to."),
    Field("watch_do", "str", "One of C(abort), C(hold), C(resume), C(extend) and C(promote)."),
    Field("watch_extend", "number", "Seconds by which C(extend) lengthens the watch."),
)
SETTINGS: dict[str, Field] = {
    PREFIX + ("deployment" if one.name == "name" else one.name): one for one in (*DEPLOYMENT, *RUN) if one.name != "git"
}
SETTINGS["bluegreen_edge"] = replace(SETTINGS["bluegreen_edge"], keys=CADDY, behind=BEHIND_CLOUDFLARE)
# Made by the playbooks themselves: setting one of these has no effect.
INTERNAL_VARS = {
    "bluegreen_cut",
    "bluegreen_follows",
    "bluegreen_back",
    "bluegreen_caches_of",
    "bluegreen_caches_since",
    "bluegreen_decision",
    "bluegreen_described",
    "bluegreen_hook",
    "bluegreen_hook_failures",
    "bluegreen_learned",
    "bluegreen_fails",
    "bluegreen_migrates",
    "bluegreen_names",
    "bluegreen_refused",
    "bluegreen_result",
    "bluegreen_run",
    "bluegreen_said",
    "bluegreen_same",
    "bluegreen_secrets",
    "bluegreen_settings",
    "bluegreen_signed",
    "bluegreen_spared",
    "bluegreen_stage",
    "bluegreen_step",
    "bluegreen_targets",
    "bluegreen_watch_order",
}
# Set by the guard and by stages of this very run, so they may be there.
FACT_VARS = {
    name
    for name in INTERNAL_VARS
    if name.endswith(("decision", "failures", "refused", "result", "run", "said", "settings", "signed", "since"))
}
