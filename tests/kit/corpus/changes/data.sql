-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: backfill
UPDATE people SET spare = name;

-- case: backfill_changes_what_is_read
UPDATE people SET note = 'changed';

-- case: backfill_in_steps alone
-- lock: people RowExclusiveLock
UPDATE people SET spare = name WHERE id < 20;
UPDATE people SET spare = name WHERE id >= 20;

-- case: lookup_rows
INSERT INTO options VALUES ('c', '3');

-- case: delete_rows
DELETE FROM readings_old;

-- case: column_moved
ALTER TABLE people ADD COLUMN remark text;
UPDATE people SET remark = note;
ALTER TABLE people DROP COLUMN note;

-- case: nothing
SELECT 1;

-- case: added_and_dropped
ALTER TABLE people ADD COLUMN extra text;
CREATE TABLE fresh (id int);
DROP TABLE fresh;
ALTER TABLE unused ADD CONSTRAINT passing CHECK (id > 0);
ALTER TABLE unused DROP CONSTRAINT passing;

-- case: rolled_back_in_part
CREATE TABLE fresh (id int PRIMARY KEY);
SAVEPOINT here;
ALTER TABLE people DROP COLUMN note;
ROLLBACK TO SAVEPOINT here;
