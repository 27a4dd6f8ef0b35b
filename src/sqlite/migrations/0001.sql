-- Schema 1. All instants are milliseconds since the epoch, UTC. Ids made by wirewatch are ten bytes.

PRAGMA application_id = 2003399269;             -- 'wire': the file is wirewatch's

CREATE TABLE feed (
    id                INTEGER PRIMARY KEY,
    slug              TEXT NOT NULL UNIQUE,      -- the id in the configuration
    url               TEXT NOT NULL,
    host              TEXT NOT NULL,             -- host:port, what per-host limits count by
    configured        INTEGER NOT NULL,          -- 0: left the configuration
    set_title         TEXT,                      -- the user's title
    status            INTEGER NOT NULL DEFAULT 0, -- 0 active, 1 gone
    title             TEXT,
    moved_to          TEXT,
    etag              BLOB,
    last_modified     BLOB,
    body_hash         INTEGER,
    guid_trust        INTEGER NOT NULL DEFAULT 0, -- 0 trusted, 1 distrusted
    last_poll_at      INTEGER,
    last_good_at      INTEGER,
    last_document_at  INTEGER,
    last_new_at       INTEGER,
    failures          INTEGER NOT NULL DEFAULT 0,
    last_error        TEXT,
    notice            TEXT,
    learnt_interval   INTEGER,                   -- milliseconds
    hint_interval     INTEGER,                   -- milliseconds
    skip_hours        INTEGER NOT NULL DEFAULT 0,
    skip_days         INTEGER NOT NULL DEFAULT 0,
    articles          INTEGER NOT NULL DEFAULT 0, -- sightings stored
    due_at            INTEGER NOT NULL,          -- while claimed: the end of the lease
    due_reason        TEXT NOT NULL DEFAULT '',
    claim             INTEGER                    -- the token of the claim
) STRICT;
CREATE INDEX feed_due ON feed (host, due_at) WHERE configured = 1 AND status = 0;
CREATE INDEX feed_claimed ON feed (host, due_at) WHERE claim IS NOT NULL;

