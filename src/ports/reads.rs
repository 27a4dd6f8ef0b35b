//! What listings show: rows as the store reads them, keys as `--json` prints them.

use serde::Serialize;

use crate::domain::article::Suppression;
use crate::domain::delivery::DeliveryState;
use crate::domain::silence::Silence;
use crate::domain::topic::Severity;
use crate::domain::{
    AlertId, ArticleKey, DeliveryId, FeedId, MessageId, SilenceId, Timestamp, TopicId, WebhookId,
};

/// Which rows of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only rows from this instant on.
    pub since: Option<Timestamp>,
    /// At most this many; zero for all.
    pub limit: usize,
}

/// A stored article as topics see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// Ascends with the time of storing; to go on behind it.
    pub number: i64,
    /// The article.
    pub id: ArticleKey,
    /// Its headline.
    pub title: String,
    /// Its plain text.
    pub text: String,
    /// What of it is boilerplate.
    pub boilerplate: Vec<crate::domain::boilerplate::Mark>,
    /// Its address.
    pub link: Option<String>,
    /// Its language, if known.
    pub lang: Option<String>,
    /// Names of its authors.
    pub authors: Vec<String>,
    /// The feeds it was seen in.
    pub feeds: Vec<String>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
}

/// A feed in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedRow {
    /// Its id.
    pub id: FeedId,
    /// The configured address.
    pub url: String,
    /// The configured title, else the feed's own.
    pub title: Option<String>,
    /// `ok`, `failing`, `gone`, `disabled`, `new` or `quiet`.
    pub state: FeedHealth,
    /// When it was last polled.
    pub last_poll_at: Option<Timestamp>,
    /// When it is polled next; absent when it is polled no more.
    pub next_poll_at: Option<Timestamp>,
    /// Why then.
    pub next_poll_reason: Option<String>,
    /// What went wrong at the last poll.
    pub last_error: Option<String>,
    /// What the user should know about it.
    pub notice: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Articles stored that were seen in it.
    pub articles: u64,
    /// Where permanent redirects led.
    pub moved_to: Option<String>,
}

/// How a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedHealth {
    /// The last poll was good.
    Ok,
    /// Three polls in a row failed.
    Failing,
    /// 410.
    Gone,
    /// Not in the configuration any more.
    Disabled,
    /// Never read so far: not polled yet, or the first polls failed; `last_error` says why.
    New,
    /// Good, but silent for far longer than its rhythm.
    Quiet,
}

impl FeedHealth {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Ok, Self::Failing, Self::Gone, Self::Disabled, Self::New, Self::Quiet];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::Disabled => "disabled",
            Self::New => "new",
            Self::Quiet => "quiet",
        }
    }
}

/// An article in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArticleRow {
    /// Its id.
    pub id: ArticleKey,
    /// The feed it was first seen in.
    pub feed: FeedId,
    /// All feeds it was seen in.
    pub feeds: Vec<FeedId>,
    /// Its headline.
    pub title: String,
    /// Its address.
    pub link: Option<String>,
    /// The publisher's id.
    pub guid: Option<String>,
    /// When the publisher says it came out.
    pub published_at: Option<Timestamp>,
    /// When wirewatch first saw it.
    pub first_seen_at: Timestamp,
    /// When the publisher says it was last changed, else when wirewatch saw it change.
    pub updated_at: Option<Timestamp>,
    /// 1, and one more with every change.
    pub revision: u32,
    /// Its language.
    pub lang: Option<String>,
    /// Why it never alerts, if so.
    pub suppressed: Option<Suppression>,
}

/// Where an alert stands, derived from its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// A delivery is on its way.
    Pending,
    /// A delivery is held and none is on its way.
    Held,
    /// All were accepted (or withdrawn).
    Delivered,
    /// One was given up and none is on its way or held.
    Dead,
    /// A silence mutes it.
    Silenced,
    /// The topic names no webhook.
    Logged,
}

/// An alert in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// The topic that fired.
    pub topic: TopicId,
    /// The article it fired on.
    pub article: ArticleKey,
    /// The article's headline.
    pub title: Option<String>,
    /// The article's address.
    pub link: Option<String>,
    /// How urgent.
    pub severity: Severity,
    /// For scored topics.
    pub score: Option<u8>,
    /// When it was raised.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: AlertState,
    /// The silence that muted it.
    pub silence: Option<SilenceId>,
    /// The terms that matched, each once.
    pub terms: Vec<String>,
}

/// A delivery in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// The message's id on the wire; absent while it is held for one.
    pub webhook_id: Option<MessageId>,
    /// The alert it carries.
    pub alert: Option<AlertId>,
    /// The kind of the operational event it carries, where it carries no alert.
    pub event: Option<String>,
    /// Where it goes.
    pub webhook: WebhookId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Requests made so far.
    pub attempts: u32,
    /// When the next one is made.
    pub next_attempt_at: Option<Timestamp>,
    /// The last answer's status.
    pub last_status: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Why it is held or dead.
    pub reason: Option<String>,
}

/// Deliveries of one webhook that have not ended well, counted by where they stand and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenDeliveries {
    /// Where they go.
    pub webhook: WebhookId,
    /// `pending`, `sending`, `held` or `dead`.
    pub state: DeliveryState,
    /// Why they are held: `grouped`, `rate`, `quiet_hours`, `digest`, `failing`, `disabled` or `unconfigured`.
    pub hold: Option<String>,
    /// How many.
    pub count: u64,
    /// When the oldest was written.
    pub oldest_at: Timestamp,
    /// When the next of those goes that are held for a time.
    pub next_release_at: Option<Timestamp>,
}

/// The silences in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilencesInForce {
    /// Counts changes to silences.
    pub version: i64,
    /// The oldest first.
    pub silences: Vec<Silence>,
}
