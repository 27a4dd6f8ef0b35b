//! `wirewatch once`.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Global, Outcome, output, wire};
use crate::app::supervisor;
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
    tokio::select! {
        () = supervisor::run_once(Arc::clone(&context)) => {}
        _ = terminate.recv() => context.stop.cancel(),
        _ = interrupt.recv() => context.stop.cancel(),
    }
    let held = context.store.open_deliveries().await?;
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
    Ok(if failed + refused > 0 || context.store.disk_is_full() { Outcome::Wrong } else { Outcome::Fine })
}
