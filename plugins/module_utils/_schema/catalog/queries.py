# Copyright: (c) 2026, the olympus.bluegreen authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogs of a database as one question, which PostgreSQL 14 to 18 take as it is.

``facts`` say what an object is, by names alone. ``local`` is what another server has otherwise: oids, owners, sizes.
A column that a major lacks is read from the row as JSON. Names are qualified where ``search_path`` is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Our own schema in a rehearsal's database; what is in it is never looked at.
PRIVATE = "olympus_bluegreen"
# Below this are PostgreSQL's own.
FIRST = 16384

COMMON = (
    """
members AS MATERIALIZED (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
  UNION ALL -- what an operator class of an extension is made of is no member by itself
  SELECT part.classid, part.objid FROM pg_depend part
  JOIN pg_depend whole ON whole.deptype = 'e' AND whole.classid = part.refclassid AND whole.objid = part.refobjid
  WHERE part.deptype IN ('i', 'a') AND part.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass)),
ours AS MATERIALIZED (
  SELECT n.*, quote_ident(nspname) AS q FROM pg_namespace n
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '%s')),
rels AS MATERIALIZED (
  SELECT c.*, n.q || '.' || quote_ident(c.relname) AS q FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_class'::regclass AND objid = c.oid)),
kinds AS MATERIALIZED (
  SELECT t.*, n.q || '.' || quote_ident(t.typname) AS q FROM pg_type t JOIN ours n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('d', 'e', 'r', 'b') AND t.typcategory <> 'A'
    AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_type'::regclass AND objid = t.oid)),
filled AS MATERIALIZED (
  SELECT conrelid, k AS num, bool_and(convalidated) AS valid FROM pg_constraint, unnest(conkey) k
  WHERE contype = 'n' AND conrelid <> 0 GROUP BY 1, 2)
"""
    % PRIVATE
)

TABLES = "('r', 'p', 'v', 'm', 'f')"
KIND = (
    "CASE {0}relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'"
    " WHEN 'c' THEN 'composite type' ELSE 'table' END"
)


def _acl(column: str, kind: str, owner: str) -> str:
    """Who may do what, as ``role RIGHT``."""
    return (
        "(SELECT coalesce(jsonb_agg(DISTINCT (CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END)"
        " || ' ' || g.privilege_type), '[]') FROM aclexplode(coalesce(%s, acldefault('%s', %s))) g)"
    ) % (column, kind, owner)


def _owned(row: str, prefix: str, kind: str) -> dict[str, str]:
    owner = "%s.%sowner" % (row, prefix)
    return {"owner": "pg_get_userbyid(%s)" % owner, "acl": _acl("%s.%sacl" % (row, prefix), kind, owner)}


def _names(keys: str, relation: str) -> str:
    """The columns of an array of numbers; an expression is ''."""
    return (
        "(SELECT coalesce(jsonb_agg(coalesce(l.attname, '') ORDER BY u.o), '[]')"
        " FROM unnest(%s) WITH ORDINALITY u(num, o)"
        " LEFT JOIN pg_attribute l ON l.attrelid = %s AND l.attnum = u.num AND u.num <> 0)" % (keys, relation)
    )


def _json(row: str, column: str, other: str) -> str:
    """A column that not every major has."""
    return "coalesce(to_jsonb(%s) ->> '%s', '%s')" % (row, column, other)


def _sorted(array: str) -> str:
    return "CASE WHEN %s IS NULL THEN '[]' ELSE (SELECT jsonb_agg(o ORDER BY o) FROM unnest(%s) o) END" % (array, array)


