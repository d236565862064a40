-- +goose Up
-- Every user name that was ever given out. A row stays when its account goes, so
-- that nobody gets the name of somebody who left, not even while they leave.
CREATE TABLE usernames (
    username text        PRIMARY KEY,
    given_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO usernames (username, given_at)
    SELECT username, retired_at FROM retired_usernames UNION ALL SELECT username, created_at FROM accounts;
DROP TABLE retired_usernames;

-- +goose StatementBegin
CREATE FUNCTION give_username() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usernames (username) VALUES (NEW.username);
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER accounts_username BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION give_username();

-- Counts the changes of the password: what a password was checked for is written
-- only while the version is the one that was checked.
ALTER TABLE accounts ADD COLUMN password_version int NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE accounts DROP COLUMN password_version;
DROP TRIGGER accounts_username ON accounts;
DROP FUNCTION give_username;
CREATE TABLE retired_usernames (
    username   text        PRIMARY KEY,
    retired_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO retired_usernames (username) SELECT username FROM usernames EXCEPT SELECT username FROM accounts;
DROP TABLE usernames;
