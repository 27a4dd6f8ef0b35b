//! Which feeds are polled, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wirewatch::domain::Timestamp;
use wirewatch::domain::feed::{ClaimedFeed, FeedStatus, Validators};
use wirewatch::ports::reads::FeedHealth;
use wirewatch::ports::{Claim, ConfigSync, HostLimits, Store as _, StoreError};

use super::bed::{Bed, FREE, HOUR, LEASE, MINUTE, T0, at, feed_id, feed_sync, new, plan, topic};

fn names(claims: &[Claim<ClaimedFeed>]) -> Vec<&str> {
    claims.iter().map(|claim| claim.work().id.as_str()).collect()
}

#[tokio::test]
async fn a_claim_is_given_once_until_its_lease_ends() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        assert!(bed.claim(T0.minus(MINUTE)).await.is_empty(), "not due yet");
        let first = bed.claim_one(T0).await;
        assert!(bed.claim(T0).await.is_empty(), "claimed already");
        assert_eq!(
            bed.store.next_due().await.unwrap().feed,
            Some(at(LEASE)),
            "due again when the lease ends"
        );

        let second = bed.claim_one(at(LEASE)).await;
        let late = bed.store.record_poll(&first, plan(&first, at(LEASE), vec![new("x")]), at(LEASE)).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
        assert!(matches!(bed.store.release_feed(&first, T0).await, Err(StoreError::LeaseLost)));
        bed.store.record_poll(&second, plan(&second, at(LEASE), Vec::new()), at(LEASE)).await.unwrap();
        let again = bed.store.record_poll(&second, plan(&second, at(LEASE), Vec::new()), at(LEASE)).await;
        assert!(matches!(again, Err(StoreError::LeaseLost)), "a claim is recorded once: {again:?}");
        assert_eq!(bed.store.next_due().await.unwrap().feed, Some(at(LEASE).plus(HOUR)));
        assert_eq!(bed.store.list_feeds().await.unwrap()[0].articles, 0, "the late worker wrote nothing");
    }
}

#[tokio::test]
async fn a_late_worker_may_record_while_nobody_else_took_over() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let claim = bed.claim_one(T0).await;
        let late = at(LEASE + HOUR);
        bed.store.record_poll(&claim, plan(&claim, late, vec![new("x")]), late).await.unwrap();
    }
}

#[tokio::test]
async fn a_released_feed_is_due_when_it_is_said() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let claim = bed.claim_one(T0).await;
        bed.store.release_feed(&claim, at(MINUTE)).await.unwrap();
        assert!(bed.claim(at(MINUTE / 2)).await.is_empty());
        assert_eq!(names(&bed.claim(at(MINUTE)).await), ["a"]);
    }
}

#[tokio::test]
async fn what_the_last_process_was_polling_is_due_at_its_next_start() {
    let bed = Bed::on_disk();
    bed.configure(&["a", "b", "c"], &[]).await;
    let claims = bed.claim(T0).await;
    bed.store.record_poll(&claims[2], plan(&claims[2], T0, Vec::new()), T0).await.unwrap();
    let done = claims[2].work().id.clone();

    let bed = bed.after_a_crash();
    bed.store.recover(at(MINUTE)).await.unwrap();
    let again = bed.claim(at(MINUTE)).await;
    assert_eq!(again.len(), 2);
    assert!(!names(&again).contains(&done.as_str()), "a recorded poll stays recorded");
    let late = bed.store.record_poll(&claims[0], plan(&claims[0], T0, Vec::new()), T0).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
}

#[tokio::test]
async fn the_longest_due_goes_first_and_no_more_than_there_is_room_for() {
    for bed in Bed::all() {
        let mut feeds = vec![feed_sync("late@x:1"), feed_sync("early@y:1"), feed_sync("middle@z:1")];
        for (feed, minutes) in feeds.iter_mut().zip([3, 1, 2]) {
            feed.first_due_at = at(MINUTE * minutes);
        }
        bed.store.sync_config(ConfigSync { feeds, ..ConfigSync::default() }, T0).await.unwrap();
        assert!(bed.store.claim_due_feeds(at(HOUR), LEASE, 0.into(), FREE).await.unwrap().feeds.is_empty());
        let claims = bed.store.claim_due_feeds(at(HOUR), LEASE, 2.into(), FREE).await.unwrap().feeds;
        assert_eq!(names(&claims), ["early", "middle"]);
    }
}

