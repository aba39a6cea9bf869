-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: create_index
CREATE INDEX people_nick ON people (nick);

-- case: create_index_concurrently alone
-- lock: people ShareUpdateExclusiveLock
CREATE INDEX CONCURRENTLY people_nick ON people (nick);

-- case: create_unique_index
CREATE UNIQUE INDEX counters_label ON counters (label);

-- case: create_unique_index_concurrently alone
-- lock: counters ShareUpdateExclusiveLock
CREATE UNIQUE INDEX CONCURRENTLY counters_label ON counters (label);

-- case: create_unique_index_partial
CREATE UNIQUE INDEX counters_label ON counters (label) WHERE small < 1000;

-- case: create_unique_index_expression
CREATE UNIQUE INDEX people_lower ON people (lower(mail));

-- case: create_index_gin
CREATE INDEX people_name_trgm ON people USING gin (name gin_trgm_ops);

-- case: create_index_fails_for_old
CREATE INDEX people_inverse ON people ((1 / (150 - age)));

-- case: drop_index
DROP INDEX people_name;

-- case: drop_index_concurrently alone
-- lock: people ShareUpdateExclusiveLock
DROP INDEX CONCURRENTLY people_name;

-- case: drop_unique_index
DROP INDEX orders_ref;

-- case: replace_index
DROP INDEX people_name;
CREATE INDEX people_name ON people (name, id);

-- case: replace_index_same
DROP INDEX people_name;
CREATE INDEX people_name ON people (name);

-- case: replace_unique_index_same
DROP INDEX orders_ref;
CREATE UNIQUE INDEX orders_ref ON orders (ref);

-- case: rename_index
ALTER INDEX people_name RENAME TO people_by_name;

-- case: index_fillfactor
ALTER INDEX people_name SET (fillfactor = 70);

-- case: reindex_table
REINDEX TABLE people;

-- case: reindex_index
REINDEX INDEX people_name;

-- case: reindex_concurrently alone
-- lock: people ShareUpdateExclusiveLock
REINDEX TABLE CONCURRENTLY people;

-- case: create_statistics
CREATE STATISTICS orders_stats (dependencies) ON person, kind FROM orders;

-- case: drop_statistics
DROP STATISTICS people_stats;

-- case: alter_statistics
ALTER STATISTICS people_stats SET STATISTICS 200;

-- case: create_index_on_long_text
CREATE INDEX people_note ON people (note);

-- case: create_index_hash
CREATE INDEX people_note ON people USING hash (note);

-- case: replace_unique_index_other_name
CREATE UNIQUE INDEX orders_one_ref ON orders (ref);
DROP INDEX orders_ref;

-- case: create_index_brin
CREATE INDEX people_made ON people USING brin (made);
