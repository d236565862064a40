-- +goose Up
-- Rooms that were copied to another chat server's tables: what ended here since is removed there by the next copy,
-- and no other room is.
CREATE TABLE copied_rooms (
    name text PRIMARY KEY CHECK (name <> '')
);

-- +goose Down
DROP TABLE copied_rooms;
