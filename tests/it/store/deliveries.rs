//! The outbox: every alert's delivery can be seen until it ends.

use std::time::Duration;

use wirewatch::domain::alert::OperationsEvent;
use wirewatch::domain::breaker::{BreakerPolicy, News};
use wirewatch::domain::delivery::{ClaimedDelivery, DeliveryState, PlannedDelivery, Rendered, Settlement};
use wirewatch::domain::poll::PollPlan;
use wirewatch::domain::{DeliveryId, MessageId, Timestamp};
use wirewatch::ports::outbox::AttemptRecord;
use wirewatch::ports::reads::{DeliveryRow, Page};
use wirewatch::ports::{Claim, RetentionPolicy, Store as _, StoreError};

use super::bed::{
    Bed, CALM, HOUR, LEASE, MINUTE, T0, alerting, at, attempted, delivery_id, new, plan, room, webhook,
};

const ALL: Page = Page { since: None, limit: 0 };

/// A store with one alert for each name, each delivered to these webhooks.
async fn with_alerts(bed: &Bed, articles: &[&str], webhooks: &[&str]) {
    bed.configure(&["a"], webhooks).await;
    let articles = articles.iter().map(|name| alerting(new(name), "t", webhooks, T0)).collect();
    bed.poll(T0, articles).await.unwrap();
}

async fn claim(bed: &Bed, now: Timestamp, permits: &[(&str, usize)]) -> Vec<Claim<ClaimedDelivery>> {
    bed.store.claim_due_deliveries(now, LEASE, room(permits)).await.unwrap().claims
}

async fn settle(bed: &Bed, claim: &Claim<ClaimedDelivery>, settlement: Settlement, now: Timestamp) {
    let status = if settlement == Settlement::Delivered { 204 } else { 500 };
    bed.store.record_attempt(claim, attempted(status, &settlement), now).await.unwrap();
}

async fn row(bed: &Bed, article: &str, to: &str) -> DeliveryRow {
    let rows = bed.store.list_deliveries(ALL, None).await.unwrap();
    rows.into_iter().find(|row| row.id == delivery_id(article, to)).unwrap()
}

fn retry(after: Duration) -> Settlement {
    Settlement::RetryAt { at: at(after), pause_webhook: false }
}

const GONE: Settlement = Settlement::Dead { reason: "gone", disable_webhook: true };

#[tokio::test]
async fn a_delivery_is_pending_then_sending_then_delivered() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x"], &["desk"]).await;
        let waiting = row(&bed, "x", "desk").await;
        assert_eq!((waiting.state, waiting.attempts), (DeliveryState::Pending, 0));
        assert_eq!(waiting.next_attempt_at, Some(T0));

        let claims = claim(&bed, T0, &[("desk", 10)]).await;
        let work = claims[0].work();
        assert_eq!((work.id, Some(work.message)), (waiting.id, waiting.webhook_id));
        assert_eq!((work.attempt, work.round_attempt, work.round_started_at), (1, 1, T0));
        assert_eq!(
            (work.body.as_slice(), work.content_type.as_str()),
            (&b"{\"to\":\"desk\"}"[..], "application/json")
        );
        assert_eq!(row(&bed, "x", "desk").await.state, DeliveryState::Sending);
        assert!(claim(&bed, T0, &[("desk", 10)]).await.is_empty(), "it is under way");

        settle(&bed, &claims[0], Settlement::Delivered, at(MINUTE)).await;
        let done = row(&bed, "x", "desk").await;
        assert_eq!((done.state, done.attempts, done.last_status), (DeliveryState::Delivered, 1, Some(204)));
        assert_eq!((done.next_attempt_at, done.last_error), (None, None));
        assert_eq!(bed.store.next_due().await.unwrap().delivery, None);
        let twice = bed.store.record_attempt(&claims[0], attempted(500, &retry(HOUR)), T0).await;
        assert!(matches!(twice, Err(StoreError::LeaseLost)), "{twice:?}");
    }
}

