-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: create_table
CREATE TABLE fresh (id int PRIMARY KEY, label text NOT NULL);

-- case: create_table_with_reference
CREATE TABLE fresh (id int PRIMARY KEY, person bigint NOT NULL REFERENCES people);

-- case: create_table_like
CREATE TABLE fresh (LIKE people INCLUDING ALL);

-- case: create_table_inherits
CREATE TABLE fresh (more text) INHERITS (parents);

-- case: drop_table
DROP TABLE papers;

-- case: drop_table_cascade
DROP TABLE parents CASCADE;

-- case: drop_table_unused
DROP TABLE lonely;

-- case: rename_table
ALTER TABLE papers RENAME TO documents;

-- case: rename_table_with_view
ALTER TABLE papers RENAME TO documents;
CREATE VIEW papers AS SELECT * FROM documents;
GRANT ALL ON papers TO old_app;

-- case: set_schema
ALTER TABLE papers SET SCHEMA side;

-- case: drop_and_create_same
DROP TABLE lonely;
CREATE TABLE lonely (id int PRIMARY KEY, label text);
GRANT ALL ON lonely TO old_app;

-- case: drop_and_create_other
DROP TABLE scratch;
CREATE TABLE scratch (id int PRIMARY KEY, title text);
GRANT ALL ON scratch TO old_app;

-- case: set_unlogged
ALTER TABLE papers SET UNLOGGED;

-- case: set_logged
ALTER TABLE scratch SET LOGGED;

-- case: fillfactor
ALTER TABLE people SET (fillfactor = 80);

-- case: autovacuum_settings
ALTER TABLE people SET (autovacuum_enabled = false);

-- case: comment
COMMENT ON TABLE people IS 'the people';

-- case: comment_on_column
COMMENT ON COLUMN people.name IS 'the name';

-- case: replica_identity
ALTER TABLE people REPLICA IDENTITY FULL;

-- case: cluster_on
ALTER TABLE people CLUSTER ON people_name;

-- case: truncate
TRUNCATE scratch;

-- case: vacuum_full alone
-- lock: people AccessExclusiveLock
VACUUM FULL people;

-- case: cluster
CLUSTER people USING people_name;

-- case: analyze
ANALYZE people;

-- case: lock_table
LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE;

-- case: schema_create
CREATE SCHEMA other;

-- case: schema_rename
ALTER SCHEMA side RENAME TO other;

-- case: schema_drop
DROP SCHEMA side CASCADE;

-- case: table_of_that_name_comes_first
CREATE SCHEMA old_app;
CREATE TABLE old_app.papers (id int PRIMARY KEY, title text);
GRANT USAGE ON SCHEMA old_app TO old_app;
GRANT ALL ON old_app.papers TO old_app;

-- case: table_of_that_name_elsewhere
CREATE TABLE side.papers (id int PRIMARY KEY);

-- case: create_table_with_reference_used
-- new: INSERT INTO fresh VALUES (1, 9)
CREATE TABLE fresh (id int PRIMARY KEY, person bigint NOT NULL REFERENCES people);

-- case: inherit
ALTER TABLE mine INHERIT parents;

-- case: table_becomes_partitioned
ALTER TABLE papers RENAME TO papers_all;
CREATE TABLE papers (LIKE papers_all INCLUDING ALL) PARTITION BY RANGE (id);
ALTER TABLE papers ATTACH PARTITION papers_all DEFAULT;
GRANT ALL ON papers TO old_app;

-- case: rename_column_with_view
ALTER TABLE papers RENAME TO papers_all;
ALTER TABLE papers_all RENAME COLUMN body TO content;
CREATE VIEW papers AS SELECT id, owner, content AS body FROM papers_all;
GRANT ALL ON papers TO old_app;
