-- +goose Up
-- Whether a message takes something back (XEP-0424), as it was read when it was stored. Up to now it was looked for in
-- the stanza's bytes, where a text or an attribute may have the same letters; that goes on for messages of before, and
-- for those that a program of before stores: they say nothing here. Adding the column writes to no row.
ALTER TABLE archive ADD COLUMN retracts boolean;

-- +goose Down
ALTER TABLE archive DROP COLUMN retracts;
