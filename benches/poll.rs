//! The whole poll path, beside the bare parts: `cargo bench --bench poll`.
//!
//! Every figure is CPU time of this process per poll, its threads together; the farm that answers is another process.
//! A thousand feeds of 49 kB and 20 entries on fifty hosts, 1,000 topics, the database on disk and every commit synced.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should stop")]

use std::time::Duration;

use criterion::Criterion;
use support::bare::{BarePoller, OURS};
use support::child::FarmProcess;
use support::lab::{Lab, Setup};
use support::measure::cpu;

#[expect(dead_code, reason = "other benches use the rest")]
mod support;

const FEEDS: u32 = 1_000;
const HOSTS: u8 = 50;

/// Measures rounds of polls in which nothing changed, and rounds in which each feed has one new article. The first
/// poll of a feed happens once: `--bench report` measures it.
fn rounds(criterion: &mut Criterion, name: &str, farm: &FarmProcess, mut poll_all: impl FnMut() -> Duration) {
    let mut group = criterion.benchmark_group("CPU time per poll");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    poll_all();
    for (what, published) in [("unchanged", 0), ("1 new of 20", 1), ("20 new of 20", 20)] {
        group.bench_function(format!("{what}, {name}"), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations.div_ceil(FEEDS.into()) {
                    farm.publish(0, FEEDS, published);
                    spent += poll_all();
                }
                // A round is as many polls as there are feeds.
                let polls = iterations.div_ceil(FEEDS.into()) * u64::from(FEEDS);
                support::share(spent, iterations, polls)
            });
        });
    }
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "farm").is_some() {
        return support::run_farm(arguments);
    }
    let mut criterion = Criterion::default().configure_from_args();
    let hosts = HOSTS.to_string();
    let farm = FarmProcess::start(&["--hosts", &hosts, "--close"]);
    let dir = tempfile::tempdir()?;
    let urls = (0..FEEDS).map(|feed| farm.url(feed, HOSTS)).collect();
    let mut bare = BarePoller::new(dir.path(), OURS, urls);
    rounds(&mut criterion, "bare", &farm, || bare.poll_all());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let setup = Setup {
        port: farm.port,
        feeds: FEEDS,
        hosts: HOSTS,
        topics: 1_000,
        interval: 900_000,
        per_host: 1,
        hook_in_flight: 16,
    };
    let lab = runtime.block_on(Lab::open(&setup.text()));
    rounds(&mut criterion, "wirewatch", &farm, || {
        let began = cpu();
        runtime.block_on(lab.poll_all());
        cpu().saturating_sub(began)
    });
    criterion.final_summary();
    Ok(())
}
