//! What listings show.

use wirewatch::domain::article::Suppression;
use wirewatch::domain::delivery::{DeliveryState, Settlement};
use wirewatch::domain::topic::Severity;
use wirewatch::ports::Store as _;
use wirewatch::ports::reads::{AlertState, FeedHealth, Page};

use super::bed::{Bed, HOUR, LEASE, T0, alerting, at, attempted, delivery_id, key, new, plan, room, silent};

const ALL: Page = Page { since: None, limit: 0 };

#[tokio::test]
async fn listings_are_newest_first_from_an_instant_on_and_no_longer_than_asked() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        for hour in 0..5 {
            let now = at(HOUR * hour);
            bed.poll(now, vec![alerting(new(&format!("x{hour}")), "t", &["desk"], now)]).await.unwrap();
        }
        let pages = [
            (ALL, vec!["x4", "x3", "x2", "x1", "x0"]),
            (Page { since: None, limit: 2 }, vec!["x4", "x3"]),
            (Page { since: Some(at(HOUR * 3)), limit: 0 }, vec!["x4", "x3"]),
            (Page { since: Some(at(HOUR * 3)), limit: 1 }, vec!["x4"]),
            (Page { since: Some(at(HOUR * 9)), limit: 0 }, vec![]),
        ];
        for (page, expected) in pages {
            let keys: Vec<_> = expected.iter().map(|name| key(name)).collect();
            let articles = bed.store.list_articles(page).await.unwrap();
            assert_eq!(articles.iter().map(|row| row.id).collect::<Vec<_>>(), keys);
            let alerts = bed.store.list_alerts(page).await.unwrap();
            assert_eq!(alerts.iter().map(|row| row.article).collect::<Vec<_>>(), keys);
            let ids: Vec<_> = expected.iter().map(|name| delivery_id(name, "desk")).collect();
            let deliveries = bed.store.list_deliveries(page, None).await.unwrap();
            assert_eq!(deliveries.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
        }
    }
}

#[tokio::test]
async fn an_article_is_listed_as_it_was_published() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, vec![silent("x")]).await.unwrap();
        let row = bed.store.list_articles(ALL).await.unwrap().remove(0);
        assert_eq!((row.id, row.feed.as_str(), row.title.as_str()), (key("x"), "a", "The title of x"));
        assert_eq!(row.link.as_deref(), Some("https://wire.example/x"));
        assert_eq!((row.guid.as_deref(), row.lang.as_deref()), (Some("x"), Some("en")));
        assert_eq!((row.published_at, row.first_seen_at), (Some(T0.minus(HOUR)), T0));
        assert_eq!((row.updated_at, row.revision), (None, 1));
        assert_eq!(row.suppressed, Some(Suppression::Baseline));
    }
}

#[tokio::test]
async fn where_an_alert_stands_follows_from_its_deliveries() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk", "phone"]).await;
        let articles =
            vec![alerting(new("told"), "t", &["desk", "phone"], T0), alerting(new("mute"), "t", &[], T0)];
        bed.poll(T0, articles).await.unwrap();
        let state = async |name: &str| {
            let alerts = bed.store.list_alerts(ALL).await.unwrap();
            alerts.into_iter().find(|row| row.article == key(name)).unwrap().state
        };
        assert_eq!(state("mute").await, AlertState::Logged);
        assert_eq!(state("told").await, AlertState::Pending);
        let permits = room(&[("desk", 1), ("phone", 1)]);
        let claims = bed.store.claim_due_deliveries(T0, LEASE, permits).await.unwrap().claims;
        assert_eq!(state("told").await, AlertState::Pending);
        bed.store.record_attempt(&claims[0], attempted(200, &Settlement::Delivered), T0).await.unwrap();
        assert_eq!(state("told").await, AlertState::Pending, "one is on its way still");
        let dead = Settlement::Dead { reason: "refused", disable_webhook: false };
        bed.store.record_attempt(&claims[1], attempted(400, &dead), T0).await.unwrap();
        assert_eq!(state("told").await, AlertState::Dead);

        let rows = bed.store.list_alerts(ALL).await.unwrap();
        let row = rows.iter().find(|row| row.article == key("told")).unwrap();
        assert_eq!((row.severity, row.score), (Severity::High, Some(80)));
        assert_eq!(row.terms, ["troops", "북한"], "each term once, in reading order");
    }
}

#[tokio::test]
async fn deliveries_are_listed_by_state() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["broken", "desk", "held", "phone"]).await;
        bed.configure(&["a"], &["broken", "desk", "phone"]).await;
        let to = ["broken", "desk", "held", "phone"];
        bed.poll(T0, vec![alerting(new("x"), "t", &to, T0)]).await.unwrap();
        let permits = room(&[("desk", 1)]);
        let claims = bed.store.claim_due_deliveries(T0, LEASE, permits).await.unwrap().claims;
        let only = async |state| {
            let rows = bed.store.list_deliveries(ALL, Some(state)).await.unwrap();
            rows.into_iter().map(|row| row.webhook.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(only(DeliveryState::Sending).await, ["desk"]);
        bed.store.record_attempt(&claims[0], attempted(200, &Settlement::Delivered), T0).await.unwrap();
        assert_eq!(only(DeliveryState::Delivered).await, ["desk"]);
        assert_eq!(only(DeliveryState::Pending).await, ["phone"]);
        assert_eq!(only(DeliveryState::Dead).await, ["broken"]);
        assert_eq!(only(DeliveryState::Held).await, ["held"]);
        assert_eq!(only(DeliveryState::Sending).await, [""; 0]);
        assert_eq!(only(DeliveryState::Cancelled).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_feed_fails_after_three_failures_and_says_why() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let row = async || bed.store.list_feeds().await.unwrap().remove(0);
        assert_eq!(row().await.state, FeedHealth::New);
        for failures in 1..=3 {
            let now = at(HOUR * failures);
            let claim = bed.claim_one(now).await;
            let mut failed = plan(&claim, now, Vec::new());
            failed.feed.failures = failures;
            failed.feed.last_error = Some("the name does not resolve".to_owned());
            bed.store.record_poll(&claim, failed, now).await.unwrap();
            let expected = if failures < 3 { FeedHealth::Ok } else { FeedHealth::Failing };
            assert_eq!(row().await.state, expected);
        }
        let row = row().await;
        assert_eq!((row.failures, row.last_error.as_deref()), (3, Some("the name does not resolve")));
        assert_eq!((row.last_poll_at, row.next_poll_at), (Some(at(HOUR * 3)), Some(at(HOUR * 4))));
    }
}

#[tokio::test]
async fn a_sample_is_of_the_newest_and_as_long_as_asked() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        assert_eq!(bed.store.sample_texts(10, 10).await.unwrap(), []);
        for hour in 0..3 {
            bed.poll(at(HOUR * hour), vec![new(&format!("x{hour}"))]).await.unwrap();
        }
        let sample = bed.store.sample_texts(2, 18).await.unwrap();
        let titles: Vec<&str> = sample.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["The title of x2", "The title of x1"]);
        assert_eq!(
            (sample[0].text.as_str(), sample[0].lang.as_deref()),
            ("The text of x2. 북한", Some("en"))
        );
    }
}