#[tokio::test]
async fn a_host_gets_no_more_requests_at_a_time_than_allowed() {
    let limits = HostLimits { in_flight: 2, spacing: Duration::ZERO };
    for bed in Bed::all() {
        bed.configure(&["a@x:1", "b@x:1", "c@x:1", "d@y:1"], &[]).await;
        let claims = bed.store.claim_due_feeds(T0, LEASE, 100.into(), limits).await.unwrap().feeds;
        assert_eq!(claims.len(), 3, "two of x, one of y: {claims:?}");
        assert!(bed.store.claim_due_feeds(T0, LEASE, 100.into(), limits).await.unwrap().feeds.is_empty());
        assert!(bed.store.any_feed_due_by(T0).await.unwrap(), "one waits, whatever its host allows");

        bed.store.record_poll(&claims[0], plan(&claims[0], T0, Vec::new()), T0).await.unwrap();
        let freed = bed.store.claim_due_feeds(T0, LEASE, 100.into(), limits).await.unwrap().feeds;
        assert_eq!(names(&freed), ["c"], "an ended poll makes room at once");
        assert!(!bed.store.any_feed_due_by(T0).await.unwrap());
    }
}

#[tokio::test]
async fn requests_to_one_host_start_apart() {
    let limits = HostLimits { in_flight: 4, spacing: Duration::from_secs(5) };
    for bed in Bed::all() {
        bed.configure(&["a@x:1", "b@x:1", "c@y:1"], &[]).await;
        let claims = bed.store.claim_due_feeds(T0, LEASE, 100.into(), limits).await.unwrap().feeds;
        assert_eq!(claims.len(), 2, "one of each host");
        let next = bed.store.next_due().await.unwrap().feed;
        assert_eq!(next, Some(at(Duration::from_secs(5))));
        assert!(
            bed.store
                .claim_due_feeds(at(Duration::from_secs(4)), LEASE, 100.into(), limits)
                .await
                .unwrap()
                .feeds
                .is_empty()
        );
        let claims = bed
            .store
            .claim_due_feeds(at(Duration::from_secs(5)), LEASE, 100.into(), limits)
            .await
            .unwrap()
            .feeds;
        assert_eq!(claims.len(), 1);
    }
}

#[tokio::test]
async fn a_feed_that_moved_counts_for_the_host_it_moved_to() {
    let one = HostLimits { in_flight: 1, spacing: Duration::ZERO };
    for bed in Bed::all() {
        bed.configure(&["a@x:1", "b@y:1"], &[]).await;
        let claims = bed.store.claim_due_feeds(T0, LEASE, 100.into(), one).await.unwrap().feeds;
        assert_eq!(claims.len(), 2);
        for claim in &claims {
            let mut moved = plan(claim, T0, Vec::new());
            moved.feed.moved_to = (claim.work().id.as_str() == "b").then(|| "https://x:1/b".to_owned());
            bed.store.record_poll(claim, moved, T0).await.unwrap();
        }
        let claims = bed.store.claim_due_feeds(at(HOUR), LEASE, 100.into(), one).await.unwrap().feeds;
        assert_eq!(claims.len(), 1, "both are of one host now: {claims:?}");
        bed.configure(&["a@x:1", "b@y:1"], &[]).await;
        assert!(bed.store.claim_due_feeds(at(HOUR), LEASE, 100.into(), one).await.unwrap().feeds.is_empty());
        // Back at its own address it is of its own host again.
        let mut back = plan(&claims[0], at(HOUR), Vec::new());
        back.feed.moved_to = None;
        back.feed.due_at = at(HOUR);
        bed.store.record_poll(&claims[0], back, at(HOUR)).await.unwrap();
        let other = bed.store.claim_due_feeds(at(HOUR), LEASE, 100.into(), one).await.unwrap().feeds;
        assert_eq!(other.len(), if claims[0].work().id.as_str() == "b" { 2 } else { 1 }, "{other:?}");
    }
}

