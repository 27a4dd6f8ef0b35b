//! What a person looks at closely and changes by hand.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::articles::not_an_id;
use super::feeds::{instant, slug};
use super::{SqliteStore, lists, outbox, silences, webhooks};
use crate::domain::alert::AlertContent;
use crate::domain::delivery::{DeliveryState, Rendered};
use crate::domain::silence::Silence;
use crate::domain::{AlertId, DeliveryId, MessageId, SilenceId, Timestamp, WebhookId};
use crate::ports::StoreError;
use crate::ports::hand::{
    AlertDetail, AttemptRow, ByHand, DeliveryDetail, Expired, Purge, Retried, Retry, RetryOutcome,
    SilenceRow, WebhookRow,
};

#[async_trait]
impl ByHand for SqliteStore {
    async fn show_delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        self.read(move |connection| {
            let row = row_of(connection, id)?;
            row.map(|row| detail(connection, row)).transpose()
        })
        .await
    }

    async fn show_alert(&self, id: AlertId) -> Result<Option<AlertDetail>, StoreError> {
        self.read(move |connection| alert(connection, id)).await
    }

    async fn add_silence(&self, silence: Silence) -> Result<(), StoreError> {
        self.write(move |connection| silences::add(connection, &silence)).await
    }

    async fn expire_silence(&self, id: SilenceId, now: Timestamp) -> Result<Expired, StoreError> {
        self.write(move |connection| silences::expire(connection, id, now)).await
    }

    async fn list_silences(&self, all: bool, now: Timestamp) -> Result<Vec<SilenceRow>, StoreError> {
        self.read(move |connection| silences::list(connection, all, now)).await
    }

    async fn list_webhooks(&self, now: Timestamp) -> Result<Vec<WebhookRow>, StoreError> {
        self.read(move |connection| webhooks::list(connection, now)).await
    }

    async fn retry(&self, which: Retry, now: Timestamp) -> Result<Vec<Retried>, StoreError> {
        self.write(move |connection| retry(connection, &which, now)).await
    }

    async fn bind(
        &self,
        id: DeliveryId,
        message: MessageId,
        content: Rendered,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |connection| bind(connection, id, message, &content, now)).await
    }

    async fn purge(&self, what: Purge, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |connection| purge(connection, &what, now)).await
    }

    async fn disable_webhook(
        &self,
        id: &WebhookId,
        reason: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |connection| webhooks::disable(connection, id.as_str(), &reason, now)).await
    }

    async fn enable_webhook(&self, id: &WebhookId, now: Timestamp) -> Result<Option<u64>, StoreError> {
        let id = id.clone();
        self.write(move |connection| webhooks::enable(connection, id.as_str(), now)).await
    }
}

fn row_of(connection: &Connection, id: DeliveryId) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM delivery WHERE key = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?)
}

fn detail(connection: &Connection, row: i64) -> Result<DeliveryDetail, StoreError> {
    // Those of the one that carries the message.
    let carrier: i64 = connection
        .prepare_cached("SELECT coalesce(carrier, id) FROM delivery WHERE id = ?1")?
        .query_row([row], |row| row.get(0))?;
    let attempts = connection
        .prepare_cached(
            "SELECT number, started_at, ended_at, took, status, error_kind, error, retry_after, excerpt
             FROM attempt WHERE delivery = ?1 ORDER BY number",
        )?
        .query_map([carrier], attempt_row)?
        .collect::<Result<_, _>>()?;
    let mut detail = connection
        .prepare_cached(
            "SELECT d.key, m.key, l.key, e.kind, d.webhook, d.state, d.reason,
                 coalesce(d.due_at, d.release_at, (SELECT c.due_at FROM delivery c WHERE c.id = d.carrier)),
                 d.last_status, d.last_error, d.created_at, d.done_at, m.content_type, m.body,
                 (SELECT count(*) FROM delivery o WHERE o.message = d.message)
             FROM delivery d LEFT JOIN alert l ON l.id = d.alert LEFT JOIN event e ON e.id = d.event
                 LEFT JOIN message m ON m.id = d.message WHERE d.id = ?1",
        )?
        .query_row([row], detail_row)?;
    detail.attempts = attempts;
    Ok(detail)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number that is never negative.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs))
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        number: row.get(0)?,
        started_at: Timestamp::from_millis(row.get(1)?),
        ended_at: instant(row, 2)?,
        duration_ms: count(row, 3)?,
        status: row.get(4)?,
        error_kind: row.get(5)?,
        error: row.get(6)?,
        retry_after_ms: count(row, 7)?,
        response: row
            .get::<_, Option<Vec<u8>>>(8)?
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| text(&bytes)),
    })
}

fn detail_row(row: &Row<'_>) -> rusqlite::Result<DeliveryDetail> {
    let bytes = |column| row.get::<_, Option<Vec<u8>>>(column);
    Ok(DeliveryDetail {
        id: bytes(0)?.as_deref().and_then(DeliveryId::from_bytes).ok_or_else(|| not_an_id(0))?,
        webhook_id: bytes(1)?.as_deref().and_then(MessageId::from_bytes),
        alert: bytes(2)?.as_deref().and_then(AlertId::from_bytes),
        event: row.get(3)?,
        webhook: slug(row, 4)?,
        state: row.get::<_, String>(5)?.parse().unwrap_or(DeliveryState::Pending),
        reason: row.get(6)?,
        attempts: Vec::new(),
        next_attempt_at: instant(row, 7)?,
        last_status: row.get(8)?,
        last_error: row.get(9)?,
        created_at: Timestamp::from_millis(row.get(10)?),
        done_at: instant(row, 11)?,
        content_type: row.get(12)?,
        body: bytes(13)?.map(|body| text(&body)),
        together: count(row, 14)?.filter(|count| *count > 1),
    })
}

