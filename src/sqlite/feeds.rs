//! Feeds: which are polled, when, and what was learnt of them. A host row says when one of its feeds may
//! start, so that finding what is due costs the same for ten feeds and for a hundred thousand.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use url::Url;

use crate::domain::feed::{
    ClaimedFeed, FeedState, FeedStatus, GuidTrust, PublisherHints, Validators, polled_host,
};
use crate::domain::{FeedId, Timestamp, TopicId};
use crate::ports::{Claim, FeedSync, FeedsClaimed, HostLimits, StoreError};

/// The internal id of a feed's row.
pub(super) type FeedRowId = i64;

pub(super) fn sync(connection: &Connection, feeds: &[FeedSync], now: Timestamp) -> Result<(), StoreError> {
    let left: HashSet<String> = connection
        .prepare_cached("SELECT slug FROM feed WHERE configured = 0 AND status = 1")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    connection.execute("UPDATE feed SET configured = 0", [])?;
    // Gone (410), taken out of the configuration, and put in again: the user knows better.
    let mut revived = connection.prepare_cached(
        "UPDATE feed SET status = 0, failures = 0, last_error = NULL, due_at = ?2, due_reason = 'added again'
         WHERE slug = ?1",
    )?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO feed (slug, url, host, configured, set_title, due_at, due_reason)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, 'a new feed')
         ON CONFLICT (slug) DO UPDATE SET configured = 1, set_title = excluded.set_title",
    )?;
    // Another address is another feed: nothing learnt of the former one holds.
    let mut moved = connection.prepare_cached(
        "UPDATE feed SET url = ?2, host = ?3, status = 0, title = NULL, moved_to = NULL, etag = NULL,
             last_modified = NULL, body_hash = NULL, guid_trust = 0, last_poll_at = NULL, last_good_at = NULL,
             last_document_at = NULL, last_new_at = NULL, failures = 0, last_error = NULL, notice = NULL, learnt_interval = NULL,
             hint_interval = NULL, max_age = NULL, skip_hours = 0, skip_days = 0, due_at = ?4,
             due_reason = 'a new address', claim = NULL
         WHERE slug = ?1 AND url <> ?2",
    )?;
    for feed in feeds {
        let first = feed.first_due_at.as_millis();
        if left.contains(feed.id.as_str()) {
            revived.execute(params![feed.id.as_str(), first])?;
        }
        upsert.execute(params![feed.id.as_str(), feed.url, feed.host, feed.title, first])?;
        moved.execute(params![feed.id.as_str(), feed.url, feed.host, first])?;
    }
    connection.execute(
        "INSERT OR IGNORE INTO host (name) SELECT DISTINCT host FROM feed WHERE configured = 1",
        [],
    )?;
    connection.execute(
        "UPDATE host SET next_at = (SELECT max(min(due_at), host.not_before, host.paused_until) FROM feed
                                    WHERE host = host.name AND configured = 1 AND status = 0)",
        [],
    )?;
    connection.execute("DELETE FROM host WHERE next_at IS NULL AND paused_until < ?1", [now.as_millis()])?;
    Ok(())
}

pub(super) fn sync_topics(
    connection: &Connection,
    topics: &[TopicId],
    now: Timestamp,
) -> Result<BTreeMap<TopicId, Timestamp>, StoreError> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO topic (slug, created_at) VALUES (?1, ?2)")?;
    let mut created = connection.prepare_cached("SELECT created_at FROM topic WHERE slug = ?1")?;
    let mut known = BTreeMap::new();
    for topic in topics {
        insert.execute(params![topic.as_str(), now.as_millis()])?;
        let at = created.query_row([topic.as_str()], |row| row.get(0))?;
        known.insert(topic.clone(), Timestamp::from_millis(at));
    }
    Ok(known)
}

