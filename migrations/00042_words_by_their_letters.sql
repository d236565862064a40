-- +goose Up
-- Words of messages are kept by their letters, up to now as numbers: a search finds words by how they begin as well.
-- The words of all archives are read again, in the background (models/archive_index.go); until then a search reads
-- what has no words yet. A program of before writes none: it does not know the column.
TRUNCATE archive_words, archive_segments;
ALTER TABLE archive_words DROP COLUMN word;
ALTER TABLE archive_words ADD COLUMN letters text COLLATE "C" NOT NULL;
ALTER TABLE archive_words ADD PRIMARY KEY (segment, letters);

-- +goose Down
TRUNCATE archive_words, archive_segments;
ALTER TABLE archive_words DROP COLUMN letters;
ALTER TABLE archive_words ADD COLUMN word bigint NOT NULL;
ALTER TABLE archive_words ADD PRIMARY KEY (segment, word);
