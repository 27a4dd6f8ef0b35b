-- Schema 2.

-- Blocks of text that a feed repeats.
CREATE TABLE feed_blocks (
    feed    INTEGER PRIMARY KEY REFERENCES feed (id),
    memory  BLOB NOT NULL                        -- what it showed lately, at most some 20 KB: domain/boilerplate
) STRICT;
ALTER TABLE article ADD COLUMN boilerplate TEXT; -- JSON: [[from, to], …] in bytes of its text; NULL: none

-- Silences, and deliveries that are held and released.

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
