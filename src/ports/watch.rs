//! What those who watch see: counts, and lists that are bounded whatever there is. Reads only.

use std::time::Duration;

use async_trait::async_trait;

use super::hand::{AlertDetail, WebhookRow};
use super::reads::{AlertRow, FeedHealth, FeedRow};
use super::{Space, StoreError};
use crate::domain::alert::AlertContent;
use crate::domain::delivery::DeliveryState;
use crate::domain::{AlertId, FeedId, Timestamp, TopicId, WebhookId};

/// Feeds in trouble that a survey names; the others are counted.
pub const TROUBLED: usize = 20;

/// How everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many feeds are in which state; every state, in the order of [`FeedHealth::ALL`].
    pub feeds: Vec<(FeedHealth, u64)>,
    /// Feeds that fail, are gone or quiet, at most [`TROUBLED`].
    pub troubled: Vec<FeedRow>,
    /// When the next feed is polled.
    pub next_poll_at: Option<Timestamp>,
    /// How many deliveries of a webhook are in which state, where there are any.
    pub deliveries: Vec<(WebhookId, DeliveryState, u64)>,
    /// When the oldest delivery that waits for its turn, or is under way, was written.
    pub oldest_pending: Option<Timestamp>,
    /// Every webhook that is or was configured.
    pub webhooks: Vec<WebhookRow>,
    /// How large the database is.
    pub space: Space,
}

impl Survey {
    /// How many feeds are in this state.
    pub fn feeds_in(&self, state: FeedHealth) -> u64 {
        self.feeds.iter().filter(|(other, _)| *other == state).map(|(_, count)| count).sum()
    }

    /// How many deliveries are in this state, to whichever webhook.
    pub fn deliveries_in(&self, state: DeliveryState) -> u64 {
        self.deliveries.iter().filter(|(_, other, _)| *other == state).map(|(_, _, count)| count).sum()
    }
}

/// Which alerts of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsWanted {
    /// Only this topic's.
    pub topic: Option<TopicId>,
    /// Only those in whose title, summary, link or matched words this stands, in whatever case.
    pub words: Option<String>,
    /// Only those behind this one, in the order of the list.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// Where in the list of alerts one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When it was raised.
    pub at: Timestamp,
    /// Its number.
    pub number: i64,
}

/// An alert with all that was told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// As in other lists.
    pub row: AlertRow,
    /// What was told.
    pub content: AlertContent,
    /// Where it stands in the list.
    pub place: Place,
}

/// Some of a list, and from where there may be more.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T, P> {
    /// What was found.
    pub rows: Vec<T>,
    /// Behind which place to go on, where there may be more.
    pub more_after: Option<P>,
}

/// Which feeds of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedsWanted {
    /// Only those in this state; without one, those of the configuration.
    pub state: Option<FeedHealth>,
    /// Only those in whose id, title or address this stands, in whatever case.
    pub words: Option<String>,
    /// Only those behind this one, in the order of their ids.
    pub after: Option<FeedId>,
    /// At most so many.
    pub limit: usize,
}

/// Shows how things are.
#[async_trait]
pub trait Watch: std::fmt::Debug + Send + Sync {
    /// How everything is. Looks at every feed once: ask for it every few seconds, not at every request.
    async fn survey(&self, now: Timestamp) -> Result<Survey, StoreError>;

    /// When each of these topics fired last, index by index.
    async fn last_fired(&self, topics: Vec<TopicId>) -> Result<Vec<Option<Timestamp>>, StoreError>;

    /// How often each of these topics fired in each of `slots` stretches of `grain` from `since` on.
    async fn rhythm(
        &self,
        topics: Vec<TopicId>,
        since: Timestamp,
        grain: Duration,
        slots: usize,
    ) -> Result<Vec<Vec<u64>>, StoreError>;

    /// Alerts, newest first. Words are looked for in a bounded number of alerts at a time.
    async fn alerts(&self, wanted: AlertsWanted) -> Result<Part<Told, Place>, StoreError>;

    /// One alert with its deliveries and their attempts.
    async fn alert(&self, id: AlertId) -> Result<Option<AlertDetail>, StoreError>;

    /// Feeds, by id.
    async fn feeds(&self, wanted: FeedsWanted) -> Result<Part<FeedRow, FeedId>, StoreError>;
}