/// Gives the claims of a former process back: what it was polling is due now.
pub(super) fn recover(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE feed SET claim = NULL, due_at = min(due_at, ?1) WHERE claim IS NOT NULL",
        [now.as_millis()],
    )?;
    connection.execute(
        "UPDATE host SET next_at = (SELECT max(min(due_at), host.not_before, host.paused_until) FROM feed
                                    WHERE host = host.name AND configured = 1 AND status = 0)",
        [],
    )?;
    Ok(())
}

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    lease: Duration,
    limit: usize,
    limits: HostLimits,
) -> Result<FeedsClaimed, StoreError> {
    let mut due_hosts =
        connection.prepare_cached("SELECT name FROM host WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2")?;
    let mut claims = Vec::new();
    let mut more = false;
    while claims.len() < limit {
        let room = limit - claims.len();
        let hosts: Vec<String> = due_hosts
            .query_map(params![now.as_millis(), i64::try_from(room).unwrap_or(i64::MAX)], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if hosts.is_empty() {
            break;
        }
        for host in hosts {
            let room = limit - claims.len();
            let full = claim_of_host(connection, &host, now, lease, room, limits, &mut claims)?;
            more = more || full && has_due(connection, &host, now)?;
        }
    }
    drop(due_hosts);
    Ok(FeedsClaimed { feeds: claims, next_due: next_due(connection)?, more })
}

/// Whether a feed of a host is due and not claimed.
fn has_due(connection: &Connection, host: &str, now: Timestamp) -> Result<bool, StoreError> {
    let mut due = connection.prepare_cached(
        "SELECT 1 FROM feed WHERE host = ?1 AND configured = 1 AND status = 0 AND due_at <= ?2 LIMIT 1",
    )?;
    Ok(due.exists(params![host, now.as_millis()])?)
}

/// Claims what one host allows and moves the host's next start past now, whatever it found; answers whether the host is
/// at its limit.
fn claim_of_host(
    connection: &Connection,
    host: &str,
    now: Timestamp,
    lease: Duration,
    room: usize,
    limits: HostLimits,
    claims: &mut Vec<Claim<ClaimedFeed>>,
) -> Result<bool, StoreError> {
    let in_flight: i64 = connection
        .prepare_cached("SELECT count(*) FROM feed WHERE host = ?1 AND claim IS NOT NULL AND due_at > ?2")?
        .query_row(params![host, now.as_millis()], |row| row.get(0))?;
    let free = i64::from(limits.in_flight.max(1)).saturating_sub(in_flight).max(0);
    let starts = if limits.spacing.is_zero() { free } else { free.min(1) };
    let starts = starts.min(i64::try_from(room).unwrap_or(i64::MAX));
    let due: Vec<(FeedRowId, i64, ClaimedFeed)> = connection
        .prepare_cached(DUE)?
        .query_map(params![host, now.as_millis(), starts], |row| {
            let (id, feed) = claimed_feed(row)?;
            Ok((id, row.get(24)?, feed))
        })?
        .collect::<Result<_, _>>()?;
    let started = i64::try_from(due.len()).unwrap_or(i64::MAX);
    let until = now.plus(lease);
    for (row, token, feed) in due {
        // RETURNING, here and elsewhere, would make SQLite keep a copy of every page that the statement changes.
        connection
            .prepare_cached("UPDATE feed SET claim = ?3, due_at = ?2 WHERE id = ?1")?
            .execute(params![row, until.as_millis(), token])?;
        claims.push(Claim::new(token, feed));
    }
    let not_before = (started > 0).then(|| now.plus(limits.spacing).as_millis());
    let full = in_flight + started >= i64::from(limits.in_flight.max(1));
    if full {
        // Nothing may start before a claim ends: its record sets the host free earlier.
        connection
            .prepare_cached(
                "UPDATE host SET not_before = coalesce(?2, not_before), next_at = (SELECT min(due_at) FROM feed
                     WHERE host = ?1 AND claim IS NOT NULL AND due_at > ?3) WHERE name = ?1",
            )?
            .execute(params![host, not_before, now.as_millis()])?;
    } else {
        connection
            .prepare_cached(
                "UPDATE host SET not_before = coalesce(?2, not_before),
                     next_at = (SELECT max(min(due_at), coalesce(?2, host.not_before), host.paused_until) FROM feed
                                WHERE host = ?1 AND configured = 1 AND status = 0) WHERE name = ?1",
            )?
            .execute(params![host, not_before])?;
    }
    Ok(full)
}

