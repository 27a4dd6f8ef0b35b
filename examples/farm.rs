//! A farm of synthetic feeds and a webhook sink on loopback, to measure feed pollers with.
//!
//! `cargo run --release --example farm -- --feeds 1000 --hosts 50`, then `curl http://127.0.0.1:8700/feed/0`. Webhooks go
//! to `/hook`; `POST /_publish?from=0&n=10&items=1` publishes, `GET /_stats` tells what happened, `POST /_reset` forgets it.

#[path = "../benches/support/farm/mod.rs"]
mod farm;

use std::sync::Arc;

use clap::Parser;
use farm::{Farm, Options};

#[derive(Debug, Parser)]
#[command(about = "A farm of synthetic feeds and a webhook sink on loopback")]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

#[expect(clippy::print_stderr, reason = "a person waits for it")]
fn main() -> std::io::Result<()> {
    let farm = Arc::new(Farm::new(Arguments::parse().options));
    farm.prewarm();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(farm::serve(farm, |port| eprintln!("feeds at http://127.0.0.1:{port}/feed/0, and so on")))
}
