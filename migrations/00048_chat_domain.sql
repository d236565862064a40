-- +goose Up
-- The domains of people's chat addresses: the one of now, as it was when the site began or as somebody chose it since,
-- and those before it. What people keep is under addresses with it, and another one would show them nothing of that;
-- what is under those before it expires and is erased with the rest.
CREATE TABLE chat_domains (
    domain text PRIMARY KEY,
    current bool NOT NULL
);
CREATE UNIQUE INDEX chat_domains_current ON chat_domains (current) WHERE current;

-- +goose Down
DROP TABLE chat_domains;
