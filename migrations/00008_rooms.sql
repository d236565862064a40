-- +goose Up
-- Group chat (XEP-0045). A room's messages are in the archive, under the room's
-- address.
CREATE TABLE rooms (
    name           text        PRIMARY KEY, -- localpart of the address
    creator        text        NOT NULL DEFAULT '',
    title          text        NOT NULL DEFAULT '',
    description    text        NOT NULL DEFAULT '',
    lang           text        NOT NULL DEFAULT '',
    password       text        NOT NULL DEFAULT '', -- shared by its members, and shown to its owners
    persistent     boolean     NOT NULL,
    public         boolean     NOT NULL,
    members_only   boolean     NOT NULL,
    moderated      boolean     NOT NULL,
    non_anonymous  boolean     NOT NULL,
    change_subject boolean     NOT NULL,
    invites        boolean     NOT NULL,
    private        text        NOT NULL CHECK (private IN ('anyone', 'participants', 'moderators', 'none')),
    archive        boolean     NOT NULL,
    max_occupants  integer     NOT NULL,
    subject        text        NOT NULL DEFAULT '',
    subject_nick   text        NOT NULL DEFAULT '',
    subject_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rooms_public ON rooms (name) WHERE public;
CREATE INDEX rooms_by_creator ON rooms (creator);
CREATE INDEX rooms_temporary ON rooms (name) WHERE NOT persistent;

-- Who belongs to a room, or is banned from it, and the nicknames that are kept.
CREATE TABLE room_affiliations (
    room        text NOT NULL REFERENCES rooms (name) ON DELETE CASCADE,
    username    text NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    affiliation text NOT NULL CHECK (affiliation IN ('owner', 'admin', 'member', 'none', 'outcast')),
    nick        text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    PRIMARY KEY (room, username)
);
CREATE INDEX room_affiliations_by_account ON room_affiliations (username);

-- +goose Down
DROP TABLE room_affiliations, rooms;
