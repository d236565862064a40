-- +goose Up
-- Messages that moderators keep in sight of everybody in a room. What they say is in the
-- room's archive.
CREATE TABLE room_pins (
    room      text        NOT NULL REFERENCES rooms (name) ON DELETE CASCADE,
    id        uuid        NOT NULL, -- in the archive
    pinned_by text        NOT NULL, -- the name that a moderator had in the room
    pinned_at timestamptz NOT NULL,
    PRIMARY KEY (room, id)
);

-- +goose Down
DROP TABLE room_pins;
