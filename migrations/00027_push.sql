-- +goose Up
-- Where browsers are reached while no page is open (RFC 8030): one of each session, with
-- which it ends.
CREATE TABLE push_subscriptions (
    session_id uuid        PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    account_id bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    endpoint   text        NOT NULL CHECK (octet_length(endpoint) <= 2048),
    p256dh     bytea       NOT NULL CHECK (octet_length(p256dh) = 65), -- the browser's key (RFC 8291 §3.1)
    auth       bytea       NOT NULL CHECK (octet_length(auth) = 16),   -- the secret beside it (§3.2)
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX push_subscriptions_by_account ON push_subscriptions (account_id);
CREATE INDEX push_subscriptions_by_endpoint ON push_subscriptions (endpoint);

-- How somebody wants to be told of messages. Those who never chose have no row.
CREATE TABLE notification_settings (
    account_id  bigint   PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    show_text   boolean  NOT NULL DEFAULT false, -- notifications that go through a push service have what was written
    sound       boolean  NOT NULL DEFAULT false,
    quiet_from  smallint CHECK (quiet_from BETWEEN 0 AND 1439), -- minute of the day in zone; null: no quiet time
    quiet_until smallint CHECK (quiet_until BETWEEN 0 AND 1439),
    zone        text     NOT NULL DEFAULT 'UTC',
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);

-- +goose Down
DROP TABLE notification_settings, push_subscriptions;
