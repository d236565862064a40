-- +goose Up
-- Words of messages, for searching (XEP-0431). Up to now each message was entered
-- into an index of all words of all archives when it was stored. From now on a
-- stretch of an archive, a segment, is indexed once it is long enough, in the
-- background (models/archive_index.go); what is later is read. So storing a message
-- costs nothing for it, and a search reads what is about its own archive only.
DROP INDEX archive_search;
ALTER TABLE archive DROP COLUMN search;

CREATE TABLE archive_segments (
    owner text COLLATE "C" NOT NULL,
    last  uuid             NOT NULL, -- the ids that it begins and ends with
    first uuid             NOT NULL,
    size  integer          NOT NULL, -- messages, when it was indexed
    id    bigint           NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (owner, last)
);

-- Each word of a segment, as a number that words share as good as never, and the
-- messages that have it, by the first half of their ids. There is no foreign key:
-- it would be checked for each of thousands of rows.
CREATE TABLE archive_words (
    segment bigint   NOT NULL,
    word    bigint   NOT NULL,
    at      bigint[] NOT NULL,
    PRIMARY KEY (segment, word)
);
ALTER TABLE archive_words ALTER COLUMN at SET STORAGE EXTERNAL; -- it does not pack well

-- +goose Down
DROP TABLE archive_words, archive_segments;
ALTER TABLE archive ADD COLUMN search tsvector GENERATED ALWAYS AS (
    CASE WHEN body <> '' THEN array_to_tsvector(ARRAY['@' || owner]) || to_tsvector('simple', left(body, 32768)) END
) STORED;
CREATE INDEX archive_search ON archive USING gin (search) WHERE body <> '';
