//! Silences: what is muted, until when, by whom.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::articles::not_an_id;
use crate::domain::silence::{Silence, SilenceMatcher};
use crate::domain::{SilenceId, Timestamp};
use crate::ports::StoreError;
use crate::ports::hand::{Expired, SilenceRow};
use crate::ports::reads::SilencesInForce;

const COLUMNS: &str = "key, matcher, created_at, until, author, comment";

fn silence(row: &Row<'_>) -> rusqlite::Result<Silence> {
    let matcher: SilenceMatcher = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|problem| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, problem.into())
    })?;
    Ok(Silence {
        id: SilenceId::from_bytes(&row.get::<_, Vec<u8>>(0)?).ok_or_else(|| not_an_id(0))?,
        matcher,
        created_at: Timestamp::from_millis(row.get(2)?),
        until: Timestamp::from_millis(row.get(3)?),
        author: row.get(4)?,
        comment: row.get(5)?,
    })
}

/// The number of changes so far.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT coalesce(max(version), 0) FROM silence")?
        .query_row([], |row| row.get(0))?)
}

pub(super) fn in_force(connection: &Connection, now: Timestamp) -> Result<SilencesInForce, StoreError> {
    let silences = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM silence WHERE until > ?1 ORDER BY id"))?
        .query_map([now.as_millis()], silence)?
        .collect::<Result<_, _>>()?;
    Ok(SilencesInForce { version: version(connection)?, silences })
}

/// The row of a silence.
pub(super) fn row_of(connection: &Connection, id: SilenceId) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM silence WHERE key = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?)
}

pub(super) fn add(connection: &Connection, silence: &Silence) -> Result<(), StoreError> {
    let matcher = serde_json::to_string(&silence.matcher).expect("values with text keys always serialise");
    // The same silence of the same instant, typed twice, is one.
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO silence (key, version, matcher, created_at, until, author, comment)
             VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM silence), ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            silence.id.as_bytes(),
            matcher,
            silence.created_at.as_millis(),
            silence.until.as_millis(),
            silence.author,
            silence.comment
        ])?;
    Ok(())
}

pub(super) fn expire(connection: &Connection, id: SilenceId, now: Timestamp) -> Result<Expired, StoreError> {
    let until: Option<i64> = connection
        .prepare_cached("SELECT until FROM silence WHERE key = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    match until {
        None => return Ok(Expired::Unknown),
        Some(until) if until <= now.as_millis() => return Ok(Expired::Already),
        Some(_) => {}
    }
    connection
        .prepare_cached(
            "UPDATE silence SET until = ?2, version = (SELECT max(version) + 1 FROM silence) WHERE key = ?1",
        )?
        .execute(params![id.as_bytes(), now.as_millis()])?;
    Ok(Expired::Now)
}

/// Those in force; with `all`, those that have ended, too. The newest first.
pub(super) fn list(
    connection: &Connection,
    all: bool,
    now: Timestamp,
) -> Result<Vec<SilenceRow>, StoreError> {
    let query = format!(
        "SELECT {COLUMNS}, (SELECT count(*) FROM alert WHERE silence = s.id)
         FROM silence s WHERE ?1 OR until > ?2 ORDER BY s.id DESC"
    );
    let rows = connection
        .prepare_cached(&query)?
        .query_map(params![all, now.as_millis()], |row| {
            let Silence { id, matcher, created_at, until, author, comment } = silence(row)?;
            Ok(SilenceRow {
                id,
                in_force: until > now,
                matcher,
                until,
                author,
                comment,
                created_at,
                alerts: row.get::<_, i64>(6)?.unsigned_abs(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Removes silences that ended before an instant and muted nothing that is still known.
pub(super) fn remove(connection: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let removed = connection
        .prepare_cached(
            // The newest stays, for the count of changes must not go back.
            "DELETE FROM silence WHERE until < ?1 AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.silence = silence.id)
                 AND version < (SELECT max(version) FROM silence)",
        )?
        .execute([before.as_millis()])?;
    Ok(removed as u64)
}
