//! What happened to wirewatch itself, and who is told of it.

use rusqlite::{Connection, params};

use super::outbox::{self, Subject};
use crate::domain::Timestamp;
use crate::domain::alert::{OPERATIONS, OperationsEvent};
use crate::domain::delivery::PlannedDelivery;
use crate::ports::StoreError;
use crate::ports::outbox::{EventRow, StoredEvent};

/// Events told in one go.
const BATCH: u32 = 64;

pub(super) fn insert(connection: &Connection, event: &OperationsEvent) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO event (kind, subject, message, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![event.kind, event.subject, event.message, event.at.as_millis()])?;
    Ok(())
}

pub(super) fn untold(connection: &Connection) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = connection
        .prepare_cached(
            "SELECT id, kind, subject, message, at FROM event WHERE told = 0 ORDER BY id LIMIT ?1",
        )?
        .query_map([BATCH], |row| {
            let kind: String = row.get(1)?;
            let event = OperationsEvent {
                kind: OPERATIONS.into_iter().find(|known| **known == kind).unwrap_or("test"),
                subject: row.get(2)?,
                message: row.get(3)?,
                at: Timestamp::from_millis(row.get(4)?),
            };
            Ok(StoredEvent { row: EventRow(row.get(0)?), event })
        })?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

pub(super) fn tell(
    connection: &Connection,
    event: EventRow,
    deliveries: &[PlannedDelivery],
    now: Timestamp,
) -> Result<(), StoreError> {
    let first = connection
        .prepare_cached("UPDATE event SET told = 1 WHERE id = ?1 AND told = 0")?
        .execute([event.0])?;
    if first > 0 {
        for delivery in deliveries {
            outbox::insert(connection, Subject::Event(event.0), delivery, now)?;
        }
    }
    Ok(())
}
