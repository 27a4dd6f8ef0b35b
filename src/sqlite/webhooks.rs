//! Webhooks: whether they take deliveries now, and how they have been doing.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::events;
use super::feeds::{instant, slug};
use crate::domain::alert::OperationsEvent;
use crate::domain::breaker::{self, News, Sign, Streak};
use crate::domain::delivery::{DeliveryState, Settlement};
use crate::domain::{Timestamp, WebhookId};
use crate::ports::StoreError;
use crate::ports::hand::{WebhookHealth, WebhookRow};
use crate::ports::outbox::AttemptRecord;
use crate::ports::reads::OpenDeliveries;

/// Why deliveries wait for a webhook that left the configuration.
const UNCONFIGURED: &str = "the webhook is not in the configuration";

/// What every reason begins with that a person or an answer disabled a webhook for.
const DISABLED: &str = "the webhook is disabled";

/// Why deliveries wait for a webhook that is tripped; one at a time of those that do probes it.
pub(super) const TRIPPED: &str = "the webhook is failing; one delivery at a time tries whether it is back";

/// Makes the known webhooks those of the configuration; deliveries to one that left wait for its return.
pub(super) fn sync(
    connection: &Connection,
    webhooks: &[WebhookId],
    now: Timestamp,
) -> Result<(), StoreError> {
    connection.execute("UPDATE webhook SET configured = 0", [])?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO webhook (slug, configured) VALUES (?1, 1) ON CONFLICT (slug) DO UPDATE SET configured = 1",
    )?;
    for webhook in webhooks {
        upsert.execute([webhook.as_str()])?;
    }
    hold_closed(connection)?;
    connection.execute(
        "UPDATE delivery SET reason = ?1 WHERE release_at IS NOT NULL
             AND webhook IN (SELECT slug FROM webhook WHERE configured = 0)",
        [UNCONFIGURED],
    )?;
    for webhook in webhooks {
        release(connection, webhook.as_str(), UNCONFIGURED, now)?;
    }
    Ok(())
}

/// Why a webhook takes no deliveries now, as an SQL expression on its row; NULL where it takes them.
fn closed_expression() -> String {
    format!(
        "CASE WHEN configured = 0 THEN '{UNCONFIGURED}'
              WHEN disabled_at IS NOT NULL THEN coalesce(disabled_reason, '{DISABLED}')
              WHEN tripped_at IS NOT NULL THEN '{TRIPPED}' END"
    )
}

/// Holds what waits for webhooks that take nothing now.
pub(super) fn hold_closed(connection: &Connection) -> Result<(), StoreError> {
    let closed = closed_expression();
    connection.execute(
        &format!(
            "UPDATE delivery SET state = 'held', due_at = NULL,
                 reason = (SELECT {closed} FROM webhook WHERE slug = delivery.webhook)
             WHERE state = 'pending' AND webhook IN (SELECT slug FROM webhook WHERE {closed} IS NOT NULL)"
        ),
        [],
    )?;
    Ok(())
}

/// Why a webhook takes no deliveries now, if so.
pub(super) fn closed(connection: &Connection, webhook: &str) -> Result<Option<String>, StoreError> {
    let why = connection
        .prepare_cached(&format!("SELECT {} FROM webhook WHERE slug = ?1", closed_expression()))?
        .query_row([webhook], |row| row.get(0))
        .optional()?;
    Ok(why.flatten())
}

/// Lets what was held for a reason that begins like this go, with a new round of retries; where the webhook
/// is closed for another reason, that is now what it waits for. Answers how many go.
fn release(connection: &Connection, webhook: &str, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
    let released = match closed(connection, webhook)? {
        Some(other) => {
            connection
                .prepare_cached(
                    "UPDATE delivery SET reason = ?3 WHERE webhook = ?1 AND state = 'held' AND message IS NOT NULL
                     AND substr(reason, 1, length(?2)) = ?2",
                )?
                .execute(params![webhook, reason, other])?;
            0
        }
        None => connection
            .prepare_cached(
                "UPDATE delivery SET state = 'pending', reason = NULL, round_started_at = ?3, round_attempts = 0,
                     due_at = CASE WHEN carrier IS NULL THEN ?3 END
                 WHERE webhook = ?1 AND state = 'held' AND message IS NOT NULL
                     AND substr(reason, 1, length(?2)) = ?2",
            )?
            .execute(params![webhook, reason, now.as_millis()])?,
    };
    Ok(released as u64)
}

/// Takes a webhook out of use; what waits for it is held until a person enables it. Answers whether it is known.
pub(super) fn disable(
    connection: &Connection,
    webhook: &str,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = connection
        .prepare_cached("UPDATE webhook SET disabled_at = ?2, disabled_reason = ?3 WHERE slug = ?1")?
        .execute(params![webhook, now.as_millis(), format!("{DISABLED}: {why}")])?;
    hold_closed(connection)?;
    // What waited for a better day waits for a person now.
    release(connection, webhook, TRIPPED, now)?;
    Ok(known > 0)
}

