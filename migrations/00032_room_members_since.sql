-- +goose Up
-- Since when somebody belongs to a room: what was said before is not unread. For those
-- who belong to one already that is now.
ALTER TABLE room_affiliations ADD COLUMN since timestamptz NOT NULL DEFAULT now();

-- +goose Down
ALTER TABLE room_affiliations DROP COLUMN since;