/// Sets and answers a host's next start: its earliest due feed, not before spacing and pause allow.
fn set_free(connection: &Connection, host: &str) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<Option<i64>> = connection
        .prepare_cached(
            "SELECT (SELECT max(min(due_at), host.not_before, host.paused_until) FROM feed
                     WHERE host = ?1 AND configured = 1 AND status = 0) FROM host WHERE name = ?1",
        )?
        .query_row([host], |row| row.get(0))
        .optional()?;
    let next = next.flatten();
    connection
        .prepare_cached("UPDATE host SET next_at = ?2 WHERE name = ?1")?
        .execute(params![host, next])?;
    Ok(next.map(Timestamp::from_millis))
}

/// A feed is found by its host, and the first one will do: this is asked many times while a hundred thousand are polled.
pub(super) const ANY_DUE_BY: &str = "SELECT EXISTS (
         SELECT 1 FROM host h CROSS JOIN feed f ON f.host = h.name
         WHERE h.paused_until <= ?1 AND f.configured = 1 AND f.status = 0 AND f.due_at <= ?1 AND f.claim IS NULL
     )";

pub(super) fn any_due_by(connection: &Connection, at: Timestamp) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(ANY_DUE_BY)?.query_row([at.as_millis()], |row| row.get(0))?)
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = connection
        .prepare_cached("SELECT next_at FROM host WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(at.map(Timestamp::from_millis))
}

/// The row of a claimed feed.
#[derive(Debug)]
pub(super) struct ClaimedRow {
    pub(super) id: FeedRowId,
    host: String,
    url: String,
    moved_to: Option<String>,
}

/// Finds the row a claim is for.
///
/// # Errors
/// [`StoreError::LeaseLost`] when the feed was claimed anew, given another address, or is gone.
pub(super) fn claimed_row(
    connection: &Connection,
    feed: &FeedId,
    token: i64,
) -> Result<ClaimedRow, StoreError> {
    connection
        .prepare_cached("SELECT id, host, url, moved_to FROM feed WHERE slug = ?1 AND claim = ?2")?
        .query_row(params![feed.as_str(), token], |row| {
            Ok(ClaimedRow { id: row.get(0)?, host: row.get(1)?, url: row.get(2)?, moved_to: row.get(3)? })
        })
        .optional()?
        .ok_or(StoreError::LeaseLost)
}

/// Records a feed's state; answers when the next feed of its host may start.
pub(super) fn record(
    connection: &Connection,
    row: &ClaimedRow,
    state: &FeedState,
    host_pause: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached(
            "UPDATE feed SET status = ?2, title = ?3, moved_to = ?4, etag = ?5, last_modified = ?6, body_hash = ?7,
                 guid_trust = ?8, last_poll_at = ?9, last_good_at = ?10, last_document_at = ?11, last_new_at = ?12,
                 failures = ?13, last_error = ?14, notice = ?15, learnt_interval = ?16, hint_interval = ?17,
                 skip_hours = ?18, skip_days = ?19, due_at = ?20, due_reason = ?21, max_age = ?22, claim = NULL
             WHERE id = ?1",
        )?
        .execute(params![
            row.id,
            i64::from(state.status == FeedStatus::Gone),
            state.title,
            state.moved_to,
            state.validators.etag,
            state.validators.last_modified,
            state.body_hash,
            i64::from(state.guid_trust == GuidTrust::Distrusted),
            millis(state.last_poll_at),
            millis(state.last_good_at),
            millis(state.last_document_at),
            millis(state.last_new_at),
            state.failures,
            state.last_error,
            state.notice,
            state.learnt_interval.map(duration_millis),
            state.hints.min_interval.map(duration_millis),
            state.hints.skip_hours,
            state.hints.skip_days,
            state.due_at.as_millis(),
            state.due_reason,
            state.max_age.map(duration_millis),
        ])?;
    if let Some(until) = host_pause.filter(|until| *until > now) {
        connection
            .prepare_cached("UPDATE host SET paused_until = max(paused_until, ?2) WHERE name = ?1")?
            .execute(params![row.host, until.as_millis()])?;
    }
    if state.moved_to != row.moved_to {
        count_by(connection, row, state.moved_to.as_deref().unwrap_or(&row.url))?;
    }
    set_free(connection, &row.host)
}

