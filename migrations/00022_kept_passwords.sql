-- +goose Up
-- With XMPP_LOGIN=typed: the password with which a browser signed in, under a key that only
-- its cookie holds.
CREATE TABLE kept_passwords (
    session_id uuid  PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    sealed     bytea NOT NULL
);

-- +goose Down
DROP TABLE kept_passwords;
