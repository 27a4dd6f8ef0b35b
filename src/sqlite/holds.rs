//! Deliveries that are held for a time, and their release together with others.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::articles::not_an_id;
use super::feeds::slug;
use super::{outbox, webhooks};
use crate::domain::alert::AlertContent;
use crate::domain::delivery::PlannedDelivery;
use crate::domain::hold::{self, History, Hold, HoldPolicy, Lane, Release, TopicHold, WebhookHold};
use crate::domain::topic::Severity;
use crate::domain::{DeliveryId, Timestamp, TopicId, WebhookId};
use crate::ports::StoreError;
use crate::ports::outbox::{HeldBatch, ReleasedMessage};

/// The most deliveries released together; the rest follows at once.
const BATCH: u32 = 500;

/// The name of the lane in which all waits that waits for a webhook; else it is that of a topic.
const WHOLE_WEBHOOK: &str = "";

/// Until when a delivery waits, and with what.
#[derive(Debug)]
pub(super) struct Held {
    at: Timestamp,
    hold: Hold,
    lane: String,
    why: String,
}

impl Held {
    fn of(release: Release, topic: &str) -> Option<Self> {
        match release {
            Release::Now => None,
            Release::At { at, hold, lane, why } => {
                Some(Self { at, hold, lane: lane_name(lane, topic).to_owned(), why })
            }
        }
    }
}

const fn lane_name(lane: Lane, topic: &str) -> &str {
    match lane {
        Lane::Webhook => WHOLE_WEBHOOK,
        Lane::Topic => topic,
    }
}

/// Decides, by what was sent and what waits, whether an alert waits.
pub(super) fn decide(
    connection: &Connection,
    policy: &HoldPolicy,
    content: &AlertContent,
    webhook: &str,
    now: Timestamp,
) -> Result<Option<Held>, StoreError> {
    let topic = content.topic.id.as_str();
    let history = history(connection, policy, (topic, webhook), now)?;
    Ok(Held::of(hold::hold(policy, content.alert.severity, now, &history), topic))
}

fn history(
    connection: &Connection,
    policy: &HoldPolicy,
    (topic, webhook): (&str, &str),
    now: Timestamp,
) -> Result<History, StoreError> {
    let opens = |lane: &str, hold: Hold| -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> = connection
            .prepare_cached(
                "SELECT min(release_at) FROM delivery
                 WHERE webhook = ?1 AND lane = ?2 AND hold = ?3 AND release_at IS NOT NULL",
            )?
            .query_row(params![webhook, lane, hold.as_str()], |row| row.get(0))?;
        Ok(at.map(Timestamp::from_millis))
    };
    let mut history = History::default();
    if let Some((lane, ..)) = policy.grouping() {
        let lane = lane_name(lane, topic);
        history.group_opens = opens(lane, Hold::Grouped)?;
        history.group_released_at = connection
            .prepare_cached("SELECT released_at FROM lane WHERE webhook = ?1 AND name = ?2")?
            .query_row([webhook, lane], |row| row.get(0))
            .optional()?
            .map(Timestamp::from_millis);
    }
    if let Some(rate) = policy.topic.rate {
        history.rate_opens = opens(topic, Hold::Rate)?;
        history.rate_nth_last = connection
            .prepare_cached(
                "SELECT created_at FROM message WHERE topic = ?1 AND webhook = ?2 AND created_at > ?3
                 ORDER BY created_at DESC LIMIT 1 OFFSET ?4",
            )?
            .query_row(
                params![topic, webhook, now.minus(rate.per).as_millis(), rate.count.saturating_sub(1)],
                |row| row.get(0),
            )
            .optional()?
            .map(Timestamp::from_millis);
    }
    Ok(history)
}

/// Writes a delivery that waits; its message is made when it goes.
pub(super) fn insert(
    connection: &Connection,
    alert: i64,
    planned: &PlannedDelivery,
    held: &Held,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO delivery (key, alert, webhook, state, reason, round_started_at, created_at, hold, lane, release_at)
             VALUES (?1, ?2, ?3, 'held', ?4, ?5, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            planned.id.as_bytes(),
            alert,
            planned.webhook.as_str(),
            held.why,
            now.as_millis(),
            held.hold.as_str(),
            held.lane,
            held.at.as_millis()
        ])?;
    Ok(())
}

