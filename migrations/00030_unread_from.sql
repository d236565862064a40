-- +goose Up
-- From which message on an account's conversations are counted as unread where it is not
-- known up to where they were read (XEP-0490): what came before this was there, or before
-- the account was made. A lowest UUIDv7 of a time, as in the archive.
ALTER TABLE accounts ADD COLUMN unread_from uuid NOT NULL
    DEFAULT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- +goose Down
ALTER TABLE accounts DROP COLUMN unread_from;
