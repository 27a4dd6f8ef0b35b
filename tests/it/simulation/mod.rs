//! Days of operation in a simulated world that is driven from a seed: the real loops on the real store, in
//! memory, with simulated publishers, receivers, clock and disk, all of which fail; the promises of PRODUCT.md
//! are held against what happens. docs/RELIABILITY.md tells how it works and how a seed is repeated.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each fault picks what it spoils and leaves the rest alone"
)]
#![expect(clippy::format_push_string, reason = "documents are small")]

mod audit;
mod clock;
mod guest;
mod holds;
mod house;
mod ledger;
mod pages;
mod press;
mod receivers;
mod run;
mod sabotage;
mod scale;
mod store;
mod world;

use run::{Report, simulate};
use scale::Scale;
use world::Sabotage;

/// What is printed of a seed that breaks a promise, with the command that repeats it.
fn describe(report: &Report) -> String {
    let breach = report.breach.as_ref().expect("a breach");
    format!(
        "\nseed {} breaks a promise: {}\n{}\n\n{}\n\nrepeat it with\n    {}\n",
        report.seed, breach.promise, breach.how, report.story, report.command
    )
}

#[track_caller]
fn all_is_kept(report: &Report) {
    assert!(report.breach.is_none(), "{}", describe(report));
}

/// Seeds that a test runs where the environment names no others.
fn seeds(or: std::ops::Range<u64>) -> std::ops::Range<u64> {
    // The tests' own variables, not the program's.
    #[expect(clippy::disallowed_methods, reason = "a test is told what to run by its environment")]
    let wanted = std::env::var("WIREWATCH_SEEDS");
    let Ok(wanted) = wanted else { return or };
    let (from, to) = wanted.split_once("..").unwrap_or((&wanted, ""));
    let from: u64 = from.parse().expect("WIREWATCH_SEEDS is N or N..M");
    from..to.parse().unwrap_or(from + 1)
}

/// Runs one seed after the other; several such tests run side by side.
fn run_small(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let report = simulate(&Scale::small(seed), Sabotage::None);
        println!("{}", report.summary());
        all_is_kept(&report);
    }
}

#[test]
fn hundreds_of_small_worlds_even() {
    run_small(seeds(0..60).filter(|seed| seed % 2 == 0));
}

#[test]
fn hundreds_of_small_worlds_odd() {
    run_small(seeds(0..60).filter(|seed| seed % 2 == 1));
}

/// 32: a visit some seconds early after the clock was set back. 92: a probe that did not keep its webhook's rate.
#[test]
fn worlds_in_which_something_was_found() {
    run_small([32, 92].into_iter());
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let once = simulate(&Scale::small(7), Sabotage::None);
    let twice = simulate(&Scale::small(7), Sabotage::None);
    assert_eq!(once.digest, twice.digest);
}

/// Takes a minute or two in a release build: `cargo test --release --test it simulation::a_month -- --ignored`.
#[test]
#[ignore = "takes minutes; docs/RELIABILITY.md has the command"]
fn a_month_of_two_thousand_feeds() {
    for seed in seeds(1..2) {
        let report = simulate(&Scale::large(seed, 30, 2000), Sabotage::None);
        println!("{}", report.summary());
        all_is_kept(&report);
        // Retention keeps ten days: what is used after twenty is no less than what is used at the end.
        let (middle, late) = report.used.split_at(report.used.len() * 2 / 3);
        let most = |used: &[u64]| used.iter().copied().max().unwrap_or_default();
        assert!(most(late) < most(middle) + most(middle) / 4, "the database grows: {:?}", report.used);
        println!("database in use: {} KiB at most", most(&report.used) / 1024);
    }
}

/// A defect planted somewhere breaks the promise that it breaks, within a few seeds.
#[track_caller]
fn check_found(sabotage: Sabotage, promises: &[&str]) {
    let found = (0..12).find_map(|seed| simulate(&Scale::small(seed), sabotage).breach);
    let found = found.unwrap_or_else(|| panic!("{sabotage:?} is not found"));
    assert!(promises.contains(&found.promise), "{sabotage:?} is found as: {}: {}", found.promise, found.how);
}

#[test]
fn planted_losses_are_found() {
    check_found(Sabotage::LosesAlerts, &["nothing lost"]);
    check_found(Sabotage::LosesDeliveries, &["nothing lost"]);
    check_found(Sabotage::ClaimsSuccess, &["delivered means accepted"]);
    check_found(Sabotage::StarvesAFeed, &["no feed is starved"]);
}

#[test]
fn planted_repetitions_are_found() {
    check_found(Sabotage::ChangesIds, &["told once"]);
    check_found(Sabotage::ForgetsArticles, &["told once", "nothing is told without reason"]);
    check_found(Sabotage::ForgetsLeases, &["one request at a time"]);
}

#[test]
fn planted_rudeness_is_found() {
    check_found(Sabotage::ForgetsValidators, &["conditional requests"]);
    check_found(Sabotage::HearsNoRetryAfter, &["Retry-After of servers"]);
    check_found(Sabotage::PesterReceivers, &["Retry-After of receivers"]);
    check_found(Sabotage::Crowds, &["bounded in flight"]);
}

#[test]
fn planted_impatience_is_found() {
    check_found(Sabotage::KnowsNoNight, &["quiet hours", "digests", "alert rates"]);
    check_found(Sabotage::HearsNoSilence, &["silences", "nothing lost"]);
}
