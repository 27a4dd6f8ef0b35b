//! Removes what is too old, a batch at a time.

use rusqlite::{Connection, params};

use crate::domain::poll::LISTED_GRAIN;
use crate::ports::{RetentionPolicy, StoreError};

/// Pages given back to the file system after a batch: some 3 MB, a few milliseconds.
const PAGES_PER_BATCH: u32 = 200;

pub(super) fn retain(connection: &Connection, policy: RetentionPolicy) -> Result<u64, StoreError> {
    let alerts = connection
        .prepare_cached(
            "DELETE FROM alert WHERE id IN (
                 SELECT a.id FROM alert a WHERE a.created_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.alert = a.id AND d.state IN ('pending', 'sending', 'held'))
                 ORDER BY a.created_at LIMIT ?2)",
        )?
        .execute(params![policy.alerts_before.as_millis(), policy.batch])?;
    if alerts > 0 {
        connection
            .prepare_cached(
                "DELETE FROM message WHERE created_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message = message.id)",
            )?
            .execute([policy.alerts_before.as_millis()])?;
    }
    // Listed until recently, as far as the feed's last document tells; and twice the grain, because
    // "last listed" is only as exact as that.
    let grain = i64::try_from(2 * LISTED_GRAIN.as_millis()).unwrap_or(i64::MAX);
    let doomed = "SELECT a.id FROM article a WHERE a.first_seen_at < ?1
         AND NOT EXISTS (SELECT 1 FROM alert l WHERE l.article = a.id)
         AND NOT EXISTS (SELECT 1 FROM sighting s JOIN feed f ON f.id = s.feed
                         WHERE s.article = a.id AND f.configured = 1
                           AND s.last_listed_at >= coalesce(f.last_document_at, 0) - ?3)
         ORDER BY a.first_seen_at LIMIT ?2";
    let parameters = params![policy.articles_before.as_millis(), policy.batch, grain];
    connection
        .prepare_cached(&format!(
            "UPDATE feed SET articles = articles - (SELECT count(*) FROM sighting s WHERE s.feed = feed.id AND s.article IN ({doomed}))
             WHERE id IN (SELECT s.feed FROM sighting s WHERE s.article IN ({doomed}))"
        ))?
        .execute(parameters)?;
    let articles = connection
        .prepare_cached(&format!("DELETE FROM article WHERE id IN ({doomed})"))?
        .execute(parameters)?;
    if alerts + articles > 0 {
        connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_PER_BATCH})"))?;
    }
    Ok((alerts + articles) as u64)
}
