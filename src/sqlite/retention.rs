//! Removes what is too old, a batch at a time.

use rusqlite::{Connection, params};

use super::{search, silences};
use crate::domain::poll::LISTED_GRAIN;
use crate::ports::{RetentionPolicy, Space, StoreError};

/// Pages given back to the file system after a batch: some 3 MB, a few milliseconds.
const PAGES_PER_BATCH: u32 = 200;

pub(super) fn retain(connection: &Connection, policy: RetentionPolicy) -> Result<u64, StoreError> {
    // What a feed repeated is of no use once it is polled no more.
    connection
        .prepare_cached("DELETE FROM feed_blocks WHERE feed IN (SELECT id FROM feed WHERE configured = 0)")?
        .execute([])?;
    let removed = remove_alerts(connection, policy)?
        + remove_events(connection, policy)?
        + remove_articles(connection, policy)?
        + silences::remove(connection, policy.alerts_before)?;
    if removed > 0 {
        search::tidy(connection)?;
        give_back_pages(connection)?;
    }
    Ok(removed)
}

/// Alerts that nobody is to be told of any more, their deliveries, and the messages that carried those.
fn remove_alerts(connection: &Connection, policy: RetentionPolicy) -> Result<u64, StoreError> {
    let old = ids(
        connection,
        "SELECT a.id FROM alert a WHERE a.created_at < ?1
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.alert = a.id AND d.state IN ('pending', 'sending', 'held'))
         ORDER BY a.created_at LIMIT ?2",
        params![policy.alerts_before.as_millis(), policy.batch],
    )?;
    // Its article may be listed for years, and be edited.
    let mut keep = connection.prepare_cached(
        "INSERT INTO told (article, topic) SELECT article, topic FROM alert WHERE id = ?1 ON CONFLICT DO NOTHING",
    )?;
    for id in &old {
        keep.execute([id])?;
    }
    remove_with_messages(connection, "alert", &old)
}

/// Operational events of which nobody is to be told any more, likewise.
fn remove_events(connection: &Connection, policy: RetentionPolicy) -> Result<u64, StoreError> {
    let old = ids(
        connection,
        "SELECT e.id FROM event e WHERE e.at < ?1 AND e.told = 1
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.id AND d.state IN ('pending', 'sending', 'held'))
         ORDER BY e.at LIMIT ?2",
        params![policy.alerts_before.as_millis(), policy.batch],
    )?;
    remove_with_messages(connection, "event", &old)
}

/// Removes rows of `table`, their deliveries, and the messages that carried those.
fn remove_with_messages(connection: &Connection, table: &str, old: &[i64]) -> Result<u64, StoreError> {
    let of_row = format!("SELECT message FROM delivery WHERE {table} = ?1 AND message IS NOT NULL");
    let mut of_row = connection.prepare_cached(&of_row)?;
    let mut remove = connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?;
    // Others may share a message; the last one takes it along.
    let mut message = connection.prepare_cached(
        "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1)",
    )?;
    for id in old {
        let messages: Vec<i64> = of_row.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        remove.execute([id])?;
        for id in messages {
            message.execute([id])?;
        }
    }
    Ok(old.len() as u64)
}

/// Articles that no alert needs and no feed lists.
fn remove_articles(connection: &Connection, policy: RetentionPolicy) -> Result<u64, StoreError> {
    // Listed until recently, as far as the feed's last document tells; and twice the grain, because
    // "last listed" is only as exact as that.
    let grain = i64::try_from(2 * LISTED_GRAIN.as_millis()).unwrap_or(i64::MAX);
    let old = ids(
        connection,
        "SELECT a.id FROM article a WHERE a.first_seen_at < ?1
         AND NOT EXISTS (SELECT 1 FROM alert l WHERE l.article = a.id)
         AND NOT EXISTS (SELECT 1 FROM sighting s JOIN feed f ON f.id = s.feed
                         WHERE s.article = a.id AND f.configured = 1
                           AND s.last_listed_at >= coalesce(f.last_document_at, 0) - ?3)
         ORDER BY a.first_seen_at LIMIT ?2",
        params![policy.articles_before.as_millis(), policy.batch, grain],
    )?;
    let mut count = connection.prepare_cached(
        "UPDATE feed SET articles = articles - 1 WHERE id IN (SELECT feed FROM sighting WHERE article = ?1)",
    )?;
    let mut article = connection.prepare_cached("DELETE FROM article WHERE id = ?1")?;
    for id in &old {
        count.execute([id])?;
        article.execute([id])?;
    }
    Ok(old.len() as u64)
}

fn ids(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(query)?.query_map(parameters, |row| row.get(0))?.collect()
}

/// How large the database is, and how much of that is used.
pub(super) fn space(connection: &Connection) -> Result<Space, StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (page, pages, free) = (number("page_size")?, number("page_count")?, number("freelist_count")?);
    let bytes = |pages: i64| u64::try_from(pages * page).unwrap_or_default();
    Ok(Space { file: bytes(pages), used: bytes(pages - free) })
}

/// Makes the file smaller by a few pages.
pub(super) fn give_back_pages(connection: &Connection) -> rusqlite::Result<()> {
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_PER_BATCH})"))?;
    // Each step frees one page: it must be run to its end.
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}
