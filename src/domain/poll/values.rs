//! What a decision about a visit is made from, and what it says.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use crate::domain::alert::{AlertContent, OperationsEvent};
use crate::domain::article::{Entry, EntryIdentity, KnownArticle, Suppression};
use crate::domain::boilerplate::{Mark, Memory};
use crate::domain::delivery::{PlannedDelivery, Rendered};
use crate::domain::feed::{FeedState, GuidTrust, PublisherHints};
use crate::domain::fetch::{AnswerMeta, FetchFailure};
use crate::domain::schedule::IntervalPolicy;
use crate::domain::silence::Silences;
use crate::domain::topic::{Matcher, TopicPolicy};
use crate::domain::{ArticleKey, FeedId, IdentityHash, SilenceId, Timestamp, TopicId, WebhookId};

/// What a visit brought, with everything the store knows about it.
#[derive(Debug)]
pub enum PollInput {
    /// 304, or a body that is byte for byte the last one.
    Unchanged {
        /// What the headers said.
        meta: AnswerMeta,
        /// Whether the whole body came again: then the answer's validators replace the stored ones.
        whole: bool,
        /// Where permanent redirects led to the body that came again.
        permanent_url: Option<String>,
    },
    /// A document that parsed.
    Document(Box<ReadDocument>),
    /// 429, or 503 with `Retry-After`.
    Throttled {
        /// The status.
        status: u16,
        /// What the server asked for.
        retry_after: Option<Duration>,
    },
    /// 410.
    Gone,
    /// Anything else, a body that is no feed included.
    Failed(FetchFailure),
}

/// A parsed document and what is known of its entries.
#[derive(Debug)]
pub struct ReadDocument {
    /// Validators and freshness of the answer.
    pub meta: AnswerMeta,
    /// Where permanent redirects led.
    pub permanent_url: Option<String>,
    /// Hash of the body.
    pub body_hash: Option<i64>,
    /// The feed's title.
    pub title: Option<String>,
    /// The feed's language.
    pub lang: Option<String>,
    /// What the document asks of its readers.
    pub hints: PublisherHints,
    /// What is wrong with it so that something was lost, in plain words.
    pub flaw: Option<String>,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Whether guids count among what they are recognised by.
    pub guid_trust: GuidTrust,
    /// How to recognise them, index by index.
    pub identities: Vec<EntryIdentity>,
    /// Which are known, index by index.
    pub known: Vec<Option<KnownArticle>>,
    /// The blocks of text this feed showed lately.
    pub blocks: Memory,
}

impl ReadDocument {
    /// The bytes of text that planning reads: those of entries that are new, changed, or shown here for the first time.
    pub fn unread(&self) -> usize {
        let is_unread = |(at, _): &(usize, &Entry)| {
            let known = self.known.get(*at).and_then(Option::as_ref);
            let content = self.identities.get(*at).map(|identity| identity.content);
            self.blocks.is_empty() || known.is_none_or(|known| known.content_here != content)
        };
        let unread = self.entries.iter().enumerate().filter(is_unread);
        unread.map(|(_, entry)| entry.title.len() + entry.summary.len() + entry.content.len()).sum()
    }
}

/// Makes the bytes of a message.
pub trait Renderer: fmt::Debug + Send + Sync {
    /// The message of one alert for one webhook; the error is one sentence for people.
    ///
    /// # Errors
    /// When the webhook's template fails on this alert.
    fn render(&self, webhook: &WebhookId, alert: &AlertContent) -> Result<Rendered, String>;
}

/// What the configuration says about one feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRules {
    /// The configured title.
    pub title: Option<String>,
    /// The feed's language, where the user named it.
    pub lang: Option<String>,
    /// The interval settings.
    pub interval: IntervalPolicy,
}

/// Everything a poll is decided by, besides what the visit brought.
#[derive(Clone, Copy, Debug)]
pub struct PollRules<'a> {
    /// Finds topics.
    pub matcher: &'a dyn Matcher,
    /// What topics do.
    pub topics: &'a HashMap<TopicId, TopicPolicy>,
    /// Makes messages.
    pub renderer: &'a dyn Renderer,
    /// This feed's settings.
    pub feed: &'a FeedRules,
    /// Tags of every feed.
    pub tags: &'a BTreeMap<FeedId, Vec<String>>,
    /// What is muted.
    pub silences: &'a Silences,
    /// Older articles never alert.
    pub max_age: Duration,
    /// Whether what stands in a feed at its first poll alerts.
    pub alert_on_first_poll: bool,
}

/// Everything one poll decides; written in one transaction.
#[derive(Clone, Debug)]
pub struct PollPlan {
    /// The feed's state from now on.
    pub feed: FeedState,
    /// Until when no feed of this host is polled (429).
    pub host_pause: Option<Timestamp>,
    /// What changes about articles.
    pub articles: Vec<PlannedArticle>,
    /// How it went, for logs and metrics.
    pub summary: PollSummary,
    /// What the people who run wirewatch should hear.
    pub events: Vec<OperationsEvent>,
    /// The blocks of text this feed showed lately, where there are others than before.
    pub blocks: Option<Memory>,
    /// The version of the silences its alerts were decided under.
    pub silences: i64,
}

/// How a poll went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollSummary {
    /// `changed`, `unchanged`, `throttled`, `gone`, or the word of a failure; a metric label.
    pub outcome: &'static str,
    /// Entries in the document.
    pub entries: usize,
    /// Articles never seen before.
    pub new: usize,
    /// Articles whose text changed.
    pub revised: usize,
    /// Articles known from another feed.
    pub sighted: usize,
    /// Alerts planned.
    pub alerts: usize,
    /// New articles that never alert because of their age.
    pub too_old: usize,
    /// What went wrong.
    pub error: Option<String>,
}

/// One article's part in a plan.
#[derive(Clone, Debug)]
pub struct PlannedArticle {
    /// The article.
    pub key: ArticleKey,
    /// What happens to it.
    pub change: ArticleChange,
    /// Identities not stored for it yet.
    pub identities: Vec<IdentityHash>,
    /// Hash of the content this feed shows.
    pub content: IdentityHash,
    /// All that this feed lists it under, [`EntryIdentity::together`].
    pub listed_as: IdentityHash,
    /// Alerts to raise.
    pub alerts: Vec<PlannedAlert>,
}

/// What happens to an article.
#[derive(Clone, Debug)]
pub enum ArticleChange {
    /// It was never seen.
    New {
        /// As published.
        article: Box<ArticleText>,
        /// Why it never alerts.
        suppressed: Option<Suppression>,
    },
    /// This feed shows another text than before.
    Revised(Box<ArticleText>),
    /// This feed shows it for the first time.
    Sighted,
    /// Nothing new; that the feed still lists it is noted.
    Listed,
}

/// The stored part of an article.
#[derive(Clone, Debug)]
pub struct ArticleText {
    /// As published and cleaned.
    pub entry: Entry,
    /// Its plain text.
    pub text: String,
    /// Its language: the entry's, else the document's, else the feed's.
    pub lang: Option<String>,
    /// What of its plain text is boilerplate; it neither matches nor scores.
    pub boilerplate: Vec<Mark>,
}

/// An alert to raise, with its deliveries.
#[derive(Clone, Debug)]
pub struct PlannedAlert {
    /// What is told.
    pub content: AlertContent,
    /// Where it goes; empty when the topic names no webhook, or a silence mutes it.
    pub deliveries: Vec<PlannedDelivery>,
    /// The silence that mutes it.
    pub silence: Option<SilenceId>,
}
