//! The four things wirewatch needs from the outside: a store, a way to fetch, a way to post, a clock.
//!
//! Store methods are whole sentences and **one method is one transaction**. No transaction spans a
//! network call. What a store promises stands with each method; `tests/it/store/` holds every
//! store to it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::article::{EntryIdentity, KnownArticle, Sample};
use crate::domain::boilerplate::Memory;
use crate::domain::breaker::News;
use crate::domain::delivery::{ClaimedDelivery, PlannedDelivery, PostOutcome};
use crate::domain::feed::{ClaimedFeed, Validators};
use crate::domain::fetch::FetchOutcome;
use crate::domain::hold::{TopicHold, WebhookHold};
use crate::domain::poll::PollPlan;
use crate::domain::{AlertId, FeedId, Timestamp, TopicId, WebhookId};

pub mod hand;
pub mod outbox;
pub mod reads;
pub mod search;
pub mod watch;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;
}

/// Fetches feeds.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Visits an address, redirects followed, within the client's bounds. A failing network is a
    /// [`FetchOutcome`], never a panic. Dropping the future abandons the request.
    async fn fetch(&self, request: FetchRequest) -> FetchOutcome;
}

/// Posts messages.
#[async_trait]
pub trait Post: fmt::Debug + Send + Sync {
    /// Sends one request and reads the beginning of the answer. Redirects are not followed.
    async fn post(&self, request: PostRequest) -> PostOutcome;
}

/// A request for a feed.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// The address, http or https.
    pub url: String,
    /// Validators of the stored document; empty asks for it whole.
    pub validators: Validators,
    /// The feed's own headers, sent to its origin only.
    pub headers: Vec<(String, SecretString)>,
    /// The feed's credentials, sent to its origin only.
    pub auth: Option<Auth>,
}

/// Credentials of a feed.
#[derive(Clone, Debug)]
pub enum Auth {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A bearer token (RFC 6750).
    Bearer(SecretString),
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct PostRequest {
    /// The address; it is a credential.
    pub url: SecretString,
    /// The body, sent as it is.
    pub body: Vec<u8>,
    /// All headers of ours, `content-type` included.
    pub headers: Vec<(String, SecretString)>,
    /// For the whole exchange.
    pub timeout: Duration,
    /// For connecting.
    pub connect_timeout: Duration,
    /// Certificate authorities trusted for this endpoint besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// The right to work on `T` until a lease ends; recording the work consumes it.
///
/// The token fences late workers: once the lease lapsed and another claim was given out, recording
/// under the old one is refused ([`StoreError::LeaseLost`]).
#[derive(Debug)]
pub struct Claim<T> {
    token: i64,
    work: T,
}

impl<T> Claim<T> {
    /// Made by stores.
    pub const fn new(token: i64, work: T) -> Self {
        Self { token, work }
    }

    /// What is to be worked on.
    pub const fn work(&self) -> &T {
        &self.work
    }

    /// The fencing token.
    pub const fn token(&self) -> i64 {
        self.token
    }
}

/// What the store knows of a feed's entries.
#[derive(Debug)]
pub struct Known {
    /// What was asked for.
    pub identities: Vec<EntryIdentity>,
    /// Which of them are known, index by index.
    pub articles: Vec<Option<KnownArticle>>,
    /// The blocks of text the feed showed lately.
    pub blocks: Memory,
    /// What is muted now.
    pub silences: reads::SilencesInForce,
}

/// How many feeds may be claimed, asked when the claim is made: until its turn comes, polls end.
#[derive(Clone)]
pub struct Room(Arc<dyn Fn() -> usize + Send + Sync>);

impl Room {
    /// Room that `ask` tells.
    pub fn new(ask: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// How much there is now.
    pub fn now(&self) -> usize {
        (self.0)()
    }
}

impl From<usize> for Room {
    fn from(room: usize) -> Self {
        Self::new(move || room)
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Room").field(&self.now()).finish()
    }
}

/// What a claim of feeds came to.
#[derive(Debug)]
pub struct FeedsClaimed {
    /// The feeds.
    pub feeds: Vec<Claim<ClaimedFeed>>,
    /// When the next one may start.
    pub next_due: Option<Timestamp>,
    /// Whether there are others that are due and wait for nothing but the end of a poll at their host.
    pub more: bool,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What the plan was made from has changed since; read again, plan again.
    #[error("what the plan was made from has changed since")]
    Conflict,
    /// The lease lapsed and somebody else holds the work.
    #[error("the lease on this work has lapsed")]
    LeaseLost,
    /// No space is left for the database; nothing was written.
    #[error("the disk is full")]
    DiskFull(#[source] anyhow::Error),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Anything else; nothing was written.
    #[error("the database failed")]
    Failed(#[source] anyhow::Error),
}

/// What the store must know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct ConfigSync {
    /// Every feed that is to be polled.
    pub feeds: Vec<FeedSync>,
    /// Every topic.
    pub topics: Vec<TopicId>,
    /// Every webhook.
    pub webhooks: Vec<WebhookId>,
    /// What topics ask for that hold alerts.
    pub topic_holds: BTreeMap<TopicId, TopicHold>,
    /// What webhooks ask for that hold alerts.
    pub webhook_holds: BTreeMap<WebhookId, WebhookHold>,
}

/// A feed as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSync {
    /// Its id.
    pub id: FeedId,
    /// The address to poll.
    pub url: String,
    /// `host:port` of the address, lower case: what the per-host limits count by.
    pub host: String,
    /// When a feed that is new, or has a new address, is first due.
    pub first_due_at: Timestamp,
    /// Its title where the user gave one.
    pub title: Option<String>,
}

/// How many polls may run against one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Requests in flight per host.
    pub in_flight: u32,
    /// Between starts of requests to one host.
    pub spacing: Duration,
}

/// What became of a recorded poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Alerts that were new, of those planned.
    pub alerts: Vec<AlertId>,
    /// Deliveries written with them.
    pub deliveries: u32,
    /// When the next feed of its host may start.
    pub next_due: Option<Timestamp>,
}

/// When there is something to do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextDue {
    /// The next poll.
    pub feed: Option<Timestamp>,
    /// The next delivery.
    pub delivery: Option<Timestamp>,
}