/// Counts a feed among those of the host that it is polled from, wherever it has moved.
fn count_by(connection: &Connection, row: &ClaimedRow, url: &str) -> Result<(), StoreError> {
    let Some(polled) = Url::parse(url).ok().map(|url| polled_host(&url)).filter(|polled| *polled != row.host)
    else {
        return Ok(());
    };
    connection.prepare_cached("INSERT OR IGNORE INTO host (name) VALUES (?1)")?.execute([&polled])?;
    connection.prepare_cached("UPDATE feed SET host = ?2 WHERE id = ?1")?.execute(params![row.id, polled])?;
    set_free(connection, &polled)?;
    Ok(())
}

pub(super) fn release(
    connection: &Connection,
    row: &ClaimedRow,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE feed SET claim = NULL, due_at = ?2 WHERE id = ?1")?
        .execute(params![row.id, due_at.as_millis()])?;
    set_free(connection, &row.host)?;
    Ok(())
}

/// The feeds of a host that are due, with a token for the claim of each.
const DUE: &str = "SELECT id, slug, url, status, title, moved_to, etag, last_modified, body_hash, guid_trust,
    last_poll_at, last_good_at, last_document_at, last_new_at, failures, last_error, notice, learnt_interval,
    hint_interval, skip_hours, skip_days, due_at, due_reason, max_age, random()
    FROM feed WHERE host = ?1 AND configured = 1 AND status = 0 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";

fn claimed_feed(row: &Row<'_>) -> rusqlite::Result<(FeedRowId, ClaimedFeed)> {
    let state = FeedState {
        status: if row.get::<_, i64>(3)? == 0 { FeedStatus::Active } else { FeedStatus::Gone },
        title: row.get(4)?,
        moved_to: row.get(5)?,
        validators: Validators { etag: row.get(6)?, last_modified: row.get(7)? },
        body_hash: row.get(8)?,
        guid_trust: if row.get::<_, i64>(9)? == 0 { GuidTrust::Trusted } else { GuidTrust::Distrusted },
        last_poll_at: instant(row, 10)?,
        last_good_at: instant(row, 11)?,
        last_document_at: instant(row, 12)?,
        last_new_at: instant(row, 13)?,
        failures: row.get(14)?,
        last_error: row.get(15)?,
        notice: row.get(16)?,
        learnt_interval: duration(row, 17)?,
        hints: PublisherHints {
            min_interval: duration(row, 18)?,
            skip_hours: row.get(19)?,
            skip_days: row.get(20)?,
        },
        due_at: Timestamp::from_millis(row.get(21)?),
        due_reason: row.get(22)?,
        max_age: duration(row, 23)?,
    };
    Ok((row.get(0)?, ClaimedFeed { id: slug(row, 1)?, url: row.get(2)?, state }))
}

/// An id that was checked when it was written.
pub(super) fn slug<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|problem| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(problem))
    })
}

pub(super) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

pub(super) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

fn duration(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Duration>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|millis| Duration::from_millis(millis.unsigned_abs())))
}

fn duration_millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open::open_memory;

    /// `once` asks all the time, while a hundred thousand feeds are due.
    #[test]
    fn whether_any_feed_is_due_is_asked_by_host_not_of_every_feed() {
        let connection = open_memory().expect("memory");
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {ANY_DUE_BY}")).expect("a plan");
        let steps: Vec<String> =
            plan.raw_query().mapped(|step| step.get(3)).collect::<Result<_, _>>().expect("its steps");
        let feeds = steps.iter().find(|step| step.contains(" f ")).expect("a step for feeds");
        assert_eq!(feeds, "SEARCH f USING INDEX feed_due (host=? AND due_at<?)");
    }
}
