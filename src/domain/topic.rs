//! What the user watches for, and what was found.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::article::{Document, Sample};
use super::hold::HoldPolicy;
use super::{ConceptId, Timestamp, TopicId, WebhookId};

/// How urgent an alert is; the user's choice per topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nice to know.
    Low,
    /// The default.
    #[default]
    Normal,
    /// To be seen soon.
    High,
    /// To be seen now.
    Critical,
}

impl Severity {
    /// All of them, mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or(())
    }
}

/// What a topic does when it matches: everything but the matching itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPolicy {
    /// The topic.
    pub id: TopicId,
    /// Its title in messages; the id where the user gave none.
    pub title: String,
    /// How urgent its alerts are.
    pub severity: Severity,
    /// Where its alerts go; none means: to the log only.
    pub webhooks: Vec<WebhookId>,
    /// What holds its alerts, by webhook; nothing where there is none.
    pub holds: HashMap<WebhookId, Arc<HoldPolicy>>,
    /// When this installation first knew the topic; articles first seen before never alert for it.
    pub created_at: Timestamp,
}

/// A named set of terms, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConceptSpec {
    /// Its name in queries, without the `@`.
    pub id: ConceptId,
    /// What it stands for.
    pub source: ConceptSource,
}

/// What a concept stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConceptSource {
    /// Any of these terms; several words are a phrase.
    Any(Vec<String>),
    /// A query.
    Query(String),
}

/// What a topic watches for, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// The topic.
    pub id: TopicId,
    /// What has to be there.
    pub rule: TopicRule,
    /// Queries that must not match.
    pub exclude: Vec<String>,
}

/// What has to be in an article for a topic to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRule {
    /// Any of these terms; several words are a phrase.
    Keywords(Vec<String>),
    /// A query.
    Query(String),
    /// Queries that must all match, with a score.
    Facets {
        /// The queries.
        facets: Vec<String>,
        /// The least score that alerts, 0 to 100.
        threshold: u8,
    },
}

/// A topic found in an article.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicMatch {
    /// The topic.
    pub topic: TopicId,
    /// What made it match.
    pub found: Match,
}

/// Why a topic matched; goes into every message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// 0 to 100, for scored topics only.
    pub score: Option<u8>,
    /// Each facet's share, for scored topics only.
    pub facets: Option<Vec<FacetShare>>,
    /// The places that made it match, in reading order, title first.
    pub spans: Vec<Span>,
    /// The text around the best place, one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

/// What one facet contributed to the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacetShare {
    /// The facet as the user wrote it.
    pub query: String,
    /// 0 to 1, two decimals.
    pub share: f64,
}

/// Where a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// In the headline.
    Title,
    /// In the plain text, lead included.
    Body,
}

/// A place in an article that made a topic match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The concept the term belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concept: Option<ConceptId>,
    /// The term as the user wrote it.
    pub term: String,
    /// Title or body.
    pub field: Field,
    /// First code point.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// What stands there.
    pub text: String,
}

/// Finds topics in articles. Pure: the same document always gives the same answer.
pub trait Matcher: fmt::Debug + Send + Sync {
    /// All topics found in `document`.
    fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch>;

    /// The same topics, arranged to be fast on articles like these; they find the same. Nothing where there is
    /// nothing to arrange.
    fn tuned(&self, _sample: &[Sample]) -> Option<Arc<dyn Matcher>> {
        None
    }
}
