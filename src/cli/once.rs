//! `wirewatch once`.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Global, Outcome, output, wire};
use crate::app::supervisor::{self, Ended};

/// Polls everything that is due, delivers what is pending, says what came of it.
pub(super) async fn run(global: &Global) -> anyhow::Result<Outcome> {
    let loader = wire::loader(global);
    let daemon = match wire::start(&loader, false).await? {
        Ok(daemon) => daemon,
        Err(report) => {
            output::complain(&report);
            return Ok(Outcome::BadConfig);
        }
    };
    let context = Arc::clone(&daemon.context);
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let ended = tokio::select! {
        ended = supervisor::run_once(Arc::clone(&context)) => ended,
        _ = terminate.recv() => { context.stop.cancel(); Ended::Stopped }
        _ = interrupt.recv() => { context.stop.cancel(); Ended::Stopped }
    };
    daemon.close().await;
    let tally = &context.tally;
    let (polls, failed) = (tally.polls_good.get() + tally.polls_failed.get(), tally.polls_failed.get());
    let (sent, refused) = (tally.attempts_good.get(), tally.attempts_failed.get());
    output::print(&format!(
        "{polls} polls ({failed} failed), {} new articles, {} alerts, {sent} delivered ({refused} attempts failed)\n",
        tally.articles.get(),
        tally.alerts.get()
    ))?;
    let wrong = failed + refused > 0 || context.store.disk_is_full() || ended == Ended::Broken;
    Ok(if wrong { Outcome::Wrong } else { Outcome::Fine })
}
