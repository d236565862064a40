-- +goose Up
-- The keys of tokens that other chat servers check, each for one server. The key itself is
-- not here: it follows from the nonce and the key of tokens (TOKEN_KEY).
CREATE TABLE token_keys (
    id         text        PRIMARY KEY, -- RFC 7638
    audience   text        NOT NULL CHECK (audience <> ''),
    algorithm  text        NOT NULL CHECK (algorithm IN ('EdDSA', 'HS256')),
    nonce      bytea       NOT NULL CHECK (octet_length(nonce) = 32),
    state      text        NOT NULL CHECK (state IN ('next', 'signing', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz CHECK ((expires_at IS NOT NULL) = (state = 'retired'))
);

-- One signs, and one at most waits to do so.
CREATE UNIQUE INDEX token_keys_in_use ON token_keys (audience, state) WHERE state <> 'retired';

-- +goose Down
DROP TABLE token_keys;
