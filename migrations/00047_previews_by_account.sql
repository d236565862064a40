-- +goose Up
-- Who had a link looked at: of what is kept of links, each account has a share. Up to now nobody knows, and of what a
-- program of before keeps nobody does, until it expires.
ALTER TABLE link_previews ADD COLUMN account_id bigint REFERENCES accounts (id) ON DELETE SET NULL;
CREATE INDEX link_previews_by_account ON link_previews (account_id, expires_at);

-- +goose Down
ALTER TABLE link_previews DROP COLUMN account_id;
