//! What is told: the content of an alert, as every message shows it.

use serde::{Deserialize, Serialize};

use super::topic::{Match, Severity};
use super::{AlertId, ArticleKey, FeedId, Timestamp, TopicId};

/// The most characters of an article's text that go into a message.
pub const SUMMARY_CHARS: usize = 500;

/// All a message says of one alert: the `data` of an `alert.opened` event (stored with the alert,
/// so that a message can be rendered again after the article is gone).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertContent {
    /// The alert itself.
    pub alert: AlertHead,
    /// The topic that fired.
    pub topic: TopicHead,
    /// The article it fired on.
    pub article: ArticleHead,
    /// Why it fired.
    #[serde(rename = "match")]
    pub found: Match,
}

/// The alert itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertHead {
    /// Its id.
    pub id: AlertId,
    /// How urgent it is.
    pub severity: Severity,
    /// When it was raised.
    pub created_at: Timestamp,
}

/// The topic that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicHead {
    /// Its id.
    pub id: TopicId,
    /// Its title.
    pub title: String,
}

/// The article an alert is about. Absent values are left out, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleHead {
    /// Its id.
    pub id: ArticleKey,
    /// Its headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address, http or https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When the publisher says it came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// When wirewatch first saw it.
    pub first_seen_at: Timestamp,
    /// Names of the authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Its text, cut to [`SUMMARY_CHARS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where it was seen.
    pub feed: FeedHead,
}

/// The feed an alert came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedHead {
    /// Its id.
    pub id: FeedId,
    /// The configured title, else the feed's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The types of operational messages; see [`OperationsEvent::kind`].
pub const OPERATIONS: [&str; 8] = [
    "feed.failing",
    "feed.quiet",
    "feed.gone",
    "feed.recovered",
    "webhook.failing",
    "webhook.recovered",
    "webhook.disabled",
    "test",
];

/// An operational event, for the webhooks named in `alerts.operations`, and the test event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationsEvent {
    /// The event's type on the wire: `feed.failing`, `webhook.recovered`, `test`, …
    pub kind: &'static str,
    /// When it happened.
    pub at: Timestamp,
    /// The feed or webhook it is about.
    pub subject: String,
    /// One sentence for people.
    pub message: String,
}
