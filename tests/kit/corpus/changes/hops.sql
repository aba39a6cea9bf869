-- Copyright: (c) 2026, the olympus.bluegreen authors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The shape of the four known hops.
-- case: kratos_1.3_to_25.4
ALTER TABLE identities ADD COLUMN external_id text;
CREATE UNIQUE INDEX identities_external_id ON identities (external_id) WHERE external_id IS NOT NULL;
ALTER TABLE identity_login_codes ALTER COLUMN code TYPE varchar(36);
DROP INDEX identities_schema;
DROP INDEX sessions_identity;

-- case: kratos_25.4_to_26.2
ALTER TABLE session_devices ADD COLUMN identity_id int;
UPDATE session_devices SET identity_id = s.identity_id FROM sessions s WHERE s.id = session_id;
ALTER TABLE session_devices ALTER COLUMN identity_id SET NOT NULL;
ALTER TABLE session_devices ADD CONSTRAINT session_devices_identity FOREIGN KEY (identity_id) REFERENCES identities ON DELETE CASCADE;
ALTER TABLE identity_credential_identifiers ADD COLUMN identity_id int;
UPDATE identity_credential_identifiers SET identity_id = c.identity_id FROM identity_credentials c WHERE c.id = identity_credential_id;
ALTER TABLE identity_credential_identifiers ALTER COLUMN identity_id SET NOT NULL;
ALTER TABLE identity_credential_identifiers ADD CONSTRAINT identifiers_identity FOREIGN KEY (identity_id) REFERENCES identities ON DELETE CASCADE;

-- case: hydra_2.3_to_25.4
ALTER TABLE hydra_oauth2_authentication_session ADD COLUMN expires_at timestamp;
ALTER TABLE hydra_oauth2_flow ADD COLUMN consented int GENERATED ALWAYS AS (CASE WHEN state > 3 THEN 1 ELSE 0 END) STORED;

-- case: hydra_25.4_to_26.2
-- new: INSERT INTO hydra_oauth2_flow (login_challenge, subject, state) VALUES ('c901', '', NULL)
ALTER TABLE hydra_oauth2_flow ALTER COLUMN subject DROP NOT NULL;
ALTER TABLE hydra_oauth2_flow ALTER COLUMN state DROP NOT NULL;
ALTER TABLE hydra_oauth2_flow ALTER COLUMN remember_for DROP NOT NULL;
ALTER TABLE hydra_oauth2_flow ALTER COLUMN consent_error DROP NOT NULL;
ALTER TABLE hydra_oauth2_flow ALTER COLUMN consent_error DROP DEFAULT;
ALTER TABLE hydra_oauth2_flow DROP CONSTRAINT hydra_oauth2_flow_check;
