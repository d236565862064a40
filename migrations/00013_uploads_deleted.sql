-- +goose Up
ALTER TABLE uploads DROP CONSTRAINT uploads_state_check;
UPDATE uploads SET state = 'deleted' WHERE state = 'doomed';
ALTER TABLE uploads ADD CONSTRAINT uploads_state_check CHECK (state IN ('slot', 'writing', 'stored', 'deleted'));

-- +goose Down
ALTER TABLE uploads DROP CONSTRAINT uploads_state_check;
UPDATE uploads SET state = 'doomed' WHERE state = 'deleted';
ALTER TABLE uploads ADD CONSTRAINT uploads_state_check CHECK (state IN ('slot', 'writing', 'stored', 'doomed'));