@dataclass(frozen=True)
class Rows:
    """The objects of one catalog. ``parent`` is the oid of what it lies in, ``bare`` its name there."""

    catalog: str
    oid: str
    kind: str
    parent: str
    bare: str
    name: str
    source: str
    facts: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, str] = field(default_factory=dict)
    sub: str = "0"

    def sql(self, number: int) -> str:
        return "SELECT %d, (%s)::bigint, (%s)::int, %s, (%s)::bigint, (%s)::text, %s, %s, %s FROM %s" % (
            number, self.oid, self.sub, self.kind, self.parent, self.bare, self.name,
            _array(self.facts), _array(self.local), self.source,
        )  # fmt: skip


def _array(facts: Mapping[str, str]) -> str:
    """The values alone: their names would be most of what is sent."""
    return "json_build_array(%s)" % ", ".join(facts.values())


RELATIONS = Rows(
    "pg_class", "c.oid", KIND.format("c."), "c.relnamespace", "c.relname", "c.q",
    "rels c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')",
    {
        "partitioned": "c.relkind = 'p'", "persistence": "c.relpersistence", "rls": "c.relrowsecurity",
        "forced_rls": "c.relforcerowsecurity", "identity": "c.relreplident",
        "options": _sorted("c.reloptions"),
        "method": "coalesce((SELECT amname FROM pg_am WHERE oid = c.relam), '')",
        "definition": "CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END",
        "foreign": "CASE WHEN c.relkind = 'f' THEN (SELECT s.srvname || ' ' || coalesce(f.ftoptions::text, '')"
        " FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) ELSE '' END",
        "key": "CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) ELSE '' END",
        "bound": "coalesce(pg_get_expr(c.relpartbound, c.oid), '')",
        "parents": "(SELECT coalesce(jsonb_agg(inhparent::regclass::text ORDER BY inhseqno), '[]') FROM pg_inherits"
        " WHERE inhrelid = c.oid)",
    },
    {
        **_owned("c", "rel", "r"), "file": "c.relfilenode::bigint",
        "space": "coalesce((SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace), '')",
        "rows": "c.reltuples", "pages": "c.relpages",
        "filled": "c.relkind = 'r' AND pg_relation_size(c.oid) > 0",
        "inherits": "(SELECT coalesce(jsonb_agg(inhparent::bigint ORDER BY inhseqno), '[]') FROM pg_inherits"
        " WHERE inhrelid = c.oid)",
        "leaving": "EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND inhdetachpending)",
        "populated": "c.relispopulated",
        "writable": "c.relkind <> 'v' OR pg_relation_is_updatable(c.oid, true) & 28 = 28",
    },
)  # fmt: skip
COLUMNS = Rows(
    "pg_class", "a.attrelid", "CASE c.relkind WHEN 'c' THEN 'attribute' ELSE 'column' END", "a.attrelid", "a.attname",
    "c.q || '.' || quote_ident(a.attname)",
    "pg_attribute a JOIN rels c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')"
    " JOIN pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " LEFT JOIN filled f ON f.conrelid = a.attrelid AND f.num = a.attnum"
    " WHERE a.attnum > 0 AND NOT a.attisdropped",
    {
        "type": "format_type(a.atttypid, a.atttypmod)", "not_null": "a.attnotnull",
        "checked": "a.attnotnull AND coalesce(f.valid, true)",
        "default": "coalesce(pg_get_expr(d.adbin, d.adrelid), '')",
        "identity": "a.attidentity", "generated": "a.attgenerated",
        "collation": "CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text ELSE '' END",
        "storage": "CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text ELSE '' END",
        "compression": "a.attcompression", "target": "coalesce(nullif(a.attstattarget, -1), -1)",
        "options": _sorted("a.attoptions"), "foreign": "coalesce(a.attfdwoptions::text, '')",
    },
    {
        "number": "a.attnum", "of": "a.atttypid::bigint", "size": "a.atttypmod", "category": "t.typcategory",
        "domain": "t.typtype = 'd'", "domain_not_null": "t.typtype = 'd' AND t.typnotnull",
        "domain_default": "CASE WHEN t.typtype = 'd' THEN coalesce(t.typdefault, '') ELSE '' END",
        "acl": "CASE WHEN a.attacl IS NULL THEN '[]' ELSE %s END" % _acl("a.attacl", "c", "c.relowner"),
        "inherited": "a.attinhcount > 0 AND NOT a.attislocal",
    },
    sub="a.attnum",
)  # fmt: skip
# Each of these is a fact of its own.
WORDS = "NO INHERIT|NOT VALID|NOT ENFORCED|NOT DEFERRABLE|DEFERRABLE|INITIALLY DEFERRED"
DEFINITION = "regexp_replace(pg_get_constraintdef(k.oid), '( (%s))+$', '')" % WORDS
CONSTRAINTS = Rows(
    "pg_constraint", "k.oid", "CASE WHEN k.contypid <> 0 THEN 'domain constraint' ELSE 'constraint' END",
    "CASE WHEN k.contypid <> 0 THEN k.contypid ELSE k.conrelid END", "k.conname",
    "quote_ident(k.conname) || ' on ' || coalesce(c.q, t.q)",
    "pg_constraint k LEFT JOIN rels c ON c.oid = k.conrelid LEFT JOIN kinds t ON t.oid = k.contypid"
    " WHERE (c.oid IS NOT NULL OR t.oid IS NOT NULL) AND k.contype NOT IN ('n', 't')",
    {
        "type": "k.contype", "definition": DEFINITION,
        "valid": "k.convalidated", "deferrable": "k.condeferrable", "deferred": "k.condeferred",
        "enforced": _json("k", "conenforced", "true"), "no_inherit": "k.connoinherit AND k.contype = 'c'",
        "columns": _names("k.conkey", "k.conrelid"),
    },
    {
        "expression": "coalesce(pg_get_expr(k.conbin, k.conrelid), '')", "keys": "coalesce(to_jsonb(k.conkey), '[]')",
        "index": "k.conindid::bigint", "part": "k.conparentid <> 0 OR (k.coninhcount > 0 AND NOT k.conislocal)",
        "target": "k.confrelid::bigint",
        "target_name": "CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass::text END",
        "target_columns": _names("k.confkey", "k.confrelid"),
        "match": "k.confmatchtype", "on_delete": "k.confdeltype", "on_update": "k.confupdtype",
        "firing": "(SELECT coalesce(jsonb_agg(g.tgenabled ORDER BY g.tgenabled), '[]') FROM pg_trigger g"
        " WHERE g.tgconstraint = k.oid AND g.tgisinternal AND k.contype = 'f')",
    },
)  # fmt: skip
INDEXES = Rows(
    "pg_class", "x.oid", "'index'", "i.indrelid", "x.relname", "x.q",
    "pg_index i JOIN rels x ON x.oid = i.indexrelid JOIN rels c ON c.oid = i.indrelid",
    {
        "definition": r"regexp_replace(substring(pg_get_indexdef(x.oid) from ' USING .*$'), ' WITH \([^()]*\)', '')",
        "unique": "i.indisunique", "options": _sorted("x.reloptions"),
        "nulls_equal": "coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)",
        "columns": _names("(i.indkey::int2[])[0:i.indnkeyatts - 1]", "i.indrelid"),
        "predicate": "coalesce(pg_get_expr(i.indpred, i.indrelid), '')",
        "identity": "i.indisreplident",
    },
    {
        "valid": "i.indisvalid AND i.indisready", "keys": "to_jsonb((i.indkey::int2[])[0:i.indnkeyatts - 1])",
        "terms": "CASE WHEN i.indisunique OR i.indexprs IS NOT NULL THEN"
        " (SELECT jsonb_agg(pg_get_indexdef(x.oid, o, false)"
        " ORDER BY o) FROM generate_series(1, i.indnkeyatts) o) ELSE '[]' END",
        "constraint": "EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))",
        "part": "x.relispartition", "space": "x.reltablespace::bigint", "immediate": "i.indimmediate",
    },
)  # fmt: skip
TRIGGERS = Rows(
    "pg_trigger", "g.oid", "'trigger'", "g.tgrelid", "g.tgname", "quote_ident(g.tgname) || ' on ' || c.q",
    "pg_trigger g JOIN rels c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgparentid = 0",
    {
        "definition": "replace(pg_get_triggerdef(g.oid), 'TRIGGER ' || quote_ident(g.tgname) || ' ', 'TRIGGER ')",
        "enabled": "g.tgenabled",
    },
    {"function": "g.tgfoid::bigint"},
)  # fmt: skip
RULES = Rows(
    "pg_rewrite", "w.oid", "'rule'", "w.ev_class", "w.rulename", "quote_ident(w.rulename) || ' on ' || c.q",
    "pg_rewrite w JOIN rels c ON c.oid = w.ev_class WHERE w.rulename <> '_RETURN'",
    {"definition": "pg_get_ruledef(w.oid)", "enabled": "w.ev_enabled"},
)  # fmt: skip
POLICIES = Rows(
    "pg_policy", "p.oid", "'policy'", "p.polrelid", "p.polname", "quote_ident(p.polname) || ' on ' || c.q",
    "pg_policy p JOIN rels c ON c.oid = p.polrelid",
    {
        "command": "p.polcmd", "permissive": "p.polpermissive",
        "using": "coalesce(pg_get_expr(p.polqual, p.polrelid), '')",
        "check": "coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')",
    },
    {"roles": "(SELECT jsonb_agg(pg_get_userbyid(r) ORDER BY r) FROM unnest(p.polroles) r)"},
)  # fmt: skip
TYPES = Rows(
    "pg_type", "t.oid", "CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END", "t.typnamespace", "t.typname", "t.q",
    "kinds t",
    {
        "type": "t.typtype",
        "base": "CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE '' END",
        "not_null": "t.typnotnull", "default": "coalesce(t.typdefault, '')",
        "collation": "CASE WHEN t.typtype = 'd' AND t.typcollation <> 0 THEN t.typcollation::regcollation::text"
        " ELSE '' END",
        "labels": "(SELECT coalesce(jsonb_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') FROM pg_enum e"
        " WHERE e.enumtypid = t.oid)",
        "range": "coalesce((SELECT (to_jsonb(r) - 'rngtypid' - 'rngmultitypid')::text FROM pg_range r"
        " WHERE r.rngtypid = t.oid), '')",
    },
    {
        "ids": "(SELECT coalesce(jsonb_object_agg(e.enumlabel, e.oid::bigint), '{}') FROM pg_enum e"
        " WHERE e.enumtypid = t.oid)",
        **_owned("t", "typ", "T"),
    },
)  # fmt: skip
FUNCTIONS = Rows(
    "pg_proc", "p.oid", "CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END",
    "p.pronamespace", "p.proname || '(' || oidvectortypes(p.proargtypes) || ')'",
    "(pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity",
    "pg_proc p JOIN ours n ON n.oid = p.pronamespace"
    " WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_proc'::regclass AND objid = p.oid)",
    {
        "arguments": "pg_get_function_arguments(p.oid)", "result": "coalesce(pg_get_function_result(p.oid), '')",
        "body": "md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) || coalesce(p.probin, ''))",
        "language": "(SELECT lanname FROM pg_language WHERE oid = p.prolang)", "volatile": "p.provolatile",
        "strict": "p.proisstrict", "definer": "p.prosecdef", "config": _sorted("p.proconfig"), "kind": "p.prokind",
        "parallel": "p.proparallel", "leakproof": "p.proleakproof",
        "cost": "p.procost::text || ' ' || p.prorows::text",
    },
    {
        "called": "p.proname", "takes": "p.pronargs", "defaults": "p.pronargdefaults",
        "rivals": "EXISTS (SELECT FROM pg_proc r WHERE r.proname = p.proname AND (r.oid < %d OR EXISTS"
        " (SELECT FROM members WHERE classid = 'pg_proc'::regclass AND objid = r.oid)))" % FIRST,
        "aggregate": "coalesce((SELECT md5(g::text) FROM pg_aggregate g WHERE g.aggfnoid = p.oid), '')",
        **_owned("p", "pro", "f"),
    },
)  # fmt: skip
SEQUENCES = Rows(
    "pg_class", "c.oid", "'sequence'", "c.relnamespace", "c.relname", "c.q",
    "rels c JOIN pg_sequence s ON s.seqrelid = c.oid",
    {
        "type": "s.seqtypid::regtype::text", "start": "s.seqstart", "increment": "s.seqincrement",
        "maximum": "s.seqmax::text", "minimum": "s.seqmin::text", "cache": "s.seqcache", "cycle": "s.seqcycle",
        "persistence": "c.relpersistence",
    },
    {
        "file": "c.relfilenode::bigint",
        "readable": "has_sequence_privilege(c.oid, 'SELECT')",
        "belongs": "(SELECT coalesce(jsonb_agg(jsonb_build_array(d.refobjid::bigint, d.refobjsubid, d.deptype)), '[]')"
        " FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
        " AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)",
        **_owned("c", "rel", "s"),
    },
)  # fmt: skip
SCHEMAS = Rows(
    "pg_namespace", "n.oid", "'schema'", "0", "n.nspname", "n.q",
    "ours n WHERE NOT EXISTS (SELECT FROM members WHERE classid = 'pg_namespace'::regclass AND objid = n.oid)",
    {}, _owned("n", "nsp", "n"),
)  # fmt: skip
EXTENSIONS = Rows(
    "pg_extension", "e.oid", "'extension'", "0", "e.extname", "quote_ident(e.extname)",
    "pg_extension e", {},
    {"version": "e.extversion", "schema": "e.extnamespace::regnamespace::text"},
)  # fmt: skip
# What no dump of the schema carries, or what says nothing of it: it is compared, and is no drift.
PUBLICATIONS = Rows(
    "pg_publication", "p.oid", "'publication'", "0", "p.pubname", "quote_ident(p.pubname)", "pg_publication p", {},
    {
        "row": "(to_jsonb(p) - 'pubowner')::text", "changing": "p.pubupdate OR p.pubdelete",
        "tables": "(SELECT coalesce(jsonb_agg(DISTINCT c.oid::bigint), '[]') FROM pg_publication_tables v"
        " JOIN pg_class c ON c.relname = v.tablename AND c.relnamespace = quote_ident(v.schemaname)::regnamespace"
        " WHERE v.pubname = p.pubname)",
        "narrow": "EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND (to_jsonb(r) ->> 'prqual'"
        " IS NOT NULL OR to_jsonb(r) ->> 'prattrs' IS NOT NULL))",
    },
)  # fmt: skip
STATISTICS = Rows(
    "pg_statistic_ext", "s.oid", "'statistics'", "s.stxnamespace", "s.stxname", "n.q || '.' || quote_ident(s.stxname)",
    "pg_statistic_ext s JOIN ours n ON n.oid = s.stxnamespace", {},
    {"definition": "coalesce(pg_get_statisticsobjdef(s.oid), '')"},
)  # fmt: skip
EVENTS = Rows(
    "pg_event_trigger", "e.oid", "'event trigger'", "0", "e.evtname", "quote_ident(e.evtname)",
    "pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid"
    " WHERE p.pronamespace IS DISTINCT FROM to_regnamespace('%s')" % PRIVATE, {},
    {"row": "(to_jsonb(e) - 'evtowner')::text"},
)  # fmt: skip
DEFAULTS = Rows(
    "pg_default_acl", "d.oid", "'default privileges'", "d.defaclnamespace",
    "d.defaclobjtype::text || ' ' || pg_get_userbyid(d.defaclrole)",
    "(pg_identify_object('pg_default_acl'::regclass, d.oid, 0)).identity", "pg_default_acl d", {},
    {"row": "d.defaclacl::text"},
)  # fmt: skip
SETTINGS = Rows(
    "pg_db_role_setting", "s.setdatabase", "'settings'", "0", "s.setrole::text || ' ' || s.setdatabase",
    "CASE WHEN s.setrole = 0 THEN 'of the database' ELSE 'of role ' || quote_ident(pg_get_userbyid(s.setrole)) END",
    "pg_db_role_setting s WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))",
    {}, {"row": _sorted("s.setconfig")}, sub="s.setrole::int",
)  # fmt: skip
ROLES = Rows(
    "pg_authid", "r.oid", "'role'", "0", "r.rolname", "quote_ident(r.rolname)",
    "pg_roles r WHERE r.rolname !~ '^pg_'", {},
    {
        "login": "r.rolcanlogin", "row": "(to_jsonb(r) - 'rolcanlogin' - 'rolpassword' - 'rolconfig')::text",
        "member": "(SELECT coalesce(jsonb_agg(DISTINCT m.roleid::regrole::text), '[]') FROM pg_auth_members m"
        " WHERE m.member = r.oid)",
    },
)  # fmt: skip
DATABASE = Rows(
    "pg_database", "d.oid", "'database'", "0", "''", "'of the service'",
    "pg_database d WHERE d.datname = current_database()", {},
    {"limit": "d.datconnlimit", "open": "d.datallowconn", "acl": _acl("d.datacl", "d", "d.datdba")},
)  # fmt: skip