/// Notes that an alert went by itself that is otherwise grouped.
pub(super) fn note_release(
    connection: &Connection,
    planned: &PlannedDelivery,
    topic: Option<&TopicId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let grouping = planned.hold.as_ref().and_then(|policy| policy.grouping());
    let (Some((lane, ..)), Some(topic)) = (grouping, topic) else { return Ok(()) };
    released(connection, planned.webhook.as_str(), lane_name(lane, topic.as_str()), now)
}

fn released(connection: &Connection, webhook: &str, lane: &str, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO lane (webhook, name, released_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (webhook, name) DO UPDATE SET released_at = max(released_at, ?3)",
        )?
        .execute(params![webhook, lane, now.as_millis()])?;
    Ok(())
}

/// What was held for these webhooks until now at the latest.
pub(super) fn due(
    connection: &Connection,
    webhooks: &[WebhookId],
    now: Timestamp,
) -> Result<Vec<HeldBatch>, StoreError> {
    let mut lanes = connection.prepare_cached(
        "SELECT DISTINCT lane FROM delivery WHERE webhook = ?1 AND release_at <= ?2 ORDER BY lane",
    )?;
    let mut batches = Vec::new();
    for webhook in webhooks {
        let names: Vec<String> = lanes
            .query_map(params![webhook.as_str(), now.as_millis()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for lane in names {
            batches.extend(batch(connection, webhook, &lane, now)?);
        }
    }
    Ok(batches)
}

fn batch(
    connection: &Connection,
    webhook: &WebhookId,
    lane: &str,
    now: Timestamp,
) -> Result<Option<HeldBatch>, StoreError> {
    let mut rows = connection.prepare_cached(
        "SELECT d.key, l.content, d.hold FROM delivery d JOIN alert l ON l.id = d.alert
         WHERE d.webhook = ?1 AND d.lane = ?2 AND d.release_at <= ?3 ORDER BY d.release_at, d.id LIMIT ?4",
    )?;
    let rows = rows.query_map(params![webhook.as_str(), lane, now.as_millis(), BATCH], |row| {
        let id = DeliveryId::from_bytes(&row.get::<_, Vec<u8>>(0)?).ok_or_else(|| not_an_id(0))?;
        let content: AlertContent = serde_json::from_str(&row.get::<_, String>(1)?).map_err(|problem| {
            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, problem.into())
        })?;
        Ok((id, content, row.get::<_, String>(2)?.parse().unwrap_or(Hold::Grouped)))
    })?;
    let rows: Vec<(DeliveryId, AlertContent, Hold)> = rows.collect::<Result<_, _>>()?;
    let Some(hold) = rows.iter().map(|(.., hold)| *hold).max() else { return Ok(None) };
    let mut alerts: Vec<_> = rows.into_iter().map(|(id, content, _)| (id, content)).collect();
    // What came in one poll stays in the order it was written in.
    alerts.sort_by_key(|(_, content)| (std::cmp::Reverse(content.alert.severity), content.alert.created_at));
    Ok(Some(HeldBatch { webhook: webhook.clone(), hold, topic: TopicId::parse(lane).ok(), alerts }))
}

/// Binds deliveries that were held to messages.
pub(super) fn release(
    connection: &Connection,
    messages: &[ReleasedMessage],
    now: Timestamp,
) -> Result<(), StoreError> {
    for message in messages {
        release_one(connection, message, now)?;
    }
    Ok(())
}

fn release_one(connection: &Connection, message: &ReleasedMessage, now: Timestamp) -> Result<(), StoreError> {
    let webhook = message.webhook.as_str();
    let rows: Vec<i64> =
        message.deliveries.iter().map(|id| held_row(connection, *id)).collect::<Result<_, _>>()?;
    let topic = message.topic.as_ref().map(TopicId::as_str);
    match &message.content {
        Ok(rendered) => {
            let bound = outbox::insert_message(connection, message.id, (webhook, topic), rendered, now)?;
            let closed = webhooks::closed(connection, webhook)?;
            let mut bind = connection.prepare_cached(
                "UPDATE delivery SET message = ?2, state = ?3, reason = ?4, due_at = ?5, carrier = ?6,
                     round_started_at = ?7, hold = NULL, lane = NULL, release_at = NULL WHERE id = ?1",
            )?;
            let state = if closed.is_some() { "held" } else { "pending" };
            let mut carrier: Option<i64> = None;
            for row in rows {
                let due_at = (closed.is_none() && carrier.is_none()).then_some(now.as_millis());
                bind.execute(params![row, bound, state, closed, due_at, carrier, now.as_millis()])?;
                carrier = carrier.or(Some(row));
            }
        }
        Err(why) => {
            let reason = format!("{}{why}", outbox::NOT_MADE);
            for row in rows {
                connection
                    .prepare_cached(
                        "UPDATE delivery SET state = 'dead', reason = ?2, hold = NULL, lane = NULL, release_at = NULL
                         WHERE id = ?1",
                    )?
                    .execute(params![row, reason])?;
                outbox::not_made(connection, row, why, now)?;
            }
        }
    }
    released(connection, webhook, topic.unwrap_or(WHOLE_WEBHOOK), now)
}

fn held_row(connection: &Connection, id: DeliveryId) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "SELECT id FROM delivery WHERE key = ?1 AND state = 'held' AND release_at IS NOT NULL",
        )?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?
        // A person sent it, or withdrew it, since it was read.
        .ok_or(StoreError::Conflict)
}

