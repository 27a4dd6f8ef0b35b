//! Removes what is too old, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Context, chain};
use crate::ports::RetentionPolicy;

/// How often the janitor looks.
const ROUND: Duration = Duration::from_secs(3600);

/// Between two batches, so that polls and deliveries go first.
const BREATH: Duration = Duration::from_millis(200);

/// Rows of each kind in one transaction: some ten milliseconds of writing.
const BATCH: u32 = 500;

/// Cleans until stop.
pub async fn run(context: Arc<Context>) {
    loop {
        let mut removed = 0;
        loop {
            match context.store.retain(policy(&context)).await {
                Ok(0) => break,
                Ok(rows) => removed += rows,
                Err(problem) => {
                    warn!(error = %chain(&problem), "removing what is too old; trying again in an hour");
                    break;
                }
            }
            if wait(&context, BREATH).await {
                return;
            }
        }
        if removed > 0 {
            info!(rows = removed, "removed what is older than [retention] keeps");
        }
        if wait(&context, ROUND).await {
            return;
        }
    }
}

fn policy(context: &Context) -> RetentionPolicy {
    let keep = context.snapshot().settings.retention;
    let now = context.clock.now();
    RetentionPolicy {
        articles_before: now.minus(keep.articles),
        alerts_before: now.minus(keep.alerts),
        batch: BATCH,
    }
}

/// Waits; answers whether it is time to stop.
async fn wait(context: &Context, time: Duration) -> bool {
    tokio::select! {
        () = context.stop.cancelled() => true,
        () = tokio::time::sleep(time) => false,
    }
}
