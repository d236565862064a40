-- +goose Up
-- What native clients sign in with. Of each password only what SCRAM needs to
-- check it (RFC 5802 §3). All of an account's have the same salt and iterations,
-- so that one proof can be held against each of them.
CREATE TABLE app_passwords (
    id         uuid        PRIMARY KEY,
    account_id bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name       text        NOT NULL CHECK (name <> ''),
    salt       bytea       NOT NULL,
    iterations int         NOT NULL CHECK (iterations >= 4096),
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz
);
CREATE INDEX app_passwords_by_account ON app_passwords (account_id, created_at DESC);

CREATE TABLE app_password_keys (
    app_password_id uuid  NOT NULL REFERENCES app_passwords ON DELETE CASCADE,
    hash            text  NOT NULL CHECK (hash IN ('SHA-1', 'SHA-256', 'SHA-512')),
    stored_key      bytea NOT NULL,
    server_key      bytea NOT NULL,
    PRIMARY KEY (app_password_id, hash)
);

-- +goose Down
DROP TABLE app_password_keys, app_passwords;
