-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- case: partition_create
CREATE TABLE readings_2027 PARTITION OF readings FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');

-- case: partition_create_beside_default
CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');

-- case: partition_attach
ALTER TABLE readings ATTACH PARTITION readings_old FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');

-- case: partition_attach_beside_default
CREATE TABLE more (id int, day date NOT NULL, what text);
ALTER TABLE events ATTACH PARTITION more FOR VALUES FROM ('2030-01-01') TO ('2032-01-01');

-- case: partition_attach_with_rows
ALTER TABLE readings ATTACH PARTITION readings_old DEFAULT;

-- case: partition_detach
ALTER TABLE readings DETACH PARTITION readings_2026;

-- case: partition_detach_beside_default
ALTER TABLE events DETACH PARTITION events_2025;

-- case: partition_detach_concurrently alone
-- lock: readings ShareUpdateExclusiveLock
-- lock: readings_2026 AccessExclusiveLock
ALTER TABLE readings DETACH PARTITION readings_2026 CONCURRENTLY;

-- case: partition_drop
DROP TABLE events_2025;

-- case: partition_drop_default
DROP TABLE events_other;

-- case: partition_default_added
CREATE TABLE readings_other PARTITION OF readings DEFAULT;

-- case: partitioned_index
CREATE INDEX events_day ON events (day);

-- case: partitioned_column
ALTER TABLE events ADD COLUMN extra text;

-- case: partitioned_column_not_null
ALTER TABLE events ADD COLUMN extra text;
UPDATE events SET extra = 'x';
ALTER TABLE events ALTER COLUMN extra SET NOT NULL;

-- case: partitioned_unique
ALTER TABLE events ADD CONSTRAINT events_one UNIQUE (id, day);

-- case: partition_check
ALTER TABLE events_2026 ADD CONSTRAINT short CHECK (length(what) < 1) NOT VALID;
