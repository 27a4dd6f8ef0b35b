//! The outbox: deliveries, their messages and attempts, and the state of webhooks.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::articles::not_an_id;
use super::feeds::{instant, slug};
use super::{holds, webhooks};
use crate::domain::alert::AlertContent;
use crate::domain::breaker::News;
use crate::domain::delivery::{ClaimedDelivery, PlannedDelivery, PostOutcome, Rendered, Settlement};
use crate::domain::{DeliveryId, MessageId, Timestamp, TopicId, WebhookId};
use crate::ports::outbox::{AttemptRecord, Claimed, Due, Permit};
use crate::ports::{Claim, StoreError};

/// Gives the claims of a former process back: nobody knows whether those requests arrived, so they are
/// sent again under the same id.
pub(super) fn recover(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE attempt SET ended_at = ?1, error_kind = 'interrupted', error = 'wirewatch ended before the answer came'
         WHERE ended_at IS NULL",
        [now.as_millis()],
    )?;
    connection.execute(
        "UPDATE delivery SET state = 'pending', claim = NULL, due_at = CASE WHEN carrier IS NULL THEN ?1 END
         WHERE state = 'sending'",
        [now.as_millis()],
    )?;
    webhooks::hold_closed(connection)
}

/// What a delivery carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    /// An alert: its row, and what it says.
    Alert(i64, &'a AlertContent),
    /// The row of an operational event.
    Event(i64),
}

/// Writes a delivery with its message. Where the message could not be made it is dead from the start; where
/// the webhook takes none now, or the alert is to go with others, it is held.
pub(super) fn insert(
    connection: &Connection,
    subject: Subject<'_>,
    planned: &PlannedDelivery,
    now: Timestamp,
) -> Result<(), StoreError> {
    let webhook = planned.webhook.as_str();
    let (alert, event, topic) = match subject {
        Subject::Alert(row, content) => (Some(row), None, Some(&content.topic.id)),
        Subject::Event(row) => (None, Some(row), None),
    };
    if let (Some(policy), Subject::Alert(row, content)) = (&planned.hold, subject)
        && let Some(hold) = holds::decide(connection, policy, content, webhook, now)?
    {
        return holds::insert(connection, row, planned, &hold, now);
    }
    let counted = topic.filter(|_| planned.hold.as_ref().is_some_and(|hold| hold.topic.rate.is_some()));
    let message = match &planned.content {
        Ok(rendered) => {
            let counted = counted.map(TopicId::as_str);
            Some(insert_message(connection, planned.message, (webhook, counted), rendered, now)?)
        }
        Err(_) => None,
    };
    let closed = webhooks::closed(connection, webhook)?;
    let (state, reason, due_at) = match (&planned.content, closed) {
        (Err(why), _) => ("dead", Some(format!("{NOT_MADE}{why}")), None),
        (Ok(_), Some(why)) => ("held", Some(why), None),
        (Ok(_), None) => ("pending", None, Some(now.as_millis())),
    };
    connection
        .prepare_cached(
            "INSERT INTO delivery (key, alert, webhook, message, state, reason, round_started_at, due_at, created_at, event)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?9)",
        )?
        .execute(params![
            planned.id.as_bytes(),
            alert,
            webhook,
            message,
            state,
            reason,
            now.as_millis(),
            due_at,
            event
        ])?;
    if let Err(why) = &planned.content {
        not_made(connection, connection.last_insert_rowid(), why, now)?;
    }
    if planned.hold.is_some() {
        // Grouped from the next one on.
        holds::note_release(connection, planned, topic, now)?;
    }
    Ok(())
}

/// What the reason of a delivery begins with whose message could not be made.
pub(super) const NOT_MADE: &str = "the message could not be made: ";

/// Writes the attempt that ended before there was a request.
pub(super) fn not_made(
    connection: &Connection,
    delivery: i64,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let number: u32 = connection
        .prepare_cached(
            "UPDATE delivery SET attempts = attempts + 1, last_error = ?2, done_at = ?3 WHERE id = ?1 RETURNING attempts",
        )?
        .query_row(params![delivery, why, now.as_millis()], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO attempt (delivery, number, started_at, ended_at, took, error_kind, error)
             VALUES (?1, ?2, ?3, ?3, 0, 'message', ?4)",
        )?
        .execute(params![delivery, number, now.as_millis(), why])?;
    Ok(())
}

