//! `wirewatch once`.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Global, Outcome, output, wire};
use crate::app::supervisor::{self, Ended};
use crate::domain::delivery::DeliveryState;

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
    let held = match context.store.open_deliveries().await {
        Ok(held) => held,
        // The writer has died, and with it the reading of what it left.
        Err(_) if ended == Ended::Broken => Vec::new(),
        Err(problem) => return Err(problem.into()),
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
    // They go with the next `once` after their time, or with the daemon.
    for row in held.iter().filter(|row| row.state == DeliveryState::Held) {
        let why = row.hold.as_deref().unwrap_or_default().replace('_', " ");
        let until = row.next_release_at.map(|at| format!(", until {at}")).unwrap_or_default();
        output::print(&format!("{} held for {} ({why}{until})\n", row.count, row.webhook))?;
    }
    let wrong = failed + refused > 0 || context.store.disk_is_full() || ended == Ended::Broken;
    Ok(if wrong { Outcome::Wrong } else { Outcome::Fine })
}
