//! The values wirewatch decides on, and the decisions themselves.
//!
//! Pure: no clock, no randomness, no I/O, no async. `now` and jitter are passed in.

pub mod alert;
pub mod article;
pub mod boilerplate;
pub mod breaker;
pub mod calendar;
pub mod delivery;
pub mod feed;
pub mod fetch;
pub mod hold;
pub mod id;
pub mod poll;
pub mod schedule;
pub mod settle;
pub mod silence;
pub mod time;
pub mod topic;

pub use id::{
    AlertId, ArticleKey, ConceptId, DeliveryId, FeedId, IdentityHash, MessageId, SilenceId, TopicId,
    WebhookId,
};
pub use time::Timestamp;
