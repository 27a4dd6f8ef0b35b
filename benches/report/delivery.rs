//! The dispatcher beside a bare loop of posts to the same sink.

use tokio::time::Instant;

use crate::support::bare::post_all;
use crate::support::child::FarmProcess;
use crate::support::lab::{Lab, Setup};
use crate::support::measure::{cpu, micros_each};
use crate::table;

const MESSAGES: u32 = 4_000;
const IN_FLIGHT: u32 = 16;

/// A body as large as a message about an article of the farm.
const BODY: [u8; 1_500] = [b'x'; 1_500];

pub(crate) fn measure() {
    table::head(
        "Messages to one webhook, 16 in flight",
        &["what", "CPU time each, in microseconds", "messages a second"],
    );
    let farm = FarmProcess::start(&["--hosts", "50", "--keyword-rate", "1"]);
    let began = Instant::now();
    let bare = post_all(&format!("http://127.0.0.1:{}/hook", farm.port), &BODY, MESSAGES, IN_FLIGHT as usize);
    row("a bare loop of reqwest", micros_each(bare, MESSAGES.into()), began);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let setup = Setup {
        port: farm.port,
        feeds: 1_000,
        hosts: 50,
        topics: 1,
        interval: 900_000,
        per_host: 64,
        hook_in_flight: IN_FLIGHT,
    };
    let lab = runtime.block_on(Lab::open(&setup.text()));
    runtime.block_on(lab.poll_all());
    farm.publish(0, 1_000, MESSAGES / 1_000);
    runtime.block_on(lab.poll_all());
    farm.reset();
    let (began, before) = (Instant::now(), cpu());
    runtime.block_on(lab.deliver_all());
    row(
        "wirewatch, every attempt on disk",
        micros_each(cpu().saturating_sub(before), MESSAGES.into()),
        began,
    );
    assert_eq!(farm.stats().hooks, u64::from(MESSAGES));
}

fn row(name: &str, each: f64, began: Instant) {
    let rate = f64::from(MESSAGES) / began.elapsed().as_secs_f64();
    table::row(name, &[format!("{each:.0}"), format!("{rate:.0}")]);
}
