//! CPU time per poll while the database grows to a million articles.

use crate::support::child::FarmProcess;
use crate::support::lab::{Lab, Setup};
use crate::support::measure::{cpu, micros_each};
use crate::table;

const FEEDS: u32 = 1_000;
const ITEMS: u32 = 20;
const ARTICLES: u32 = 1_000_000;

/// Articles at which it is measured.
const MARKS: [u32; 5] = [20_000, 100_000, 300_000, 600_000, ARTICLES];

pub(crate) fn measure() {
    table::head(
        "CPU time per poll by articles stored, in microseconds (short articles)",
        &["articles", "20 new of 20", "1 new of 20", "unchanged (304)", "MiB resident"],
    );
    let farm = FarmProcess::start(&["--hosts", "50", "--content-words", "0", "--description-words", "40"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let setup = Setup {
        port: farm.port,
        feeds: FEEDS,
        hosts: 50,
        topics: 1_000,
        interval: 900_000,
        per_host: 1,
        hook_in_flight: 16,
    };
    let lab = runtime.block_on(Lab::open(&setup.text()));
    let poll_all = || {
        let began = cpu();
        runtime.block_on(lab.poll_all());
        micros_each(cpu().saturating_sub(began), FEEDS.into())
    };
    let mut stored = 0;
    for mark in MARKS {
        let mut all_new = 0.0;
        while stored < mark {
            if stored > 0 {
                farm.publish(0, FEEDS, ITEMS);
            }
            all_new = poll_all();
            stored += FEEDS * ITEMS;
        }
        let unchanged = f64::midpoint(poll_all(), poll_all());
        farm.publish(0, FEEDS, 1);
        let one_new = poll_all();
        stored += FEEDS;
        let cells = [all_new, one_new, unchanged].map(|cost| format!("{cost:.0}"));
        let resident = table::mib(crate::measure::memory());
        table::row(&stored.to_string(), &[&cells[..], &[resident]].concat());
    }
}