/// Decides anew, under another configuration, about all that is held for a time.
pub(super) fn hold_again(
    connection: &Connection,
    topics: &BTreeMap<TopicId, TopicHold>,
    webhooks: &BTreeMap<WebhookId, WebhookHold>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<Waiting> = connection
        .prepare_cached(
            "SELECT d.id, d.webhook, l.topic, l.severity, d.hold, d.release_at
             FROM delivery d JOIN alert l ON l.id = d.alert JOIN webhook w ON w.slug = d.webhook
             WHERE d.release_at IS NOT NULL AND w.configured = 1",
        )?
        .query_map([], waiting)?
        .collect::<Result<_, _>>()?;
    let mut change = connection.prepare_cached(
        "UPDATE delivery SET hold = ?2, lane = ?3, release_at = ?4, reason = ?5 WHERE id = ?1",
    )?;
    let mut go =
        connection.prepare_cached("UPDATE delivery SET release_at = min(release_at, ?2) WHERE id = ?1")?;
    let mut policy = HoldPolicy::default();
    let mut made_for = None;
    for row in rows {
        let key = (row.topic.clone(), row.webhook.clone());
        if made_for.as_ref() != Some(&key) {
            // A topic that left asks for nothing; its alerts still go.
            policy = HoldPolicy {
                topic: topics.get(&row.topic).cloned().unwrap_or_default(),
                webhook: webhooks.get(&row.webhook).cloned().unwrap_or_default(),
            };
            made_for = Some(key);
        }
        let release = hold::hold_again(&policy, row.severity, (row.hold, row.release_at), now);
        match Held::of(release, row.topic.as_str()) {
            Some(held) => {
                change.execute(params![
                    row.id,
                    held.hold.as_str(),
                    held.lane,
                    held.at.as_millis(),
                    held.why
                ])?;
            }
            None => {
                go.execute(params![row.id, now.as_millis()])?;
            }
        }
    }
    Ok(())
}

/// A delivery that is held for a time.
struct Waiting {
    id: i64,
    webhook: WebhookId,
    topic: TopicId,
    severity: Severity,
    hold: Hold,
    release_at: Timestamp,
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        id: row.get(0)?,
        webhook: slug(row, 1)?,
        topic: slug(row, 2)?,
        severity: row.get::<_, String>(3)?.parse().unwrap_or_default(),
        hold: row.get::<_, String>(4)?.parse().unwrap_or(Hold::Grouped),
        release_at: Timestamp::from_millis(row.get(5)?),
    })
}
