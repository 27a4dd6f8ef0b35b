-- Schema 2.

-- Blocks of text that a feed repeats.
CREATE TABLE feed_blocks (
    feed    INTEGER PRIMARY KEY REFERENCES feed (id),
    memory  BLOB NOT NULL                        -- what it showed lately, at most some 20 KB: domain/boilerplate
) STRICT;

-- How entries are recognised.

-- The first eight bytes of an article's key are one of its identities, too.
INSERT OR REPLACE INTO identity (hash, article)
SELECT (instr('0123456789ABCDEF', substr(hex(key), 1, 1)) - 1) << 60 | (instr('0123456789ABCDEF', substr(hex(key), 2, 1)) - 1) << 56 |
        (instr('0123456789ABCDEF', substr(hex(key), 3, 1)) - 1) << 52 | (instr('0123456789ABCDEF', substr(hex(key), 4, 1)) - 1) << 48 |
        (instr('0123456789ABCDEF', substr(hex(key), 5, 1)) - 1) << 44 | (instr('0123456789ABCDEF', substr(hex(key), 6, 1)) - 1) << 40 |
        (instr('0123456789ABCDEF', substr(hex(key), 7, 1)) - 1) << 36 | (instr('0123456789ABCDEF', substr(hex(key), 8, 1)) - 1) << 32 |
        (instr('0123456789ABCDEF', substr(hex(key), 9, 1)) - 1) << 28 | (instr('0123456789ABCDEF', substr(hex(key), 10, 1)) - 1) << 24 |
        (instr('0123456789ABCDEF', substr(hex(key), 11, 1)) - 1) << 20 | (instr('0123456789ABCDEF', substr(hex(key), 12, 1)) - 1) << 16 |
        (instr('0123456789ABCDEF', substr(hex(key), 13, 1)) - 1) << 12 | (instr('0123456789ABCDEF', substr(hex(key), 14, 1)) - 1) << 8 |
        (instr('0123456789ABCDEF', substr(hex(key), 15, 1)) - 1) << 4 | (instr('0123456789ABCDEF', substr(hex(key), 16, 1)) - 1) << 0,
    id FROM article;
CREATE TABLE identity_2 (
    hash     INTEGER PRIMARY KEY,
    article  INTEGER NOT NULL
) STRICT;
INSERT INTO identity_2 (hash, article) SELECT hash, article FROM identity ORDER BY hash;
-- Where new ones are put first: see sqlite/identities. No hash is in both.
CREATE TABLE identity_recent (
    hash     INTEGER PRIMARY KEY,
    article  INTEGER NOT NULL
) STRICT;
-- An article is found by its key as by any other identity: a second index of keys would be written all over.
-- It keeps the list of its identities, so that no index by article is needed.
CREATE TABLE article_2 (
    id             INTEGER PRIMARY KEY,
    key            BLOB NOT NULL,
    feed           INTEGER NOT NULL REFERENCES feed (id), -- where it was first seen
    title          TEXT NOT NULL,
    text           TEXT NOT NULL,                -- summary and content as plain text
    link           TEXT,
    guid           TEXT,
    authors        TEXT NOT NULL,                -- JSON array
    categories     TEXT NOT NULL,                -- JSON array
    lang           TEXT,
    published_at   INTEGER,
    updated_at     INTEGER,
    first_seen_at  INTEGER NOT NULL,
    changed_at     INTEGER,
    revision       INTEGER NOT NULL DEFAULT 1,
    suppressed     TEXT,                         -- why it never alerts: baseline, max_age
    boilerplate    TEXT,                         -- JSON: [[from, to], …] in bytes of its text; NULL: none
    identities     TEXT NOT NULL                 -- JSON array of hashes
) STRICT;
INSERT INTO article_2
SELECT id, key, feed, title, text, link, guid, authors, categories, lang, published_at, updated_at, first_seen_at,
    changed_at, revision, suppressed, NULL,
    (SELECT json_group_array(hash) FROM identity WHERE article = a.id)
FROM article a ORDER BY id;
DROP TABLE identity;
ALTER TABLE identity_2 RENAME TO identity;
DROP TABLE article;
ALTER TABLE article_2 RENAME TO article;
CREATE INDEX article_seen ON article (first_seen_at);
-- What a feed lists stands together, so that a poll finds what it knows in one place.
CREATE TABLE sighting_2 (
    feed            INTEGER NOT NULL REFERENCES feed (id),
    article         INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    first_seen_at   INTEGER NOT NULL,
    last_listed_at  INTEGER NOT NULL,
    content         INTEGER NOT NULL,             -- hash of the content this feed showed last
    listed_as       INTEGER,                      -- hash of all identities this feed showed last; NULL: not all are its own
    PRIMARY KEY (feed, article)
) STRICT, WITHOUT ROWID;
INSERT INTO sighting_2 (feed, article, first_seen_at, last_listed_at, content)
SELECT feed, article, first_seen_at, last_listed_at, content FROM sighting ORDER BY feed, article;
DROP TABLE sighting;
ALTER TABLE sighting_2 RENAME TO sighting;
CREATE INDEX sighting_article ON sighting (article);

-- `Cache-Control: max-age` of the last answer that said anything about freshness, in milliseconds.
ALTER TABLE feed ADD COLUMN max_age INTEGER;

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

-- Topics that alerted for an article that is still kept, though the alert no longer is: they do not alert for it again.
CREATE TABLE told (
    article  INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    topic    TEXT NOT NULL,
    PRIMARY KEY (article, topic)
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
CREATE TRIGGER article_removed AFTER DELETE ON article BEGIN
    DELETE FROM identity WHERE hash IN (SELECT value FROM json_each(old.identities));
    DELETE FROM identity_recent WHERE hash IN (SELECT value FROM json_each(old.identities));
    DELETE FROM search_wanted WHERE article = old.id;
    DELETE FROM search WHERE rowid = old.id;
END;

-- Anything else.
-- How many deliveries of a webhook are in which state, whatever their number.
CREATE INDEX delivery_counted ON delivery (webhook, state);
