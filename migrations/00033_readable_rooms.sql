-- +goose Up
-- What is said in a room that anybody may enter is on the site's pages for everybody, also
-- for who is not signed in, if its owners say so.
ALTER TABLE rooms ADD COLUMN readable boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE rooms DROP COLUMN readable;