ALL = (
    SCHEMAS, RELATIONS, COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, RULES, POLICIES, TYPES, FUNCTIONS, SEQUENCES,
    EXTENSIONS, PUBLICATIONS, STATISTICS, EVENTS, DEFAULTS, SETTINGS, ROLES, DATABASE,
)  # fmt: skip
# Read above in their own way, or part of a row there, or statistics and data.
KNOWN = (
    "pg_namespace", "pg_class", "pg_constraint", "pg_trigger", "pg_rewrite", "pg_policy", "pg_type", "pg_proc",
    "pg_extension", "pg_publication", "pg_publication_rel", "pg_publication_namespace", "pg_statistic_ext",
    "pg_event_trigger", "pg_default_acl", "pg_attrdef", "pg_enum", "pg_largeobject_metadata",
)  # fmt: skip
# The catalogs that no line here knows, a newer major's too. Their objects have an identity, and a row that changes.
OTHERS = (
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'"
    " AND NOT c.relisshared AND has_table_privilege(c.oid, 'SELECT') AND c.relname <> ALL ('{%s}')"
    " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'oid') ORDER BY 1"
    % ",".join(KNOWN)
)


# What belongs to a row and has no oid of its own.
PARTS = {
    "pg_ts_config": " || coalesce((SELECT string_agg(m::text, ',' ORDER BY m) FROM pg_ts_config_map m"
    " WHERE m.mapcfg = x.oid), '')",
}  # fmt: skip


def other(catalog: str) -> Rows:
    return Rows(
        catalog, "x.oid", "i.type", "0", "i.identity", "i.identity",
        "%s x, LATERAL pg_identify_object('%s'::regclass, x.oid, 0) i WHERE x.oid >= %d AND NOT EXISTS"
        " (SELECT FROM members WHERE classid = '%s'::regclass AND objid = x.oid)" % (catalog, catalog, FIRST, catalog),
        {}, {"row": "md5(x::text%s)" % PARTS.get(catalog, "")},
    )  # fmt: skip


def question(asked: Sequence[Rows]) -> str:
    """Rows of: place in ``asked``, oid, sub, kind, parent, bare, name, values of facts, values of local."""
    return "WITH %s %s" % (COMMON.strip(), " UNION ALL ".join(rows.sql(number) for number, rows in enumerate(asked)))
