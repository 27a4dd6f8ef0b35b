//! From the last byte of the feed's answer to the first byte of the webhook's call, of the program itself.

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::child::{Daemon, FarmProcess, pause, run_once};
use crate::support::lab::Setup;
use crate::support::measure::percentile;
use crate::table;

/// Alerts measured one at a time.
const SINGLE: usize = 100;

/// Feeds that change at once.
const BURST: u32 = 1_000;

/// Feeds that each change every two seconds, and how long.
const STEADY: u32 = 200;
const STEADY_FOR: Duration = Duration::from_secs(20);

/// No single alert takes longer, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn measure() {
    table::head(
        "From the feed's answer to the webhook's call, in milliseconds",
        &["what", "alerts", "p50", "p95", "p99", "most"],
    );
    row("one at a time", one_at_a_time());
    row("1,000 feeds change at once", burst());
    row("100 alerts a second", steady());
}

fn row(name: &str, mut micros: Vec<u64>) {
    let mut cells = vec![micros.len().to_string()];
    cells.extend([0.5, 0.95, 0.99, 1.0].map(|part| table::millis(percentile(&mut micros, part))));
    table::row(name, &cells);
}

/// A farm, and an installation that has polled all its feeds once: what they publish from now on alerts.
fn prepared(feeds: u32, interval: u32, topics: u32, options: &[&str]) -> (FarmProcess, TempDir, Setup) {
    let count = feeds.to_string();
    let mut flags = vec!["--hosts", "50", "--feeds", &count, "--keyword-rate", "1"];
    flags.extend(options);
    let farm = FarmProcess::start(&flags);
    let home = tempfile::tempdir().unwrap();
    let setup =
        Setup { port: farm.port, feeds, hosts: 50, topics, interval, per_host: 64, hook_in_flight: 16 };
    setup.write(home.path());
    run_once(home.path());
    farm.reset();
    (farm, home, setup)
}

fn one_at_a_time() -> Vec<u64> {
    const FEEDS: u32 = 10;
    let (farm, home, _) = prepared(FEEDS, 1_000, 1_000, &[]);
    let _daemon = Daemon::start(home.path());
    for (alert, feed) in (1..=SINGLE).zip((0..FEEDS).cycle()) {
        farm.publish(feed, 1, 1);
        wait_for(&farm, alert);
    }
    farm.stats().since_served
}

fn burst() -> Vec<u64> {
    let (farm, home, mut setup) = prepared(BURST, 1_000, 1_000, &[]);
    farm.publish(0, BURST, 1);
    // All are due by then; once polled they stay quiet.
    pause(Duration::from_millis(1_200));
    setup.interval = 3_600_000;
    setup.write(home.path());
    let _daemon = Daemon::start(home.path());
    wait_for(&farm, BURST as usize);
    farm.stats().since_served
}

fn steady() -> Vec<u64> {
    let options = ["--publish-every-ms", "2000", "--publish-after-ms", "4000"];
    let (farm, home, _) = prepared(STEADY, 2_000, 1_000, &options);
    let _daemon = Daemon::start(home.path());
    pause(Duration::from_secs(8));
    farm.reset();
    pause(STEADY_FOR);
    farm.stats().since_served
}

fn wait_for(farm: &FarmProcess, alerts: usize) {
    let began = Instant::now();
    while farm.stats().since_served.len() < alerts {
        assert!(began.elapsed() < PATIENCE, "an alert did not arrive");
        pause(Duration::from_millis(10));
    }
}
