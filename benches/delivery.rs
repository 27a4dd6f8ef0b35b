//! The dispatcher, beside a bare loop of posts to the same sink: `cargo bench --bench delivery`.
//!
//! Time per message with sixteen in flight to one webhook, as a clock on the wall shows it. Of wirewatch's messages each
//! is claimed, signed, sent and recorded, its attempt written and synced before and after.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should stop")]

use std::time::Duration;

use criterion::Criterion;
use support::bare::post_all;
use support::child::FarmProcess;
use support::lab::{Lab, Setup};
use tokio::time::Instant;

#[expect(dead_code, reason = "other benches use the rest")]
mod support;

const FEEDS: u32 = 500;
const IN_FLIGHT: u32 = 16;

/// As large as a message about an article of the farm.
const BODY: [u8; 1_500] = [b'x'; 1_500];

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "farm").is_some() {
        return support::run_farm(arguments);
    }
    let mut criterion = Criterion::default().configure_from_args();
    let feeds = FEEDS.to_string();
    let farm = FarmProcess::start(&["--hosts", "50", "--feeds", &feeds, "--keyword-rate", "1"]);
    let mut group = criterion.benchmark_group("a message to one webhook");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let sink = format!("http://127.0.0.1:{}/hook", farm.port);
    group.bench_function("bare reqwest", |bencher| {
        bencher.iter_custom(|iterations| {
            let began = Instant::now();
            let count = u32::try_from(iterations).unwrap();
            post_all(&sink, &BODY, count, IN_FLIGHT as usize);
            began.elapsed()
        });
    });

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let setup = Setup {
        port: farm.port,
        feeds: FEEDS,
        hosts: 50,
        topics: 1,
        interval: 900_000,
        per_host: 64,
        hook_in_flight: IN_FLIGHT,
    };
    let lab = runtime.block_on(Lab::open(&setup.text()));
    runtime.block_on(lab.poll_all());
    group.bench_function("wirewatch", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            let rounds = iterations.div_ceil(FEEDS.into());
            for _ in 0..rounds {
                farm.publish(0, FEEDS, 1);
                runtime.block_on(lab.poll_all());
                let began = Instant::now();
                runtime.block_on(lab.deliver_all());
                spent += began.elapsed();
            }
            // A round is as many messages as there are feeds.
            support::share(spent, iterations, rounds * u64::from(FEEDS))
        });
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
