-- +goose Up
-- When an item was published first, if it was published again since: what is said in a room counts from when its
-- bookmark came, and not from when the bookmark was given another name or another level of notifications.
ALTER TABLE pubsub_items ADD COLUMN first_published timestamptz;

-- +goose Down
ALTER TABLE pubsub_items DROP COLUMN first_published;
