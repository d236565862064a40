-- +goose Up
-- What the site has told an external chat server. Rooms that it made there are listed for
-- those who belong to them, also where the server lists no hidden ones.
CREATE TABLE external_rooms (
    name       text        PRIMARY KEY CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Of each account, the name and picture that the server was given last, as a hash.
ALTER TABLE accounts ADD COLUMN told_profile bytea NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE accounts DROP COLUMN told_profile;
DROP TABLE external_rooms;
