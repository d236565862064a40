-- +goose Up
-- A group may have rooms: its members belong to them.
CREATE TABLE group_rooms (
    group_name text NOT NULL CHECK (group_name <> ''),
    room       text NOT NULL REFERENCES rooms (name) ON DELETE CASCADE,
    PRIMARY KEY (group_name, room)
);
CREATE INDEX group_rooms_by_room ON group_rooms (room);

-- Who was made a member of a room by a group. Others are so by somebody's word, and stay.
CREATE TABLE group_room_members (
    room     text NOT NULL REFERENCES rooms (name) ON DELETE CASCADE,
    username text NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    PRIMARY KEY (room, username)
);
CREATE INDEX group_room_members_by_account ON group_room_members (username);

-- +goose Down
DROP TABLE group_room_members, group_rooms;