/// Brings a webhook back into use as if it had never failed.
pub(super) fn enable(
    connection: &Connection,
    webhook: &str,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let known = connection
        .prepare_cached(
            "UPDATE webhook SET disabled_at = NULL, disabled_reason = NULL, paused_until = 0, failures = 0,
                 failing_since = NULL, tripped_at = NULL, probes = 0, probe_at = NULL WHERE slug = ?1",
        )?
        .execute([webhook])?;
    if known == 0 {
        return Ok(None);
    }
    let tripped = release(connection, webhook, TRIPPED, now)?;
    Ok(Some(tripped + release(connection, webhook, DISABLED, now)?))
}

/// Finds the probe of a webhook (1) at an instant (2) among what is held for a reason (3). That the state is one of
/// four lets the index of open deliveries be used.
pub(super) const PROBE: &str = "SELECT d.id FROM delivery d
     WHERE d.webhook = ?1 AND d.message IS NOT NULL AND d.carrier IS NULL
       AND d.state IN ('pending', 'sending', 'held', 'dead') AND d.state IN ('held', 'sending')
       AND (d.state = 'held' AND d.reason = ?3 OR d.state = 'sending' AND d.due_at <= ?2)
       AND NOT EXISTS (SELECT 1 FROM delivery o WHERE o.webhook = ?1 AND o.state = 'sending' AND o.due_at > ?2
                          AND o.state IN ('pending', 'sending', 'held', 'dead'))
     ORDER BY d.id LIMIT 1";

/// The delivery that may probe a tripped webhook now: the oldest that waits, none while another is under way.
pub(super) fn probe(
    connection: &Connection,
    webhook: &WebhookId,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    // Asked with every claim: what stands in the webhook's row spares the look at its deliveries.
    let wanted: Option<bool> = connection
        .prepare_cached(
            "SELECT configured = 1 AND disabled_at IS NULL AND tripped_at IS NOT NULL AND probe_at <= ?2
                 AND paused_until <= ?2 AND start_after <= ?2 FROM webhook WHERE slug = ?1",
        )?
        .query_row(params![webhook.as_str(), now.as_millis()], |row| row.get(0))
        .optional()?
        .flatten();
    if wanted != Some(true) {
        return Ok(None);
    }
    Ok(connection
        .prepare_cached(PROBE)?
        .query_row(params![webhook.as_str(), now.as_millis(), TRIPPED], |row| row.get(0))
        .optional()?)
}

/// Writes what an attempt says about its webhook; answers what is to be told.
pub(super) fn observe(
    connection: &Connection,
    webhook: &str,
    probe: bool,
    record: &AttemptRecord,
    now: Timestamp,
) -> Result<Option<News>, StoreError> {
    let before = connection
        .prepare_cached(
            "SELECT failures, failing_since, tripped_at, probes, probe_at FROM webhook WHERE slug = ?1",
        )?
        .query_row([webhook], |row| {
            Ok(Streak {
                failures: row.get(0)?,
                failing_since: instant(row, 1)?,
                tripped_at: instant(row, 2)?,
                probes: row.get(3)?,
                probe_at: instant(row, 4)?,
            })
        })?;
    let (after, news) = breaker::observe(before, record.sign, probe, &record.breaker, now, record.jitter);
    let good = (record.sign == Sign::Good).then_some(now);
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    connection
        .prepare_cached(
            "UPDATE webhook SET failures = ?2, failing_since = ?3, tripped_at = ?4, probes = ?5, probe_at = ?6,
                 last_good_at = coalesce(?7, last_good_at), last_error = ?8 WHERE slug = ?1",
        )?
        .execute(params![
            webhook,
            after.failures,
            millis(after.failing_since),
            millis(after.tripped_at),
            after.probes,
            millis(after.probe_at),
            millis(good),
            record.why
        ])?;
    let own = match record.settlement {
        Settlement::RetryAt { at, pause_webhook: true } => Some(at),
        Settlement::RetryAt { .. } | Settlement::Delivered | Settlement::Dead { .. } => None,
    };
    if let Some(at) = own.max(record.pause) {
        connection
            .prepare_cached("UPDATE webhook SET paused_until = max(paused_until, ?2) WHERE slug = ?1")?
            .execute(params![webhook, at.as_millis()])?;
    }
    Ok(news)
}

