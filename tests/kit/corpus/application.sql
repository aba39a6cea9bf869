-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The statements of the old program. Each runs in a transaction of its own that is rolled back.
-- prepared: a session that lives through the change prepared it before. strict: a column that the program does not
-- know fails, as Go's and Rust's scans do. full: a NULL fails.

-- statement: people_star
SELECT * FROM people ORDER BY id;
-- statement: people_star_prepared prepared
SELECT * FROM people ORDER BY id;
-- statement: people_named
SELECT id, name, mail, nick, age, score, code, state, made::text, twice, note FROM people ORDER BY id;
-- statement: people_named_prepared prepared
SELECT id, name, mail, nick, age, score, code, state, made, note FROM people ORDER BY id;
-- statement: people_by_name
SELECT id FROM people WHERE name = 'p7';
-- statement: people_sorted
SELECT name FROM people ORDER BY name;
-- statement: people_insert
INSERT INTO people (name, mail) VALUES ('a name of 19 chars.', 'new@example.com')
  RETURNING nick, score, code, state, made::text, note;
-- statement: people_insert_prepared prepared
INSERT INTO people (name, mail, nick) VALUES ('fresh', 'fresh@example.com', NULL);
-- statement: people_insert_id
INSERT INTO people (id, name) VALUES (900, 'with an id');
-- statement: people_insert_age
INSERT INTO people (name, age, nick) VALUES ('old', 150, 'a nick of more than twenty') RETURNING twice, nick;
-- statement: people_upsert
INSERT INTO people (name, mail) VALUES ('p7', 'p7@example.com') ON CONFLICT (mail) DO UPDATE SET name = excluded.name;
-- statement: people_enum
INSERT INTO people (name, state) VALUES ('sad one', 'sad') RETURNING state;
-- statement: people_update
UPDATE people SET nick = 'p8', age = 3000000 - 2999990 WHERE name IN ('p7', 'p8');
-- statement: people_update_prepared prepared
UPDATE people SET note = NULL WHERE id = 5;
-- statement: people_delete_parent
DELETE FROM people WHERE id = 9;
-- statement: people_upsert_named
INSERT INTO people (name, mail) VALUES ('p7', 'p7@example.com') ON CONFLICT ON CONSTRAINT people_mail DO NOTHING;
-- statement: people_long_note
INSERT INTO people (name, note) VALUES ('long', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n));
-- statement: people_upper
SELECT upper(name) FROM people ORDER BY id;
-- statement: orders_join_unqualified
SELECT amount, nick FROM orders JOIN people p ON p.id = person ORDER BY orders.id;
-- statement: natural_join
SELECT count(*) FROM parents NATURAL JOIN children;
-- statement: orders_read_prepared prepared
SELECT id, person, amount, kind, ref, home, pieces FROM orders ORDER BY id;
-- statement: orders_insert_bare
INSERT INTO orders VALUES (900, 1, 12345678.12, 'BIG', 'r900', ('c', 'z'), 4) RETURNING kind;
-- statement: orders_insert
INSERT INTO orders (id, person, amount, ref) VALUES (901, 2, 0, NULL) RETURNING kind;
-- statement: orders_upsert
INSERT INTO orders (id, person, amount, ref) VALUES (902, 2, 5, 'r7') ON CONFLICT (ref) DO NOTHING;
-- statement: orders_orphan
INSERT INTO orders (id, person, amount) VALUES (903, 987654, 5);
-- statement: orders_join
SELECT p.name, sum(o.amount) FROM orders o JOIN people p ON p.id = o.person GROUP BY 1 ORDER BY 1;
-- statement: parents_delete
DELETE FROM parents WHERE id = 3 AND NOT EXISTS (SELECT FROM pets WHERE owner = 3) OR id = 99;
-- statement: children_orphan
INSERT INTO children (id, parent, label) VALUES (900, 12345, 'l');
-- statement: children_same_label
INSERT INTO children (id, parent, label) VALUES (901, 1, NULL), (902, 1, 'l');
-- statement: children_read
SELECT id, parent, label FROM children ORDER BY id;
-- statement: events_read
SELECT id, day, what FROM events ORDER BY id;
-- statement: events_insert
INSERT INTO events VALUES (900, '2026-05-05', 'w'), (901, '2031-05-05', 'w'), (902, '2025-05-05', 'w');
-- statement: readings_read
SELECT id, day, value FROM readings ORDER BY id;
-- statement: readings_insert
INSERT INTO readings VALUES (900, '2026-05-05', 1);
-- statement: options_read
SELECT key, value FROM options ORDER BY key;
-- statement: options_upsert
INSERT INTO options VALUES ('a', '5') ON CONFLICT (key) DO UPDATE SET value = excluded.value;
-- statement: journal_update
UPDATE journal SET line = 'm';
-- statement: mine_read
SELECT id, label FROM mine;
-- statement: shared_read
SELECT id, label FROM shared;
-- statement: shown_read
SELECT id, label FROM shown;
-- statement: notes_read
SELECT id, body FROM notes;
-- statement: notes_insert
INSERT INTO notes VALUES (900, 'b');
-- statement: inbox_insert
INSERT INTO inbox VALUES (900, 'l');
-- statement: temporary
CREATE TEMPORARY TABLE passing (id int) ON COMMIT DROP;
-- statement: papers_read
SELECT id, body FROM papers ORDER BY id;
-- statement: papers_write
INSERT INTO papers VALUES (900, 'another', 'b');
-- statement: counters_insert
INSERT INTO counters (small, label) VALUES (70000, 'l1');
-- statement: counters_read_prepared prepared
SELECT small, label FROM counters ORDER BY id;
-- statement: grown_read
SELECT * FROM grown ORDER BY id;
-- statement: nicks_write
UPDATE nicks SET nick = 'v' WHERE id = 2;
-- statement: totals_read
SELECT person, total FROM totals ORDER BY person;
-- statement: scratch_read
SELECT id, label FROM scratch ORDER BY id;
-- statement: things_read
SELECT id, label FROM side.things ORDER BY id;
-- statement: orders_attribute
SELECT id, (home).zip FROM orders ORDER BY id;
-- statement: types_named
SELECT 'sad'::mood, '5'::positive::int;
-- statement: calls
SELECT loud('a'), add_up(1, 2);
-- statement: calls_by_name
SELECT add_up(a => 1, b => 2);
-- statement: code_objects
SELECT 1 |>| 2, all_of(id), to_tsvector('words', 'a b'), min('x' COLLATE plain_order) FROM parents;
-- statement: cast_used
INSERT INTO people (name, state) SELECT 'cast', lower('SAD') RETURNING state;
-- statement: calls_untyped
SELECT add_up('1', '2');
-- statement: extension_call
SELECT similarity('abc', 'abd') > 0;
-- statement: ticket_next
SELECT b.n - a.n FROM (SELECT nextval('ticket') n OFFSET 0) a, (SELECT nextval('ticket') n OFFSET 0) b;
-- statement: read_by_time
SELECT count(*) FROM people WHERE made = timestamp '2026-01-01 00:00:00';

-- statement: identities_list strict
SELECT identities.* FROM identities ORDER BY id;
-- statement: devices_insert
INSERT INTO session_devices (id, session_id) VALUES (900, 1);
-- statement: identifiers_insert
INSERT INTO identity_credential_identifiers (id, identifier, identity_credential_id) VALUES (900, 'i900', 1);
-- statement: login_codes_read
SELECT id, code FROM identity_login_codes ORDER BY id;
-- statement: logout strict
DELETE FROM hydra_oauth2_authentication_session WHERE id = 's3' RETURNING *;
-- statement: flow_insert
INSERT INTO hydra_oauth2_flow (login_challenge, subject, state, remember_for) VALUES ('c900', 's', 1, 0) RETURNING consent_error;
-- statement: flow_read full
SELECT login_challenge, subject, state, consent_error, remember_for FROM hydra_oauth2_flow ORDER BY 1;
