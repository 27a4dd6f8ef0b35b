//! One table of all that is claimed about speed and memory, every figure beside its bound in the same run.
//!
//! `cargo bench --bench report` prints it; `cargo bench --bench report -- polls latency` only these parts. The method is
//! in `docs/BENCHMARKS.md`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod delivery;
mod growth;
mod guest;
mod latency;
mod matching;
mod memory;
mod polls;
#[expect(dead_code, reason = "other benches use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod table;

use support::measure;
use tokio::time::Instant;

/// A part of the report: its name on the command line, and what measures it.
type Part = (&'static str, fn());

const PARTS: [Part; 7] = [
    ("polls", polls::measure),
    ("latency", latency::measure),
    ("delivery", delivery::measure),
    ("guest", guest::measure),
    ("matching", matching::measure),
    ("memory", memory::measure),
    ("growth", growth::measure),
];

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").peekable();
    if arguments.next_if(|first| first == "farm").is_some() {
        return support::run_farm(arguments);
    }
    if arguments.next_if(|first| first == "bare").is_some() {
        return guest::run_bare(arguments);
    }
    let wanted: Vec<String> = arguments.collect();
    println!("{}; load {}", measure::machine(), measure::load());
    let began = Instant::now();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let part = Instant::now();
            measure();
            println!("({name}: {} s, load {})", part.elapsed().as_secs(), measure::load());
        }
    }
    println!("\n{} s in all", began.elapsed().as_secs());
    Ok(())
}
