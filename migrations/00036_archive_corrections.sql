-- +goose Up
SET LOCAL statement_timeout = 0; -- the whole archive is read

-- What corrects a message (XEP-0308), however long ago that was said.
CREATE INDEX archive_corrections ON archive (owner, replaces, id) WHERE replaces IS NOT NULL;

-- +goose Down
DROP INDEX archive_corrections;
