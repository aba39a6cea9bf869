-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: grant_more
GRANT TRUNCATE ON people TO old_app;

-- case: revoke_insert
REVOKE INSERT ON papers FROM old_app;

-- case: revoke_column_select
REVOKE SELECT ON people FROM old_app;
GRANT SELECT (id, name, mail, nick, age, score, code, state, made, twice) ON people TO old_app;

-- case: revoke_schema_usage
REVOKE USAGE ON SCHEMA side FROM old_app;

-- case: revoke_sequence
REVOKE ALL ON SEQUENCE ticket FROM old_app;

-- case: owner
CREATE ROLE corpus_owner;
ALTER TABLE papers OWNER TO corpus_owner;
-- undo: REASSIGN OWNED BY corpus_owner TO lab
-- undo: DROP ROLE corpus_owner

-- case: owner_of_function
CREATE ROLE corpus_owner;
ALTER FUNCTION loud(text) OWNER TO corpus_owner;
-- undo: REASSIGN OWNED BY corpus_owner TO lab
-- undo: DROP ROLE corpus_owner

-- case: default_privileges
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- case: default_privileges_grant
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO old_app;

-- case: role_search_path
ALTER ROLE old_app SET search_path = side;
-- undo: ALTER ROLE old_app RESET ALL

-- case: role_setting_here
DO $$ BEGIN EXECUTE format('ALTER ROLE old_app IN DATABASE %I SET search_path = side', current_database()); END $$;

-- case: database_search_path
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = side', current_database()); END $$;

-- case: database_setting_harmless
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database()); END $$;

-- case: enable_rls
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;

-- case: enable_rls_with_policy
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON papers USING (owner = current_user);

-- case: enable_rls_open_policy
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;
CREATE POLICY anyone ON papers USING (true) WITH CHECK (true);

-- case: policy_without_rls
CREATE POLICY own ON papers USING (owner = current_user);

-- case: force_rls
ALTER TABLE papers FORCE ROW LEVEL SECURITY;

-- case: create_publication
CREATE PUBLICATION news FOR TABLE people;

-- case: create_publication_all
CREATE PUBLICATION news FOR ALL TABLES;

-- case: create_role
CREATE ROLE corpus_other;
-- undo: DROP ROLE corpus_other

-- case: foreign_table
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE outside (line text) SERVER files OPTIONS (filename '/dev/null');

-- case: owner_is_another
CREATE ROLE corpus_owner;
ALTER TABLE mine OWNER TO corpus_owner;
-- undo: REASSIGN OWNED BY corpus_owner TO lab
-- undo: DROP ROLE corpus_owner

-- case: membership_revoked
REVOKE old_group FROM old_app;
-- undo: GRANT old_group TO old_app

-- case: membership_not_inherited
ALTER ROLE old_app NOINHERIT;
-- undo: ALTER ROLE old_app INHERIT
-- undo: REVOKE old_group FROM old_app
-- undo: GRANT old_group TO old_app

-- case: role_no_login
ALTER ROLE old_app NOLOGIN;
-- undo: ALTER ROLE old_app LOGIN

-- case: role_connection_limit
ALTER ROLE old_app CONNECTION LIMIT 0;
-- undo: ALTER ROLE old_app CONNECTION LIMIT -1

-- case: role_read_only
ALTER ROLE old_app SET default_transaction_read_only = on;
-- undo: ALTER ROLE old_app RESET ALL

-- case: database_read_only
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;

-- case: database_connect_revoked
DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$;

-- case: database_temporary_revoked
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;

-- case: database_connection_limit
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', current_database()); END $$;

-- case: policy_drop
DROP POLICY everyone ON notes;

-- case: policy_alter
ALTER POLICY everyone ON notes USING (id > 100) WITH CHECK (id < 100);

-- case: policy_restrictive
CREATE POLICY few ON notes AS RESTRICTIVE USING (id > 100);

-- case: policy_more
CREATE POLICY more ON notes USING (id > 100);

-- case: rls_disabled
ALTER TABLE notes DISABLE ROW LEVEL SECURITY;

-- case: publication_without_a_key
CREATE PUBLICATION news FOR TABLE journal;

-- case: publication_of_inserts
CREATE PUBLICATION news FOR TABLE journal WITH (publish = 'insert');

-- case: replica_identity_nothing
ALTER TABLE people REPLICA IDENTITY NOTHING;
CREATE PUBLICATION news FOR TABLE people;
