-- +goose Up
-- Sessions in which somebody has just signed out who came from a source, so that a second click, whose answer is what
-- the browser shows, leads to the source as the first one did. The hint is sealed under the cookie.
CREATE TABLE signed_out_sessions (
    secret_hash   bytea       PRIMARY KEY,
    source        text        NOT NULL,
    sign_out_hint bytea, -- what the source wants to see at sign-out
    expires_at    timestamptz NOT NULL
);
CREATE INDEX signed_out_sessions_by_expiry ON signed_out_sessions (expires_at);

-- +goose Down
DROP TABLE signed_out_sessions;
