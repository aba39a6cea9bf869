-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- The statements of the old program. Each runs in a transaction of its own that is rolled back.
-- prepared: a session that lives through the change prepared it before. strict: a column that the program does not
-- know fails, as Go's and Rust's scans do. full: a NULL fails. reads, writes: what it touches.

-- statement: people_star reads=people:*
SELECT * FROM people ORDER BY id;
-- statement: people_star_prepared prepared reads=people:*
SELECT * FROM people ORDER BY id;
-- statement: people_named reads=people:id,name,mail,nick,age,score,code,state,made,twice,note
SELECT id, name, mail, nick, age, score, code, state, made::text, twice, note FROM people ORDER BY id;
-- statement: people_named_prepared prepared reads=people:id,name,mail,nick,age,score,code,state,made,note
SELECT id, name, mail, nick, age, score, code, state, made, note FROM people ORDER BY id;
-- statement: people_by_name reads=people:id,name
SELECT id FROM people WHERE name = 'p7';
-- statement: people_sorted reads=people:name
SELECT name FROM people ORDER BY name;
-- statement: people_insert writes=people:name,mail
INSERT INTO people (name, mail) VALUES ('a name of 19 chars.', 'new@example.com')
  RETURNING nick, score, code, state, made::text, note;
-- statement: people_insert_prepared prepared writes=people:name,mail,nick
INSERT INTO people (name, mail, nick) VALUES ('fresh', 'fresh@example.com', NULL);
-- statement: people_insert_id writes=people:id,name
INSERT INTO people (id, name) VALUES (900, 'with an id');
-- statement: people_insert_age writes=people:name,age,nick
INSERT INTO people (name, age, nick) VALUES ('old', 150, 'a nick of more than twenty') RETURNING twice, nick;
-- statement: people_upsert writes=people:name,mail
INSERT INTO people (name, mail) VALUES ('p7', 'p7@example.com') ON CONFLICT (mail) DO UPDATE SET name = excluded.name;
-- statement: people_enum writes=people:name,state
INSERT INTO people (name, state) VALUES ('sad one', 'sad') RETURNING state;
-- statement: people_update writes=people:nick,age
UPDATE people SET nick = 'p8', age = 3000000 - 2999990 WHERE name IN ('p7', 'p8');
-- statement: people_update_prepared prepared writes=people:note
UPDATE people SET note = NULL WHERE id = 5;
-- statement: people_delete_parent writes=people:id
DELETE FROM people WHERE id = 9;
-- statement: orders_read_prepared prepared reads=orders:id,person,amount,kind,ref
SELECT id, person, amount, kind, ref, home, pieces FROM orders ORDER BY id;
-- statement: orders_insert_bare writes=orders:*
INSERT INTO orders VALUES (900, 1, 12345678.12, 'BIG', 'r900', ('c', 'z'), 4) RETURNING kind;
-- statement: orders_insert writes=orders:id,person,amount,ref
INSERT INTO orders (id, person, amount, ref) VALUES (901, 2, 0, NULL) RETURNING kind;
-- statement: orders_upsert writes=orders:id,person,amount,ref
INSERT INTO orders (id, person, amount, ref) VALUES (902, 2, 5, 'r7') ON CONFLICT (ref) DO NOTHING;
-- statement: orders_orphan writes=orders:id,person,amount
INSERT INTO orders (id, person, amount) VALUES (903, 987654, 5);
-- statement: orders_join reads=orders:person,amount;people:id,name
SELECT p.name, sum(o.amount) FROM orders o JOIN people p ON p.id = o.person GROUP BY 1 ORDER BY 1;
-- statement: parents_delete writes=parents:id
DELETE FROM parents WHERE id = 3 AND NOT EXISTS (SELECT FROM pets WHERE owner = 3) OR id = 99;
-- statement: children_orphan writes=children:id,parent,label
INSERT INTO children (id, parent, label) VALUES (900, 12345, 'l');
-- statement: children_same_label writes=children:id,parent,label
INSERT INTO children (id, parent, label) VALUES (901, 1, NULL), (902, 1, 'l');
-- statement: children_read reads=children:id,parent,label
SELECT id, parent, label FROM children ORDER BY id;
-- statement: events_read reads=events:id,day,what
SELECT id, day, what FROM events ORDER BY id;
-- statement: events_insert writes=events:id,day,what
INSERT INTO events VALUES (900, '2026-05-05', 'w'), (901, '2031-05-05', 'w'), (902, '2025-05-05', 'w');
-- statement: readings_read reads=readings:id,day,value
SELECT id, day, value FROM readings ORDER BY id;
-- statement: readings_insert writes=readings:id,day,value
INSERT INTO readings VALUES (900, '2026-05-05', 1);
-- statement: options_read reads=options:key,value
SELECT key, value FROM options ORDER BY key;
-- statement: papers_read reads=papers:id,body
SELECT id, body FROM papers ORDER BY id;
-- statement: papers_write writes=papers:id,owner,body
INSERT INTO papers VALUES (900, 'another', 'b');
-- statement: counters_insert writes=counters:small,label
INSERT INTO counters (small, label) VALUES (70000, 'l1');
-- statement: counters_read_prepared prepared reads=counters:small,label
SELECT small, label FROM counters ORDER BY id;
-- statement: grown_read reads=grown:*;people:id,name,age
SELECT * FROM grown ORDER BY id;
-- statement: nicks_write writes=nicks:nick;people:nick
UPDATE nicks SET nick = 'v' WHERE id = 2;
-- statement: totals_read reads=totals:person,total
SELECT person, total FROM totals ORDER BY person;
-- statement: scratch_read reads=scratch:id,label
SELECT id, label FROM scratch ORDER BY id;
-- statement: things_read reads=side.things:id,label
SELECT id, label FROM side.things ORDER BY id;
-- statement: calls names=loud,add_up
SELECT loud('a'), add_up(1, 2);
-- statement: calls_untyped names=add_up
SELECT add_up('1', '2');
-- statement: extension_call names=similarity
SELECT similarity('abc', 'abd') > 0;
-- statement: ticket_next names=ticket
SELECT b.n - a.n FROM (SELECT nextval('ticket') n OFFSET 0) a, (SELECT nextval('ticket') n OFFSET 0) b;
-- statement: read_by_time reads=people:made
SELECT count(*) FROM people WHERE made = timestamp '2026-01-01 00:00:00';

-- statement: identities_list strict reads=identities:*
SELECT identities.* FROM identities ORDER BY id;
-- statement: devices_insert writes=session_devices:id,session_id
INSERT INTO session_devices (id, session_id) VALUES (900, 1);
-- statement: identifiers_insert writes=identity_credential_identifiers:id,identifier,identity_credential_id
INSERT INTO identity_credential_identifiers (id, identifier, identity_credential_id) VALUES (900, 'i900', 1);
-- statement: login_codes_read reads=identity_login_codes:id,code
SELECT id, code FROM identity_login_codes ORDER BY id;
-- statement: logout strict writes=hydra_oauth2_authentication_session:id reads=hydra_oauth2_authentication_session:*
DELETE FROM hydra_oauth2_authentication_session WHERE id = 's3' RETURNING *;
-- statement: flow_insert writes=hydra_oauth2_flow:login_challenge,subject,state,remember_for
INSERT INTO hydra_oauth2_flow (login_challenge, subject, state, remember_for) VALUES ('c900', 's', 1, 0) RETURNING consent_error;
-- statement: flow_read full reads=hydra_oauth2_flow:login_challenge,subject,state,consent_error,remember_for
SELECT login_challenge, subject, state, consent_error, remember_for FROM hydra_oauth2_flow ORDER BY 1;
