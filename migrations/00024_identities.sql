-- +goose Up
-- Who somebody is at a source of people other than the site itself: an identity provider, a
-- directory, a proxy in front. One account may have several.
CREATE TABLE identities (
    id         uuid        PRIMARY KEY,
    account_id bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    source     text        NOT NULL CHECK (source <> ''),
    issuer     text        NOT NULL DEFAULT '',
    subject    text        NOT NULL CHECK (subject <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz NOT NULL DEFAULT now(),

    -- What the source said last.
    login   text    NOT NULL DEFAULT '', -- what the person is called there
    name    text    NOT NULL DEFAULT '',
    picture text    NOT NULL DEFAULT '', -- its URL
    admin   boolean NOT NULL DEFAULT false,

    -- When everything that stood on it was ended last. What was proved before opens nothing.
    ended_at timestamptz NOT NULL DEFAULT '-infinity',

    UNIQUE (source, issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

ALTER TABLE sessions
    ADD COLUMN identity_id      uuid REFERENCES identities ON DELETE CASCADE, -- by which it began; null: the account's own password
    ADD COLUMN provider_session text        NOT NULL DEFAULT '', -- the source's own session, as it names it (sid)
    ADD COLUMN proved_at        timestamptz NOT NULL DEFAULT now(), -- when the person proved last who they are
    ADD COLUMN sign_out_hint    bytea; -- what the source wants to see at sign-out, sealed under the cookie
CREATE INDEX sessions_by_identity ON sessions (identity_id) WHERE identity_id IS NOT NULL;
CREATE INDEX sessions_by_provider_session ON sessions (provider_session) WHERE provider_session <> '';

-- App passwords go with the identity by which the session began that made them.
ALTER TABLE app_passwords ADD COLUMN identity_id uuid REFERENCES identities ON DELETE CASCADE;
CREATE INDEX app_passwords_by_identity ON app_passwords (identity_id) WHERE identity_id IS NOT NULL;

-- Sessions of sources that were ended there: none may begin on them any more.
CREATE TABLE ended_provider_sessions (
    source     text        NOT NULL,
    issuer     text        NOT NULL,
    session    text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (source, issuer, session)
);
CREATE INDEX ended_provider_sessions_by_expiry ON ended_provider_sessions (expires_at);

-- Somebody has proved at a source who they are, and has still to choose a user name here.
-- Sealed under a cookie of that browser.
CREATE TABLE joinings (
    secret_hash bytea       PRIMARY KEY,
    sealed      bytea       NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX joinings_by_expiry ON joinings (expires_at);

-- admin is what counts: what the operator said (own_admin), or any identity.
ALTER TABLE accounts ADD COLUMN own_admin boolean NOT NULL DEFAULT false;
UPDATE accounts SET own_admin = admin WHERE admin;

-- A group's member is so by the operator's word (null), or as long as an identity says so.
ALTER TABLE account_groups ADD COLUMN identity_id uuid REFERENCES identities ON DELETE CASCADE;
ALTER TABLE account_groups DROP CONSTRAINT account_groups_pkey;
CREATE UNIQUE INDEX account_groups_own ON account_groups (account_id, group_name) WHERE identity_id IS NULL;
CREATE UNIQUE INDEX account_groups_said ON account_groups (account_id, group_name, identity_id) WHERE identity_id IS NOT NULL;
CREATE INDEX account_groups_by_identity ON account_groups (identity_id) WHERE identity_id IS NOT NULL;

-- +goose Down
DELETE FROM account_groups WHERE identity_id IS NOT NULL;
DROP INDEX account_groups_by_identity, account_groups_said, account_groups_own;
ALTER TABLE account_groups DROP COLUMN identity_id, ADD PRIMARY KEY (account_id, group_name);
ALTER TABLE accounts DROP COLUMN own_admin;
DROP TABLE joinings, ended_provider_sessions;
DELETE FROM app_passwords WHERE identity_id IS NOT NULL;
ALTER TABLE app_passwords DROP COLUMN identity_id;
DELETE FROM sessions WHERE identity_id IS NOT NULL;
ALTER TABLE sessions DROP COLUMN identity_id, DROP COLUMN provider_session, DROP COLUMN proved_at, DROP COLUMN sign_out_hint;
DROP TABLE identities;
