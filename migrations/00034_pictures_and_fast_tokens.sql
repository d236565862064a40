-- +goose Up
-- The picture that a source says has still to be fetched: it was not there, or the site ended
-- before it was. It is tried again when the source says it again.
ALTER TABLE identities ADD COLUMN picture_due boolean NOT NULL DEFAULT false;

-- Tokens of XEP-0484 stand on an app password, or on the session of an app that signed in by the
-- password of an account or of a directory.
ALTER TABLE fast_tokens DROP CONSTRAINT fast_tokens_pkey;
ALTER TABLE fast_tokens
    ALTER COLUMN app_password_id DROP NOT NULL,
    ADD COLUMN session_id uuid REFERENCES sessions ON DELETE CASCADE,
    ADD COLUMN stands_on uuid GENERATED ALWAYS AS (coalesce(app_password_id, session_id)) STORED,
    ADD CONSTRAINT fast_tokens_stand_on_one CHECK (num_nonnulls(app_password_id, session_id) = 1),
    ADD PRIMARY KEY (stands_on, agent, fresh);
-- Unique, and of all rows, so that the previous release goes on with its ON CONFLICT.
CREATE UNIQUE INDEX fast_tokens_by_app_password ON fast_tokens (app_password_id, agent, fresh);
CREATE INDEX fast_tokens_by_session ON fast_tokens (session_id) WHERE session_id IS NOT NULL;

-- +goose Down
DELETE FROM fast_tokens WHERE session_id IS NOT NULL;
DROP INDEX fast_tokens_by_app_password, fast_tokens_by_session;
ALTER TABLE fast_tokens DROP CONSTRAINT fast_tokens_pkey;
ALTER TABLE fast_tokens
    DROP COLUMN stands_on,
    DROP COLUMN session_id,
    ALTER COLUMN app_password_id SET NOT NULL,
    ADD PRIMARY KEY (app_password_id, agent, fresh);
ALTER TABLE identities DROP COLUMN picture_due;
