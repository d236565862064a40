-- +goose Up
SET LOCAL statement_timeout = 0; -- a large archive takes minutes

-- What was exchanged with one address, and with one resource of it: each is one
-- range of an index, also when there is nothing. A number stands for the names,
-- so that both together cost a writer no more than one index of names did. Two
-- names may have the same number: queries compare the names as well.
DROP INDEX archive_by_peer;
CREATE INDEX archive_by_peer ON archive
    (hashtextextended(peer, hashtextextended(owner, 0)), id);
CREATE INDEX archive_by_resource ON archive
    (hashtextextended(resource, hashtextextended(peer, hashtextextended(owner, 0))), id);

-- Messages are stored in the order of their ids: a few numbers for each megabyte
-- of the table say which part of it is of which time. A search that goes back in
-- time reads only the part that it is at.
CREATE INDEX archive_by_time ON archive USING brin (id) WITH (autosummarize = on);

-- +goose Down
DROP INDEX archive_by_time;
DROP INDEX archive_by_resource;
DROP INDEX archive_by_peer;
CREATE INDEX archive_by_peer ON archive (owner, peer, id);