pub(super) fn alert(connection: &Connection, id: AlertId) -> Result<Option<AlertDetail>, StoreError> {
    let Some((row, content)) = lists::alert(connection, id)? else { return Ok(None) };
    let rows: Vec<i64> = connection
        .prepare_cached(
            "SELECT d.id FROM delivery d JOIN alert l ON l.id = d.alert WHERE l.key = ?1 ORDER BY d.webhook",
        )?
        .query_map([id.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let deliveries = rows.into_iter().map(|row| detail(connection, row)).collect::<Result<_, _>>()?;
    let content: AlertContent = content;
    Ok(Some(AlertDetail { row, content, deliveries }))
}

fn retry(connection: &Connection, which: &Retry, now: Timestamp) -> Result<Vec<Retried>, StoreError> {
    let (ids, again) = match which {
        Retry::These { ids, again } => (ids.clone(), *again),
        Retry::Dead { since, webhook } => (dead(connection, *since, webhook.as_ref())?, false),
    };
    ids.into_iter().map(|id| Ok(Retried { id, outcome: retry_one(connection, id, again, now)? })).collect()
}

fn dead(
    connection: &Connection,
    since: Option<Timestamp>,
    webhook: Option<&WebhookId>,
) -> Result<Vec<DeliveryId>, StoreError> {
    let since = since.map_or(i64::MIN, Timestamp::as_millis);
    let ids = connection
        .prepare_cached(
            "SELECT key FROM delivery WHERE state = 'dead' AND coalesce(done_at, created_at) >= ?1
                 AND (?2 IS NULL OR webhook = ?2) ORDER BY id",
        )?
        .query_map(params![since, webhook.map(WebhookId::as_str)], |row| {
            DeliveryId::from_bytes(&row.get::<_, Vec<u8>>(0)?).ok_or_else(|| not_an_id(0))
        })?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}

fn retry_one(
    connection: &Connection,
    id: DeliveryId,
    again: bool,
    now: Timestamp,
) -> Result<RetryOutcome, StoreError> {
    // Those that share a message are sent again with it.
    let found: Option<(i64, String, String, bool)> = connection
        .prepare_cached(
            "SELECT coalesce(carrier, id), webhook, state, message IS NOT NULL FROM delivery WHERE key = ?1",
        )?
        .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((row, webhook, state, has_message)) = found else { return Ok(RetryOutcome::Unknown) };
    match state.parse() {
        Ok(DeliveryState::Sending) => return Ok(RetryOutcome::Sending),
        Ok(DeliveryState::Delivered) if !again => return Ok(RetryOutcome::Delivered),
        _ if !has_message => return Ok(RetryOutcome::NoMessage),
        _ => {}
    }
    let closed = webhooks::closed(connection, &webhook)?;
    let (state, due) = if closed.is_some() { ("held", None) } else { ("pending", Some(now.as_millis())) };
    connection
        .prepare_cached(
            "UPDATE delivery SET state = ?2, reason = ?3, due_at = iif(id = ?1, ?4, NULL), round_started_at = ?5,
                 round_attempts = 0, done_at = NULL, claim = NULL, hold = NULL, lane = NULL, release_at = NULL
             WHERE id = ?1 OR carrier = ?1",
        )?
        .execute(params![row, state, closed, due, now.as_millis()])?;
    Ok(closed.map_or(RetryOutcome::Queued, |reason| RetryOutcome::Held { reason }))
}

fn bind(
    connection: &Connection,
    id: DeliveryId,
    message: MessageId,
    content: &Rendered,
    now: Timestamp,
) -> Result<(), StoreError> {
    let webhook: String = connection
        .prepare_cached("SELECT webhook FROM delivery WHERE key = ?1 AND message IS NULL")?
        .query_row([id.as_bytes()], |row| row.get(0))?;
    let message = outbox::insert_message(connection, message, (&webhook, None), content, now)?;
    connection
        .prepare_cached("UPDATE delivery SET message = ?2 WHERE key = ?1")?
        .execute(params![id.as_bytes(), message])?;
    Ok(())
}

fn purge(connection: &Connection, what: &Purge, now: Timestamp) -> Result<u64, StoreError> {
    let before = what.before.map_or(i64::MAX, Timestamp::as_millis);
    let mut withdraw = connection.prepare_cached(
        "UPDATE delivery SET state = 'cancelled', reason = 'withdrawn by hand', due_at = NULL, claim = NULL,
             done_at = ?4, hold = NULL, lane = NULL, release_at = NULL
         WHERE state = ?1 AND (?2 IS NULL OR webhook = ?2) AND created_at < ?3 AND carrier IS NULL",
    )?;
    // What shares a message with one that is withdrawn was in it, and goes with it.
    let mut followers = connection.prepare_cached(
        "UPDATE delivery SET state = 'cancelled', reason = 'withdrawn by hand', done_at = ?2
         WHERE state = ?1 AND carrier IN (SELECT id FROM delivery WHERE state = 'cancelled' AND done_at = ?2)",
    )?;
    let mut count = 0;
    for state in &what.states {
        let webhook = what.webhook.as_ref().map(WebhookId::as_str);
        count += withdraw.execute(params![state.as_str(), webhook, before, now.as_millis()])?;
        count += followers.execute(params![state.as_str(), now.as_millis()])?;
    }
    Ok(count as u64)
}
