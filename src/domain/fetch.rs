//! What became of a request for a feed: values to plan on, not errors.

use std::time::Duration;

use super::feed::Validators;

/// The outcome of one visit to a feed's address, redirects followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// 304: the stored document is still the current one.
    Unchanged(AnswerMeta),
    /// 200 with a whole body.
    Fetched(Box<Fetched>),
    /// 429, or 503 with `Retry-After`: come back later.
    Throttled {
        /// The status.
        status: u16,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// 410: the publisher wants no more visits.
    Gone,
    /// Not a failure, and nothing was brought: others of ours are at a host that the visit leads to, or that host asked
    /// to be let alone.
    Crowded {
        /// After how long to come back.
        after: Duration,
    },
    /// Anything else.
    Failed(FetchFailure),
}

/// A document as it came over the wire, decompressed.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The whole body after decompression.
    pub body: Vec<u8>,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// The address that answered; relative links count from here.
    pub final_url: String,
    /// Where an unbroken chain of permanent redirects (301, 308) from the first hop on led, if anywhere.
    pub permanent_url: Option<String>,
    /// Validators and freshness.
    pub meta: AnswerMeta,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("body_bytes", &self.body.len())
            .field("content_type", &self.content_type)
            .field("final_url", &self.final_url)
            .field("permanent_url", &self.permanent_url)
            .field("meta", &self.meta)
            .finish()
    }
}

/// What the headers of a good answer said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerMeta {
    /// Validators to send next time. On a 304 only those it carried.
    pub validators: Validators,
    /// For how long the answer stays fresh from now on, from `Cache-Control: max-age` less `Age`, else
    /// `Expires` less `Date`; absent when neither says.
    pub fresh_for: Option<Duration>,
    /// `Cache-Control: max-age` as stated; it goes on holding where a 304 says nothing (RFC 9111 §3.2, §4.3.4).
    pub max_age: Option<Duration>,
    /// `Age`.
    pub age: Duration,
}

/// A visit that brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// What kind of failure, for the schedule and for metrics.
    pub kind: FailureKind,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// What `Retry-After` asked for.
    pub retry_after: Option<Duration>,
    /// One sentence for people: what happened and, where it helps, what to do. No secrets.
    pub message: String,
}

/// Kinds of failure; the word of each is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The name did not resolve.
    Dns,
    /// No connection.
    Connect,
    /// The certificate or the handshake was refused.
    Tls,
    /// A deadline passed: connecting, first byte, or the whole exchange.
    Timeout,
    /// The connection broke or the body was cut short.
    Broken,
    /// 401 or 403.
    Denied,
    /// 404.
    NotFound,
    /// Another status that is no success.
    Status,
    /// Too large, too many redirects, too many headers: a bound of ours.
    Bound,
    /// The address guard or a redirect rule refused it.
    Blocked,
    /// The body is not a feed.
    NotAFeed,
    /// Something of ours went wrong.
    Internal,
}

impl FailureKind {
    /// The word for it in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Status => "status",
            Self::Bound => "bound",
            Self::Blocked => "blocked",
            Self::NotAFeed => "not_a_feed",
            Self::Internal => "internal",
        }
    }
}
