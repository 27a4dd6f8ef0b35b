-- Schema 2.

-- Blocks of text that a feed repeats.
CREATE TABLE feed_blocks (
    feed    INTEGER PRIMARY KEY REFERENCES feed (id),
    memory  BLOB NOT NULL                        -- what it showed lately, at most some 20 KB: domain/boilerplate
) STRICT;
ALTER TABLE article ADD COLUMN boilerplate TEXT; -- JSON: [[from, to], …] in bytes of its text; NULL: none

-- Silences, and deliveries that are held and released.

-- Full-text search.

-- Anything else.
