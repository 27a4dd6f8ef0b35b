//! Articles: which entries are known, and what a poll writes of them.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use rustc_hash::FxHashMap;

use super::feeds::{FeedRowId, instant, millis, slug};
use super::sieve::Sieve;
use super::{identities, outbox, search, silences};
use crate::domain::article::{EntryIdentity, KnownArticle, Suppression};
use crate::domain::boilerplate::{Mark, Memory};
use crate::domain::poll::{ArticleChange, ArticleText, LISTED_GRAIN, PlannedAlert, PlannedArticle};
use crate::domain::{ArticleKey, FeedId, IdentityHash, Timestamp};
use crate::ports::{Known, Recorded, StoreError};

/// Former texts kept per article; a feed that writes the time into its entries must not fill the disk.
const REVISIONS_KEPT: u32 = 20;

pub(super) type ArticleRowId = i64;

/// Beyond as many as there are entries, so many of the articles that a feed listed last are looked at.
const LISTED_BEYOND: usize = 16;

/// So long before it is noted anew that an article is still listed, it is read as a whole.
const READ_BEFORE: Duration = Duration::from_secs(3600);

pub(super) fn known(
    connection: &Connection,
    sieve: &Sieve,
    feed: &FeedId,
    identities: &[EntryIdentity],
    now: Timestamp,
) -> Result<Known, StoreError> {
    let feed: Option<FeedRowId> = connection
        .prepare_cached("SELECT id FROM feed WHERE slug = ?1")?
        .query_row([feed.as_str()], |row| row.get(0))
        .optional()?;
    let listed = listed(connection, feed, identities.len(), now)?;
    let articles = identities.iter().map(|identity| {
        if let Some(last_listed_at) = listed.get(&identity.together().as_i64()) {
            return Ok(Some(KnownArticle::listed_again(identity, *last_listed_at)));
        }
        match find(connection, sieve, identity)? {
            Some(article) => read_known(connection, article, feed, identity).map(Some),
            None => Ok(None),
        }
    });
    let articles = articles.collect::<Result<_, _>>()?;
    let blocks: Option<Vec<u8>> = connection
        .prepare_cached("SELECT memory FROM feed_blocks WHERE feed = ?1")?
        .query_row([feed], |row| row.get(0))
        .optional()?;
    Ok(Known {
        identities: identities.to_vec(),
        articles,
        blocks: blocks.map_or_else(Memory::default, |bytes| Memory::from_bytes(&bytes)),
        silences: silences::in_force(connection, now)?,
    })
}

/// The articles a feed listed last, by the hash of all identities it showed them under, and when it last listed them.
/// An entry with the same is one of them, unchanged, whatever else is known: each of its identities names that article.
fn listed(
    connection: &Connection,
    feed: Option<FeedRowId>,
    entries: usize,
    now: Timestamp,
) -> Result<FxHashMap<i64, Timestamp>, StoreError> {
    let noted_after = now.minus(LISTED_GRAIN.saturating_sub(READ_BEFORE)).as_millis();
    let most = i64::try_from(entries + LISTED_BEYOND).unwrap_or(i64::MAX);
    let mut listed = connection.prepare_cached(
        "SELECT listed_as, last_listed_at FROM sighting WHERE feed = ?1 ORDER BY article DESC LIMIT ?2",
    )?;
    let mut rows = listed.query(params![feed, most])?;
    let mut found = FxHashMap::default();
    while let Some(row) = rows.next()? {
        let last_listed_at: i64 = row.get(1)?;
        if let Some(listed_as) = row.get::<_, Option<i64>>(0)?
            && last_listed_at > noted_after
        {
            found.insert(listed_as, Timestamp::from_millis(last_listed_at));
        }
    }
    Ok(found)
}

/// Replaces what is remembered of a feed's texts.
pub(super) fn remember(connection: &Connection, feed: FeedRowId, blocks: &Memory) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO feed_blocks (feed, memory) VALUES (?1, ?2)
             ON CONFLICT (feed) DO UPDATE SET memory = excluded.memory",
        )?
        .execute(params![feed, blocks.to_bytes()])?;
    Ok(())
}

