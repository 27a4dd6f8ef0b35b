//! What a person looks at closely and changes by hand. Each change is one short transaction, made beside a
//! running daemon or without one; the daemon sees it at its next look.

use async_trait::async_trait;
use serde::Serialize;

use super::StoreError;
use super::reads::AlertRow;
use crate::domain::alert::AlertContent;
use crate::domain::delivery::{DeliveryState, Rendered};
use crate::domain::silence::{Silence, SilenceMatcher};
use crate::domain::{AlertId, DeliveryId, MessageId, SilenceId, Timestamp, WebhookId};

/// One request, as `deliveries show` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    /// From 1, over all of the delivery's life.
    pub number: u32,
    /// When it was claimed; written before the request.
    pub started_at: Timestamp,
    /// When its outcome was recorded; absent while it is under way.
    pub ended_at: Option<Timestamp>,
    /// How long the exchange took.
    pub duration_ms: Option<u64>,
    /// The answer's status.
    pub status: Option<u16>,
    /// The kind of failure where there was no answer.
    pub error_kind: Option<String>,
    /// What went wrong, one sentence.
    pub error: Option<String>,
    /// How long the receiver asked us to wait.
    pub retry_after_ms: Option<u64>,
    /// The beginning of the answer; what it repeats of our credentials is blotted out.
    pub response: Option<String>,
}

/// A delivery with all its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryDetail {
    /// Its id.
    pub id: DeliveryId,
    /// The message's id on the wire.
    pub webhook_id: Option<MessageId>,
    /// The alert it carries.
    pub alert: Option<AlertId>,
    /// The kind of the operational event it carries.
    pub event: Option<String>,
    /// Where it goes.
    pub webhook: WebhookId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it is held or dead.
    pub reason: Option<String>,
    /// Every request that was made.
    pub attempts: Vec<AttemptRow>,
    /// When the next one is made.
    pub next_attempt_at: Option<Timestamp>,
    /// The last answer's status.
    pub last_status: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it ended.
    pub done_at: Option<Timestamp>,
    /// The `Content-Type` of its message.
    pub content_type: Option<String>,
    /// The bytes of its message, without what is put in only when it is sent.
    pub body: Option<String>,
    /// How many deliveries its message is for, where it is for several; one attempt is then made for all.
    pub together: Option<u64>,
}

/// An alert with everything that was told of it, and what became of that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertDetail {
    /// As in the listing.
    #[serde(flatten)]
    pub row: AlertRow,
    /// What was told, and why.
    pub content: AlertContent,
    /// Its deliveries.
    pub deliveries: Vec<DeliveryDetail>,
}

/// How a webhook is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookHealth {
    /// It takes deliveries.
    Ok,
    /// It asked for a pause.
    Paused,
    /// It failed too often in a row: one delivery at a time tries whether it is back.
    Failing,
    /// Out of use until a person enables it.
    Disabled,
    /// Not in the configuration any more.
    Left,
    /// It did not accept what it was sent last, and takes deliveries all the same.
    Unwell,
    /// Nothing is known of it yet.
    New,
}

impl WebhookHealth {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Disabled => "disabled",
            Self::Left => "left",
            Self::Unwell => "unwell",
            Self::New => "new",
        }
    }
}

/// A webhook in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// How it is.
    pub state: WebhookHealth,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// Attempts that failed in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Nothing is sent before.
    pub paused_until: Option<Timestamp>,
    /// When the next probe may go out, while it is failing.
    pub next_probe_at: Option<Timestamp>,
    /// When it last accepted something.
    pub last_good_at: Option<Timestamp>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Deliveries waiting for time to pass, or under way.
    pub pending: u64,
    /// Deliveries waiting for something else.
    pub held: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// Deliveries accepted.
    pub delivered: u64,
    /// When the next of those goes that are held for a time.
    pub next_release_at: Option<Timestamp>,
}

/// Which deliveries are to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// These. With `again`, also where they were delivered.
    These {
        /// Their ids.
        ids: Vec<DeliveryId>,
        /// Also what was delivered already.
        again: bool,
    },
    /// All that are dead.
    Dead {
        /// Since then; absent: ever.
        since: Option<Timestamp>,
        /// Of this webhook; absent: of any.
        webhook: Option<WebhookId>,
    },
}

/// What became of the wish to send a delivery again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// The delivery.
    pub id: DeliveryId,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: RetryOutcome,
}

/// What became of the wish to send a delivery again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RetryOutcome {
    /// It is due now, under the same id and the same `webhook-id`.
    Queued,
    /// Its webhook takes nothing now.
    Held {
        /// Why.
        reason: String,
    },
    /// It is under way this moment.
    Sending,
    /// It was delivered, and nobody said `again`.
    Delivered,
    /// Its message could never be made.
    NoMessage,
    /// There is none of this id.
    Unknown,
}

/// Which deliveries are withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Those in one of these states; what is being sent or was delivered stays.
    pub states: Vec<DeliveryState>,
    /// Of this webhook; absent: of any.
    pub webhook: Option<WebhookId>,
    /// Written before this instant; absent: whenever.
    pub before: Option<Timestamp>,
}

/// A silence in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SilenceRow {
    /// Its id.
    pub id: SilenceId,
    /// Whether it mutes anything now.
    pub in_force: bool,
    /// What it mutes.
    pub matcher: SilenceMatcher,
    /// Until when.
    pub until: Timestamp,
    /// Who wanted it.
    pub author: String,
    /// Why.
    pub comment: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// How many alerts it muted.
    pub alerts: u64,
}

/// What became of the wish to end a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Expired {
    /// It has ended.
    Now,
    /// It had ended before.
    Already,
    /// There is none of this id.
    Unknown,
}

/// Looks closely, and changes by hand.
#[async_trait]
pub trait ByHand: std::fmt::Debug + Send + Sync {
    /// One delivery with its attempts.
    async fn show_delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError>;

    /// One alert with its deliveries.
    async fn show_alert(&self, id: AlertId) -> Result<Option<AlertDetail>, StoreError>;

    /// Mutes what matches; alerts raised from now on are decided under it.
    async fn add_silence(&self, silence: Silence) -> Result<(), StoreError>;

    /// Ends a silence now.
    async fn expire_silence(&self, id: SilenceId, now: Timestamp) -> Result<Expired, StoreError>;

    /// The silences in force; with `all`, those that have ended, too. The newest first.
    async fn list_silences(&self, all: bool, now: Timestamp) -> Result<Vec<SilenceRow>, StoreError>;

    /// Every webhook that is or was configured.
    async fn list_webhooks(&self, now: Timestamp) -> Result<Vec<WebhookRow>, StoreError>;

    /// Makes deliveries due now and begins a new round of retries; row, id and message stay.
    async fn retry(&self, which: Retry, now: Timestamp) -> Result<Vec<Retried>, StoreError>;

    /// Gives a delivery whose message could not be made one.
    async fn bind(
        &self,
        id: DeliveryId,
        message: MessageId,
        content: Rendered,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Withdraws deliveries: their rows stay, nothing is sent. Answers how many.
    async fn purge(&self, what: Purge, now: Timestamp) -> Result<u64, StoreError>;

    /// Takes a webhook out of use, what waits for it is held; answers whether it is known.
    async fn disable_webhook(
        &self,
        id: &WebhookId,
        reason: String,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Brings a webhook back, and what was held for it with a new round of retries; answers how many
    /// deliveries those are, or nothing where the webhook is not known.
    async fn enable_webhook(&self, id: &WebhookId, now: Timestamp) -> Result<Option<u64>, StoreError>;
}
