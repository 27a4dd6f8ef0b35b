//! The full-text index of articles.

use async_trait::async_trait;
use serde::Serialize;

use super::StoreError;
use super::reads::{AlertRow, ArticleRow, Page};
use crate::domain::{ArticleKey, FeedId, Timestamp};

/// An article whose text is not in the index yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unindexed {
    /// The store's number of it.
    pub number: i64,
    /// The article.
    pub id: ArticleKey,
    /// Which of its texts this is.
    pub revision: u32,
    /// Its headline.
    pub title: String,
    /// Its plain text.
    pub text: String,
}

/// The terms of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// The store's number of it.
    pub number: i64,
    /// The article.
    pub id: ArticleKey,
    /// Which of its texts they are of.
    pub revision: u32,
    /// The terms of its headline, separated by spaces.
    pub title: String,
    /// The terms of its text.
    pub body: String,
}

/// An article that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As in the listing.
    pub row: ArticleRow,
    /// Its plain text.
    pub text: String,
}

/// An article with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArticleDetail {
    /// As in the listing.
    #[serde(flatten)]
    pub row: ArticleRow,
    /// Its plain text.
    pub text: String,
    /// Names of its authors.
    pub authors: Vec<String>,
    /// What its publisher filed it under.
    pub categories: Vec<String>,
    /// What it said before, newest first; a bounded number.
    pub revisions: Vec<RevisionRow>,
    /// Where it was seen, first place first.
    pub sightings: Vec<SightingRow>,
    /// The alerts it raised.
    pub alerts: Vec<AlertRow>,
}

/// What an article said before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevisionRow {
    /// From 1.
    pub revision: u32,
    /// When the change was seen.
    pub until: Timestamp,
    /// Its headline.
    pub title: String,
    /// Its plain text.
    pub text: String,
}

/// An article in a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SightingRow {
    /// The feed.
    pub feed: FeedId,
    /// When it first listed the article.
    pub first_seen_at: Timestamp,
    /// When it last did, as far as that was noted.
    pub last_listed_at: Timestamp,
}

/// Looks into the index, and at one article closely.
#[async_trait]
pub trait Search: std::fmt::Debug + Send + Sync {
    /// The articles that an expression of `matching::search` finds, newest first.
    async fn search(&self, expression: String, page: Page) -> Result<Vec<Found>, StoreError>;

    /// How many articles are not in the index yet.
    async fn count_unindexed(&self) -> Result<u64, StoreError>;

    /// One article with everything that is known of it.
    async fn show_article(&self, id: ArticleKey) -> Result<Option<ArticleDetail>, StoreError>;
}