/// Marks as they are stored: nothing where there are none.
fn stored_marks(marks: &[Mark]) -> Option<String> {
    (!marks.is_empty()).then(|| json(&marks))
}

/// Takes back what [`stored_marks`] gave; marks that do not fit the text are passed over.
pub(super) fn marks(row: &rusqlite::Row<'_>, column: usize, text: &str) -> rusqlite::Result<Vec<Mark>> {
    let stored: Option<String> = row.get(column)?;
    let marks: Vec<Mark> = stored.and_then(|stored| serde_json::from_str(&stored).ok()).unwrap_or_default();
    let fits = |(start, end): &Mark| start < end && text.get(*start..*end).is_some();
    Ok(if marks.iter().all(fits) { marks } else { Vec::new() })
}

/// The article an entry is, by guid, link or content; by key last, so that a new article never meets its own.
fn find(
    connection: &Connection,
    sieve: &Sieve,
    identity: &EntryIdentity,
) -> Result<Option<ArticleRowId>, StoreError> {
    for hash in identity.all().filter(|hash| sieve.may_have(*hash)) {
        if let Some(article) = identities::find(connection, hash)? {
            return Ok(Some(article));
        }
    }
    let by_key = identity.key.as_identity();
    if !sieve.may_have(by_key) || identity.all().any(|hash| hash == by_key) {
        return Ok(None);
    }
    Ok(identities::find(connection, by_key)?)
}

fn read_known(
    connection: &Connection,
    article: ArticleRowId,
    feed: Option<FeedRowId>,
    identity: &EntryIdentity,
) -> Result<KnownArticle, StoreError> {
    let mut known = connection
        .prepare_cached(
            "SELECT a.key, a.first_seen_at, a.suppressed, s.content, s.last_listed_at, a.identities
             FROM article a LEFT JOIN sighting s ON s.article = a.id AND s.feed = ?2 WHERE a.id = ?1",
        )?
        .query_row(params![article, feed], |row| {
            Ok(KnownArticle {
                key: key(row, 0)?,
                content_here: row.get::<_, Option<i64>>(3)?.map(IdentityHash::from_i64),
                first_seen_at: Timestamp::from_millis(row.get(1)?),
                suppressed: suppression(row, 2)?,
                feeds: Vec::new(),
                last_listed_here: instant(row, 4)?,
                alerted: Vec::new(),
                identities: hashes(&row.get::<_, String>(5)?),
            })
        })?;
    if known.content_here == Some(identity.content) {
        // Unchanged here: nothing is matched, so nobody asks for its feeds and alerts.
        return Ok(known);
    }
    known.feeds = connection
        .prepare_cached("SELECT f.slug FROM sighting s JOIN feed f ON f.id = s.feed WHERE s.article = ?1")?
        .query_map([article], |row| slug(row, 0))?
        .collect::<Result<_, _>>()?;
    // Two articles may grow into the same text: one was a mere headline, or broke off, when the other was told.
    let same_text = identities::find(connection, identity.content)?;
    known.alerted = connection
        .prepare_cached(
            "WITH told_of (article) AS (VALUES (?1), (?2))
             SELECT topic FROM alert WHERE article IN told_of
             UNION SELECT topic FROM told WHERE article IN told_of",
        )?
        .query_map(params![article, same_text], |row| slug(row, 0))?
        .collect::<Result<_, _>>()?;
    Ok(known)
}

/// Identities as an article keeps them.
fn hash_list(hashes: &[IdentityHash]) -> String {
    json(&hashes.iter().map(|hash| hash.as_i64()).collect::<Vec<_>>())
}

/// Takes back what [`hash_list`] gave.
fn hashes(list: &str) -> Vec<IdentityHash> {
    let hashes: Vec<i64> = serde_json::from_str(list).unwrap_or_default();
    hashes.into_iter().map(IdentityHash::from_i64).collect()
}

