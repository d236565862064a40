-- +goose Up
-- The picture that a source says has still to be fetched: it was not there, or the site ended
-- before it was. It is tried again when the source says it again.
ALTER TABLE identities ADD COLUMN picture_due boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE identities DROP COLUMN picture_due;
