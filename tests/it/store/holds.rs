//! What is held for a time goes together, once, and can be seen until then; silences.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wirewatch::domain::delivery::{DeliveryState, Rate, Rendered, Settlement};
use wirewatch::domain::hold::{Hold, HoldPolicy, TopicHold, WebhookHold};
use wirewatch::domain::poll::PlannedArticle;
use wirewatch::domain::silence::{Silence, SilenceMatcher};
use wirewatch::domain::{DeliveryId, MessageId, SilenceId, Timestamp};
use wirewatch::ports::hand::{ByHand as _, Expired, Purge, Retry, RetryOutcome};
use wirewatch::ports::outbox::{HeldBatch, ReleasedMessage};
use wirewatch::ports::reads::{AlertState, DeliveryRow, Page};
use wirewatch::ports::{ConfigSync, RetentionPolicy, Store as _, StoreError};

use super::bed::{
    Bed, DAY, HOUR, LEASE, MINUTE, T0, alerting, at, attempted, delivery_id, new, plan, room, topic, webhook,
};

const ALL: Page = Page { since: None, limit: 0 };

fn grouping(wait: Duration, interval: Duration) -> HoldPolicy {
    let webhook = WebhookHold { group_wait: wait, group_interval: interval, ..WebhookHold::default() };
    HoldPolicy { webhook, ..HoldPolicy::default() }
}

fn rate(count: u32) -> HoldPolicy {
    let rate = Some(Rate { count, per: HOUR });
    HoldPolicy { topic: TopicHold { rate, ..TopicHold::default() }, ..HoldPolicy::default() }
}

/// A new article with an alert to these webhooks, held by this policy.
fn held(name: &str, to: &[&str], policy: &HoldPolicy, now: Timestamp) -> PlannedArticle {
    let mut article = alerting(new(name), "t", to, now);
    let policy = Arc::new(policy.clone());
    for delivery in &mut article.alerts[0].deliveries {
        delivery.hold = Some(Arc::clone(&policy));
    }
    article
}

async fn rows(bed: &Bed) -> Vec<DeliveryRow> {
    let mut rows = bed.store.list_deliveries(ALL, None).await.unwrap();
    rows.reverse();
    rows
}

async fn row(bed: &Bed, article: &str) -> DeliveryRow {
    rows(bed).await.into_iter().find(|row| row.id == delivery_id(article, "desk")).unwrap()
}

async fn due(bed: &Bed, now: Timestamp) -> Vec<HeldBatch> {
    bed.store.due_holds(vec![webhook("desk")], now).await.unwrap()
}

/// One message of a batch.
fn together(batch: &HeldBatch) -> ReleasedMessage {
    let deliveries: Vec<DeliveryId> = batch.alerts.iter().map(|(id, _)| *id).collect();
    ReleasedMessage {
        id: MessageId::derive(&deliveries),
        webhook: batch.webhook.clone(),
        topic: batch.topic.clone(),
        deliveries,
        content: Ok(Rendered { body: b"{}".to_vec(), content_type: "application/json" }),
    }
}

/// Releases everything that is due as one message.
async fn release(bed: &Bed, now: Timestamp) -> MessageId {
    let batches = due(bed, now).await;
    assert_eq!(batches.len(), 1, "{batches:?}");
    let message = together(&batches[0]);
    let id = message.id;
    bed.store.release_holds(vec![message], now).await.unwrap();
    id
}

/// A bed with the feed `a`, the webhook `desk` and these alerts, a minute apart.
async fn with_held(bed: &Bed, names: &[&str], policy: &HoldPolicy) {
    bed.configure(&["a"], &["desk"]).await;
    let articles = names.iter().map(|name| held(name, &["desk"], policy, T0)).collect();
    bed.poll(T0, articles).await.unwrap();
}