/// What follows for the webhook's other deliveries, and what is told.
pub(super) fn after(
    connection: &Connection,
    webhook: &str,
    news: Option<News>,
    record: &AttemptRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let why = record.why.as_deref().unwrap_or("no reason was given");
    let gone = matches!(record.settlement, Settlement::Dead { disable_webhook: true, .. });
    let (kind, message) = match news {
        _ if gone => {
            disable(connection, webhook, &format!("its receiver is gone: {why}"), now)?;
            ("webhook.disabled", format!("{why}; it is disabled until `wirewatch webhooks enable {webhook}`"))
        }
        Some(News::Disabled) => {
            let long = "every attempt failed for too long";
            disable(connection, webhook, long, now)?;
            (
                "webhook.disabled",
                format!("{long}, the last: {why}; `wirewatch webhooks enable {webhook}` brings it back"),
            )
        }
        Some(News::Failing) => {
            hold_closed(connection)?;
            (
                "webhook.failing",
                format!("{} attempts failed in a row, the last: {why}", record.breaker.trip_after),
            )
        }
        Some(News::Recovered) => {
            resume(connection, webhook, now)?;
            ("webhook.recovered", "it accepts messages again".to_owned())
        }
        None => return Ok(()),
    };
    events::insert(connection, &OperationsEvent { kind, at: now, subject: webhook.to_owned(), message })
}

/// Lets what waited for a webhook to come back go: with the retries it had left, and time for them.
fn resume(connection: &Connection, webhook: &str, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE delivery SET state = 'pending', reason = NULL, round_started_at = ?3,
                 due_at = CASE WHEN carrier IS NULL THEN ?3 END
             WHERE webhook = ?1 AND state = 'held' AND reason = ?2 AND message IS NOT NULL",
        )?
        .execute(params![webhook, TRIPPED, now.as_millis()])?;
    Ok(())
}

/// Counts what has not ended well.
pub(super) fn open_deliveries(connection: &Connection) -> Result<Vec<OpenDeliveries>, StoreError> {
    let query = format!(
        "SELECT webhook, state, coalesce(hold, CASE WHEN state <> 'held' THEN NULL WHEN reason = '{TRIPPED}' THEN 'failing'
             WHEN reason = '{UNCONFIGURED}' THEN 'unconfigured' ELSE 'disabled' END) AS why,
             count(*), min(created_at), min(release_at)
         FROM delivery WHERE state IN ('pending', 'sending', 'held', 'dead') GROUP BY webhook, state, why
         ORDER BY webhook, state, why"
    );
    let rows = connection
        .prepare_cached(&query)?
        .query_map([], |row| {
            Ok(OpenDeliveries {
                webhook: slug(row, 0)?,
                state: row.get::<_, String>(1)?.parse().unwrap_or(DeliveryState::Pending),
                hold: row.get(2)?,
                count: row.get::<_, i64>(3)?.unsigned_abs(),
                oldest_at: Timestamp::from_millis(row.get(4)?),
                next_release_at: instant(row, 5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

pub(super) fn list(connection: &Connection, now: Timestamp) -> Result<Vec<WebhookRow>, StoreError> {
    let rows = connection
        .prepare_cached(
            "SELECT w.slug, w.configured, w.disabled_at, w.disabled_reason, w.failures, w.failing_since,
                 w.paused_until, w.tripped_at, w.probe_at, w.last_good_at, w.last_error,
                 count(*) FILTER (WHERE d.state IN ('pending', 'sending')), count(*) FILTER (WHERE d.state = 'held'),
                 count(*) FILTER (WHERE d.state = 'dead'), count(*) FILTER (WHERE d.state = 'delivered'),
                 min(d.release_at)
             FROM webhook w LEFT JOIN delivery d ON d.webhook = w.slug GROUP BY w.slug ORDER BY w.slug",
        )?
        .query_map([], |row| webhook_row(row, now))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

fn webhook_row(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<WebhookRow> {
    let paused_until = instant(row, 6)?.filter(|until| *until > now);
    let (tripped_at, last_good_at) = (instant(row, 7)?, instant(row, 9)?);
    let failures: u32 = row.get(4)?;
    let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
    let state = match () {
        () if !row.get::<_, bool>(1)? => WebhookHealth::Left,
        () if instant(row, 2)?.is_some() => WebhookHealth::Disabled,
        () if tripped_at.is_some() => WebhookHealth::Failing,
        () if paused_until.is_some() => WebhookHealth::Paused,
        () if failures > 0 => WebhookHealth::Unwell,
        () if last_good_at.is_none() => WebhookHealth::New,
        () => WebhookHealth::Ok,
    };
    Ok(WebhookRow {
        id: slug(row, 0)?,
        state,
        reason: row.get(3)?,
        failures,
        failing_since: instant(row, 5)?,
        paused_until,
        next_probe_at: instant(row, 8)?,
        last_good_at,
        last_error: row.get(10)?,
        pending: count(11)?,
        held: count(12)?,
        dead: count(13)?,
        delivered: count(14)?,
        next_release_at: instant(row, 15)?,
    })
}
