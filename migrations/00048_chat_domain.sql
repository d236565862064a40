-- +goose Up
-- The domain of people's chat addresses, as it was when the site began: what people keep is under addresses with it, and
-- another one would show them nothing of that. One row.
CREATE TABLE chat_domain (
    single bool PRIMARY KEY DEFAULT true CHECK (single),
    domain text NOT NULL
);

-- +goose Down
DROP TABLE chat_domain;
