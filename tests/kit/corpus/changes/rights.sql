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
