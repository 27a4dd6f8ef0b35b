//! What benches share: a farm of feeds, the bare parts to stand beside, the real loops in this process.

pub(crate) mod bare;
pub(crate) mod child;
pub(crate) mod farm;
pub(crate) mod lab;
pub(crate) mod measure;

use std::io::Write as _;
use std::sync::Arc;

use clap::Parser;
use farm::{Farm, Options};

/// A farm on the command line.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// Runs a farm with the options of the command line until it is killed; tells its port in the first line.
#[expect(clippy::print_stdout, reason = "whoever started it reads the port")]
pub(crate) fn run_farm(arguments: impl Iterator<Item = String>) -> std::io::Result<()> {
    let farm = Arc::new(Farm::new(
        Arguments::parse_from(std::iter::once("farm".to_owned()).chain(arguments)).options,
    ));
    farm.prewarm();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(farm::serve(farm, |port| {
        println!("{port}");
        drop(std::io::stdout().flush());
    }))
}

/// The time of `wanted` among `done` things, which took `time` together.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub(crate) fn share(time: std::time::Duration, wanted: u64, done: u64) -> std::time::Duration {
    time.mul_f64(wanted as f64 / done as f64)
}
