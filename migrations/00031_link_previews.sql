-- +goose Up
-- What is behind links that people sent. title empty: nothing that is shown, which is kept as well.
CREATE TABLE link_previews (
    id           text        PRIMARY KEY, -- of the address: its SHA-256, hex
    title        text        NOT NULL,
    site         text        NOT NULL,
    description  text        NOT NULL,
    picture      bytea,
    picture_type text        NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX link_previews_expiry ON link_previews (expires_at);

-- +goose Down
DROP TABLE link_previews;
