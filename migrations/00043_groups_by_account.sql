-- +goose Up
-- Somebody's groups, whoever said so: since identities have theirs, no index had all of one account.
CREATE INDEX account_groups_by_account ON account_groups (account_id, group_name);

-- +goose Down
DROP INDEX account_groups_by_account;
