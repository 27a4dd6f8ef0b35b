//! What publishers see: a thousand feeds on fifty hosts, polled twice by the program itself, and by the bare parts.

use std::time::Duration;

use crate::support::bare;
use crate::support::child::{BareProcess, FarmProcess, Once, pause, run_once};
use crate::support::farm::Stats;
use crate::support::lab::Setup;
use crate::support::measure::micros_each;
use crate::table;

const FEEDS: u32 = 1_000;
const HOSTS: u8 = 50;

/// Publishers that take their time.
const FARM: [&str; 6] = ["--hosts", "50", "--latency-ms", "20", "--jitter-ms", "10"];

/// Milliseconds between the two polls of a feed: longer than the first poll of all of them takes.
const INTERVAL: u32 = 15_000;

pub(crate) fn measure() {
    table::head(
        "1,000 feeds on 50 hosts polled twice by `wirewatch once`, one request per host at a time",
        &[
            "poll",
            "requests",
            "304s",
            "MiB sent by the servers",
            "connections",
            "at once, most",
            "at once per host, most",
            "seconds",
            "CPU microseconds per poll",
            "peak MiB",
        ],
    );
    of_bare();
    let farm = FarmProcess::start(&FARM);
    let home = tempfile::tempdir().unwrap();
    let mut setup = Setup {
        port: farm.port,
        feeds: FEEDS,
        hosts: HOSTS,
        topics: 1_000,
        interval: INTERVAL,
        per_host: 1,
        hook_in_flight: 2,
    };
    setup.write(home.path());
    let first = run_once(home.path());
    let first_stats = farm.stats();
    farm.reset();
    pause(Duration::from_millis(u64::from(INTERVAL) * 6 / 5));
    // Whatever is polled from now on is not due again.
    setup.interval = 3_600_000;
    setup.write(home.path());
    let second = run_once(home.path());
    let second_stats = farm.stats();
    let idle = run_once(home.path());
    for (name, once, stats) in [("first", first, first_stats), ("second", second, second_stats)] {
        row(name, Once { cpu: once.cpu.saturating_sub(idle.cpu), ..once }, &stats);
    }
    println!(
        "\nStart and end of the process alone: {} ms of CPU time, {} MiB.",
        idle.cpu.as_millis(),
        table::mib(idle.peak)
    );
}

/// The lower bound: nothing but a client, a parser and inserts, 64 requests in flight, no limits per host.
fn of_bare() {
    let farm = FarmProcess::start(&FARM);
    let dir = tempfile::tempdir().unwrap();
    let urls = (0..FEEDS).map(|feed| farm.url(feed, HOSTS)).collect();
    let mut poller = BareProcess::start(dir.path(), urls);
    for name in ["first, the bare parts", "second, the bare parts"] {
        farm.reset();
        let once = poller.poll_all();
        row(name, once, &farm.stats());
    }
}

fn row(name: &str, once: Once, stats: &Stats) {
    assert_eq!(stats.requests, u64::from(FEEDS));
    table::row(
        name,
        &[
            stats.requests.to_string(),
            stats.unchanged.to_string(),
            table::mib(stats.bytes_out),
            stats.connections.to_string(),
            stats.in_flight_max.to_string(),
            stats.in_flight_per_host_max.to_string(),
            format!("{:.1}", once.took.as_secs_f64()),
            format!("{:.0}", micros_each(once.cpu, FEEDS.into())),
            table::mib(once.peak),
        ],
    );
}

/// The bare parts in a process of their own: polls whenever a line arrives, and answers with a line of microseconds of
/// CPU time.
pub(crate) fn run_bare(mut arguments: impl Iterator<Item = String>) -> std::io::Result<()> {
    let dir = arguments.next().unwrap();
    let mut poller = bare::BarePoller::new(dir.as_ref(), bare::PLAIN, arguments.collect());
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", poller.poll_all().as_micros());
    }
    Ok(())
}
