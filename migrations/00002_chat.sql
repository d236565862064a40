-- +goose Up
-- What the chat server keeps. People are named by their localparts here, and
-- conversations by bare JIDs, as the protocol does.

CREATE TABLE contacts (
    username     text    NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    jid          text    NOT NULL,
    name         text    NOT NULL DEFAULT '',
    groups       text[]  NOT NULL DEFAULT '{}',
    subscription text    NOT NULL DEFAULT 'none' CHECK (subscription IN ('none', 'to', 'from', 'both')),
    ask          boolean NOT NULL DEFAULT false,
    approved     boolean NOT NULL DEFAULT false,
    listed       boolean NOT NULL DEFAULT true,
    request      bytea,
    PRIMARY KEY (username, jid)
);
CREATE INDEX contacts_by_jid ON contacts (jid);

-- One row per archive and message (docs/decisions/0003). The id is a UUIDv7, so
-- the primary key is also the order in time.
CREATE TABLE archive (
    owner     text    NOT NULL,
    id        uuid    NOT NULL,
    peer      text    NOT NULL,
    resource  text    NOT NULL DEFAULT '',
    outgoing  boolean NOT NULL,
    stanza_id text    NOT NULL DEFAULT '',
    body      text    NOT NULL DEFAULT '',
    stanza    bytea   NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX archive_by_peer ON archive (owner, peer, id);
CREATE INDEX archive_by_id ON archive (id);

CREATE TABLE offline_messages (
    username text        NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    id       uuid        NOT NULL,
    stamp    timestamptz NOT NULL,
    stanza   bytea       NOT NULL,
    PRIMARY KEY (username, id)
);

CREATE TABLE blocks (
    username text NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    jid      text NOT NULL,
    PRIMARY KEY (username, jid)
);

CREATE TABLE private_xml (
    username text  NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    space    text  NOT NULL,
    local    text  NOT NULL,
    raw      bytea NOT NULL,
    PRIMARY KEY (username, space, local)
);

-- +goose Down
DROP TABLE private_xml, blocks, offline_messages, archive, contacts;