#[tokio::test]
async fn a_failed_attempt_is_made_again_when_it_is_due_under_the_same_id() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x"], &["desk"]).await;
        let first = claim(&bed, T0, &[("desk", 1)]).await.remove(0);
        settle(&bed, &first, retry(MINUTE), T0).await;
        let waiting = row(&bed, "x", "desk").await;
        assert_eq!((waiting.state, waiting.next_attempt_at), (DeliveryState::Pending, Some(at(MINUTE))));
        assert_eq!(waiting.last_error.as_deref(), Some("answered 500"));
        assert_eq!(bed.store.next_due().await.unwrap().delivery, Some(at(MINUTE)));
        assert!(claim(&bed, at(MINUTE / 2), &[("desk", 1)]).await.is_empty());

        let second = claim(&bed, at(MINUTE), &[("desk", 1)]).await.remove(0);
        assert_eq!((second.work().message, second.work().attempt), (first.work().message, 2));
        let dead = Settlement::Dead { reason: "exhausted", disable_webhook: false };
        settle(&bed, &second, dead, at(MINUTE)).await;
        let dead = row(&bed, "x", "desk").await;
        assert_eq!((dead.state, dead.reason.as_deref()), (DeliveryState::Dead, Some("exhausted")));
        assert_eq!((dead.attempts, dead.next_attempt_at), (2, None));
        assert!(claim(&bed, at(HOUR), &[("desk", 1)]).await.is_empty());
    }
}

#[tokio::test]
async fn after_a_crash_what_was_being_sent_is_sent_again_under_the_same_id() {
    let bed = Bed::on_disk();
    with_alerts(&bed, &["x", "y"], &["desk"]).await;
    let cut_off = claim(&bed, T0, &[("desk", 1)]).await.remove(0);

    let bed = bed.after_a_crash();
    bed.store.recover(at(MINUTE)).await.unwrap();
    let again = claim(&bed, at(MINUTE), &[("desk", 10)]).await;
    assert_eq!(again.len(), 2);
    let same = again.iter().find(|claim| claim.work().id == cut_off.work().id).unwrap().work();
    let before = cut_off.work();
    assert_eq!((same.message, &same.body, same.attempt), (before.message, &before.body, 2));
    let late = bed.store.record_attempt(&cut_off, attempted(204, &Settlement::Delivered), T0).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    assert_eq!(bed.count("SELECT count(*) FROM attempt WHERE error_kind = 'interrupted'"), 1);
    assert_eq!(bed.count("SELECT count(*) FROM attempt WHERE ended_at IS NULL"), 2);
}

#[tokio::test]
async fn an_attempt_that_never_reports_is_made_again_after_its_lease() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x"], &["desk"]).await;
        let silent = claim(&bed, T0, &[("desk", 1)]).await.remove(0);
        assert_eq!(bed.store.next_due().await.unwrap().delivery, Some(at(LEASE)));
        let again = claim(&bed, at(LEASE), &[("desk", 1)]).await.remove(0);
        assert_eq!((again.work().message, again.work().attempt), (silent.work().message, 2));
        let late = bed.store.record_attempt(&silent, attempted(204, &Settlement::Delivered), at(LEASE)).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
        settle(&bed, &again, Settlement::Delivered, at(LEASE)).await;
    }
}

#[tokio::test]
async fn each_webhook_gets_as_many_as_it_has_permits_for() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y", "z"], &["desk", "phone"]).await;
        let claims = claim(&bed, T0, &[("desk", 2), ("phone", 1)]).await;
        let to = |name: &str| claims.iter().filter(|claim| claim.work().webhook == webhook(name)).count();
        assert_eq!((to("desk"), to("phone")), (2, 1));
        assert!(claim(&bed, T0, &[("nobody", 9)]).await.is_empty());
        assert_eq!(claim(&bed, T0, &[("desk", 9), ("phone", 9)]).await.len(), 3, "the rest");
    }
}

#[tokio::test]
async fn a_webhook_that_asked_for_a_pause_gets_it_for_all_its_deliveries() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y"], &["desk", "phone"]).await;
        let throttled = claim(&bed, T0, &[("desk", 1)]).await.remove(0);
        let pause = Settlement::RetryAt { at: at(HOUR), pause_webhook: true };
        settle(&bed, &throttled, pause, T0).await;
        assert!(claim(&bed, at(MINUTE), &[("desk", 9)]).await.is_empty());
        assert_eq!(claim(&bed, at(MINUTE), &[("phone", 9)]).await.len(), 2, "others go on");
        assert_eq!(claim(&bed, at(HOUR), &[("desk", 9)]).await.len(), 2);
    }
}

