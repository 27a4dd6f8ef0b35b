//! Work that was done, or begun, when the disk was full or the database held by somebody else, and could not be
//! recorded: it is recorded as soon as that is possible, and does not wait for its claim to lapse.

use tracing::{info, warn};

use super::{Context, chain};
use crate::domain::delivery::ClaimedDelivery;
use crate::domain::feed::ClaimedFeed;
use crate::ports::outbox::AttemptRecord;
use crate::ports::{Claim, StoreError};

/// Work whose claim is still held.
#[derive(Debug)]
pub(super) enum Stranded {
    /// A feed that is to be polled again.
    Feed(Box<Claim<ClaimedFeed>>),
    /// What an attempt came to.
    Attempt(Box<Claim<ClaimedDelivery>>, Box<AttemptRecord>),
}

/// Records what could not be recorded before; answers whether there is something left that may be recorded later.
pub(super) async fn bring_home(context: &Context) -> bool {
    let mut count = 0;
    let mut left = Vec::new();
    for work in context.take_stranded() {
        let now = context.clock.now();
        let done = match &work {
            Stranded::Feed(claim) => context.store.release_feed(claim, now).await,
            Stranded::Attempt(claim, record) => {
                context.store.record_attempt(claim, (**record).clone(), now).await.map(drop)
            }
        };
        match done {
            // A lapsed claim was given to somebody else, who does it again.
            Ok(()) | Err(StoreError::LeaseLost) => count += 1,
            // Not for ever: once its claim has lapsed somebody takes it.
            Err(StoreError::DiskFull(_) | StoreError::Failed(_)) => left.push(work),
            Err(problem) => {
                warn!(error = %chain(&problem), "recording what was in hand; it is done again when its claim lapses");
            }
        }
    }
    if count > 0 {
        info!(count, "recorded what was in hand when the database could not be written");
    }
    let some_left = !left.is_empty();
    context.keep_stranded(left);
    some_left
}