#[tokio::test]
async fn a_host_that_asked_for_a_pause_gets_it_for_all_its_feeds() {
    for bed in Bed::all() {
        bed.configure(&["a@x:1", "b@x:1", "c@y:1"], &[]).await;
        let one = HostLimits { in_flight: 1, spacing: Duration::ZERO };
        let claims = bed.store.claim_due_feeds(T0, LEASE, 100.into(), one).await.unwrap().feeds;
        let mut throttled = plan(&claims[0], T0, Vec::new());
        throttled.host_pause = Some(at(HOUR));
        bed.store.record_poll(&claims[0], throttled, T0).await.unwrap();
        assert!(bed.claim(at(MINUTE)).await.is_empty(), "b waits although it is due");
        assert!(!bed.store.any_feed_due_by(T0).await.unwrap(), "nobody should wait for a paused host");
        assert_eq!(bed.claim(at(HOUR)).await.len(), 3, "a and b, and c whose lease has ended");
    }
}

#[tokio::test]
async fn a_feed_at_a_new_address_forgets_the_old_one() {
    for bed in Bed::all() {
        bed.configure(&["a@x:1"], &[]).await;
        let claim = bed.claim_one(T0).await;
        let mut learnt = plan(&claim, T0, vec![new("x")]);
        learnt.feed.validators = Validators { etag: Some(b"\"1\"".to_vec()), last_modified: None };
        learnt.feed.moved_to = Some("https://elsewhere.example/".to_owned());
        learnt.feed.status = FeedStatus::Gone;
        learnt.feed.failures = 7;
        bed.store.record_poll(&claim, learnt, T0).await.unwrap();
        assert!(bed.claim(at(HOUR * 2)).await.is_empty(), "gone feeds are not polled");
        assert_eq!(bed.store.list_feeds().await.unwrap()[0].state, FeedHealth::Gone);

        bed.configure(&["a@x:1"], &[]).await;
        assert!(bed.claim(at(HOUR * 2)).await.is_empty(), "the same address stays gone");
        bed.configure(&[], &[]).await;
        bed.configure(&["a@x:1"], &[]).await;
        let back = bed.claim_one(at(HOUR * 2)).await;
        assert_eq!((back.work().state.status, back.work().state.failures), (FeedStatus::Active, 0));
        assert!(!back.work().state.validators.is_empty(), "put in again it is the feed it was");
        bed.configure(&["a@y:1"], &[]).await;
        assert_eq!(bed.store.list_feeds().await.unwrap()[0].state, FeedHealth::New);
        let claim = bed.claim_one(T0).await;
        assert_eq!(claim.work().url, "https://y:1/a");
        let state = &claim.work().state;
        assert_eq!((state.status, state.failures, &state.moved_to), (FeedStatus::Active, 0, &None));
        assert!(state.validators.is_empty() && state.last_good_at.is_none());
        assert_eq!(bed.store.list_feeds().await.unwrap()[0].articles, 1, "its articles stay");

        bed.configure(&["a@z:1"], &[]).await;
        let late = bed.store.record_poll(&claim, plan(&claim, T0, vec![new("old")]), T0).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "polled at the former address: {late:?}");
        assert_eq!(bed.claim_one(T0).await.work().url, "https://z:1/a");
    }
}

#[tokio::test]
async fn a_feed_that_left_is_polled_no_more_and_keeps_its_articles() {
    for bed in Bed::all() {
        bed.configure(&["a@x:1", "b@x:1"], &[]).await;
        let claims = bed.claim(T0).await;
        bed.configure(&["b@x:1"], &[]).await;
        bed.store.record_poll(&claims[0], plan(&claims[0], T0, vec![new("x")]), T0).await.unwrap();
        bed.store.record_poll(&claims[1], plan(&claims[1], T0, vec![]), T0).await.unwrap();
        assert_eq!(names(&bed.claim(at(HOUR)).await), ["b"]);
        let rows = bed.store.list_feeds().await.unwrap();
        assert_eq!((rows[0].state, rows[0].next_poll_at, rows[0].articles), (FeedHealth::Disabled, None, 1));

        bed.configure(&["a@x:1", "b@x:1"], &[]).await;
        let back = bed.claim_one(at(HOUR)).await;
        assert_eq!(back.work().id, feed_id("a"));
        assert!(back.work().state.last_good_at.is_some(), "it is the same feed as before");
        bed.configure(&[], &[]).await;
        assert_eq!(bed.store.next_due().await.unwrap().feed, None);
    }
}

#[tokio::test]
async fn a_topic_is_as_old_as_the_database_knows_it() {
    for bed in Bed::all() {
        let sync = |topics: &[&str]| ConfigSync {
            topics: topics.iter().map(|name| topic(name)).collect(),
            ..ConfigSync::default()
        };
        bed.store.sync_config(sync(&["t"]), T0).await.unwrap();
        bed.store.sync_config(sync(&[]), at(HOUR)).await.unwrap();
        let created = bed.store.sync_config(sync(&["t", "u"]), at(HOUR * 2)).await.unwrap();
        assert_eq!(created, BTreeMap::from([(topic("t"), T0), (topic("u"), at(HOUR * 2))]));
    }
}

