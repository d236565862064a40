-- +goose Up
-- Rooms that were copied to another chat server's tables: what ended here since is removed there by the next copy,
-- and no other room is. A room that was made after the first copy is another one under the same name.
CREATE TABLE copied_rooms (
    name      text        PRIMARY KEY CHECK (name <> ''),
    copied_at timestamptz NOT NULL -- for the first time
);

-- +goose Down
DROP TABLE copied_rooms;
