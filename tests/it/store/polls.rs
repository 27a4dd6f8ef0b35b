//! What a poll writes: all of it or nothing, once.

use std::sync::Arc;

use wirewatch::domain::article::{EntryIdentity, KnownArticle, Suppression};
use wirewatch::domain::boilerplate::{Blocks, Memory, Shown};
use wirewatch::domain::poll::{ArticleChange, PollPlan};
use wirewatch::ports::reads::Page;
use wirewatch::ports::{Store as _, StoreError};

use super::bed::{
    Bed, HOUR, MINUTE, T0, alerting, article, at, feed_id, identity, key, new, plan, silent, text, topic,
};

const ALL: Page = Page { since: None, limit: 0 };

async fn known(bed: &Bed, feed: &str, identity: EntryIdentity) -> Option<KnownArticle> {
    bed.store.known(&feed_id(feed), vec![identity], T0).await.unwrap().articles.remove(0)
}

#[tokio::test]
async fn article_alert_and_delivery_are_written_together() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk", "phone"]).await;
        let articles = vec![alerting(new("x"), "t", &["desk", "phone"], T0), new("y"), silent("z")];
        let recorded = bed.poll(T0, articles).await.unwrap();
        assert_eq!((recorded.alerts.len(), recorded.deliveries), (1, 2));
        assert_eq!(bed.store.list_articles(ALL).await.unwrap().len(), 3);
        let alerts = bed.store.list_alerts(ALL).await.unwrap();
        assert_eq!((alerts.len(), alerts[0].article), (1, key("x")));
        let deliveries = bed.store.list_deliveries(ALL, None).await.unwrap();
        assert_eq!(deliveries.len(), 2);
        assert!(deliveries.iter().all(|row| row.alert == Some(alerts[0].id) && row.webhook_id.is_some()));
        assert_eq!(bed.store.next_due().await.unwrap().delivery, Some(T0));
    }
}

#[tokio::test]
async fn a_conflict_writes_nothing_and_leaves_the_claim() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        bed.poll(T0, vec![new("known")]).await.unwrap();
        let now = at(HOUR);
        let claim = bed.claim_one(now).await;
        // Another key, but a content that is known meanwhile.
        let mut clash = new("other");
        clash.identities = vec![identity("known").content];
        let articles = vec![alerting(new("x"), "t", &["desk"], now), clash];
        let refused = bed.store.record_poll(&claim, plan(&claim, now, articles), now).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
        assert_eq!(bed.store.list_articles(ALL).await.unwrap().len(), 1);
        assert!(bed.store.list_alerts(ALL).await.unwrap().is_empty());
        assert!(bed.store.list_deliveries(ALL, None).await.unwrap().is_empty());
        let feed = bed.store.list_feeds().await.unwrap().remove(0);
        assert_eq!((feed.last_poll_at, feed.articles), (Some(T0), 1), "the feed's state is untouched, too");

        let articles = vec![alerting(new("x"), "t", &["desk"], now)];
        bed.store.record_poll(&claim, plan(&claim, now, articles), now).await.unwrap();
        assert_eq!(bed.store.list_deliveries(ALL, None).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_retention_removed_meanwhile_is_planned_anew() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        for change in
            [ArticleChange::Listed, ArticleChange::Sighted, ArticleChange::Revised(Box::new(text("x")))]
        {
            let claim = bed.claim_one(T0).await;
            let refused =
                bed.store.record_poll(&claim, plan(&claim, T0, vec![article("x", change)]), T0).await;
            assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
            bed.store.release_feed(&claim, T0).await.unwrap();
        }
    }
}

#[tokio::test]
async fn entries_are_recognised_by_guid_then_link_then_content_then_key() {
    for bed in Bed::all() {
        bed.configure(&["a", "b"], &[]).await;
        let claims = bed.claim(T0).await;
        let articles = vec![new("by-guid"), new("by-link"), new("by-content"), new("by-key")];
        bed.store.record_poll(&claims[0], plan(&claims[0], T0, articles), T0).await.unwrap();
        let (guid, link, content) = (identity("by-guid"), identity("by-link"), identity("by-content"));
        let entry =
            |guid, link, content| EntryIdentity { key: key("nobody"), guid, link, content, headline: None };
        let found = async |identity| known(&bed, "a", identity).await.map(|known| known.key);
        let stranger = identity("stranger").content;
        assert_eq!(found(entry(guid.guid, link.link, content.content)).await, Some(key("by-guid")));
        assert_eq!(found(entry(None, link.link, content.content)).await, Some(key("by-link")));
        assert_eq!(found(entry(identity("s").guid, None, content.content)).await, Some(key("by-content")));
        assert_eq!(found(entry(None, None, stranger)).await, None);
        let by_key =
            EntryIdentity { key: key("by-key"), guid: None, link: None, content: stranger, headline: None };
        assert_eq!(found(by_key).await, Some(key("by-key")));
        let answers = vec![identity("by-link"), identity("stranger"), identity("by-guid")];
        let answers = bed.store.known(&feed_id("a"), answers, T0).await.unwrap().articles;
        let answers: Vec<_> = answers.into_iter().map(|known| known.map(|known| known.key)).collect();
        assert_eq!(answers, [Some(key("by-link")), None, Some(key("by-guid"))], "index by index");
    }
}

