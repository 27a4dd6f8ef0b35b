//! What is removed, when, and what never is.

use wirewatch::domain::Timestamp;
use wirewatch::domain::article::EntryIdentity;
use wirewatch::domain::delivery::Settlement;
use wirewatch::domain::poll::ArticleChange;
use wirewatch::ports::reads::Page;
use wirewatch::ports::{RetentionPolicy, Store as _};

use super::bed::{
    Bed, DAY, LEASE, T0, alerting, article, at, attempted, feed_id, identity, new, room, topic,
};

const ALL: Page = Page { since: None, limit: 0 };

fn before(articles: Timestamp, alerts: Timestamp, batch: u32) -> RetentionPolicy {
    RetentionPolicy { articles_before: articles, alerts_before: alerts, batch }
}

/// Removes until nothing is left to remove; answers how much went in each step.
async fn clean(bed: &Bed, policy: RetentionPolicy) -> Vec<u64> {
    let mut steps = Vec::new();
    loop {
        match bed.store.retain(policy).await.unwrap() {
            0 => return steps,
            rows => steps.push(rows),
        }
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("x{n}")).collect()
}

async fn titles(bed: &Bed) -> usize {
    bed.store.list_articles(ALL).await.unwrap().len()
}

#[tokio::test]
async fn old_articles_go_in_small_steps_and_those_still_listed_stay() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, numbered(25).iter().map(|name| new(name)).collect()).await.unwrap();
        // Sixty days later the feed lists the first five of them still.
        let now = at(DAY * 60);
        let listed = numbered(5).iter().map(|name| article(name, ArticleChange::Listed)).collect();
        bed.poll(now, listed).await.unwrap();

        assert_eq!(clean(&bed, before(T0, T0, 8)).await, [0; 0], "nothing is older than the day it was seen");
        let steps = clean(&bed, before(at(DAY * 30), T0, 8)).await;
        assert_eq!(steps, [8, 8, 4]);
        assert_eq!(titles(&bed).await, 5);
        assert_eq!(bed.store.list_feeds().await.unwrap()[0].articles, 5);
    }
}

#[tokio::test]
async fn articles_of_a_feed_that_left_go_when_they_are_old() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, vec![new("x")]).await.unwrap();
        assert_eq!(clean(&bed, before(at(DAY * 30), T0, 8)).await, [0; 0], "its last document lists it");
        bed.configure(&[], &[]).await;
        assert_eq!(clean(&bed, before(at(DAY * 30), T0, 8)).await, [1]);
    }
}

#[tokio::test]
async fn an_article_stays_as_long_as_its_alert_and_an_alert_as_long_as_it_is_on_its_way() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        let alerts = vec![alerting(new("sent"), "t", &["desk"], T0), alerting(new("logged"), "t", &[], T0)];
        bed.poll(T0, alerts).await.unwrap();
        bed.configure(&[], &["desk"]).await;
        let late = at(DAY * 400);
        assert_eq!(clean(&bed, before(late, T0, 8)).await, [0; 0], "alerts need their articles");
        assert_eq!(clean(&bed, before(late, late, 8)).await, [2], "the logged alert and its article");
        assert_eq!(titles(&bed).await, 1, "the other one is on its way still");

        let claims = bed.store.claim_due_deliveries(T0, LEASE, room(&[("desk", 1)])).await.unwrap().claims;
        assert_eq!(clean(&bed, before(late, late, 8)).await, [0; 0], "it is being sent");
        bed.store.record_attempt(&claims[0], attempted(200, &Settlement::Delivered), T0).await.unwrap();
        assert_eq!(clean(&bed, before(late, late, 8)).await, [2]);
        assert!(bed.store.list_alerts(ALL).await.unwrap().is_empty());
        assert!(bed.store.list_deliveries(ALL, None).await.unwrap().is_empty());
    }
}

/// A page that lists its articles for years is edited now and then.
#[tokio::test]
async fn what_a_removed_alert_told_is_still_known_of_its_article() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        bed.poll(T0, vec![alerting(new("x"), "t", &[], T0)]).await.unwrap();
        let late = at(DAY * 400);
        assert_eq!(
            clean(&bed, before(late, late, 8)).await,
            [1],
            "the alert alone: the feed lists the article"
        );
        let edited = EntryIdentity { content: identity("edited").content, ..identity("x") };
        let known = bed.store.known(&feed_id("a"), vec![edited], late).await.unwrap();
        assert_eq!(known.articles[0].as_ref().unwrap().alerted, [topic("t")]);

        bed.configure(&[], &[]).await;
        assert_eq!(clean(&bed, before(late, late, 8)).await, [1]);
        assert_eq!(bed.store.known(&feed_id("a"), vec![identity("x")], late).await.unwrap().articles, [None]);
    }
}

#[tokio::test]
async fn nothing_is_left_behind_and_the_space_is_given_back() {
    let bed = Bed::on_disk();
    bed.configure(&["a"], &["desk"]).await;
    let names = numbered(400);
    let big = |name: &String| {
        let mut planned = alerting(new(name), "t", &["desk"], T0);
        if let ArticleChange::New { article, .. } = &mut planned.change {
            article.text = "x".repeat(20_000);
        }
        planned
    };
    bed.poll(T0, names.iter().map(big).collect()).await.unwrap();
    let claims = bed.store.claim_due_deliveries(T0, LEASE, room(&[("desk", 1000)])).await.unwrap().claims;
    assert_eq!(claims.len(), 400);
    for claim in &claims {
        bed.store.record_attempt(claim, attempted(200, &Settlement::Delivered), T0).await.unwrap();
    }
    bed.configure(&[], &["desk"]).await;
    let before_cleaning = bed.count("PRAGMA page_count");
    assert!(before_cleaning > 400, "{before_cleaning}");

    clean(&bed, before(at(DAY), at(DAY), 100)).await;
    for table in
        ["article", "identity", "sighting", "revision", "alert", "told", "message", "delivery", "attempt"]
    {
        assert_eq!(bed.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    let left = bed.count("PRAGMA page_count");
    assert!(left < before_cleaning / 4, "{left} of {before_cleaning} pages");
    assert_eq!(bed.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