#[tokio::test]
async fn a_group_waits_goes_as_one_message_and_is_settled_as_one() {
    for bed in Bed::all() {
        with_held(&bed, &["x", "y", "z"], &grouping(MINUTE, HOUR)).await;
        let waiting = row(&bed, "x").await;
        assert_eq!((waiting.state, waiting.webhook_id, waiting.attempts), (DeliveryState::Held, None, 0));
        assert_eq!(waiting.next_attempt_at, Some(at(MINUTE)), "it is seen when it goes");
        assert!(waiting.reason.unwrap().contains("grouped"));
        assert_eq!(bed.store.list_alerts(ALL).await.unwrap()[0].state, AlertState::Held);
        let open = bed.store.open_deliveries().await.unwrap();
        assert_eq!((open[0].count, open[0].hold.as_deref()), (3, Some("grouped")));
        assert_eq!(open[0].next_release_at, Some(at(MINUTE)));
        let next = bed.store.delivery_due(vec![webhook("desk")]).await.unwrap();
        assert_eq!((next.attempt, next.release), (None, Some(at(MINUTE))));
        assert_eq!(bed.store.next_due().await.unwrap().delivery, Some(at(MINUTE)));
        assert!(due(&bed, at(MINUTE / 2)).await.is_empty());

        let id = release(&bed, at(MINUTE)).await;
        assert!(due(&bed, at(MINUTE)).await.is_empty());
        let claims =
            bed.store.claim_due_deliveries(at(MINUTE), LEASE, room(&[("desk", 10)])).await.unwrap().claims;
        assert_eq!(claims.len(), 1, "one request for all three");
        assert_eq!((claims[0].work().message, claims[0].work().round_started_at), (id, at(MINUTE)));
        assert!(rows(&bed).await.iter().all(|row| row.state == DeliveryState::Sending && row.attempts == 1));
        let retry = Settlement::RetryAt { at: at(2 * MINUTE), pause_webhook: false };
        bed.store.record_attempt(&claims[0], attempted(503, &retry), at(MINUTE)).await.unwrap();
        for row in rows(&bed).await {
            assert_eq!((row.state, row.last_status), (DeliveryState::Pending, Some(503)));
            assert_eq!((row.webhook_id, row.next_attempt_at), (Some(id), Some(at(2 * MINUTE))));
        }
        let claims = bed
            .store
            .claim_due_deliveries(at(2 * MINUTE), LEASE, room(&[("desk", 10)]))
            .await
            .unwrap()
            .claims;
        assert_eq!((claims.len(), claims[0].work().message, claims[0].work().attempt), (1, id, 2));
        bed.store
            .record_attempt(&claims[0], attempted(204, &Settlement::Delivered), at(2 * MINUTE))
            .await
            .unwrap();
        assert!(rows(&bed).await.iter().all(|row| row.state == DeliveryState::Delivered));
        for name in ["x", "y", "z"] {
            let shown = bed.store.show_delivery(delivery_id(name, "desk")).await.unwrap().unwrap();
            assert_eq!((shown.attempts.len(), shown.together), (2, Some(3)), "{name}");
        }
        assert_eq!(bed.store.next_due().await.unwrap().delivery, None);

        // Within the interval the next group gathers.
        let now = at(HOUR);
        bed.poll(now, vec![held("w", &["desk"], &grouping(MINUTE, HOUR), now)]).await.unwrap();
        assert_eq!(row(&bed, "w").await.next_attempt_at, Some(at(HOUR + MINUTE)));
    }
}

#[tokio::test]
async fn a_crash_between_release_and_receipt_repeats_the_same_message() {
    let bed = Bed::on_disk();
    with_held(&bed, &["x", "y"], &grouping(MINUTE, Duration::ZERO)).await;
    // Read and not written: the next process makes the same message of the same alerts.
    let before = together(&due(&bed, at(MINUTE)).await[0]).id;
    let bed = bed.after_a_crash();
    bed.store.recover(at(HOUR)).await.unwrap();
    let id = release(&bed, at(HOUR)).await;
    assert_eq!(id, before);
    let claims = bed.store.claim_due_deliveries(at(HOUR), LEASE, room(&[("desk", 1)])).await.unwrap().claims;
    assert_eq!(claims[0].work().message, id);
    // Sent, and the receipt lost.
    let bed = bed.after_a_crash();
    bed.store.recover(at(2 * HOUR)).await.unwrap();
    let claims =
        bed.store.claim_due_deliveries(at(2 * HOUR), LEASE, room(&[("desk", 10)])).await.unwrap().claims;
    assert_eq!((claims.len(), claims[0].work().message, claims[0].work().attempt), (1, id, 2));
}

#[tokio::test]
async fn what_goes_beyond_the_rate_waits_until_there_is_room_and_goes_as_one() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        let names = ["a", "b", "c", "d", "e"];
        bed.poll(T0, names.iter().map(|name| held(name, &["desk"], &rate(2), T0)).collect()).await.unwrap();
        let states: Vec<DeliveryState> = rows(&bed).await.iter().map(|row| row.state).collect();
        assert_eq!(states.iter().filter(|state| **state == DeliveryState::Pending).count(), 2);
        assert_eq!(states.iter().filter(|state| **state == DeliveryState::Held).count(), 3);
        let batch = due(&bed, at(HOUR)).await.remove(0);
        assert_eq!((batch.hold, batch.alerts.len(), batch.topic.clone()), (Hold::Rate, 3, Some(topic("t"))));
        assert!(due(&bed, at(MINUTE * 59)).await.is_empty());
        bed.store.release_holds(vec![together(&batch)], at(HOUR)).await.unwrap();
        // The digest counts as one.
        let now = at(HOUR + MINUTE);
        let more = ["f", "g"].iter().map(|name| held(name, &["desk"], &rate(2), now)).collect();
        bed.poll(now, more).await.unwrap();
        assert_eq!(row(&bed, "f").await.state, DeliveryState::Pending);
        assert_eq!(row(&bed, "g").await.next_attempt_at, Some(at(2 * HOUR)));
    }
}

