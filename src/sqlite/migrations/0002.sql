-- Schema 2.

-- Blocks of text that a feed repeats.
CREATE TABLE feed_blocks (
    feed    INTEGER PRIMARY KEY REFERENCES feed (id),
    memory  BLOB NOT NULL                        -- what it showed lately, at most some 20 KB: domain/boilerplate
) STRICT;
ALTER TABLE article ADD COLUMN boilerplate TEXT; -- JSON: [[from, to], …] in bytes of its text; NULL: none

-- Silences, and deliveries that are held and released.

ALTER TABLE delivery ADD COLUMN hold TEXT;        -- grouped, rate, quiet_hours, digest; until its message is made
ALTER TABLE delivery ADD COLUMN lane TEXT;        -- together with what it is held: the id of its topic; '' all of the webhook
ALTER TABLE delivery ADD COLUMN release_at INTEGER; -- when its message is made
-- Several deliveries in one message: one carries it, and what becomes of that becomes of the others, too.
ALTER TABLE delivery ADD COLUMN carrier INTEGER REFERENCES delivery (id) ON DELETE SET NULL;
CREATE INDEX delivery_release ON delivery (webhook, release_at) WHERE release_at IS NOT NULL;
CREATE INDEX delivery_lane ON delivery (webhook, lane, hold, release_at) WHERE release_at IS NOT NULL;
CREATE INDEX delivery_carrier ON delivery (carrier) WHERE carrier IS NOT NULL;

ALTER TABLE message ADD COLUMN topic TEXT;        -- whose alert_rate counts it
CREATE INDEX message_topic ON message (topic, webhook, created_at) WHERE topic IS NOT NULL;

CREATE TABLE silence (
    id          INTEGER PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,
    version     INTEGER NOT NULL,                 -- grows with every change to any of them
    matcher     TEXT NOT NULL,                    -- JSON: what it mutes
    created_at  INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    author      TEXT NOT NULL,
    comment     TEXT
) STRICT;
CREATE INDEX silence_version ON silence (version);
CREATE INDEX silence_until ON silence (until);
ALTER TABLE alert ADD COLUMN silence INTEGER REFERENCES silence (id);
CREATE INDEX alert_silence ON alert (silence) WHERE silence IS NOT NULL;

-- When a group last went.
CREATE TABLE lane (
    webhook      TEXT NOT NULL,
    name         TEXT NOT NULL,                   -- as delivery.lane
    released_at  INTEGER NOT NULL,
    PRIMARY KEY (webhook, name)
) STRICT, WITHOUT ROWID;

-- Full-text search.

-- Terms as `matching::search` makes them; the rowid is the article's. Texts stay where they are.
CREATE VIRTUAL TABLE search USING fts5 (
    title, body, content = '', contentless_delete = 1, tokenize = 'ascii'
);
-- Articles whose text is not in the index yet; the indexer takes them out.
CREATE TABLE search_wanted (
    article INTEGER PRIMARY KEY
) STRICT;
INSERT INTO search_wanted (article) SELECT id FROM article;
CREATE TRIGGER article_stored AFTER INSERT ON article BEGIN
    INSERT OR IGNORE INTO search_wanted (article) VALUES (new.id);
END;
CREATE TRIGGER article_revised AFTER UPDATE OF title, text ON article
WHEN old.title IS NOT new.title OR old.text IS NOT new.text BEGIN
    INSERT OR IGNORE INTO search_wanted (article) VALUES (new.id);
END;
CREATE TRIGGER article_removed AFTER DELETE ON article BEGIN
    DELETE FROM search_wanted WHERE article = old.id;
    DELETE FROM search WHERE rowid = old.id;
END;

-- Anything else.
-- How many deliveries of a webhook are in which state, whatever their number.
CREATE INDEX delivery_counted ON delivery (webhook, state);