pub(super) fn key(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<ArticleKey> {
    let bytes: Vec<u8> = row.get(column)?;
    ArticleKey::from_bytes(&bytes).ok_or_else(|| not_an_id(column))
}

pub(super) fn not_an_id(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Blob, "not an id".into())
}

pub(super) fn suppression(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Suppression>> {
    Ok(row.get::<_, Option<String>>(column)?.as_deref().and_then(Suppression::from_word))
}

/// Writes what a poll planned for articles.
///
/// # Errors
/// [`StoreError::Conflict`] when one planned as new is known meanwhile.
pub(super) fn record(
    connection: &Connection,
    sieve: &Sieve,
    feed: FeedRowId,
    articles: &[PlannedArticle],
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let mut recorded = Recorded::default();
    let mut sighted = 0;
    for planned in articles {
        let (article, first_here) = match &planned.change {
            ArticleChange::New { article, suppressed } => {
                (insert(connection, sieve, feed, planned, article, *suppressed, now)?, true)
            }
            ArticleChange::Revised(article) => {
                let row = row_of(connection, planned.key)?;
                revise(connection, row, article, now)?;
                (row, list(connection, sieve, row, feed, planned, now)?)
            }
            ArticleChange::Sighted | ArticleChange::Listed => {
                let row = row_of(connection, planned.key)?;
                (row, list(connection, sieve, row, feed, planned, now)?)
            }
        };
        sighted += u32::from(first_here);
        for alert in &planned.alerts {
            raise(connection, article, alert, now, &mut recorded)?;
        }
    }
    if sighted > 0 {
        connection
            .prepare_cached("UPDATE feed SET articles = articles + ?2 WHERE id = ?1")?
            .execute(params![feed, sighted])?;
    }
    Ok(recorded)
}

fn row_of(connection: &Connection, key: ArticleKey) -> Result<ArticleRowId, StoreError> {
    // Removed by retention since it was read: plan again, it is new then.
    by_key(connection, key)?.ok_or(StoreError::Conflict)
}

/// The article of this key, where it is stored.
pub(super) fn by_key(connection: &Connection, key: ArticleKey) -> rusqlite::Result<Option<ArticleRowId>> {
    let Some(article) = identities::find(connection, key.as_identity())? else { return Ok(None) };
    connection
        .prepare_cached("SELECT id FROM article WHERE id = ?1 AND key = ?2")?
        .query_row(params![article, key.as_bytes()], |row| row.get(0))
        .optional()
}

fn insert(
    connection: &Connection,
    sieve: &Sieve,
    feed: FeedRowId,
    planned: &PlannedArticle,
    article: &ArticleText,
    suppressed: Option<Suppression>,
    now: Timestamp,
) -> Result<ArticleRowId, StoreError> {
    let entry = &article.entry;
    let mut hashes = planned.identities.clone();
    if !hashes.contains(&planned.key.as_identity()) {
        hashes.push(planned.key.as_identity());
    }
    // Unique hashes turn a race into a conflict. Like RETURNING, a trigger would make SQLite keep a copy
    // of every page that the statement changes.
    connection
        .prepare_cached(
            "INSERT INTO article (key, feed, title, text, link, guid, authors, categories, lang, published_at,
                 updated_at, first_seen_at, suppressed, boilerplate, identities)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            planned.key.as_bytes(),
            feed,
            entry.title,
            article.text,
            entry.link,
            entry.guid,
            json(&entry.authors),
            json(&entry.categories),
            article.lang,
            millis(entry.published_at),
            millis(entry.updated_at),
            now.as_millis(),
            suppressed.map(Suppression::as_str),
            stored_marks(&article.boilerplate),
            hash_list(&hashes),
        ])?;
    let row = connection.last_insert_rowid();
    search::want(connection, row)?;
    identities::note_new(connection, sieve, &hashes, row)?;
    sight(connection, row, feed, planned, Some(planned.listed_as), now)?;
    Ok(row)
}

