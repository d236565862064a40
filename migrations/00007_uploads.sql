-- +goose Up
-- Files that people sent, or have a slot for (XEP-0363). The row is there before
-- the file and goes after it, so a crash leaves no file that nobody knows of: an
-- account's deletion leaves its rows behind, without an owner, until the files
-- are gone.
CREATE TABLE uploads (
    id           uuid        PRIMARY KEY, -- version 7; the file's name in the store
    account_id   bigint      REFERENCES accounts ON DELETE SET NULL,
    state        text        NOT NULL CHECK (state IN ('slot', 'writing', 'stored', 'doomed')),
    name         text        NOT NULL CHECK (name <> '' AND octet_length(name) <= 255),
    size         bigint      NOT NULL CHECK (size > 0),
    claimed_type text        NOT NULL DEFAULT '', -- as the client said
    media_type   text        NOT NULL DEFAULT '', -- as shown in pages; empty: only handed out as a file
    put_hash     bytea       NOT NULL UNIQUE,
    get_hash     bytea       NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz                      -- slot: the upload must begin; writing: it must be done; doomed: removal is tried
        CHECK ((expires_at IS NULL) = (state = 'stored'))
);
CREATE INDEX uploads_by_account ON uploads (account_id, id DESC);
CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE state <> 'stored';
CREATE INDEX uploads_by_age ON uploads (created_at) WHERE state = 'stored';
CREATE INDEX uploads_without_owner ON uploads (id) WHERE account_id IS NULL;

-- +goose Down
DROP TABLE uploads;
