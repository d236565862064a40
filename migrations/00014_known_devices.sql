-- +goose Up
-- Browsers that somebody has signed in from: wrong guesses of others do not keep
-- them out. The secret is in a cookie of the browser.
CREATE TABLE known_devices (
    account_id  bigint      NOT NULL REFERENCES accounts ON DELETE CASCADE,
    secret_hash bytea       NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, secret_hash)
);
CREATE INDEX known_devices_by_expiry ON known_devices (expires_at);

-- +goose Down
DROP TABLE known_devices;
