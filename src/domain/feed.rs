//! A feed as the database remembers it.

use std::time::Duration;

use url::Url;

use super::{FeedId, Timestamp};

/// Opaque validators of a stored answer, sent back unchanged (RFC 9110 §8.8, §13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, quotes and `W/` included.
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`, never re-formatted.
    pub last_modified: Option<Vec<u8>>,
}

impl Validators {
    /// Whether there is nothing to send.
    pub const fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// Whether a feed is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedStatus {
    /// Polled when due.
    #[default]
    Active,
    /// The publisher answered 410 Gone; polled no more until its configuration changes.
    Gone,
}

/// Whether a feed's guids say what is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuidTrust {
    /// They identify entries.
    #[default]
    Trusted,
    /// They change from poll to poll; entries are recognised by link and content only.
    Distrusted,
}

/// What the database remembers of a feed between polls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedState {
    /// Whether it is polled.
    pub status: FeedStatus,
    /// The title its last document gave.
    pub title: Option<String>,
    /// Where permanent redirects led, once that parsed as a feed; polled instead of the configured address.
    pub moved_to: Option<String>,
    /// Validators of the last document that parsed.
    pub validators: Validators,
    /// Hash of the last body that parsed; the same body again is not parsed again.
    pub body_hash: Option<i64>,
    /// Whether its guids can be trusted.
    pub guid_trust: GuidTrust,
    /// When it was last polled.
    pub last_poll_at: Option<Timestamp>,
    /// When a poll last succeeded (a document, or not modified); absent before the first success.
    pub last_good_at: Option<Timestamp>,
    /// `Cache-Control: max-age` of the last answer that said anything about freshness.
    pub max_age: Option<Duration>,
    /// When a document was last parsed.
    pub last_document_at: Option<Timestamp>,
    /// When an article of it was last new.
    pub last_new_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong at the last poll, in plain words; absent when it was good.
    pub last_error: Option<String>,
    /// What wirewatch noticed about the feed that the user should know, in plain words.
    pub notice: Option<String>,
    /// The interval learnt from the feed's rhythm; absent before anything was learnt.
    pub learnt_interval: Option<Duration>,
    /// When it is polled next, and why then.
    pub due_at: Timestamp,
    /// Why it is polled at `due_at`, in plain words.
    pub due_reason: String,
    /// What the publisher's last document asked for.
    pub hints: PublisherHints,
}

/// What a feed's document asks of its readers (RSS 2.0 `ttl`, `skipHours`, `skipDays`; RSS 1.0 `sy:update*`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublisherHints {
    /// The least time between polls the document asks for, from `ttl` and `sy:update*`.
    pub min_interval: Option<Duration>,
    /// Hours of the day (GMT) in which not to poll: bit 0 is midnight to one.
    pub skip_hours: u32,
    /// Days of the week in which not to poll: bit 0 is Monday.
    pub skip_days: u8,
}

/// What limits per host count by: `host:port` of an address.
pub fn polled_host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// A feed to be polled, as claimed.
#[derive(Clone, Debug)]
pub struct ClaimedFeed {
    /// The feed.
    pub id: FeedId,
    /// The configured address.
    pub url: String,
    /// What the database remembers of it.
    pub state: FeedState,
}
