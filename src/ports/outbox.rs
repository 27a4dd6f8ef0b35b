//! What goes into the outbox and comes out of it.

use std::time::Duration;

use super::Claim;
use crate::domain::alert::{AlertContent, OperationsEvent};
use crate::domain::breaker::{BreakerPolicy, Sign};
use crate::domain::delivery::{ClaimedDelivery, PostOutcome, Rendered, Settlement};
use crate::domain::hold::Hold;
use crate::domain::{DeliveryId, MessageId, Timestamp, TopicId, WebhookId};

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

/// What the dispatcher is given.
#[derive(Debug)]
pub struct Claimed {
    /// What is to be sent now; the rows of these attempts are written.
    pub claims: Vec<Claim<ClaimedDelivery>>,
    /// What is next for webhooks that still have room.
    pub next: Due,
    /// Webhooks that were given as much as they had room for: more may wait for them.
    pub full: Vec<WebhookId>,
    /// Whether there are operational events that nobody was told of.
    pub untold: bool,
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
    /// Until when the webhook asked to be left alone.
    pub pause: Option<Timestamp>,
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

/// When there is something to do for webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The next attempt.
    pub attempt: Option<Timestamp>,
    /// The next message to be made of what is held.
    pub release: Option<Timestamp>,
}

impl Due {
    /// The sooner of the two.
    pub fn first(self) -> Option<Timestamp> {
        self.attempt.into_iter().chain(self.release).min()
    }
}

/// What was held together and goes now.
#[derive(Clone, Debug)]
pub struct HeldBatch {
    /// Where it goes.
    pub webhook: WebhookId,
    /// Why it was held.
    pub hold: Hold,
    /// The topic it was held with; none where all that waited for the webhook goes together.
    pub topic: Option<TopicId>,
    /// The deliveries and what they carry, the most urgent first, then the oldest.
    pub alerts: Vec<(DeliveryId, AlertContent)>,
}

/// A message made of what was held.
#[derive(Clone, Debug)]
pub struct ReleasedMessage {
    /// Its id.
    pub id: MessageId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The topic it was held with.
    pub topic: Option<TopicId>,
    /// What it carries.
    pub deliveries: Vec<DeliveryId>,
    /// Its bytes, or why they could not be made (the deliveries are then dead).
    pub content: Result<Rendered, String>,
}
