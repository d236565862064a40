-- +goose Up
-- Which limits were met, for `foyer doctor`: one row for each.
CREATE TABLE limits_met (
    name    text PRIMARY KEY,
    setting text NOT NULL,
    last_by text NOT NULL,
    last_at timestamptz NOT NULL,
    count   bigint NOT NULL
);

-- +goose Down
DROP TABLE limits_met;