#[tokio::test]
async fn deliveries_to_a_webhook_that_is_gone_are_held() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y", "z"], &["desk", "phone"]).await;
        let claims = claim(&bed, T0, &[("desk", 2)]).await;
        settle(&bed, &claims[0], GONE, T0).await;
        // Another attempt was under way and is to be retried: not to a webhook that is gone.
        settle(&bed, &claims[1], retry(MINUTE), T0).await;
        bed.poll(at(HOUR), vec![alerting(new("later"), "t", &["desk", "phone"], at(HOUR))]).await.unwrap();

        let rows = bed.store.list_deliveries(ALL, None).await.unwrap();
        let states = |to: &str| {
            let mut states: Vec<_> =
                rows.iter().filter(|row| row.webhook == webhook(to)).map(|row| row.state.as_str()).collect();
            states.sort_unstable();
            states
        };
        assert_eq!(states("desk"), ["dead", "held", "held", "held"]);
        assert_eq!(states("phone"), ["pending"; 4]);
        let held = rows.iter().filter(|row| row.state == DeliveryState::Held);
        for row in held {
            assert_eq!(
                row.reason.as_deref(),
                Some("the webhook is disabled: its receiver is gone: answered 500")
            );
            assert_eq!(row.next_attempt_at, None);
        }
        assert!(claim(&bed, at(HOUR * 9), &[("desk", 9)]).await.is_empty());
    }
}

#[tokio::test]
async fn deliveries_to_a_webhook_that_left_are_held_until_it_comes_back() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y"], &["desk", "phone"]).await;
        let under_way = claim(&bed, T0, &[("desk", 1)]).await.remove(0);
        bed.configure(&["a"], &["phone"]).await;
        settle(&bed, &under_way, retry(MINUTE), T0).await;
        bed.poll(at(HOUR), vec![alerting(new("later"), "t", &["desk"], at(HOUR))]).await.unwrap();
        for article in ["x", "y", "later"] {
            let row = row(&bed, article, "desk").await;
            assert_eq!((row.state, row.next_attempt_at), (DeliveryState::Held, None), "{article}");
            assert_eq!(row.reason.as_deref(), Some("the webhook is not in the configuration"));
        }
        assert!(claim(&bed, at(HOUR), &[("desk", 9)]).await.is_empty());

        bed.configure(&["a"], &["desk", "phone"]).await;
        let back = claim(&bed, at(HOUR), &[("desk", 9)]).await;
        assert_eq!(back.len(), 3);
        assert!(back.iter().all(|claim| claim.work().round_attempt == 1), "a new round of attempts");
    }
}

#[tokio::test]
async fn what_was_being_sent_to_a_closed_webhook_is_held_after_a_crash() {
    let bed = Bed::on_disk();
    with_alerts(&bed, &["x", "y"], &["desk"]).await;
    let claims = claim(&bed, T0, &[("desk", 2)]).await;
    settle(&bed, &claims[0], GONE, T0).await;
    let bed = bed.after_a_crash();
    bed.store.recover(at(MINUTE)).await.unwrap();
    let held = bed.store.list_deliveries(ALL, Some(DeliveryState::Held)).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].id, claims[1].work().id);
}

#[tokio::test]
async fn a_webhook_that_is_gone_and_left_comes_back_gone() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y"], &["desk"]).await;
        let gone = claim(&bed, T0, &[("desk", 1)]).await.remove(0);
        bed.configure(&["a"], &[]).await;
        settle(&bed, &gone, GONE, T0).await;
        bed.configure(&["a"], &["desk"]).await;
        let held = bed.store.list_deliveries(ALL, Some(DeliveryState::Held)).await.unwrap();
        assert_eq!(held.len(), 1);
        assert_eq!(
            held[0].reason.as_deref(),
            Some("the webhook is disabled: its receiver is gone: answered 500")
        );
    }
}

#[tokio::test]
async fn a_message_that_could_not_be_made_is_dead_from_the_start_and_says_why() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x"], &["broken", "desk"]).await;
        let dead = row(&bed, "x", "broken").await;
        assert_eq!((dead.state, dead.webhook_id, dead.next_attempt_at), (DeliveryState::Dead, None, None));
        assert_eq!(dead.reason.as_deref(), Some("the message could not be made: the template names nothing"));
        assert_eq!(claim(&bed, T0, &[("broken", 1), ("desk", 1)]).await.len(), 1, "the others are sent");
    }
}

