-- +goose Up
-- When accounts left the chat last, and what they said then (XEP-0012).
CREATE TABLE last_activity (
    username text        PRIMARY KEY REFERENCES accounts (username) ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    status   text        NOT NULL
);

-- +goose Down
DROP TABLE last_activity;
