-- +goose Up
-- Words of messages are kept by their letters, up to now as numbers: a search finds words by how they begin as well.
-- The words of all archives are read again, in the background (models/archive_index.go); until then a search reads
-- what has no words yet.
TRUNCATE archive_words, archive_segments;
ALTER TABLE archive_words ALTER COLUMN word TYPE text COLLATE "C" USING '';

-- +goose Down
TRUNCATE archive_words, archive_segments;
ALTER TABLE archive_words ALTER COLUMN word TYPE bigint USING 0;