#[tokio::test]
async fn an_event_of_a_poll_is_told_once_through_the_same_outbox() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["ops"]).await;
        let claimed = bed.claim_one(T0).await;
        let event = OperationsEvent {
            kind: "feed.failing",
            at: T0,
            subject: "a".to_owned(),
            message: "the name does not resolve".to_owned(),
        };
        let plan = PollPlan { events: vec![event.clone()], ..plan(&claimed, T0, Vec::new()) };
        bed.store.record_poll(&claimed, plan, T0).await.unwrap();
        let untold = bed.store.untold_events().await.unwrap();
        assert_eq!(untold.iter().map(|stored| &stored.event).collect::<Vec<_>>(), [&event]);
        let id = DeliveryId::derive_event("feed.failing", "a", 0, untold[0].row.0, &webhook("ops"));
        let delivery = PlannedDelivery {
            id,
            webhook: webhook("ops"),
            message: MessageId::derive(&[id]),
            content: Ok(Rendered { body: b"{}".to_vec(), content_type: "application/json" }),
            hold: None,
        };
        // Told a second time, as after a crash between: nothing more is written.
        for _ in 0..2 {
            bed.store.tell_event(untold[0].row, vec![delivery.clone()], T0).await.unwrap();
        }
        assert!(bed.store.untold_events().await.unwrap().is_empty());
        let claims = claim(&bed, T0, &[("ops", 5)]).await;
        assert_eq!(claims.iter().map(|claim| claim.work().id).collect::<Vec<_>>(), [id]);
        settle(&bed, &claims[0], Settlement::Delivered, T0).await;
        let policy = RetentionPolicy { articles_before: T0, alerts_before: at(HOUR), batch: 10 };
        assert_eq!(bed.store.retain(policy).await.unwrap(), 1, "events go with the alerts of their time");
        assert!(bed.store.list_deliveries(ALL, None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_tripped_webhook_gives_out_its_oldest_delivery_alone() {
    for bed in Bed::all() {
        with_alerts(&bed, &["x", "y", "z"], &["desk"]).await;
        let breaker = BreakerPolicy { trip_after: 1, ..CALM };
        let first = claim(&bed, T0, &[("desk", 2)]).await;
        let failed = |spent| AttemptRecord { breaker, spent, ..attempted(500, &retry(HOUR)) };
        let news = bed.store.record_attempt(&first[0], failed(true), T0).await.unwrap();
        assert_eq!(news, Some(News::Failing));
        assert_eq!(row(&bed, "z", "desk").await.state, DeliveryState::Held);
        // One of before is still under way; when it ends the first probe is due, not before.
        assert!(claim(&bed, at(MINUTE), &[("desk", 5)]).await.is_empty());
        bed.store.record_attempt(&first[1], failed(true), T0).await.unwrap();
        assert_eq!(bed.store.next_due().await.unwrap().delivery, Some(at(MINUTE)));
        assert_eq!(bed.store.delivery_due(vec![webhook("desk")]).await.unwrap().attempt, Some(at(MINUTE)));
        for minutes in [1, 3] {
            let now = at(MINUTE * minutes);
            let probe = claim(&bed, now, &[("desk", 5)]).await;
            assert_eq!(probe.len(), 1);
            let work = probe[0].work();
            assert_eq!((work.probe, work.id, work.round_attempt), (true, delivery_id("x", "desk"), 2));
            assert!(claim(&bed, now, &[("desk", 5)]).await.is_empty(), "one at a time");
            bed.store.record_attempt(&probe[0], failed(false), now).await.unwrap();
        }
        let now = at(MINUTE * 7);
        let probe = claim(&bed, now, &[("desk", 5)]).await.remove(0);
        let good = attempted(204, &Settlement::Delivered);
        assert_eq!(bed.store.record_attempt(&probe, good, now).await.unwrap(), Some(News::Recovered));
        assert_eq!(claim(&bed, now, &[("desk", 5)]).await.len(), 2);
        let z = row(&bed, "z", "desk").await;
        assert_eq!(z.attempts, 1, "it was not tried while others probed");
    }
}

#[tokio::test]
async fn what_is_written_while_a_claim_waits_for_its_turn_is_claimed_with_it() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk", "ops"]).await;
        let feed = bed.claim_one(T0).await;
        let articles = ["x", "y"].map(|name| alerting(new(name), "t", &["desk", "ops"], T0));
        let waiting = bed.store.claim_due_deliveries(T0, LEASE, room(&[("desk", 1), ("ops", 5)]));
        let written = bed.store.record_poll(&feed, plan(&feed, T0, articles.into()), T0);
        let (claimed, written) = tokio::join!(biased; waiting, written);
        assert_eq!(written.unwrap().deliveries, 4);
        let claimed = claimed.unwrap();
        assert_eq!(claimed.claims.len(), 3);
        assert_eq!(claimed.full, [webhook("desk")], "one has no room for more");
        assert_eq!(claimed.next.attempt, Some(T0.plus(LEASE)), "the other has, and waits for nothing else");
        assert!(!claimed.untold);
        assert_eq!(claim(&bed, T0, &[("desk", 5)]).await.len(), 1);
    }
}
