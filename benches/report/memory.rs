//! Memory of the program at rest, by number of feeds.

use std::time::Duration;

use crate::support::child::{Daemon, FarmProcess, pause, run_once};
use crate::support::lab::Setup;
use crate::support::measure::{cpu_of, memory_of};
use crate::table;

const TOPICS: u32 = 10_000;

/// How long the daemon is watched doing nothing.
const AT_REST: Duration = Duration::from_secs(4);

pub(crate) fn measure() {
    table::head(
        "Memory with 10,000 topics, all feeds polled once",
        &[
            "feeds",
            "MiB at rest",
            "MiB at most since start",
            "MiB at most while all are polled",
            "CPU per second at rest, ms",
        ],
    );
    let mut at_rest = Vec::new();
    for feeds in [1_000, 10_000, 100_000] {
        let count = feeds.to_string();
        let options = [
            "--hosts",
            "50",
            "--feeds",
            &count,
            "--items",
            "2",
            "--content-words",
            "0",
            "--description-words",
            "20",
        ];
        let farm = FarmProcess::start(&options);
        let home = tempfile::tempdir().unwrap();
        Setup {
            port: farm.port,
            feeds,
            hosts: 50,
            topics: TOPICS,
            interval: 43_200_000,
            per_host: 64,
            hook_in_flight: 2,
        }
        .write(home.path());
        let polled = run_once(home.path());
        assert_eq!(farm.stats().requests, u64::from(feeds));
        let daemon = Daemon::start(home.path());
        pause(Duration::from_secs(1));
        let before = cpu_of(daemon.id());
        pause(AT_REST);
        let idle = cpu_of(daemon.id()).saturating_sub(before) / u32::try_from(AT_REST.as_secs()).unwrap();
        let (now, most) = memory_of(daemon.id());
        at_rest.push((u64::from(feeds), now));
        let cells =
            [table::mib(now), table::mib(most), table::mib(polled.peak), idle.as_millis().to_string()];
        table::row(&count, &cells);
    }
    let ((few, little), (many, much)) = (at_rest[0], at_rest[at_rest.len() - 1]);
    println!("\n{} bytes per feed at rest.", much.saturating_sub(little) / (many - few));
}
