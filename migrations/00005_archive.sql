-- +goose Up
-- The order of bytes is all that these columns are compared by.
ALTER TABLE archive
    ALTER COLUMN owner TYPE text COLLATE "C",
    ALTER COLUMN peer TYPE text COLLATE "C",
    ADD COLUMN replaces text; -- the stanza id of the message that this one corrects

-- Every entry is reached through its owner: what is removed is removed archive
-- by archive.
DROP INDEX archive_by_id;

-- Words for searching (XEP-0431). The owner is one of them, so that a search
-- looks only at entries of that archive, however common the words are. The
-- bound keeps the vector of any message below what Postgres can store.
ALTER TABLE archive ADD COLUMN search tsvector GENERATED ALWAYS AS (
    CASE WHEN body <> '' THEN array_to_tsvector(ARRAY['@' || owner]) || to_tsvector('simple', left(body, 32768)) END
) STORED;
CREATE INDEX archive_search ON archive USING gin (search) WHERE body <> '';

-- What people want archived (XEP-0441).
CREATE TABLE archive_prefs (
    username text   PRIMARY KEY REFERENCES accounts (username) ON DELETE CASCADE,
    fallback text   NOT NULL CHECK (fallback IN ('always', 'never', 'roster')),
    always   text[] NOT NULL,
    never    text[] NOT NULL
);

-- +goose Down
DROP TABLE archive_prefs;
ALTER TABLE archive DROP COLUMN search;
CREATE INDEX archive_by_id ON archive (id);
ALTER TABLE archive
    DROP COLUMN replaces,
    ALTER COLUMN owner TYPE text COLLATE "default",
    ALTER COLUMN peer TYPE text COLLATE "default";
