-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: enum_add_value alone
ALTER TYPE mood ADD VALUE 'calm';

-- case: enum_add_value_before alone
ALTER TYPE mood ADD VALUE 'awful' BEFORE 'ok';

-- case: enum_rename_value
ALTER TYPE mood RENAME VALUE 'sad' TO 'unhappy';

-- case: enum_recreate
ALTER TABLE people ALTER COLUMN state DROP DEFAULT;
ALTER TABLE people ALTER COLUMN state TYPE text;
DROP CAST (text AS mood);
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('ok', 'happy');
CREATE CAST (text AS mood) WITH INOUT AS ASSIGNMENT;
ALTER TABLE people ALTER COLUMN state TYPE mood USING state::mood;
ALTER TABLE people ALTER COLUMN state SET DEFAULT 'ok';

-- case: enum_to_text
ALTER TABLE people ALTER COLUMN state DROP DEFAULT;
ALTER TABLE people ALTER COLUMN state TYPE text;
ALTER TABLE people ALTER COLUMN state SET DEFAULT 'ok';

-- case: type_create
CREATE TYPE colour AS ENUM ('red', 'green');

-- case: type_rename
ALTER TYPE mood RENAME TO humour;

-- case: type_attribute_add
ALTER TYPE place ADD ATTRIBUTE country text CASCADE;

-- case: type_attribute_rename
ALTER TYPE place RENAME ATTRIBUTE zip TO postcode;

-- case: domain_add_check
ALTER DOMAIN email ADD CONSTRAINT at_work CHECK (VALUE NOT LIKE 'fresh@%');

-- case: domain_add_check_harmless
ALTER DOMAIN email ADD CONSTRAINT has_at CHECK (VALUE LIKE '%@%');

-- case: domain_add_check_not_valid
ALTER DOMAIN email ADD CONSTRAINT at_work CHECK (VALUE NOT LIKE 'fresh@%') NOT VALID;

-- case: domain_drop_constraint
ALTER DOMAIN positive DROP CONSTRAINT is_positive;

-- case: domain_set_not_null
UPDATE people SET mail = coalesce(mail, 'none' || id);
ALTER DOMAIN email SET NOT NULL;

-- case: domain_default
ALTER DOMAIN email SET DEFAULT 'nobody@example.com';

-- case: domain_create
CREATE DOMAIN zip AS text CHECK (VALUE ~ '^[0-9]+$');

-- case: sequence_increment
ALTER SEQUENCE ticket INCREMENT BY 10;

-- case: sequence_max
ALTER SEQUENCE ticket MAXVALUE 1000000;

-- case: sequence_max_reached
ALTER SEQUENCE ticket MAXVALUE 10 RESTART WITH 10;

-- case: sequence_type
ALTER SEQUENCE ticket AS int;

-- case: sequence_restart
ALTER SEQUENCE ticket RESTART WITH 500;

-- case: sequence_cache
ALTER SEQUENCE ticket CACHE 20;

-- case: sequence_drop
DROP SEQUENCE ticket;

-- case: sequence_rename
ALTER SEQUENCE ticket RENAME TO tickets;

-- case: sequence_owned
ALTER SEQUENCE ticket OWNED BY counters.id;

-- case: sequence_create
CREATE SEQUENCE another;

-- case: extension_create
CREATE EXTENSION hstore;

-- case: extension_drop
DROP EXTENSION pg_trgm;

-- case: extension_schema
ALTER EXTENSION pg_trgm SET SCHEMA side;

-- case: collation_create
CREATE COLLATION plain FROM "C";

-- case: cast_create
CREATE CAST (place AS text) WITH INOUT AS ASSIGNMENT;

-- case: text_search
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);

-- case: sequence_cycle
ALTER SEQUENCE ticket CYCLE;

-- case: sequence_set_back
SELECT setval(pg_get_serial_sequence('counters', 'id'), 1, false);

-- case: type_owner
CREATE ROLE corpus_owner;
ALTER TYPE mood OWNER TO corpus_owner;
-- undo: REASSIGN OWNED BY corpus_owner TO lab
-- undo: DROP ROLE corpus_owner

-- case: type_revoked
REVOKE USAGE ON TYPE mood FROM PUBLIC;
