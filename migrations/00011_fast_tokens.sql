-- +goose Up
-- Tokens of XEP-0484: for each client of an app password a current one, and one
-- that was issued and not used yet. The token itself follows from the nonce and
-- a key of the site.
CREATE TABLE fast_tokens (
    app_password_id uuid        NOT NULL REFERENCES app_passwords ON DELETE CASCADE,
    agent           bytea       NOT NULL, -- SHA-256 of the client's own id
    fresh           boolean     NOT NULL,
    mechanism       text        NOT NULL,
    nonce           bytea       NOT NULL,
    issued_at       timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (app_password_id, agent, fresh)
);
CREATE INDEX fast_tokens_by_expiry ON fast_tokens (expires_at);

-- +goose Down
DROP TABLE fast_tokens;