#[tokio::test]
async fn what_is_known_of_an_article_depends_on_the_feed_that_asks() {
    for bed in Bed::all() {
        bed.configure(&["a", "b"], &["desk"]).await;
        let claims = bed.claim(T0).await;
        let articles = vec![alerting(new("x"), "t", &["desk"], T0), silent("s")];
        bed.store.record_poll(&claims[0], plan(&claims[0], T0, articles), T0).await.unwrap();
        let (here, there) = (claims[0].work().id.as_str(), claims[1].work().id.as_str());

        let seen = known(&bed, here, identity("x")).await.unwrap();
        assert_eq!((seen.content_here, seen.last_listed_here), (Some(identity("x").content), Some(T0)));
        let unseen = known(&bed, there, identity("x")).await.unwrap();
        assert_eq!((unseen.content_here, unseen.last_listed_here), (None, None));
        assert_eq!((unseen.first_seen_at, unseen.suppressed), (T0, None));
        assert_eq!((unseen.feeds, unseen.alerted), (vec![feed_id(here)], vec![topic("t")]));
        assert_eq!(unseen.identities.len(), 3);
        let silent = known(&bed, there, identity("s")).await.unwrap();
        assert_eq!(silent.suppressed, Some(Suppression::Baseline));

        let articles = vec![article("x", ArticleChange::Sighted)];
        bed.store.record_poll(&claims[1], plan(&claims[1], at(MINUTE), articles), at(MINUTE)).await.unwrap();
        let sighted = known(&bed, there, identity("x")).await.unwrap();
        assert_eq!(sighted.last_listed_here, Some(at(MINUTE)));
        let rows = bed.store.list_articles(ALL).await.unwrap();
        let row = rows.iter().find(|row| row.id == key("x")).unwrap();
        assert_eq!((row.feed.as_str(), row.feeds.len()), (here, 2), "it belongs where it was first seen");
    }
}

#[tokio::test]
async fn what_was_told_of_a_text_is_known_of_every_article_that_has_it_now() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk"]).await;
        bed.poll(T0, vec![alerting(new("whole"), "t", &["desk"], T0), new("broken-off")]).await.unwrap();
        let grown = EntryIdentity { content: identity("whole").content, ..identity("broken-off") };
        let found = known(&bed, "a", grown).await.unwrap();
        assert_eq!((found.key, found.alerted), (key("broken-off"), vec![topic("t")]));
        let other = EntryIdentity { content: identity("stranger").content, ..identity("broken-off") };
        assert_eq!(known(&bed, "a", other).await.unwrap().alerted, []);
    }
}

#[tokio::test]
async fn a_revision_replaces_the_text_and_keeps_the_former_ones_within_bounds() {
    let bed = Bed::on_disk();
    bed.configure(&["a"], &[]).await;
    bed.poll(T0, vec![new("x")]).await.unwrap();
    for round in 1..=30 {
        let mut changed = text("x");
        changed.entry.title = format!("Version {round}");
        changed.entry.published_at = None;
        let revised = article("x", ArticleChange::Revised(Box::new(changed)));
        bed.poll(at(HOUR * round), vec![revised]).await.unwrap();
    }
    let row = bed.store.list_articles(ALL).await.unwrap().remove(0);
    assert_eq!((row.revision, row.title.as_str()), (31, "Version 30"));
    assert_eq!((row.first_seen_at, row.updated_at), (T0, Some(at(HOUR * 30))));
    assert!(row.published_at.is_some(), "a date that is no longer given is not forgotten");
    assert_eq!(bed.count("SELECT count(*) FROM revision"), 20);
    assert_eq!(bed.count("SELECT max(revision) FROM revision"), 30, "the latest are kept");
}