/// Writes a message and answers its row; with a topic whose rate counts it.
pub(super) fn insert_message(
    connection: &Connection,
    id: MessageId,
    (webhook, counted): (&str, Option<&str>),
    content: &Rendered,
    now: Timestamp,
) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO message (key, webhook, body, content_type, created_at, topic) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id.as_bytes(),
            webhook,
            content.body,
            content.content_type,
            now.as_millis(),
            counted
        ])?;
    Ok(connection.last_insert_rowid())
}

/// When something is to be sent to a webhook, as an SQL expression on its row. Must never be past while
/// nothing can be claimed: the dispatcher would look again and again.
fn due_expression() -> String {
    format!(
        "CASE WHEN w.configured = 0 OR w.disabled_at IS NOT NULL THEN NULL
         WHEN w.tripped_at IS NULL THEN
             (SELECT max(min(d.due_at), w.paused_until, w.start_after) FROM delivery d
              WHERE d.webhook = w.slug AND d.state IN ('pending', 'sending'))
         ELSE (SELECT max(coalesce((SELECT max(d.due_at) FROM delivery d WHERE {open} AND d.state = 'sending'), 0),
                          w.probe_at, w.paused_until, w.start_after)
               WHERE EXISTS (SELECT 1 FROM delivery d WHERE {open} AND d.state = 'sending')
                  OR EXISTS (SELECT 1 FROM delivery d WHERE {open} AND d.state = 'held' AND d.reason = '{tripped}'))
         END",
        // That the state is one of four lets the index of open deliveries be used.
        open = "d.webhook = w.slug AND d.state IN ('pending', 'sending', 'held', 'dead')",
        tripped = webhooks::TRIPPED
    )
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let (attempt, release): (Option<i64>, Option<i64>) = connection
        .prepare_cached(&format!(
            "SELECT min({}), (SELECT min(d.release_at) FROM delivery d JOIN webhook w ON w.slug = d.webhook
                              WHERE d.release_at IS NOT NULL AND w.configured = 1) FROM webhook w",
            due_expression()
        ))?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(attempt.into_iter().chain(release).min().map(Timestamp::from_millis))
}

/// When something is due to one of these webhooks.
pub(super) fn due_of(connection: &Connection, webhooks: &[WebhookId]) -> Result<Due, StoreError> {
    let query = format!(
        "SELECT {}, (SELECT min(release_at) FROM delivery WHERE webhook = ?1 AND release_at IS NOT NULL)
         FROM webhook w WHERE slug = ?1",
        due_expression()
    );
    let mut query = connection.prepare_cached(&query)?;
    let mut first = Due::default();
    for webhook in webhooks {
        let due = query
            .query_row([webhook.as_str()], |row| {
                Ok(Due { attempt: instant(row, 0)?, release: instant(row, 1)? })
            })
            .optional()?
            .unwrap_or_default();
        first.attempt = first.attempt.into_iter().chain(due.attempt).min();
        first.release = first.release.into_iter().chain(due.release).min();
    }
    Ok(first)
}

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    lease: Duration,
    permits: &[Permit],
) -> Result<Claimed, StoreError> {
    let mut due = connection.prepare_cached(
        "SELECT d.id FROM delivery d JOIN webhook w ON w.slug = d.webhook
         WHERE d.webhook = ?1 AND d.state IN ('pending', 'sending') AND d.due_at <= ?2 AND w.configured = 1
           AND w.disabled_at IS NULL AND w.tripped_at IS NULL AND w.paused_until <= ?2 AND w.start_after <= ?2
         ORDER BY d.due_at LIMIT ?3",
    )?;
    let mut start = connection.prepare_cached("UPDATE webhook SET start_after = ?2 WHERE slug = ?1")?;
    let mut claims = Vec::new();
    let (mut full, mut roomy) = (Vec::new(), Vec::new());
    for Permit { webhook, room: most, spacing } in permits {
        let before = claims.len();
        let room = if spacing.is_zero() { *most } else { 1.min(*most) };
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let rows: Vec<i64> = due
            .query_map(params![webhook.as_str(), now.as_millis(), limit], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        // Where something is due the webhook is not tripped.
        let probe =
            if room > 0 && rows.is_empty() { webhooks::probe(connection, webhook, now)? } else { None };
        let something = probe.is_some() || !rows.is_empty();
        if something && !spacing.is_zero() {
            start.execute(params![webhook.as_str(), now.plus(*spacing).as_millis()])?;
        }
        for row in rows {
            claims.push(claim_row(connection, row, false, now, lease)?);
        }
        if let Some(row) = probe {
            claims.push(claim_row(connection, row, true, now, lease)?);
        }
        let side = if claims.len() - before >= *most { &mut full } else { &mut roomy };
        side.push(webhook.clone());
    }
    let next = due_of(connection, &roomy)?;
    let untold = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE told = 0)")?
        .query_row([], |row| row.get(0))?;
    Ok(Claimed { claims, next, full, untold })
}

