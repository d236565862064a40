-- +goose Up
-- By what those who keep passkeys tell people apart (WebAuthn §5.4.3): random, so that it says nothing of anybody.
CREATE TABLE passkey_handles (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    handle     bytea  NOT NULL UNIQUE CHECK (octet_length(handle) BETWEEN 16 AND 64)
);

CREATE TABLE passkeys (
    id            uuid        PRIMARY KEY,
    account_id    bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    identity_id   uuid        REFERENCES identities ON DELETE CASCADE, -- whose password was typed for it; null: the account's own
    site          text        NOT NULL CHECK (site <> ''), -- the host for which it was made: good there alone
    credential_id bytea       NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    public_key    bytea       NOT NULL,
    sign_count    bigint      NOT NULL DEFAULT 0, -- as its authenticator counts
    synced        boolean     NOT NULL, -- it may be on several devices
    name          text        NOT NULL CHECK (name <> ''),
    created_at    timestamptz NOT NULL DEFAULT now(),
    used_at       timestamptz
);
CREATE INDEX passkeys_by_account ON passkeys (account_id, created_at DESC);
CREATE INDEX passkeys_by_identity ON passkeys (identity_id) WHERE identity_id IS NOT NULL;

-- What was signed in by a passkey, and the app passwords that were made there: who removes it ends them.
ALTER TABLE sessions ADD COLUMN passkey_id uuid REFERENCES passkeys ON DELETE SET NULL;
CREATE INDEX sessions_by_passkey ON sessions (passkey_id) WHERE passkey_id IS NOT NULL;
ALTER TABLE app_passwords ADD COLUMN passkey_id uuid REFERENCES passkeys ON DELETE SET NULL;
CREATE INDEX app_passwords_by_passkey ON app_passwords (passkey_id) WHERE passkey_id IS NOT NULL;

-- +goose Down
DELETE FROM app_passwords WHERE passkey_id IS NOT NULL;
DELETE FROM sessions WHERE passkey_id IS NOT NULL;
ALTER TABLE app_passwords DROP COLUMN passkey_id;
ALTER TABLE sessions DROP COLUMN passkey_id;
DROP TABLE passkeys, passkey_handles;
