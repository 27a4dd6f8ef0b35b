//! Starts the loops, waits for stop, sees to it that nothing outlives the deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::{Context, dispatcher, indexer, janitor, poller};
use crate::ports::StoreError;

/// How long polls and attempts in flight may take to end after stop. Must stay below the unit's
/// `TimeoutStopSec`. What is cut off is claimed again at the next start; nothing is lost.
pub const DRAIN: Duration = Duration::from_secs(10);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Stopped,
    /// A loop ended by itself: a defect; the process should exit with an error and be restarted.
    Broken,
}

/// Runs the loops until `context.stop` is cancelled.
pub async fn run(context: Arc<Context>) -> Ended {
    let mut loops = JoinSet::new();
    loops.spawn(poller::run(Arc::clone(&context), None));
    loops.spawn(dispatcher::run(Arc::clone(&context), false));
    loops.spawn(janitor::run(Arc::clone(&context)));
    loops.spawn(indexer::run(Arc::clone(&context), false));

    let ended = tokio::select! {
        biased;
        () = context.stop.cancelled() => Ended::Stopped,
        Some(ended) = loops.join_next() => {
            if context.stop.is_cancelled() {
                Ended::Stopped
            } else {
                error!(panic = ?ended.err(), "a loop of the daemon ended by itself; stopping, so that a restart can mend it");
                context.stop.cancel();
                Ended::Broken
            }
        }
    };
    let drained = tokio::time::timeout(DRAIN, async { while loops.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        warn!(
            "polls or attempts were cut off after {} s; they are taken up again at the next start",
            DRAIN.as_secs()
        );
        loops.shutdown().await;
    } else {
        info!("polls and attempts in flight have ended");
    }
    ended
}

/// Polls everything that is due now, delivers what is pending, indexes what was stored, then returns.
pub async fn run_once(context: Arc<Context>) -> Ended {
    let started = context.clock.now();
    let mut loops = JoinSet::new();
    loops.spawn(poller::run(Arc::clone(&context), Some(started)));
    let polls_ended = async {
        while let Some(ended) = loops.join_next().await {
            if let Err(problem) = ended {
                error!(error = %problem, "the poller ended by a defect in wirewatch");
            }
        }
        // Deliveries written by the last poll are sent, too.
        dispatcher::run(Arc::clone(&context), true).await;
        indexer::run(Arc::clone(&context), true).await;
    };
    tokio::select! {
        biased;
        () = polls_ended => {}
        () = context.stop.cancelled() => {}
    }
    // Loops end quietly when the writer is gone, as they do when all is done.
    match context.store.probe(context.clock.now()).await {
        Err(StoreError::Closed) => {
            error!(
                "the database writer ended by a defect in wirewatch; what was in hand is taken up again next time"
            );
            Ended::Broken
        }
        Ok(()) | Err(_) => Ended::Stopped,
    }
}