/// Takes one delivery under a lease and writes the row of its attempt.
fn claim_row(
    connection: &Connection,
    row: i64,
    probe: bool,
    now: Timestamp,
    lease: Duration,
) -> Result<Claim<ClaimedDelivery>, StoreError> {
    let (mut delivery, lapsed) = connection
        .prepare_cached(
            "SELECT d.key, d.webhook, m.key, m.body, m.content_type, d.attempts, d.round_attempts, d.round_started_at,
                 d.state = 'sending'
             FROM delivery d JOIN message m ON m.id = d.message WHERE d.id = ?1",
        )?
        .query_row([row], |row| Ok((claimed_delivery(row, probe)?, row.get::<_, bool>(8)?)))?;
    delivery.attempt += 1;
    delivery.round_attempt += 1;
    let token: i64 = connection
        .prepare_cached(
            "UPDATE delivery SET state = 'sending', claim = random(), due_at = ?2, attempts = ?3, round_attempts = ?4
             WHERE id = ?1 RETURNING claim",
        )?
        .query_row(
            params![row, now.plus(lease).as_millis(), delivery.attempt, delivery.round_attempt],
            |row| row.get(0),
        )?;
    connection
        .prepare_cached("UPDATE delivery SET state = 'sending', attempts = attempts + 1 WHERE carrier = ?1")?
        .execute([row])?;
    if lapsed {
        // It was never answered for.
        connection
            .prepare_cached(
                "UPDATE attempt SET ended_at = ?2, error_kind = 'interrupted', error = 'no outcome was recorded in time'
                 WHERE delivery = ?1 AND ended_at IS NULL",
            )?
            .execute(params![row, now.as_millis()])?;
    }
    connection
        .prepare_cached("INSERT INTO attempt (delivery, number, started_at) VALUES (?1, ?2, ?3)")?
        .execute(params![row, delivery.attempt, now.as_millis()])?;
    Ok(Claim::new(token, delivery))
}

fn claimed_delivery(row: &Row<'_>, probe: bool) -> rusqlite::Result<ClaimedDelivery> {
    let bytes = |column: usize| row.get::<_, Vec<u8>>(column);
    Ok(ClaimedDelivery {
        id: DeliveryId::from_bytes(&bytes(0)?).ok_or_else(|| not_an_id(0))?,
        webhook: slug(row, 1)?,
        message: MessageId::from_bytes(&bytes(2)?).ok_or_else(|| not_an_id(2))?,
        body: row.get(3)?,
        content_type: row.get(4)?,
        attempt: row.get(5)?,
        round_attempt: row.get(6)?,
        round_started_at: Timestamp::from_millis(row.get(7)?),
        probe,
    })
}

/// The most of an answer that is kept.
const EXCERPT_BYTES: usize = 4096;

