-- +goose Up
-- Chat servers at which the demo accounts of a site in development have had their room. It is made once at each, so that
-- an owner who deletes it is rid of it.
CREATE TABLE demo_rooms (
    server text PRIMARY KEY CHECK (server <> '') -- as XMPP_UPSTREAM has it
);

-- +goose Down
DROP TABLE demo_rooms;
