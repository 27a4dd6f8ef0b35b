//! What goes into the outbox and comes out of it.

use std::time::Duration;

use crate::domain::WebhookId;
use crate::domain::alert::OperationsEvent;
use crate::domain::breaker::{BreakerPolicy, Sign};
use crate::domain::delivery::{PostOutcome, Settlement};

/// What a webhook may be given now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The webhook.
    pub webhook: WebhookId,
    /// At most so many.
    pub room: usize,
    /// The time between two starts; zero for none.
    pub spacing: Duration,
}

/// All that an attempt came to.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// What came back.
    pub outcome: PostOutcome,
    /// What it means for the delivery.
    pub settlement: Settlement,
    /// What went wrong, one sentence.
    pub why: Option<String>,
    /// What it says about the webhook.
    pub sign: Sign,
    /// Whether it used up one of the delivery's retries.
    pub spent: bool,
    /// When webhooks are tripped and disabled.
    pub breaker: BreakerPolicy,
    /// Chance for the next probe, 0 to 1.
    pub jitter: f64,
}

/// The row of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRow(pub i64);

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its row.
    pub row: EventRow,
    /// What happened.
    pub event: OperationsEvent,
}