#[tokio::test]
async fn another_configuration_decides_anew_and_a_webhook_that_left_keeps_what_waits() {
    for bed in Bed::all() {
        with_held(&bed, &["x"], &grouping(DAY, Duration::ZERO)).await;
        let sync = |webhooks: &[&str], wait: Duration| ConfigSync {
            webhooks: webhooks.iter().map(|name| webhook(name)).collect(),
            webhook_holds: BTreeMap::from([(webhook("desk"), grouping(wait, Duration::ZERO).webhook)]),
            ..ConfigSync::default()
        };
        bed.store.sync_config(sync(&["desk"], DAY), at(HOUR)).await.unwrap();
        assert_eq!(row(&bed, "x").await.next_attempt_at, Some(at(DAY)), "it does not begin to wait anew");
        bed.store.sync_config(sync(&[], DAY), at(HOUR)).await.unwrap();
        let left = row(&bed, "x").await;
        assert_eq!(left.state, DeliveryState::Held);
        assert!(left.reason.unwrap().contains("not in the configuration"));
        assert_eq!(bed.store.next_due().await.unwrap().delivery, None);
        bed.store.sync_config(sync(&["desk"], Duration::ZERO), at(2 * HOUR)).await.unwrap();
        assert_eq!(due(&bed, at(2 * HOUR)).await.len(), 1, "nothing holds it any more");
    }
}

#[tokio::test]
async fn held_alerts_meet_a_disabled_webhook_and_time_in_the_hold_is_not_counted() {
    for bed in Bed::all() {
        with_held(&bed, &["x", "y"], &grouping(MINUTE, Duration::ZERO)).await;
        bed.store.disable_webhook(&webhook("desk"), "on purpose".to_owned(), T0).await.unwrap();
        release(&bed, at(HOUR)).await;
        let waiting = row(&bed, "x").await;
        assert_eq!(waiting.state, DeliveryState::Held);
        assert!(waiting.reason.unwrap().contains("disabled"));
        assert_eq!(bed.store.enable_webhook(&webhook("desk"), at(DAY)).await.unwrap(), Some(2));
        let claims =
            bed.store.claim_due_deliveries(at(DAY), LEASE, room(&[("desk", 10)])).await.unwrap().claims;
        assert_eq!((claims.len(), claims[0].work().round_started_at), (1, at(DAY)));
        let dead = Settlement::Dead { reason: "gone", disable_webhook: true };
        bed.store.record_attempt(&claims[0], attempted(410, &dead), at(DAY)).await.unwrap();
        assert!(rows(&bed).await.iter().all(|row| row.state == DeliveryState::Dead));
        // Either of them brings the message back, once.
        bed.store.enable_webhook(&webhook("desk"), at(DAY)).await.unwrap();
        let all = bed.store.retry(Retry::Dead { since: None, webhook: None }, at(DAY)).await.unwrap();
        assert!(all.iter().all(|retried| retried.outcome == RetryOutcome::Queued), "{all:?}");
        let claims =
            bed.store.claim_due_deliveries(at(DAY), LEASE, room(&[("desk", 10)])).await.unwrap().claims;
        assert_eq!(claims.len(), 1);
    }
}

#[tokio::test]
async fn what_is_held_can_be_sent_or_withdrawn_by_hand() {
    for bed in Bed::all() {
        with_held(&bed, &["x", "y", "z"], &grouping(DAY, Duration::ZERO)).await;
        let batch = bed.store.due_holds(vec![webhook("desk")], at(DAY)).await.unwrap().remove(0);
        // Sent by itself: it gets a message of its own.
        let x = delivery_id("x", "desk");
        let content = Rendered { body: b"{}".to_vec(), content_type: "application/json" };
        bed.store.bind(x, MessageId::derive(&[x]), content, T0).await.unwrap();
        let sent = bed.store.retry(Retry::These { ids: vec![x], again: false }, T0).await.unwrap();
        assert_eq!(sent[0].outcome, RetryOutcome::Queued);
        let late = bed.store.release_holds(vec![together(&batch)], at(DAY)).await;
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
        assert_eq!(due(&bed, at(DAY)).await[0].alerts.len(), 2);
        let what = Purge { states: vec![DeliveryState::Held], webhook: None, before: None };
        assert_eq!(bed.store.purge(what, at(HOUR)).await.unwrap(), 2);
        assert!(due(&bed, at(DAY)).await.is_empty());
        assert_eq!(row(&bed, "y").await.state, DeliveryState::Cancelled);
    }
}