-- One row for each host that feeds are polled from: which host is due, whatever the number of its feeds.
CREATE TABLE host (
    name          TEXT PRIMARY KEY,
    next_at       INTEGER,                       -- when one of its feeds may start; NULL: none is polled
    not_before    INTEGER NOT NULL DEFAULT 0,    -- last start plus spacing
    paused_until  INTEGER NOT NULL DEFAULT 0     -- 429
) STRICT, WITHOUT ROWID;
CREATE INDEX host_next ON host (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE topic (
    slug        TEXT PRIMARY KEY,
    created_at  INTEGER NOT NULL                 -- articles first seen before never alert for it
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
    slug             TEXT PRIMARY KEY,
    configured       INTEGER NOT NULL,
    paused_until     INTEGER NOT NULL DEFAULT 0, -- 429, or Retry-After
    start_after      INTEGER NOT NULL DEFAULT 0, -- when its rate lets the next request start
    failures         INTEGER NOT NULL DEFAULT 0, -- attempts that failed in a row
    failing_since    INTEGER,                    -- the first of them
    tripped_at       INTEGER,                    -- since when only a probe goes out at a time
    probes           INTEGER NOT NULL DEFAULT 0, -- that failed since then
    probe_at         INTEGER,                    -- when the next one may go out
    last_good_at     INTEGER,
    last_error       TEXT,
    disabled_at      INTEGER,
    disabled_reason  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE article (
    id             INTEGER PRIMARY KEY,
    key            BLOB NOT NULL UNIQUE,
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
    suppressed     TEXT                          -- why it never alerts: baseline, max_age
) STRICT;
CREATE INDEX article_seen ON article (first_seen_at);

-- Every way an entry may be recognised: hash of feed and guid, of canonical link, of content.
CREATE TABLE identity (
    hash     INTEGER PRIMARY KEY,
    article  INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX identity_article ON identity (article);

CREATE TABLE sighting (
    article         INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    feed            INTEGER NOT NULL REFERENCES feed (id),
    first_seen_at   INTEGER NOT NULL,
    last_listed_at  INTEGER NOT NULL,
    content         INTEGER NOT NULL,            -- hash of the content this feed showed last
    PRIMARY KEY (article, feed)
) STRICT, WITHOUT ROWID;

-- What an article said before it was changed.
CREATE TABLE revision (
    article   INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    revision  INTEGER NOT NULL,
    until     INTEGER NOT NULL,                  -- when the change was seen
    title     TEXT NOT NULL,
    text      TEXT NOT NULL,
    PRIMARY KEY (article, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
    id          INTEGER PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,
    topic       TEXT NOT NULL,
    article     INTEGER NOT NULL REFERENCES article (id),
    severity    TEXT NOT NULL,
    score       INTEGER,
    created_at  INTEGER NOT NULL,
    content     TEXT NOT NULL,                   -- JSON: all that messages say of it
    UNIQUE (article, topic)
) STRICT;
CREATE INDEX alert_created ON alert (created_at);
CREATE INDEX alert_topic ON alert (topic, created_at);

-- What goes over the wire: one delivery, or several that were grouped or held.
CREATE TABLE message (
    id            INTEGER PRIMARY KEY,
    key           BLOB NOT NULL UNIQUE,          -- webhook-id
    webhook       TEXT NOT NULL,
    body          BLOB NOT NULL,
    content_type  TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- What happened to wirewatch itself: feeds and webhooks that fail and recover.
CREATE TABLE event (
    id        INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,                     -- feed.failing, webhook.disabled, ...
    subject   TEXT NOT NULL,                     -- the feed or the webhook
    message   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    told      INTEGER NOT NULL DEFAULT 0         -- 1: its deliveries are written
) STRICT;
CREATE INDEX event_untold ON event (id) WHERE told = 0;
CREATE INDEX event_at ON event (at);

CREATE TABLE delivery (
    id                INTEGER PRIMARY KEY,
    key               BLOB NOT NULL UNIQUE,
    alert             INTEGER REFERENCES alert (id) ON DELETE CASCADE,
    event             INTEGER REFERENCES event (id) ON DELETE CASCADE,
    webhook           TEXT NOT NULL,
    message           INTEGER REFERENCES message (id),
    state             TEXT NOT NULL,             -- pending sending held delivered dead cancelled
    reason            TEXT,                      -- why it is held or dead
    attempts          INTEGER NOT NULL DEFAULT 0,
    round_attempts    INTEGER NOT NULL DEFAULT 0, -- since the last retry by hand
    round_started_at  INTEGER NOT NULL,
    due_at            INTEGER,                   -- while sending: the end of the lease; NULL: never
    claim             INTEGER,
    last_status       INTEGER,
    last_error        TEXT,
    created_at        INTEGER NOT NULL,
    done_at           INTEGER,
    CHECK ((alert IS NULL) <> (event IS NULL))
) STRICT;
CREATE INDEX delivery_due ON delivery (webhook, due_at) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_alert ON delivery (alert);
CREATE INDEX delivery_event ON delivery (event) WHERE event IS NOT NULL;
CREATE INDEX delivery_message ON delivery (message);
CREATE INDEX delivery_open ON delivery (state, webhook) WHERE state IN ('pending', 'sending', 'held', 'dead');
CREATE INDEX delivery_created ON delivery (created_at);

-- One row for each request, written before it is made.
CREATE TABLE attempt (
    delivery     INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,                        -- NULL: under way, or cut off by a crash
    took         INTEGER,                        -- milliseconds the exchange took
    status       INTEGER,
    error_kind   TEXT,
    error        TEXT,
    retry_after  INTEGER,                        -- milliseconds
    excerpt      BLOB,                           -- the beginning of the answer
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
