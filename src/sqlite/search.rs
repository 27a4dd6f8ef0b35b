//! The full-text index: what is to be put into it, putting it there, looking into it.

use rusqlite::{Connection, params};

use super::articles::{self, key};
use super::feeds::slug;
use super::lists::{self, limit, since};
use crate::domain::{ArticleKey, Timestamp};
use crate::ports::StoreError;
use crate::ports::reads::Page;
use crate::ports::search::{ArticleDetail, Found, Indexed, RevisionRow, SightingRow, Unindexed};

/// Pages of work on the index after rows were removed from it, so that what they took becomes free.
const MERGE: u32 = 64;

/// The next articles whose text is not in the index, at most `most`, and no more of them than `bytes` hold;
/// one in any case.
pub(super) fn unindexed(
    connection: &Connection,
    most: usize,
    bytes: usize,
) -> Result<Vec<Unindexed>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.id, a.key, a.revision, a.title, a.text FROM search_wanted w JOIN article a ON a.id = w.article
         ORDER BY w.article DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let article = Unindexed {
            number: row.get(0)?,
            id: key(row, 1)?,
            revision: row.get(2)?,
            title: row.get(3)?,
            text: row.get(4)?,
        };
        size += article.title.len() + article.text.len();
        found.push(article);
        if size >= bytes {
            break;
        }
    }
    Ok(found)
}

pub(super) fn count_unindexed(connection: &Connection) -> Result<u64, StoreError> {
    let count = connection.query_row("SELECT count(*) FROM search_wanted", [], |row| row.get::<_, i64>(0))?;
    Ok(count.unsigned_abs())
}

/// Notes that an article's text is to be put into the index: it is new.
pub(super) fn want(connection: &Connection, article: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO search_wanted (article) VALUES (?1)")?
        .execute([article])?;
    Ok(())
}

/// Puts texts into the index; one that was revised or removed since it was read stays wanted.
pub(super) fn write(connection: &Connection, batch: &[Indexed]) -> Result<(), StoreError> {
    let mut done = connection.prepare_cached(
        "DELETE FROM search_wanted WHERE article = ?1
         AND EXISTS (SELECT 1 FROM article WHERE id = ?1 AND key = ?2 AND revision = ?3)",
    )?;
    let mut remove = connection.prepare_cached("DELETE FROM search WHERE rowid = ?1")?;
    let mut insert =
        connection.prepare_cached("INSERT INTO search (rowid, title, body) VALUES (?1, ?2, ?3)")?;
    // FTS5 keeps a transaction's words in memory as long as its rows ascend; any that does not writes them out, as a segment
    // that must be merged with others.
    let mut ascending: Vec<_> = batch.iter().collect();
    ascending.sort_unstable_by_key(|article| article.number);
    for article in ascending {
        if done.execute(params![article.number, article.id.as_bytes(), article.revision])? == 1 {
            remove.execute([article.number])?;
            insert.execute(params![article.number, article.title, article.body])?;
        }
    }
    Ok(())
}

/// Gives a part of what removed rows take in the index back to the database.
pub(super) fn tidy(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT INTO search (search, rank) VALUES ('merge', ?1)")?.execute([MERGE])?;
    Ok(())
}

/// The articles an expression finds, newest first.
pub(super) fn search(
    connection: &Connection,
    expression: &str,
    page: Page,
) -> Result<Vec<Found>, StoreError> {
    let mut text = connection.prepare_cached("SELECT text FROM article WHERE id = ?1")?;
    let query = format!(
        "{} JOIN search s ON s.rowid = a.id WHERE s.search MATCH ?3 AND a.first_seen_at >= ?1
         ORDER BY a.first_seen_at DESC, a.id DESC LIMIT ?2",
        lists::ARTICLE
    );
    let mut rows = connection.prepare_cached(&query)?;
    let mut feeds = connection.prepare_cached(lists::FEEDS_OF)?;
    let rows = rows.query_map(params![since(page), limit(page), expression], |row| {
        let number: i64 = row.get(11)?;
        Ok(Found {
            row: lists::article_row(row, &mut feeds)?,
            text: text.query_row([number], |row| row.get(0))?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One article with everything that is known of it.
pub(super) fn show(connection: &Connection, id: ArticleKey) -> Result<Option<ArticleDetail>, StoreError> {
    let Some(number) = articles::by_key(connection, id)? else { return Ok(None) };
    let query = format!("{} WHERE a.id = ?1", lists::ARTICLE);
    let mut article = connection.prepare_cached(&query)?;
    let mut feeds = connection.prepare_cached(lists::FEEDS_OF)?;
    let row = article.query_row([number], |row| lists::article_row(row, &mut feeds))?;
    let (text, authors, categories): (String, String, String) = connection
        .prepare_cached("SELECT text, authors, categories FROM article WHERE id = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let revisions = connection
        .prepare_cached(
            "SELECT revision, until, title, text FROM revision WHERE article = ?1 ORDER BY revision DESC",
        )?
        .query_map([number], |row| {
            Ok(RevisionRow {
                revision: row.get(0)?,
                until: Timestamp::from_millis(row.get(1)?),
                title: row.get(2)?,
                text: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let sightings = connection
        .prepare_cached(
            "SELECT f.slug, s.first_seen_at, s.last_listed_at FROM sighting s JOIN feed f ON f.id = s.feed
             WHERE s.article = ?1 ORDER BY s.first_seen_at",
        )?
        .query_map([number], |row| {
            Ok(SightingRow {
                feed: slug(row, 0)?,
                first_seen_at: Timestamp::from_millis(row.get(1)?),
                last_listed_at: Timestamp::from_millis(row.get(2)?),
            })
        })?
        .collect::<Result<_, _>>()?;
    let list = |json: &str| serde_json::from_str(json).unwrap_or_default();
    Ok(Some(ArticleDetail {
        row,
        text,
        authors: list(&authors),
        categories: list(&categories),
        revisions,
        sightings,
        alerts: lists::alerts_of(connection, number)?,
    }))
}