#[tokio::test]
async fn a_message_is_withdrawn_with_all_it_carries_and_what_waits_is_kept() {
    for bed in Bed::all() {
        with_held(&bed, &["x", "y"], &grouping(MINUTE, Duration::ZERO)).await;
        let policy = RetentionPolicy { articles_before: at(DAY), alerts_before: at(DAY), batch: 10 };
        bed.store.retain(policy).await.unwrap();
        assert_eq!(rows(&bed).await.len(), 2, "what is held is not too old");
        release(&bed, at(MINUTE)).await;
        let what = Purge { states: vec![DeliveryState::Pending], webhook: None, before: None };
        assert_eq!(bed.store.purge(what, at(HOUR)).await.unwrap(), 2);
        bed.store.retain(policy).await.unwrap();
        assert!(rows(&bed).await.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_made_a_message_is_dead_with_an_attempt_that_says_why() {
    for bed in Bed::all() {
        with_held(&bed, &["x"], &grouping(MINUTE, Duration::ZERO)).await;
        let batch = due(&bed, at(MINUTE)).await.remove(0);
        let message = ReleasedMessage { content: Err("the template fails".to_owned()), ..together(&batch) };
        bed.store.release_holds(vec![message], at(MINUTE)).await.unwrap();
        let dead = bed.store.show_delivery(delivery_id("x", "desk")).await.unwrap().unwrap();
        assert_eq!((dead.state, dead.attempts.len()), (DeliveryState::Dead, 1));
        assert_eq!(dead.attempts[0].error.as_deref(), Some("the template fails"));
        assert_eq!(dead.attempts[0].error_kind.as_deref(), Some("message"));
    }
}

fn silence(until: Timestamp) -> Silence {
    let matcher = SilenceMatcher { topics: vec![topic("t")], ..SilenceMatcher::default() };
    Silence {
        id: SilenceId::derive(&matcher, T0, "kim"),
        matcher,
        created_at: T0,
        until,
        author: "kim".to_owned(),
        comment: Some("maintenance".to_owned()),
    }
}

#[tokio::test]
async fn a_silenced_alert_is_kept_and_told_to_nobody_also_afterwards() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        let silence = silence(at(DAY));
        bed.store.add_silence(silence.clone()).await.unwrap();
        let in_force = bed.store.silences(T0).await.unwrap();
        assert_eq!(in_force.silences, std::slice::from_ref(&silence));
        assert!(bed.store.silences(at(DAY)).await.unwrap().silences.is_empty(), "it ends by itself");

        let mut article = alerting(new("x"), "t", &[], T0);
        article.alerts[0].silence = Some(silence.id);
        let claim = bed.claim_one(T0).await;
        // Planned before the silence was there: planned anew.
        let stale =
            bed.store.record_poll(&claim, plan(&claim, T0, vec![alerting(new("x"), "t", &[], T0)]), T0).await;
        assert!(matches!(stale, Err(StoreError::Conflict)), "{stale:?}");
        let mut fresh = plan(&claim, T0, vec![article]);
        fresh.silences = in_force.version;
        bed.store.record_poll(&claim, fresh, T0).await.unwrap();
        let alert = bed.store.list_alerts(ALL).await.unwrap().remove(0);
        assert_eq!((alert.state, alert.silence), (AlertState::Silenced, Some(silence.id)));
        assert!(rows(&bed).await.is_empty());

        assert_eq!(bed.store.expire_silence(silence.id, at(HOUR)).await.unwrap(), Expired::Now);
        assert_eq!(bed.store.expire_silence(silence.id, at(HOUR)).await.unwrap(), Expired::Already);
        assert_ne!(bed.store.silences(at(HOUR)).await.unwrap().version, in_force.version);
        assert!(rows(&bed).await.is_empty(), "what it muted stays untold");
        assert!(bed.store.list_silences(false, at(HOUR)).await.unwrap().is_empty());
        let listed = bed.store.list_silences(true, at(HOUR)).await.unwrap();
        assert_eq!((listed[0].alerts, listed[0].in_force), (1, false));
        assert_eq!(listed[0].comment.as_deref(), Some("maintenance"));
        let unknown = SilenceId::derive(&SilenceMatcher::default(), T0, "nobody");
        assert_eq!(bed.store.expire_silence(unknown, T0).await.unwrap(), Expired::Unknown);
    }
}
