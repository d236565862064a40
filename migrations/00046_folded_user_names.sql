-- +goose Up
-- User names are found by as names are: in any case and without accents, which are letters of their own in what is
-- typed. accounts_by_username and accounts_words are what the previous release reads; a later one drops them.
CREATE INDEX accounts_by_folded_username ON accounts (folded(username) COLLATE "C") WHERE blocked_at IS NULL;
CREATE INDEX accounts_folded_words ON accounts USING gin (to_tsvector('simple', folded(name || ' ' || username))) WITH (fastupdate = off) WHERE blocked_at IS NULL;

-- +goose Down
DROP INDEX accounts_by_folded_username, accounts_folded_words;
