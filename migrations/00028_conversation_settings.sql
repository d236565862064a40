-- +goose Up
-- What somebody chose for one conversation. level null: as it is for people, or for rooms.
CREATE TABLE conversation_settings (
    account_id bigint  NOT NULL REFERENCES accounts ON DELETE CASCADE,
    jid        text    NOT NULL CHECK (jid <> '' AND octet_length(jid) <= 2047),
    pinned     boolean NOT NULL DEFAULT false,
    level      text    CHECK (level IN ('all', 'mentions', 'none')),
    PRIMARY KEY (account_id, jid)
);

-- +goose Down
DROP TABLE conversation_settings;
