-- +goose Up
SET LOCAL statement_timeout = 0; -- what is indexed of the archive is read once

-- The words of a segment say who wrote each message that went out: '>' what a member said to another, '>Bob' what was said in
-- a room under that name (models/archive_index.go). Meanwhile nothing is indexed; what reads segments, as deleting a message
-- and a search do, goes on until the end: all that is written into the archive would wait behind it.
LOCK TABLE archive_segments IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO archive_words (segment, letters, at)
SELECT s.id, said.word, said.at
FROM archive_segments s
CROSS JOIN LATERAL (
    SELECT left(CASE WHEN split_part(owner, '@', 2) = split_part(peer, '@', 2) THEN '>' ELSE '>' || resource END, 40) AS word,
        array_agg(('x' || left(translate(id::text, '-', ''), 16))::bit(64)::bigint) AS at
    FROM archive WHERE owner = s.owner AND id >= s.first AND id <= s.last AND body <> '' AND outgoing
    GROUP BY 1
) said;

-- A program of before makes no segment any more: it does not know the column.
ALTER TABLE archive_segments ADD COLUMN authors boolean NOT NULL DEFAULT true;
ALTER TABLE archive_segments ALTER COLUMN authors DROP DEFAULT;

-- +goose Down
DELETE FROM archive_words WHERE left(letters, 1) = '>';
ALTER TABLE archive_segments DROP COLUMN authors;