/// What to keep, and how much to remove at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Articles first seen before this instant go, unless a feed still lists them or an alert needs them.
    pub articles_before: Timestamp,
    /// Alerts raised before this instant go, with their deliveries, unless one is still on its way.
    pub alerts_before: Timestamp,
    /// At most this many rows of each kind in one transaction.
    pub batch: u32,
}

/// How large the database is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes of the file, without its log.
    pub file: u64,
    /// Of them, bytes that hold something.
    pub used: u64,
}

/// Remembers everything.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Makes feeds, topics and webhooks those of the configuration, and answers when each topic was
    /// first known. New feeds are due at `first_due_at`; a feed whose address changed forgets
    /// validators, redirect and `Gone`; a feed that left is polled no more, its articles stay.
    /// Deliveries to a webhook that left are held and go on when it comes back; about those that are held
    /// for a time it is decided anew.
    async fn sync_config(
        &self,
        config: ConfigSync,
        now: Timestamp,
    ) -> Result<BTreeMap<TopicId, Timestamp>, StoreError>;

    /// Gives back the claims of a process that ended: its feeds and deliveries are due at once. What was
    /// written in the future, by a clock that was set back since, is brought to the present. Only the
    /// one daemon that holds the database's lock may call it, before its loops start.
    async fn recover(&self, now: Timestamp) -> Result<(), StoreError>;

    /// The clock was set back by so much: whatever waits for an instant waits for an earlier one by as much,
    /// and nothing waits longer than it was to.
    async fn clock_set_back(&self, by: Duration, now: Timestamp) -> Result<(), StoreError>;

    /// Whether any feed is due by `at` and not claimed, whatever the limits of its host; those whose host
    /// asked for a pause beyond `at` do not count.
    async fn any_feed_due_by(&self, at: Timestamp) -> Result<bool, StoreError>;

    /// Claims as many feeds that are due as there is `room` for, the longest due first, no host beyond its limits.
    /// A claimed feed becomes due again when its lease ends. Cost does not grow with the number of feeds. Polls that are
    /// being recorded while this waits for its turn are recorded before.
    async fn claim_due_feeds(
        &self,
        now: Timestamp,
        lease: Duration,
        room: Room,
        hosts: HostLimits,
    ) -> Result<FeedsClaimed, StoreError>;

    /// Recognises entries of `feed`, first by guid, then link, then content; and what is remembered of its texts, and
    /// what is muted at `now`.
    async fn known(
        &self,
        feed: &FeedId,
        identities: Vec<EntryIdentity>,
        now: Timestamp,
    ) -> Result<Known, StoreError>;

    /// Records all that a poll decided: feed state, articles, alerts, deliveries.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when an article planned as new is known meanwhile, or its alerts were decided
    /// under other silences (nothing is written, the claim still holds); [`StoreError::LeaseLost`].
    async fn record_poll(
        &self,
        claim: &Claim<ClaimedFeed>,
        plan: PollPlan,
        now: Timestamp,
    ) -> Result<Recorded, StoreError>;

    /// Gives a claimed feed back without a poll having happened, due at `due_at`.
    async fn release_feed(&self, claim: &Claim<ClaimedFeed>, due_at: Timestamp) -> Result<(), StoreError>;

    /// Claims deliveries that are due, oldest first, at most as many per webhook as `permits` says,
    /// and writes the row of each one's attempt. A lapsed `sending` is due again. Of a webhook that is
    /// tripped one probe at a time is given out. What is being written while this waits for its turn is
    /// claimed as soon as it is written.
    async fn claim_due_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        permits: Vec<outbox::Permit>,
    ) -> Result<outbox::Claimed, StoreError>;

    /// Records what an attempt came to, for its delivery and for its webhook; answers what is to be told
    /// of the webhook, which is then written as an event already.
    async fn record_attempt(
        &self,
        claim: &Claim<ClaimedDelivery>,
        record: outbox::AttemptRecord,
        now: Timestamp,
    ) -> Result<Option<News>, StoreError>;

    /// When the next delivery to one of these webhooks is due, and when the next that is held for a time goes.
    async fn delivery_due(&self, webhooks: Vec<WebhookId>) -> Result<outbox::Due, StoreError>;

    /// What was held for these webhooks until now at the latest, a bounded number together with what it goes with.
    async fn due_holds(
        &self,
        webhooks: Vec<WebhookId>,
        now: Timestamp,
    ) -> Result<Vec<outbox::HeldBatch>, StoreError>;

    /// Binds deliveries that were held to messages, which are due now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one of them is held no more (nothing is written: read anew).
    async fn release_holds(
        &self,
        messages: Vec<outbox::ReleasedMessage>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Operational events that no delivery was written for yet, oldest first, a bounded number.
    async fn untold_events(&self) -> Result<Vec<outbox::StoredEvent>, StoreError>;

    /// Writes the deliveries of an event; with none, only that there is nobody to tell.
    async fn tell_event(
        &self,
        event: outbox::EventRow,
        deliveries: Vec<PlannedDelivery>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// When the next poll and the next delivery are due, claimed ones at the end of their lease.
    async fn next_due(&self) -> Result<NextDue, StoreError>;

    /// Articles whose text is not in the full-text index, newest first, at most `most`, and no more of them
    /// than `bytes` hold; one in any case.
    async fn unindexed(&self, most: usize, bytes: usize) -> Result<Vec<search::Unindexed>, StoreError>;

    /// Puts terms into the full-text index; those of a text that changed meanwhile are left out.
    async fn write_index(&self, batch: Vec<search::Indexed>) -> Result<(), StoreError>;

    /// Removes at most a batch of what is too old; answers how many rows went.
    async fn retain(&self, policy: RetentionPolicy) -> Result<u64, StoreError>;

    /// How large the database is.
    async fn space(&self) -> Result<Space, StoreError>;

    /// Whether a write failed for want of space, and none has been found since: then no new work is to be begun.
    fn disk_is_full(&self) -> bool;

    /// Looks whether there is room again on a disk that was full; answers whether new work can begin.
    async fn make_room(&self) -> Result<bool, StoreError>;

    /// Proves that the database can be written and has room for more, through the same queue as all writes.
    async fn probe(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Lists feeds.
    async fn list_feeds(&self) -> Result<Vec<reads::FeedRow>, StoreError>;

    /// Lists articles, newest first.
    async fn list_articles(&self, page: reads::Page) -> Result<Vec<reads::ArticleRow>, StoreError>;

    /// The next stored articles first seen since `since`, in the order they were stored, behind number `after`.
    async fn read_texts(
        &self,
        since: Option<Timestamp>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<reads::StoredText>, StoreError>;

    /// The beginnings of the newest articles, at most so many and of each at most so many characters: to learn what is
    /// frequent here.
    async fn sample_texts(&self, articles: usize, characters: usize) -> Result<Vec<Sample>, StoreError>;

    /// Lists alerts, newest first.
    async fn list_alerts(&self, page: reads::Page) -> Result<Vec<reads::AlertRow>, StoreError>;

    /// The silences in force at `now`.
    async fn silences(&self, now: Timestamp) -> Result<reads::SilencesInForce, StoreError>;

    /// Counts the deliveries that have not ended well, by webhook, state and reason. Cost does not grow with the
    /// number of those that have.
    async fn open_deliveries(&self) -> Result<Vec<reads::OpenDeliveries>, StoreError>;

    /// Lists deliveries, newest first.
    async fn list_deliveries(
        &self,
        page: reads::Page,
        state: Option<crate::domain::delivery::DeliveryState>,
    ) -> Result<Vec<reads::DeliveryRow>, StoreError>;
}
