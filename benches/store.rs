//! What the store costs on a disk, every commit synced: `cargo bench --bench store`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should stop")]

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use wirewatch::domain::Timestamp;
use wirewatch::domain::feed::ClaimedFeed;
use wirewatch::domain::poll::PollPlan;
use wirewatch::ports::{Claim, ConfigSync, Store as _};
use wirewatch::sqlite::SqliteStore;

use bed::{Bed, FREE, HOUR, LEASE, T0, alerting, feed_sync, new, plan};

#[expect(dead_code, reason = "the contract suite uses the rest")]
#[path = "../tests/it/store/bed.rs"]
mod bed;

/// Names and instants that were not there before.
#[derive(Default)]
struct Sequence {
    next: Cell<u32>,
}

impl Sequence {
    fn next(&self) -> u32 {
        let next = self.next.get();
        self.next.set(next + 1);
        next
    }

    /// An hour after the last one: every feed is due again.
    fn instant(&self) -> Timestamp {
        T0.plus(HOUR * self.next())
    }
}

/// A poll of one feed with so many new articles, the first of which alerts.
fn planned(claim: &Claim<ClaimedFeed>, now: Timestamp, articles: u32, names: &Sequence) -> PollPlan {
    let articles = (0..articles).map(|index| {
        let article = new(&format!("x{}", names.next()));
        if index == 0 { alerting(article, "t", &["desk"], now) } else { article }
    });
    plan(claim, now, articles.collect())
}

fn record_poll(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (names, instants) = (Sequence::default(), Sequence::default());
    for articles in [0, 1, 20] {
        let bed = runtime.block_on(async {
            let bed = Bed::on_disk();
            bed.configure(&["a"], &["desk"]).await;
            bed
        });
        criterion.bench_function(&format!("record_poll, {articles} new articles"), |bencher| {
            let setup = || {
                let now = instants.instant();
                let claim = runtime.block_on(bed.claim_one(now));
                let plan = planned(&claim, now, articles, &names);
                (claim, plan, now)
            };
            bencher.iter_batched(
                setup,
                |(claim, plan, now)| runtime.block_on(bed.store.record_poll(&claim, plan, now)).unwrap(),
                // The claim is held until the poll is recorded: one at a time.
                BatchSize::PerIteration,
            );
        });
    }
}

/// The group commit: 64 polls that end at once share few syncs.
fn concurrent_polls(criterion: &mut Criterion) {
    const POLLS: usize = 64;
    let runtime = Runtime::new().unwrap();
    let (names, instants) = (Sequence::default(), Sequence::default());
    let feeds: Vec<String> = (0..POLLS).map(|n| format!("f{n}@h{n}:1")).collect();
    let bed = runtime.block_on(async {
        let bed = Bed::on_disk();
        bed.configure(&feeds.iter().map(String::as_str).collect::<Vec<_>>(), &["desk"]).await;
        bed
    });
    let bed = Arc::new(bed);
    criterion.bench_function("record_poll, 64 at once with 1 new article each", |bencher| {
        let setup = || {
            let now = instants.instant();
            let claims = runtime.block_on(bed.claim(now));
            assert_eq!(claims.len(), POLLS);
            let work = claims.into_iter().map(|claim| {
                let plan = planned(&claim, now, 1, &names);
                (claim, plan)
            });
            (work.collect::<Vec<_>>(), now)
        };
        let routine = |(work, now): (Vec<(Claim<ClaimedFeed>, PollPlan)>, Timestamp)| {
            runtime.block_on(async {
                let mut polls = JoinSet::new();
                for (claim, plan) in work {
                    let bed = Arc::clone(&bed);
                    polls.spawn(async move { bed.store.record_poll(&claim, plan, now).await.unwrap() });
                }
                polls.join_all().await
            })
        };
        bencher.iter_batched(setup, routine, BatchSize::PerIteration);
    });
}

/// Looking for what is due must cost the same for ten feeds and for ten thousand.
fn due_among(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    for count in [10_u32, 10_000] {
        let bed = runtime.block_on(async {
            let bed = Bed::on_disk();
            let feeds = (0..count).map(|n| {
                let mut feed = feed_sync(&format!("f{n}@h{}:1", n / 5));
                feed.first_due_at = T0.plus(Duration::from_secs(n.into()));
                feed
            });
            let config = ConfigSync { feeds: feeds.collect(), ..ConfigSync::default() };
            bed.store.sync_config(config, T0).await.unwrap();
            bed
        });
        criterion.bench_function(&format!("next_due among {count} feeds"), |bencher| {
            bencher.iter(|| black_box(runtime.block_on(bed.store.next_due()).unwrap()));
        });
        criterion.bench_function(&format!("claim and release 5 of {count} feeds"), |bencher| {
            bencher.iter(|| runtime.block_on(claim_and_release(&bed.store)));
        });
    }
}

async fn claim_and_release(store: &SqliteStore) {
    let now = T0.plus(HOUR * 24);
    for claim in store.claim_due_feeds(now, LEASE, 5.into(), FREE).await.unwrap().feeds {
        store.release_feed(&claim, T0).await.unwrap();
    }
}

criterion_group!(benches, record_poll, concurrent_polls, due_among);
criterion_main!(benches);
