//! CPU time per poll, beside what the bare parts need for the same documents.

use crate::support::bare::{self, BarePoller, Pages};
use crate::support::child::FarmProcess;
use crate::support::lab::{Lab, Setup};
use crate::support::measure::{cpu, micros_each};
use crate::table;

const FEEDS: u32 = 1_000;
const HOSTS: u8 = 50;

/// Rounds over all feeds that a figure is the mean of, where a round can be repeated.
const ROUNDS: u32 = 3;

/// Whole series, of which the least counts: what else runs on the machine only ever adds.
const SERIES: usize = 2;

/// Microseconds of CPU time per poll.
#[derive(Clone, Copy, Debug)]
struct Costs {
    all_new: f64,
    one_new: f64,
    unchanged: f64,
}

impl Costs {
    fn least(all: &[Self]) -> Self {
        let least = |which: fn(&Self) -> f64| all.iter().map(which).fold(f64::INFINITY, f64::min);
        Self {
            all_new: least(|costs| costs.all_new),
            one_new: least(|costs| costs.one_new),
            unchanged: least(|costs| costs.unchanged),
        }
    }
}

pub(crate) fn measure() {
    table::head(
        "CPU time per poll, in microseconds (1,000 feeds of 49 kB and 20 entries on 50 hosts; 1,000 topics)",
        &[
            "what",
            "bare, 4 KiB pages, NORMAL",
            "bare, 16 KiB pages, FULL",
            "wirewatch",
            "times the first",
            "times the second",
        ],
    );
    for (connections, options) in [("kept connections", &[][..]), ("a new connection each", &["--close"][..])]
    {
        let hosts = HOSTS.to_string();
        let mut flags = vec!["--hosts", &hosts];
        flags.extend(options);
        let farm = FarmProcess::start(&flags);
        let (mut plain, mut as_we, mut ours) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SERIES {
            plain.push(of_bare(&farm, bare::PLAIN));
            as_we.push(of_bare(&farm, bare::OURS));
            ours.push(of_wirewatch(&farm));
        }
        let (plain, as_we, ours) = (Costs::least(&plain), Costs::least(&as_we), Costs::least(&ours));
        let row = |name: &str, which: fn(&Costs) -> f64| {
            let [plain, as_we, ours] = [which(&plain), which(&as_we), which(&ours)];
            let ratios = [table::ratio(ours, plain), table::ratio(ours, as_we)];
            let mut cells: Vec<String> =
                [plain, as_we, ours].iter().map(|cost| format!("{cost:.0}")).collect();
            cells.extend(ratios);
            table::row(&format!("{name}, {connections}"), &cells);
        };
        row("20 new of 20", |costs| costs.all_new);
        row("1 new of 20", |costs| costs.one_new);
        row("unchanged (304)", |costs| costs.unchanged);
    }
}

/// Runs one round and answers what each of its polls cost; sees to it that all were as they should be.
fn round(farm: &FarmProcess, whole: bool, mut poll_all: impl FnMut() -> f64) -> f64 {
    farm.reset();
    let cost = poll_all();
    let stats = farm.stats();
    assert_eq!(if whole { stats.whole } else { stats.unchanged }, u64::from(FEEDS), "{stats:?}");
    assert_eq!(stats.requests, u64::from(FEEDS), "{stats:?}");
    cost
}

fn series(farm: &FarmProcess, mut poll_all: impl FnMut() -> f64) -> Costs {
    let all_new = round(farm, true, &mut poll_all);
    let (mut one_new, mut unchanged) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        unchanged += round(farm, false, &mut poll_all);
        farm.publish(0, FEEDS, 1);
        one_new += round(farm, true, &mut poll_all);
    }
    Costs { all_new, one_new: one_new / f64::from(ROUNDS), unchanged: unchanged / f64::from(ROUNDS) }
}

fn of_bare(farm: &FarmProcess, pages: Pages) -> Costs {
    let dir = tempfile::tempdir().unwrap();
    let urls = (0..FEEDS).map(|feed| farm.url(feed, HOSTS)).collect();
    let mut poller = BarePoller::new(dir.path(), pages, urls);
    series(farm, || micros_each(poller.poll_all(), FEEDS.into()))
}

fn of_wirewatch(farm: &FarmProcess) -> Costs {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
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
    series(farm, || {
        let began = cpu();
        runtime.block_on(lab.poll_all());
        micros_each(cpu().saturating_sub(began), FEEDS.into())
    })
}