pub(super) fn record(
    connection: &Connection,
    token: i64,
    id: DeliveryId,
    (attempt, probe): (u32, bool),
    record: &AttemptRecord,
    now: Timestamp,
) -> Result<Option<News>, StoreError> {
    let (row, webhook): (i64, String) = connection
        .prepare_cached(
            "SELECT id, webhook FROM delivery WHERE key = ?1 AND claim = ?2 AND state = 'sending'",
        )?
        .query_row(params![id.as_bytes(), token], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::LeaseLost)?;
    let status = close_attempt(connection, row, attempt, record, now)?;
    // The webhook first: whether the delivery may be tried again depends on it.
    let news = webhooks::observe(connection, &webhook, probe, record, now)?;
    settle_row(connection, row, &webhook, status, record, now)?;
    webhooks::after(connection, &webhook, news, record, now)?;
    Ok(news)
}

/// Writes where an attempt leaves its delivery.
fn settle_row(
    connection: &Connection,
    row: i64,
    webhook: &str,
    status: Option<u16>,
    record: &AttemptRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (state, reason, due_at, done_at) = match &record.settlement {
        Settlement::Delivered => ("delivered", None, None, Some(now)),
        // The webhook may have been disabled, or have left, while the attempt was under way.
        Settlement::RetryAt { at, .. } => match webhooks::closed(connection, webhook)? {
            None => ("pending", None, Some(*at), None),
            Some(why) => ("held", Some(why), None, None),
        },
        Settlement::Dead { reason, .. } => ("dead", Some((*reason).to_owned()), None, Some(now)),
    };
    connection
        .prepare_cached(
            "UPDATE delivery SET state = ?2, reason = ?3, due_at = ?4, done_at = ?5, claim = NULL, last_status = ?6,
                 last_error = ?7, round_attempts = max(round_attempts - ?8, 0) WHERE id = ?1",
        )?
        .execute(params![
            row,
            state,
            reason,
            due_at.map(Timestamp::as_millis),
            done_at.map(Timestamp::as_millis),
            status,
            record.why,
            u8::from(!record.spent)
        ])?;
    connection
        .prepare_cached(
            "UPDATE delivery SET state = ?2, reason = ?3, done_at = ?4, last_status = ?5, last_error = ?6
             WHERE carrier = ?1",
        )?
        .execute(params![row, state, reason, done_at.map(Timestamp::as_millis), status, record.why])?;
    Ok(())
}

fn close_attempt(
    connection: &Connection,
    delivery: i64,
    number: u32,
    record: &AttemptRecord,
    now: Timestamp,
) -> Result<Option<u16>, StoreError> {
    let (status, kind, retry_after, excerpt, took) = match &record.outcome {
        PostOutcome::Answered { status, retry_after, excerpt, took } => {
            (Some(*status), None, *retry_after, Some(&excerpt[..excerpt.len().min(EXCERPT_BYTES)]), took)
        }
        PostOutcome::Failed { kind, took, .. } => (None, Some(kind.as_str()), None, None, took),
    };
    connection
        .prepare_cached(
            "UPDATE attempt SET ended_at = ?3, status = ?4, error_kind = ?5, error = ?6, retry_after = ?7, excerpt = ?8,
                 took = ?9
             WHERE delivery = ?1 AND number = ?2",
        )?
        .execute(params![
            delivery,
            number,
            now.as_millis(),
            status,
            kind,
            record.why,
            retry_after.map(millis),
            excerpt,
            millis(*took)
        ])?;
    Ok(status)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open::open_memory;

    /// There may be as many deliveries as alerts of a year.
    #[test]
    fn what_the_dispatcher_asks_at_every_turn_reads_no_whole_table() {
        let connection = open_memory().expect("memory");
        let due = format!("SELECT {} FROM webhook w WHERE slug = ?1", due_expression());
        for query in [due.as_str(), webhooks::PROBE] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("a plan");
            let mut steps = plan.raw_query();
            while let Some(step) = steps.next().expect("a step") {
                let step: String = step.get(3).expect("what it does");
                assert!(!step.starts_with("SCAN") || step == "SCAN CONSTANT ROW", "{step} in {query}");
            }
        }
    }
}