#[tokio::test]
async fn the_state_of_a_feed_comes_back_as_it_was_recorded() {
    for bed in Bed::all() {
        bed.configure(&["a"], &[]).await;
        let claim = bed.claim_one(T0).await;
        let mut recorded = plan(&claim, T0, Vec::new());
        let feed = &mut recorded.feed;
        feed.title = Some("T\u{1F4F0}".to_owned());
        feed.validators =
            Validators { etag: Some(vec![0x22, 0xff, 0x22]), last_modified: Some(b"x".to_vec()) };
        feed.body_hash = Some(i64::MIN);
        feed.last_new_at = Some(Timestamp::from_millis(-1));
        feed.notice = Some("n".to_owned());
        feed.learnt_interval = Some(Duration::from_millis(1500));
        feed.hints.min_interval = Some(HOUR);
        feed.max_age = Some(MINUTE);
        feed.hints.skip_hours = 0x00ff_ffff;
        feed.hints.skip_days = 0x7f;
        feed.due_at = at(MINUTE);
        let expected = recorded.feed.clone();
        bed.store.record_poll(&claim, recorded, T0).await.unwrap();
        assert_eq!(bed.claim_one(at(MINUTE)).await.work().state, expected);
    }
}

/// Hundreds of random steps: no host is ever asked more than allowed, and no feed is ever forgotten.
#[tokio::test]
async fn no_order_of_events_breaks_the_limits_or_loses_a_feed() {
    let limits = HostLimits { in_flight: 2, spacing: Duration::from_secs(1) };
    let mut dice = fastrand::Rng::with_seed(7);
    let bed = Bed::on_disk();
    let feeds: Vec<String> = (0..40).map(|n| format!("f{n}@h{}:1", n % 7)).collect();
    let all: Vec<&str> = feeds.iter().map(String::as_str).collect();
    bed.configure(&all, &[]).await;
    let mut now = T0;
    let mut open: Vec<(Timestamp, Claim<ClaimedFeed>)> = Vec::new();
    let mut polled = BTreeSet::new();
    for _ in 0..600 {
        now = now.plus(Duration::from_millis(dice.u64(0..900)));
        let room = dice.usize(0..6);
        let claims = bed.store.claim_due_feeds(now, LEASE, room.into(), limits).await.unwrap().feeds;
        assert!(claims.len() <= room);
        open.extend(claims.into_iter().map(|claim| (now.plus(LEASE), claim)));
        let mut per_host: BTreeMap<String, u32> = BTreeMap::new();
        for (_, claim) in open.iter().filter(|(until, _)| *until > now) {
            *per_host.entry(claim.work().url.rsplit_once('/').unwrap().0.to_owned()).or_default() += 1;
        }
        assert!(per_host.values().all(|count| *count <= limits.in_flight), "{per_host:?}");
        if open.is_empty() || dice.u8(0..4) == 0 {
            continue;
        }
        let (until, claim) = open.swap_remove(dice.usize(0..open.len()));
        match dice.u8(0..8) {
            0 => {} // its worker died
            1 => drop(bed.store.release_feed(&claim, now.plus(MINUTE)).await),
            _ => {
                let recorded = bed.store.record_poll(&claim, plan(&claim, now, Vec::new()), now).await;
                assert!(recorded.is_ok() || until <= now, "{recorded:?}");
                polled.insert(claim.work().id.clone());
            }
        }
        if dice.u8(0..50) == 0 {
            bed.configure(&all, &[]).await;
        }
    }
    let mut left: BTreeSet<_> = feeds.iter().map(|feed| feed_sync(feed).id).collect();
    for id in &polled {
        left.remove(id);
    }
    for _ in 0..200 {
        now = now.plus(MINUTE);
        for claim in bed.store.claim_due_feeds(now, LEASE, 100.into(), limits).await.unwrap().feeds {
            left.remove(&claim.work().id);
            bed.store.record_poll(&claim, plan(&claim, now, Vec::new()), now).await.unwrap();
        }
    }
    assert!(left.is_empty(), "never polled: {left:?}");
}
