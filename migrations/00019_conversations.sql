-- +goose Up
SET LOCAL statement_timeout = 0; -- a large archive takes minutes

-- Which members talk with each other, and the latest message between them, to
-- about a minute: rosters and the home page ask that at each sign-in, whatever
-- the archive's size.
CREATE TABLE conversations (
    owner  text COLLATE "C" NOT NULL, -- bare JIDs, as in the archive
    peer   text COLLATE "C" NOT NULL,
    latest uuid             NOT NULL, -- id in the archive
    PRIMARY KEY (owner, peer)
);
CREATE INDEX conversations_by_time ON conversations (owner, latest);

INSERT INTO conversations (owner, peer, latest)
    SELECT DISTINCT ON (a.owner, a.peer) a.owner, a.peer, a.id
    FROM archive a JOIN accounts ON accounts.username = split_part(a.owner, '@', 1)
    WHERE split_part(a.owner, '@', 2) = split_part(a.peer, '@', 2)
    ORDER BY a.owner, a.peer, a.id DESC;

-- +goose Down
DROP TABLE conversations;
