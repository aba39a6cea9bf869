# Copyright: (c) 2026, the olympus.bluegreen authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24 answers where awx.awx sets it up: objects that refer to each other, surveys, nodes, approvals. Pure.

It refuses what AWX refuses: a reference to nothing, a playbook that the project has not, an injector with an unknown
field, a survey that is none, a second credential of one type, a circle of nodes. Secrets go in and never come out.
``log`` has every request that may change something.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit import awx_survey

Object = dict[str, Any]
Answer = tuple[int, Any]
HIDDEN = "$encrypted$"
EVENTS = ("started", "success", "error", "approvals")


@dataclass(frozen=True)
class Kind:
    """``has``: fields and defaults; ``refers``: field -> collection; ``lists``: what is associated -> collection."""

    type: str
    has: Mapping[str, Any] = field(default_factory=dict)
    refers: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ("name",)


OWNED = {"organization": "organizations"}
NAMED = {"name": "", "description": ""}
TOLD = {"notification_templates_" + event: "notification_templates" for event in EVENTS}
LAUNCHED = {"survey_enabled": False, "extra_vars": "", "allow_simultaneous": False, "limit": "", "job_tags": ""}
NODES = "workflow_job_template_nodes"
KINDS = {
    "organizations": Kind("organization", NAMED),
    "credential_types": Kind(
        "credential_type",
        {**NAMED, "kind": "", "inputs": {}, "injectors": {}, "managed": False},
        needs=("name", "kind"),
    ),
    "credentials": Kind("credential", {**NAMED, "inputs": {}}, {**OWNED, "credential_type": "credential_types"}),
    "notification_templates": Kind(
        "notification_template",
        {**NAMED, "notification_type": "", "notification_configuration": {}, "messages": None},
        OWNED,
        needs=("name", "organization", "notification_type"),
    ),
    "execution_environments": Kind(
        "execution_environment", {**NAMED, "image": "", "pull": "", "managed": False}, OWNED, needs=("name", "image")
    ),
    "projects": Kind(
        "project",
        {**NAMED, "scm_type": "", "scm_url": "", "scm_branch": "", "scm_update_on_launch": False,
         "allow_override": False, "scm_revision": "", "timeout": 0},
        {**OWNED, "default_environment": "execution_environments", "credential": "credentials"},
        TOLD,
    ),
    "inventories": Kind(
        "inventory", {**NAMED, "variables": "", "kind": "", "host_filter": None}, OWNED, needs=("name", "organization")
    ),
    "hosts": Kind(
        "host", {**NAMED, "variables": "", "enabled": True}, {"inventory": "inventories"}, needs=("name", "inventory")
    ),
    "groups": Kind(
        "group", {**NAMED, "variables": ""}, {"inventory": "inventories"}, {"hosts": "hosts", "children": "groups"},
        ("name", "inventory"),
    ),
    "job_templates": Kind(
        "job_template",
        {**NAMED, **LAUNCHED, "job_type": "run", "playbook": "", "diff_mode": False, "timeout": 0},
        {**OWNED, "inventory": "inventories", "project": "projects", "execution_environment": "execution_environments"},
        {**TOLD, "credentials": "credentials", "labels": "labels"},
        ("name", "project", "playbook"),
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template", {**NAMED, **LAUNCHED}, {**OWNED, "inventory": "inventories"},
        {**TOLD, "workflow_nodes": NODES},
    ),
    NODES: Kind(
        "workflow_job_template_node",
        {"identifier": "", "extra_data": {}, "all_parents_must_converge": False},
        {"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        {"success_nodes": NODES, "failure_nodes": NODES, "always_nodes": NODES},
        ("workflow_job_template",),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {**NAMED, "timeout": 0}),
    "project_updates": Kind("project_update"),
    "labels": Kind("label", NAMED, OWNED),
}  # fmt: skip
UNIFIED = ("projects", "job_templates", "workflow_job_templates")


class Refused(Exception):
    """A 400 with AWX's body."""


class Awx:
    """Begins as an empty AWX does: one organization, its own types of credentials."""

    def __init__(self, playbooks: Sequence[str]) -> None:
        self.playbooks = list(playbooks)
        self.log: list[tuple[str, str, Any]] = []
        self.secrets: dict[int, Object] = {}
        self._ids = itertools.count(1)
        self._kept: dict[str, dict[int, Object]] = {name: {} for name in KINDS}
        self._listed: dict[tuple[int, str], list[int]] = {}
        self._surveys: dict[int, Object] = {}
        self._make("organizations", {"name": "Default"})
        fields: list[Object] = [{"id": "username", "label": "Username", "type": "string"}]
        fields += [{"id": one, "label": one, "type": "string", "secret": True} for one in ("password", "ssh_key_data")]
        self._make("credential_types", {"name": "Machine", "kind": "ssh", "inputs": {"fields": fields}})

    # What a test asks

    def named(self, collection: str) -> dict[str, Object]:
        return {str(one.get("name") or one.get("identifier")): one for one in self._kept[collection].values()}

    def listed(self, one: Object, name: str) -> list[str]:
        target = KINDS[_collection(one["type"])].lists[name]
        kept = (self._kept[target][number] for number in self._listed.get((one["id"], name), []))
        return [str(other.get("name") or other.get("identifier")) for other in kept]

    def survey(self, one: Object) -> Object:
        return self._surveys.get(one["id"], {})

    # What a client asks

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        if method != "GET":
            self.log.append((method, path, body))
        parts = path.strip("/").split("/")
        try:
            if len(parts) == 1:
                return self._collection(method, parts[0], query, body or {})
            one = self._find(parts[0], int(parts[1]))
            if one is None:
                return 404, {"detail": "Not found."}
            return self._part(method, one, parts[2], body) if len(parts) == 3 else self._one(method, one, body or {})
        except Refused as exc:
            return 400, exc.args[0]

    def _collection(self, method: str, name: str, query: Mapping[str, str], body: Object) -> Answer:
        if name != "unified_job_templates" and name not in KINDS:
            return 404, {"detail": "Not found."}
        if method == "POST":
            return 201, self._shown(self._make(name, body))
        found = [one for one in self._all(name) if all(str(one.get(key)) == value for key, value in query.items())]
        return 200, {
            "count": len(found),
            "next": None,
            "previous": None,
            "results": [self._shown(one) for one in found],
        }

    def _one(self, method: str, one: Object, body: Object) -> Answer:
        if method == "PATCH":
            self._write(_collection(one["type"]), one, body)
        return 200, self._shown(one)

    def _part(self, method: str, one: Object, name: str, body: Any) -> Answer:
        if name == "survey_spec":
            if method == "POST":
                if wrong := awx_survey.wrong(body):
                    raise Refused({"error": wrong})
                self._surveys[one["id"]] = body
            return 200, self._surveys.get(one["id"], {})
        if name == "create_approval_template":
            made = self._make("workflow_approval_templates", body)
            one["unified_job_template"] = made["id"]
            return 201, self._shown(made)
        if name == "update":
            return 202, self._shown(self._update(one))
        target = KINDS[_collection(one["type"])].lists.get(name)
        if target is None:
            return 404, {"detail": "Not found."}
        listed = self._listed.setdefault((one["id"], name), [])
        if method == "POST":
            self._associate(one, name, target, listed, body)
            return 204, None
        kept = [self._shown(self._kept[target][number]) for number in listed]
        return 200, {"count": len(kept), "next": None, "previous": None, "results": kept}

    def _associate(self, one: Object, name: str, target: str, listed: list[int], body: Object) -> None:
        other = self._find(target, int(body["id"]))
        if other is None:
            raise Refused({"detail": "no such object"})
        if body.get("disassociate"):
            return listed.remove(other["id"])
        if name == "credentials":
            types = [self._kept[target][number]["credential_type"] for number in listed]
            if other["credential_type"] in types:
                raise Refused({"error": "Cannot assign multiple credentials of one type."})
        if target == NODES and name != "workflow_nodes" and self._leads(other["id"], one["id"]):
            raise Refused({"Error": "Cycle detected."})
        listed.append(other["id"])
        return None

    def _leads(self, start: int, end: int) -> bool:
        """Whether a way of edges goes from one node to the other."""
        edges = [n for name in KINDS[NODES].lists for n in self._listed.get((start, name), [])]
        return start == end or any(self._leads(one, end) for one in edges)

    # Objects

    def _all(self, name: str) -> list[Object]:
        names = UNIFIED if name == "unified_job_templates" else (name,)
        return [one for each in names for one in self._kept[each].values()]

    def _find(self, name: str, number: int) -> Object | None:
        return next((one for one in self._all(name) if one["id"] == number), None)

    def _make(self, name: str, body: Object) -> Object:
        kind = KINDS[name]
        if missing := [one for one in kind.needs if body.get(one) in (None, "")]:
            raise Refused({one: ["This field is required."] for one in missing})
        made = {**kind.has, **dict.fromkeys(kind.refers), "id": next(self._ids), "type": kind.type}
        self._write(name, made, body)
        self._kept[name][made["id"]] = made
        if name == "projects" and made["scm_type"]:
            self._update(made)
        return made

    def _update(self, project: Object) -> Object:
        project["scm_revision"] = "0" * 40
        done = {"status": "successful", "failed": False, "event_processing_finished": True, "finished": "now"}
        made = self._make("project_updates", {"name": project["name"]})
        made.update(done, scm_revision=project["scm_revision"])
        return made

    def _write(self, name: str, one: Object, body: Object) -> None:
        kind, made = KINDS[name], dict(one)
        for key, value in body.items():
            if key in kind.refers and value is not None and self._find(kind.refers[key], int(value)) is None:
                raise Refused({key: ["Invalid pk %r - object does not exist." % value]})
            if key in kind.has or key in kind.refers:
                if key in kind.has and kind.has[key] is not None and type(value) is not type(kind.has[key]):
                    raise Refused({key: ["Not a valid %s." % type(kind.has[key]).__name__]})
                made[key] = value
        if name == "credentials":
            made["inputs"] = self._sealed(made)
        if name == "credential_types" and (wrong := _wrong_type(made)):
            raise Refused({"injectors": [wrong]})
        if name == "job_templates" and made["playbook"] not in self.playbooks:
            raise Refused({"playbook": ["Playbook not found for project."]})
        if self._taken(name, made):
            raise Refused({"__all__": ["%s with this name already exists." % kind.type]})
        one.update(made)

    def _taken(self, name: str, made: Object) -> bool:
        keys = [
            key for key in ("name", "identifier", "organization", "inventory", "workflow_job_template") if key in made
        ]
        others = (one for one in self._kept[name].values() if one["id"] != made["id"])
        unique = name not in ("project_updates", "workflow_approval_templates")
        return unique and any(all(one.get(key) == made[key] for key in keys) for one in others)

    def _sealed(self, credential: Object) -> Object:
        """Without what is secret, which is kept apart."""
        kind = self._kept["credential_types"][credential["credential_type"]]
        fields = {one["id"]: one for one in kind["inputs"]["fields"]}
        if unknown := set(credential["inputs"]) - set(fields):
            raise Refused({"inputs": ["unknown fields %s" % sorted(unknown)]})
        secrets = self.secrets.setdefault(credential["id"], {})
        for name, value in credential["inputs"].items():
            if fields[name].get("secret") and value != HIDDEN:
                secrets[name] = value
        return {name: HIDDEN if fields[name].get("secret") and value else value
                for name, value in credential["inputs"].items()}  # fmt: skip

    def _shown(self, one: Object) -> Object:
        url = "/api/v2/%s/%d/" % (_collection(one["type"]), one["id"])
        parts = {**KINDS[_collection(one["type"])].lists, "survey_spec": "", "update": ""}
        related = {name: "%s%s/" % (url, name) for name in parts}
        target = self._find("unified_job_templates", one.get("unified_job_template") or 0)
        if one.get("unified_job_template"):
            kind = target["type"] if target else "workflow_approval_template"
            related["unified_job_template"] = "/api/v2/%s/%d/" % (_collection(kind), one["unified_job_template"])
        return {**one, "url": url, "related": related, "summary_fields": {}}


def _collection(type_: str) -> str:
    return next(name for name, kind in KINDS.items() if kind.type == type_)


def _wrong_type(made: Object) -> str:
    """What AWX finds by rendering the injectors with the fields' names alone."""
    fields = {one["id"] for one in made["inputs"].get("fields", [])}
    if odd := set(made["inputs"].get("required", [])) - fields:
        return "required fields are missing: %s" % sorted(odd)
    used = awx_survey.names_in(made["injectors"])
    if set(made["injectors"]) - {"env", "extra_vars", "file"}:
        return "an injector that AWX does not know"
    return "undefined field %s" % sorted(used - fields) if used - fields else ""
