-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: create_view
CREATE VIEW olds AS SELECT id, age FROM people WHERE age > 30;

-- case: replace_view_appended
CREATE OR REPLACE VIEW grown AS SELECT id, name, age, nick FROM people WHERE age >= 18;

-- case: replace_view_meaning
CREATE OR REPLACE VIEW grown AS SELECT id, name, age FROM people WHERE age >= 21;

-- case: replace_view_not_updatable
CREATE OR REPLACE VIEW nicks AS SELECT DISTINCT id, name, nick FROM people;

-- case: recreate_view_same
DROP VIEW grown;
CREATE VIEW grown AS SELECT id, name, age FROM people WHERE age >= 18;
GRANT ALL ON grown TO old_app;

-- case: recreate_view_no_grant
DROP VIEW grown;
CREATE VIEW grown AS SELECT id, name, age FROM people WHERE age >= 18;

-- case: drop_view
DROP VIEW grown;

-- case: rename_view
ALTER VIEW grown RENAME TO adults;

-- case: view_security_invoker since=15
ALTER VIEW grown SET (security_invoker = true);

-- case: view_security_barrier
ALTER VIEW grown SET (security_barrier = true);

-- case: refresh_materialized_view
REFRESH MATERIALIZED VIEW totals;

-- case: refresh_materialized_view_concurrently
REFRESH MATERIALIZED VIEW CONCURRENTLY totals;

-- case: drop_materialized_view
DROP MATERIALIZED VIEW totals;

-- case: create_function
CREATE FUNCTION quiet(given text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT lower(given) $$;

-- case: function_body
CREATE OR REPLACE FUNCTION loud(given text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(given) || '!' $$;

-- case: function_body_fails
CREATE OR REPLACE FUNCTION add_up(a int, b int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT a / (b - b) $$;

-- case: function_volatility
ALTER FUNCTION loud(text) IMMUTABLE;

-- case: function_same
CREATE OR REPLACE FUNCTION loud(given text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(given) $$;

-- case: function_drop
DROP FUNCTION loud(text);

-- case: function_rename
ALTER FUNCTION loud(text) RENAME TO louder;

-- case: function_signature
DROP FUNCTION add_up(int, int);
CREATE FUNCTION add_up(a int, b int, c int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT a + b + c $$;

-- case: function_argument_default
CREATE OR REPLACE FUNCTION loud(given text DEFAULT 'a') RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(given) $$;

-- case: function_overload_ambiguous
CREATE FUNCTION add_up(a date, b interval) RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT a + b $$;

-- case: function_overload_harmless
CREATE FUNCTION loud(given int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT given::text $$;

-- case: function_revoked
REVOKE EXECUTE ON FUNCTION loud(text) FROM PUBLIC;

-- case: function_security_definer
ALTER FUNCTION loud(text) SECURITY DEFINER;

-- case: create_procedure
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;

-- case: trigger_rejects
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never'; END $$;
CREATE TRIGGER never BEFORE INSERT ON children FOR EACH ROW EXECUTE FUNCTION never();

-- case: trigger_changes_value
CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'marked'; RETURN NEW; END $$;
CREATE TRIGGER mark BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION mark();

-- case: trigger_harmless
CREATE FUNCTION quietly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER quietly AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION quietly();

-- case: trigger_drop
DROP TRIGGER orders_kind ON orders;

-- case: trigger_disable
ALTER TABLE orders DISABLE TRIGGER orders_kind;

-- case: trigger_always
ALTER TABLE orders ENABLE ALWAYS TRIGGER orders_kind;

-- case: trigger_disable_all
ALTER TABLE orders DISABLE TRIGGER ALL;

-- case: trigger_rename
ALTER TRIGGER orders_kind ON orders RENAME TO orders_kind_first;

-- case: trigger_body
CREATE OR REPLACE FUNCTION first_kind() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.kind := 'k'; RETURN NEW; END $$;

-- case: rule_nothing
CREATE RULE no_delete AS ON DELETE TO people DO INSTEAD NOTHING;

-- case: rule_also
CREATE TABLE deleted (id bigint);
CREATE RULE keep_deleted AS ON DELETE TO people DO ALSO INSERT INTO deleted VALUES (OLD.id);

-- case: rule_upsert_impossible
CREATE RULE people_also AS ON INSERT TO people WHERE NEW.name = 'never' DO ALSO NOTHING;

-- case: event_trigger
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();

-- case: view_check_option
CREATE OR REPLACE VIEW nicks AS SELECT id, name, nick FROM people WHERE id > 5 WITH CHECK OPTION;

-- case: view_security_invoker_without_rights since=15
ALTER VIEW shown SET (security_invoker = true);

-- case: view_owner_without_rights
CREATE ROLE corpus_owner;
ALTER VIEW shown OWNER TO corpus_owner;
-- undo: REASSIGN OWNED BY corpus_owner TO lab
-- undo: DROP ROLE corpus_owner

-- case: view_column_default
ALTER VIEW nicks ALTER COLUMN nick SET DEFAULT 'd';

-- case: refresh_materialized_view_without_data
REFRESH MATERIALIZED VIEW totals WITH NO DATA;

-- case: rename_materialized_view
ALTER MATERIALIZED VIEW totals RENAME TO sums;

-- case: function_argument_names
DROP FUNCTION add_up(int, int);
CREATE FUNCTION add_up(first int, second int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT first + second $$;

-- case: function_result
DROP FUNCTION add_up(int, int);
CREATE FUNCTION add_up(a int, b int) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT (a + b)::bigint $$;

-- case: function_strict
ALTER FUNCTION add_up(int, int) STRICT;

-- case: function_setting
ALTER FUNCTION loud(text) SET search_path = side;

-- case: function_beside_a_built_in
CREATE FUNCTION upper(given varchar) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'X' || given $$;

-- case: function_drop_unused
DROP FUNCTION first_kind() CASCADE;

-- case: operator_drop
DROP OPERATOR |>| (int, int);

-- case: operator_create
CREATE OPERATOR |<| (LEFTARG = int, RIGHTARG = int, FUNCTION = newer);

-- case: cast_drop
DROP CAST (text AS mood);

-- case: aggregate_drop
DROP AGGREGATE all_of (int);

-- case: collation_drop
DROP COLLATION plain_order;

-- case: text_search_drop
DROP TEXT SEARCH CONFIGURATION words;

-- case: text_search_mapping
ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR asciiword;

-- case: trigger_replica
ALTER TABLE orders ENABLE REPLICA TRIGGER orders_kind;

-- case: rule_drop
DROP RULE inbox_insert ON inbox;
