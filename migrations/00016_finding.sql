-- +goose Up
-- What names are found and ordered by: small letters without accents.
CREATE FUNCTION folded(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g')) $$;

-- People by name, by user name, by any word of either, and the newest.
CREATE INDEX accounts_by_folded_name ON accounts (folded(name) COLLATE "C", username COLLATE "C") WHERE blocked_at IS NULL;
CREATE INDEX accounts_by_username ON accounts (username COLLATE "C") WHERE blocked_at IS NULL;
CREATE INDEX accounts_words ON accounts USING gin (to_tsvector('simple', folded(name) || ' ' || username)) WITH (fastupdate = off) WHERE blocked_at IS NULL;
CREATE INDEX accounts_newest ON accounts (created_at DESC, id) WHERE blocked_at IS NULL;
DROP INDEX accounts_by_name;

-- Rooms that anybody may enter by title, and by any word of title and description.
CREATE INDEX rooms_by_folded_title ON rooms (folded(coalesce(nullif(title, ''), name)) COLLATE "C", name COLLATE "C") WHERE persistent AND public;
CREATE INDEX rooms_words ON rooms USING gin (to_tsvector('simple', folded(coalesce(nullif(title, ''), name) || ' ' || description))) WITH (fastupdate = off) WHERE persistent AND public;

-- +goose Down
DROP INDEX accounts_by_folded_name, accounts_by_username, accounts_words, accounts_newest, rooms_by_folded_title, rooms_words;
DROP FUNCTION folded(text);
CREATE INDEX accounts_by_name ON accounts (lower(name), username);
