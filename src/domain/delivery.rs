//! The outbox: deliveries, messages, attempts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hold::HoldPolicy;
use super::{DeliveryId, MessageId, Timestamp, WebhookId};

/// What a destination expects in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// wirewatch's own JSON under Standard Webhooks.
    #[default]
    Standard,
    /// Slack incoming webhooks.
    Slack,
    /// Discord webhooks.
    Discord,
    /// Microsoft Teams workflows (Adaptive Cards).
    Teams,
    /// Telegram bots.
    Telegram,
    /// ntfy.
    Ntfy,
    /// Mattermost incoming webhooks.
    Mattermost,
    /// Google Chat webhooks.
    Googlechat,
    /// Matrix through hookshot.
    Matrix,
    /// PagerDuty Events v2.
    Pagerduty,
    /// Alertmanager API v2.
    Alertmanager,
    /// Gotify.
    Gotify,
    /// Pushover.
    Pushover,
    /// CloudEvents 1.0, structured mode.
    Cloudevents,
    /// The user's own template.
    Template,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Standard,
        Self::Slack,
        Self::Discord,
        Self::Teams,
        Self::Telegram,
        Self::Ntfy,
        Self::Mattermost,
        Self::Googlechat,
        Self::Matrix,
        Self::Pagerduty,
        Self::Alertmanager,
        Self::Gotify,
        Self::Pushover,
        Self::Cloudevents,
        Self::Template,
    ];

    /// The word for it in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Telegram => "telegram",
            Self::Ntfy => "ntfy",
            Self::Mattermost => "mattermost",
            Self::Googlechat => "googlechat",
            Self::Matrix => "matrix",
            Self::Pagerduty => "pagerduty",
            Self::Alertmanager => "alertmanager",
            Self::Gotify => "gotify",
            Self::Pushover => "pushover",
            Self::Cloudevents => "cloudevents",
            Self::Template => "template",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|f| f.as_str() == word).ok_or(())
    }
}

/// Bytes to send and what they are; rendered once, signed anew for every attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body.
    pub body: Vec<u8>,
    /// Its `Content-Type`.
    pub content_type: &'static str,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waiting for its next attempt.
    Pending,
    /// An attempt is under way.
    Sending,
    /// Waiting for something other than time to pass; the reason is stored with it.
    Held,
    /// Accepted by the receiver.
    Delivered,
    /// Given up; a person may retry it.
    Dead,
    /// Withdrawn by a person.
    Cancelled,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Sending, Self::Held, Self::Delivered, Self::Dead, Self::Cancelled];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or(())
    }
}

/// A delivery decided together with its alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The message it is bound to.
    pub message: MessageId,
    /// The bytes of that message, or why they could not be made (the delivery is then dead at birth).
    pub content: Result<Rendered, String>,
    /// What may hold it until it goes together with others, in another message; `None` where nothing does.
    pub hold: Option<Arc<HoldPolicy>>,
}

/// A delivery whose turn it is, as claimed; its attempt row is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The message: `webhook-id` on the wire.
    pub message: MessageId,
    /// The bytes.
    pub body: Vec<u8>,
    /// Their `Content-Type`.
    pub content_type: String,
    /// The number of this attempt, from 1, over all of the delivery's life.
    pub attempt: u32,
    /// The number of this attempt in the current round of retries, from 1; a retry by hand begins a new round.
    pub round_attempt: u32,
    /// When the current round began: `give_up_after` counts from here.
    pub round_started_at: Timestamp,
    /// Whether it tries, for all that wait, if a failing webhook is back; see [`super::breaker`].
    pub probe: bool,
}

/// The outcome of one POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    /// The receiver answered.
    Answered {
        /// The status.
        status: u16,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
        /// The beginning of the body, bounded, for people to read.
        excerpt: Vec<u8>,
        /// How long it took.
        took: Duration,
    },
    /// No answer.
    Failed {
        /// What kind of failure.
        kind: super::fetch::FailureKind,
        /// One sentence for people, without the address.
        message: String,
        /// How long it took.
        took: Duration,
    },
}

/// How deliveries are retried; the `[delivery]` section, resolved for one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Waits between attempts; a delivery whose last wait brought no success is given up.
    pub retries: Vec<Duration>,
    /// Each wait is multiplied by 1 to 1 + this.
    pub jitter: f64,
    /// The longest `Retry-After` obeyed.
    pub retry_after_max: Duration,
    /// When a delivery is given up, from the beginning of its round.
    pub give_up_after: Duration,
}

/// How often requests to a webhook may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub count: u32,
    /// In so much time.
    pub per: Duration,
}

impl Rate {
    /// The time between two starts.
    pub fn spacing(self) -> Duration {
        self.per / self.count.max(1)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per.as_secs() {
            1 => write!(f, "{}/s", self.count),
            60 => write!(f, "{}/min", self.count),
            3600 => write!(f, "{}/h", self.count),
            86_400 => write!(f, "{}/d", self.count),
            seconds => write!(f, "{} in {seconds} s", self.count),
        }
    }
}

impl Format {
    /// What the destination documents, or is known to bear; none where it is the user's own.
    pub const fn documented_rate(self) -> Option<Rate> {
        let a_minute = match self {
            // "One message per second per channel."
            // Google Chat: sixty writes a minute and space, for all apps together.
            Self::Slack | Self::Teams | Self::Googlechat => 60,
            // Five in two seconds, and thirty a minute for one webhook.
            Self::Discord => 30,
            // Twenty a minute to one group.
            Self::Telegram => 20,
            // A burst of sixty, then one every five seconds.
            Self::Ntfy => 12,
            Self::Standard
            | Self::Mattermost
            | Self::Matrix
            | Self::Pagerduty
            | Self::Alertmanager
            | Self::Gotify
            | Self::Pushover
            | Self::Cloudevents
            | Self::Template => return None,
        };
        Some(Rate { count: a_minute, per: Duration::from_secs(60) })
    }
}

/// What an attempt means for its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Done.
    Delivered,
    /// Once more, not before this.
    RetryAt {
        /// When.
        at: Timestamp,
        /// Whether every delivery to this webhook waits until then (429, 503 with `Retry-After`).
        pause_webhook: bool,
    },
    /// Given up.
    Dead {
        /// A word for metrics and listings: `gone`, `refused`, `exhausted`, …
        reason: &'static str,
        /// Whether the webhook is disabled, too (410).
        disable_webhook: bool,
    },
}
