-- +goose Up
-- Who has a bookmark of a room (XEP-0402), and so may want to be told of what is said there.
CREATE INDEX pubsub_items_bookmarks ON pubsub_items (id) WHERE node = 'urn:xmpp:bookmarks:1';

-- +goose Down
DROP INDEX pubsub_items_bookmarks;