#[tokio::test]
async fn an_alert_is_raised_once_for_a_topic_and_an_article() {
    for bed in Bed::all() {
        bed.configure(&["a"], &["desk", "phone"]).await;
        bed.poll(T0, vec![alerting(new("x"), "t", &["desk"], T0)]).await.unwrap();
        let now = at(HOUR);
        let again = alerting(article("x", ArticleChange::Listed), "t", &["desk", "phone"], now);
        let again = alerting(again, "u", &["desk"], now);
        let recorded = bed.poll(now, vec![again]).await.unwrap();
        assert_eq!((recorded.alerts.len(), recorded.deliveries), (1, 1), "only the other topic's is new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_polls_at_once_are_each_whole_or_not_there() {
    const FEEDS: usize = 64;
    let bed = Bed::on_disk();
    let names: Vec<String> = (0..FEEDS).map(|n| format!("f{n}@h{n}:1")).collect();
    let mut feeds: Vec<&str> = names.iter().map(String::as_str).collect();
    feeds.push("first");
    bed.configure(&feeds, &["desk"]).await;
    let claims = Arc::new(bed.claim(T0).await);
    let first = claims.iter().position(|claim| claim.work().id == feed_id("first")).unwrap();
    bed.store.record_poll(&claims[first], plan(&claims[first], T0, vec![new("taken")]), T0).await.unwrap();
    let bed = Arc::new(bed);
    let mut polls = tokio::task::JoinSet::new();
    for index in (0..=FEEDS).filter(|index| *index != first) {
        let (bed, claims) = (Arc::clone(&bed), Arc::clone(&claims));
        polls.spawn(async move {
            let claim = &claims[index];
            let mut articles = vec![alerting(new(&format!("x{index}")), "t", &["desk"], T0)];
            // Every eighth plan is out of date in its last article.
            if index % 8 == 0 {
                articles.push(new("taken"));
            }
            (index, bed.store.record_poll(claim, plan(claim, T0, articles), T0).await)
        });
    }
    let mut good = 0;
    for (index, recorded) in polls.join_all().await {
        match recorded {
            Ok(recorded) => {
                assert!(!index.is_multiple_of(8));
                assert_eq!((recorded.alerts.len(), recorded.deliveries), (1, 1));
                good += 1;
            }
            Err(problem) => {
                assert!(index.is_multiple_of(8) && matches!(problem, StoreError::Conflict), "{problem}");
            }
        }
    }
    // An answer means the disk has it: the next process sees exactly what was answered.
    let bed = Arc::into_inner(bed).unwrap().after_a_crash();
    assert_eq!(bed.store.list_articles(ALL).await.unwrap().len(), good + 1);
    assert_eq!(bed.store.list_alerts(ALL).await.unwrap().len(), good);
    assert_eq!(bed.store.list_deliveries(ALL, None).await.unwrap().len(), good);
    assert_eq!(bed.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_feeds_with_the_same_article_at_once_store_it_once() {
    for bed in Bed::all() {
        bed.configure(&["a", "b"], &["desk"]).await;
        let claims = bed.claim(T0).await;
        let record = async |index: usize| {
            let articles = vec![alerting(new("x"), "t", &["desk"], T0)];
            bed.store.record_poll(&claims[index], plan(&claims[index], T0, articles), T0).await
        };
        let (one, other) = tokio::join!(record(0), record(1));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert_eq!(bed.store.list_deliveries(ALL, None).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_closed_store_says_so_and_has_kept_everything() {
    let bed = Bed::on_disk();
    bed.configure(&["a"], &[]).await;
    bed.poll(T0, vec![new("x")]).await.unwrap();
    bed.store.close().await;
    assert!(matches!(bed.store.probe(T0).await, Err(StoreError::Closed)));
    assert_eq!(bed.after_a_crash().store.list_articles(ALL).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_feed_repeats_is_remembered_with_the_poll_and_its_marks_with_the_article() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let line = "A line that stands under each and every article here.";
        let texts: Vec<String> =
            (0..3).map(|number| format!("Article {number} has some words of its own.\n\n{line}")).collect();
        let read: Vec<Blocks> = texts.iter().map(|text| Blocks::of(text)).collect();
        let mut memory = Memory::default();
        let shown: Vec<Shown<'_>> =
            ["x", "y", "z"].iter().zip(&read).map(|(title, blocks)| Shown { title, blocks }).collect();
        memory.learn(&shown, T0);

        let claim = bed.claim_one(T0).await;
        let mut told = text("x");
        (told.text, told.boilerplate) = (texts[0].clone(), read[0].marks(&memory));
        assert_eq!(told.boilerplate.len(), 1);
        let marks = told.boilerplate.clone();
        let planned = article("x", ArticleChange::New { article: Box::new(told), suppressed: None });
        let plan = PollPlan { blocks: Some(memory.clone()), ..plan(&claim, T0, vec![planned]) };
        bed.store.record_poll(&claim, plan, T0).await.unwrap();

        assert_eq!(bed.store.known(&feed_id("a"), vec![], T0).await.unwrap().blocks, memory);
        assert!(
            bed.store.known(&feed_id("b"), vec![], T0).await.unwrap().blocks.is_empty(),
            "of another feed"
        );
        let stored = bed.store.read_texts(None, 0, 9).await.unwrap().remove(0);
        assert_eq!(stored.boilerplate, marks);
        assert_eq!(&stored.text[marks[0].0..marks[0].1], line);
    }
}
