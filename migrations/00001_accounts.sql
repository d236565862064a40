-- +goose Up
CREATE TABLE accounts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      text        NOT NULL UNIQUE CHECK (username <> '' AND octet_length(username) <= 1023),
    name          text        NOT NULL CHECK (name <> ''),
    password_hash text        NOT NULL,
    admin         boolean     NOT NULL DEFAULT false,
    demo          boolean     NOT NULL DEFAULT false,
    blocked_at    timestamptz,
    avatar_hash   text        NOT NULL DEFAULT '',
    vcard_extra   bytea       NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX accounts_by_name ON accounts (lower(name), username);
CREATE INDEX accounts_demo ON accounts (id) WHERE demo;

-- The local part of a deleted account is never given out again.
CREATE TABLE retired_usernames (
    username   text        PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE account_groups (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    group_name text   NOT NULL CHECK (group_name <> ''),
    PRIMARY KEY (account_id, group_name)
);
CREATE INDEX account_groups_by_group ON account_groups (group_name, account_id);

-- Pictures by the SHA-1 of their bytes (XEP-0153 §2); one may belong to many.
CREATE TABLE avatars (
    hash       text  PRIMARY KEY,
    media_type text  NOT NULL,
    data       bytea NOT NULL
);
CREATE INDEX accounts_by_avatar ON accounts (avatar_hash) WHERE avatar_hash <> '';

CREATE TABLE sessions (
    id          uuid        PRIMARY KEY,
    account_id  bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    secret_hash bytea       NOT NULL UNIQUE,
    user_agent  text        NOT NULL DEFAULT '',
    address     text        NOT NULL DEFAULT '',
    trusted     boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id, seen_at DESC);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE login_tokens (
    hash       bytea       PRIMARY KEY,
    account_id bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    session_id uuid        REFERENCES sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_tokens_by_account ON login_tokens (account_id);
CREATE INDEX login_tokens_by_session ON login_tokens (session_id);
CREATE INDEX login_tokens_by_expiry ON login_tokens (expires_at);

-- Signed tokens are good once: their ids, until they expire.
CREATE TABLE used_token_ids (
    id         text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_token_ids_by_expiry ON used_token_ids (expires_at);

CREATE TABLE attempts (
    key        text        PRIMARY KEY,
    count      int         NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX attempts_by_expiry ON attempts (expires_at);

-- Keys the site makes for itself, such as the one that signs tokens.
CREATE TABLE site_keys (
    name  text  PRIMARY KEY,
    value bytea NOT NULL
);

-- +goose Down
DROP TABLE site_keys, attempts, used_token_ids, login_tokens, sessions, avatars, account_groups, retired_usernames, accounts;