/// Notes that a feed lists an article, and the identities it was listed under; answers whether it is the first time.
fn list(
    connection: &Connection,
    sieve: &Sieve,
    article: ArticleRowId,
    feed: FeedRowId,
    planned: &PlannedArticle,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut own = Vec::new();
    for hash in &planned.identities {
        if identities::note(connection, sieve, *hash, article)? {
            own.push(*hash);
        }
    }
    if !own.is_empty() {
        connection
            .prepare_cached(
                "UPDATE article SET identities = (SELECT json_group_array(value) FROM
                     (SELECT value FROM json_each(identities) UNION SELECT value FROM json_each(?2))) WHERE id = ?1",
            )?
            .execute(params![article, hash_list(&own)])?;
    }
    let listed_as = (own.len() == planned.identities.len()).then_some(planned.listed_as);
    let renewed = connection
        .prepare_cached(
            "UPDATE sighting SET last_listed_at = ?3, content = ?4, listed_as = ?5 WHERE article = ?1 AND feed = ?2",
        )?
        .execute(params![
            article,
            feed,
            now.as_millis(),
            planned.content.as_i64(),
            listed_as.map(IdentityHash::as_i64)
        ])?;
    if renewed == 0 {
        sight(connection, article, feed, planned, listed_as, now)?;
    }
    Ok(renewed == 0)
}

fn sight(
    connection: &Connection,
    article: ArticleRowId,
    feed: FeedRowId,
    planned: &PlannedArticle,
    listed_as: Option<IdentityHash>,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO sighting (article, feed, first_seen_at, last_listed_at, content, listed_as)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
        )?
        .execute(params![
            article,
            feed,
            now.as_millis(),
            planned.content.as_i64(),
            listed_as.map(IdentityHash::as_i64)
        ])?;
    Ok(())
}

fn revise(
    connection: &Connection,
    article: ArticleRowId,
    text: &ArticleText,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO revision (article, revision, until, title, text)
             SELECT id, revision, ?2, title, text FROM article WHERE id = ?1",
        )?
        .execute(params![article, now.as_millis()])?;
    connection
        .prepare_cached(
            "DELETE FROM revision WHERE article = ?1
             AND revision <= (SELECT revision FROM article WHERE id = ?1) - ?2",
        )?
        .execute(params![article, REVISIONS_KEPT])?;
    let entry = &text.entry;
    connection
        .prepare_cached(
            "UPDATE article SET title = ?2, text = ?3, link = coalesce(?4, link), authors = ?5, categories = ?6,
                 lang = coalesce(?7, lang), published_at = coalesce(?8, published_at), updated_at = ?9,
                 changed_at = ?10, boilerplate = ?11, revision = revision + 1 WHERE id = ?1",
        )?
        .execute(params![
            article,
            entry.title,
            text.text,
            entry.link,
            json(&entry.authors),
            json(&entry.categories),
            text.lang,
            millis(entry.published_at),
            millis(entry.updated_at),
            now.as_millis(),
            stored_marks(&text.boilerplate),
        ])?;
    search::want(connection, article)
}

fn raise(
    connection: &Connection,
    article: ArticleRowId,
    alert: &PlannedAlert,
    now: Timestamp,
    recorded: &mut Recorded,
) -> Result<(), StoreError> {
    let content = &alert.content;
    let silence = match alert.silence {
        Some(id) => silences::row_of(connection, id)?,
        None => None,
    };
    let raised = connection
        .prepare_cached(
            "INSERT INTO alert (key, topic, article, severity, score, created_at, content, silence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            content.alert.id.as_bytes(),
            content.topic.id.as_str(),
            article,
            content.alert.severity.as_str(),
            content.found.score,
            content.alert.created_at.as_millis(),
            json(content),
            silence,
        ])?;
    if raised > 0 {
        let row = connection.last_insert_rowid();
        recorded.alerts.push(content.alert.id);
        for delivery in &alert.deliveries {
            outbox::insert(connection, outbox::Subject::Alert(row, content), delivery, now)?;
            recorded.deliveries += 1;
        }
    }
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("values with text keys always serialise")
}
