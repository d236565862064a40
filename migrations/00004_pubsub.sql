-- +goose Up
-- The nodes of accounts (XEP-0163) and what is in them.
CREATE TABLE pubsub_nodes (
    username text  NOT NULL REFERENCES accounts (username) ON DELETE CASCADE,
    node     text  NOT NULL CHECK (node <> '' AND octet_length(node) <= 1023),
    config   jsonb NOT NULL,
    PRIMARY KEY (username, node)
);

-- seq is the order in which items were published, over all nodes.
CREATE SEQUENCE pubsub_seq;
CREATE TABLE pubsub_items (
    username  text        NOT NULL,
    node      text        NOT NULL,
    id        text        NOT NULL CHECK (octet_length(id) <= 1023),
    seq       bigint      NOT NULL DEFAULT nextval('pubsub_seq'),
    published timestamptz NOT NULL DEFAULT now(),
    payload   bytea       NOT NULL,
    PRIMARY KEY (username, node, id),
    FOREIGN KEY (username, node) REFERENCES pubsub_nodes ON DELETE CASCADE
);
CREATE INDEX pubsub_items_by_seq ON pubsub_items (username, node, seq);
ALTER SEQUENCE pubsub_seq OWNED BY pubsub_items.seq;

-- +goose Down
DROP TABLE pubsub_items, pubsub_nodes;
