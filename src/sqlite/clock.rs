//! What waits for an instant when the clock is set back.

use std::time::Duration;

use rusqlite::{Connection, params};

use crate::domain::Timestamp;
use crate::ports::StoreError;

/// Differences below this are left alone: a clock that is being adjusted, not one that was wrong.
const TOLERANCE: Duration = Duration::from_secs(10);

/// At a start: where the last poll is in the future, the clock was set back since.
pub(super) fn catch_up(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let last: Option<i64> =
        connection.query_row("SELECT max(last_poll_at) FROM feed", [], |row| row.get(0))?;
    let by = last.map_or(Duration::ZERO, |last| Timestamp::from_millis(last).since(now));
    if by < TOLERANCE {
        return Ok(());
    }
    set_back(connection, by, now)
}

/// Brings every instant that something waits for nearer by as much as the clock was set back, and what is
/// past to the present at most.
pub(super) fn set_back(connection: &Connection, by: Duration, now: Timestamp) -> Result<(), StoreError> {
    let (by, now) = (i64::try_from(by.as_millis()).unwrap_or(i64::MAX), now.as_millis());
    let waits = [
        ("feed", "due_at"),
        ("host", "next_at"),
        ("host", "not_before"),
        ("host", "paused_until"),
        ("webhook", "paused_until"),
        ("webhook", "start_after"),
        ("webhook", "probe_at"),
        ("delivery", "due_at"),
    ];
    for (table, column) in waits {
        let nearer = format!("UPDATE {table} SET {column} = max({column} - ?1, ?2) WHERE {column} > ?2");
        connection.execute(&nearer, params![by, now])?;
    }
    // Quiet hours and digests are told by the clock on the wall, whatever it shows.
    connection.execute(
        "UPDATE delivery SET release_at = max(release_at - ?1, ?2)
         WHERE release_at > ?2 AND hold IN ('grouped', 'rate')",
        params![by, now],
    )?;
    let past = [
        ("feed", "last_poll_at"),
        ("feed", "last_good_at"),
        ("feed", "last_document_at"),
        ("feed", "last_new_at"),
        // Else what is stored from now on would count as older than the topic.
        ("topic", "created_at"),
        ("delivery", "round_started_at"),
        ("webhook", "failing_since"),
    ];
    for (table, column) in past {
        let sooner = format!("UPDATE {table} SET {column} = ?1 WHERE {column} > ?1");
        connection.execute(&sooner, [now])?;
    }
    Ok(())
}
