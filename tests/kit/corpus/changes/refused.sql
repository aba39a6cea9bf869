-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What production's own rows contradict: a schema without rows takes each of them, production does not.
-- case: refused_set_not_null refused
ALTER TABLE people ALTER COLUMN nick SET NOT NULL;

-- case: refused_check refused
ALTER TABLE people ADD CONSTRAINT young CHECK (age < 30);

-- case: refused_check_of_two_columns refused
ALTER TABLE people ADD CONSTRAINT nick_is_name CHECK (nick <> name AND age < id);

-- case: refused_validate_check refused
ALTER TABLE prices VALIDATE CONSTRAINT cheap;

-- case: refused_unique refused
ALTER TABLE children ADD CONSTRAINT one_label UNIQUE (label);

-- case: refused_unique_of_two_columns refused
ALTER TABLE children ADD CONSTRAINT one_label UNIQUE (label, seen);

-- case: refused_unique_index_expression refused
CREATE UNIQUE INDEX one_first_letter ON people (left(name, 1));

-- case: refused_unique_index_partial refused
CREATE UNIQUE INDEX one_label ON children (label) WHERE id > 15;

-- case: refused_unique_nulls_not_distinct refused since=15
CREATE UNIQUE INDEX one_spare ON people (spare) NULLS NOT DISTINCT;

-- case: refused_primary_key refused
ALTER TABLE readings_old ADD PRIMARY KEY (day);

-- case: refused_foreign_key refused
ALTER TABLE readings_old ADD CONSTRAINT of_unused FOREIGN KEY (id) REFERENCES unused;

-- case: refused_validate_foreign_key refused
ALTER TABLE prices VALIDATE CONSTRAINT of_unused;

-- case: refused_foreign_key_then_validated refused
ALTER TABLE readings_old ADD CONSTRAINT of_unused FOREIGN KEY (id) REFERENCES unused NOT VALID;
ALTER TABLE readings_old VALIDATE CONSTRAINT of_unused;

-- case: refused_domain_check refused
ALTER DOMAIN email ADD CONSTRAINT at_work CHECK (VALUE LIKE '%@work.example');

-- case: refused_domain_not_null refused
ALTER DOMAIN email SET NOT NULL;

-- case: refused_varchar_narrower refused
ALTER TABLE prices ALTER COLUMN name TYPE varchar(4);

-- case: refused_text_to_varchar refused
ALTER TABLE counters ALTER COLUMN label TYPE varchar(2);

-- case: refused_smallint refused
ALTER TABLE prices ALTER COLUMN id TYPE smallint;

-- case: refused_numeric refused
ALTER TABLE prices ALTER COLUMN price TYPE numeric(4, 2);

-- case: refused_quoted_names refused
ALTER TABLE "Odd Table" ALTER COLUMN "a ""b""" SET NOT NULL;

-- case: refused_domain_validate refused
ALTER DOMAIN positive ADD CONSTRAINT less CHECK (VALUE < 20) NOT VALID;
ALTER DOMAIN positive VALIDATE CONSTRAINT less;
