-- +goose Up
-- Whatever is signed in stands on a session, so that it can be shown and ended: a
-- browser with its cookie, an app that signed in to the chat with the account's
-- password, a token that the operator made.
ALTER TABLE sessions
    ADD COLUMN kind text NOT NULL DEFAULT 'browser' CHECK (kind IN ('browser', 'app', 'token')),
    ALTER COLUMN secret_hash DROP NOT NULL,
    ADD CHECK ((secret_hash IS NOT NULL) = (kind = 'browser'));

-- An app signs in again and again; from one address it is one session.
CREATE UNIQUE INDEX sessions_of_apps ON sessions (account_id, address) WHERE kind = 'app';

DELETE FROM login_tokens WHERE session_id IS NULL;
ALTER TABLE login_tokens ALTER COLUMN session_id SET NOT NULL;

-- +goose Down
ALTER TABLE login_tokens ALTER COLUMN session_id DROP NOT NULL;
DROP INDEX sessions_of_apps;
DELETE FROM sessions WHERE kind <> 'browser';
ALTER TABLE sessions DROP COLUMN kind, ALTER COLUMN secret_hash SET NOT NULL;
