//! The real program under what befalls a process: killed, stopped, out of disk, out of memory, out of
//! descriptors, its clock set, its network gone. `tests/crash/run` runs all of it; a part runs with every test.

#![expect(clippy::format_push_string, reason = "documents are small")]

mod bad_design;
mod faults;
mod outside;
mod rig;

use std::pin::Pin;

use faults::Outcome;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_it_tells_everything_under_one_id() {
    faults::kills(15, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_finds_out_a_bad_design() {
    let found = bad_design::run().await;
    assert!(found.is_err(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_somebody_holds_for_a_while_delays_and_loses_nothing() {
    faults::locked_database(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_hundred_visits_leave_nothing_behind() {
    faults::long_run(480).await.unwrap();
}

type Fault = (&'static str, Pin<Box<dyn Future<Output = Outcome>>>);

/// Every fault, in full; a line for each. `WIREWATCH_FAULT=NAME` runs one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and wants root, prlimit and libfaketime; tests/crash/run"]
async fn every_fault() {
    let faults: Vec<Fault> = vec![
        ("300 times SIGKILL", Box::pin(faults::kills(300, 11))),
        ("20 times SIGTERM under load", Box::pin(faults::stops(20))),
        ("100 times SIGHUP under load", Box::pin(faults::reloads(100))),
        ("10 times SIGSTOP and SIGCONT", Box::pin(faults::pauses(10))),
        ("network gone and back, 5 times", Box::pin(faults::network_gone(5))),
        ("database locked by another process", Box::pin(faults::locked_database(3))),
        ("disk full and free again, 6 times", Box::pin(faults::full_disk(6))),
        ("no file descriptors", Box::pin(faults::no_descriptors())),
        ("no memory, 5 times", Box::pin(faults::no_memory(5))),
        ("clock set forward and back", Box::pin(faults::clock_jumps())),
        ("a week's visits in one run", Box::pin(faults::long_run(faults::A_WEEK))),
        ("a bad design fails", Box::pin(bad_design::fails())),
    ];
    #[expect(clippy::disallowed_methods, reason = "a test is told what to run by its environment")]
    let only = std::env::var("WIREWATCH_FAULT").unwrap_or_default();
    let (mut passed, mut failed) = (0, 0);
    for (name, fault) in faults.into_iter().filter(|(name, _)| name.contains(&only)) {
        match fault.await {
            Ok(told) => {
                passed += 1;
                println!("ok      {name}: {told}");
            }
            Err(problem) => {
                failed += 1;
                println!("FAILED  {name}: {problem}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0);
}
