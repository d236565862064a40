-- +goose Up
-- People who were copied to another chat server's tables: of who left here since, everything is removed there by the
-- next copy, and of nobody else. A name that was given here once may be somebody else's there.
CREATE TABLE copied_people (
    username text PRIMARY KEY CHECK (username <> '')
);

-- +goose Down
DROP TABLE copied_people;
