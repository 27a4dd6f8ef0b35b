//! The store on SQLite: one writer with group commit, a few readers, one file.

mod articles;
mod ballast;
mod clock;
mod events;
mod feeds;
mod hand;
mod holds;
mod identities;
mod lists;
mod migrate;
mod open;
mod outbox;
mod retention;
mod search;
mod sieve;
mod silences;
mod survey;
mod upkeep;
mod webhooks;
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub use migrate::{MIGRATIONS, SCHEMA};
pub use open::{DaemonLock, OpenError, holder};
pub use upkeep::{Backup, BackupError, Disk, Soundness, backup, check, disk};

use crate::domain::article::{EntryIdentity, Sample};
use crate::domain::breaker::News;
use crate::domain::delivery::{ClaimedDelivery, DeliveryState, PlannedDelivery};
use crate::domain::feed::ClaimedFeed;
use crate::domain::poll::PollPlan;
use crate::domain::{ArticleKey, FeedId, Timestamp, TopicId, WebhookId};
use crate::offload::offload;
use crate::ports::outbox::{
    AttemptRecord, Claimed, Due, EventRow, HeldBatch, Permit, ReleasedMessage, StoredEvent,
};
use crate::ports::reads::{
    AlertRow, ArticleRow, DeliveryRow, FeedRow, OpenDeliveries, Page, SilencesInForce, StoredText,
};
use crate::ports::search::{ArticleDetail, Found, Indexed, Search, Unindexed};
use crate::ports::{
    Claim, ConfigSync, FeedsClaimed, HostLimits, Known, NextDue, Recorded, RetentionPolicy, Room, Space,
    Store, StoreError,
};
use ballast::Ballast;
use sieve::Sieve;
use writer::{Haste, Turn, Writer};

/// Connections that read at the same time.
const READERS: usize = 4;

/// The store on one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    /// Absent in a store that only reads, and after `close`.
    writer: Mutex<Option<Writer>>,
    sieve: Arc<Sieve>,
    readers: Readers,
    /// Only where a daemon writes to a file.
    ballast: Option<Arc<Ballast>>,
    tasks: TaskTracker,
}

/// Where reads go.
#[derive(Debug)]
enum Readers {
    /// Connections of their own, at rest here.
    Pool { path: PathBuf, idle: Arc<Mutex<Vec<Connection>>>, permits: Arc<Semaphore> },
    /// Through the writer: a database in memory has one connection.
    Writer,
}

impl SqliteStore {
    /// Opens the database for the daemon: makes it when there is none, migrates it when it is old.
    ///
    /// Must be called within a tokio runtime: the writer is a task.
    ///
    /// # Errors
    /// See [`OpenError`]; each says what to do.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open::open_writer(path)?;
        let sieve = Sieve::of(&connection, Some(path));
        Ok(Self::with(Some(connection), sieve, Readers::pool(path), Some(Ballast::beside(path))))
    }

    /// Opens an existing database for reading, beside a running daemon or without one.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none yet, and the others.
    pub fn open_for_reading(path: &Path) -> Result<Self, OpenError> {
        let first = open::open_reader(path)?;
        let readers = Readers::pool(path);
        if let Readers::Pool { idle, .. } = &readers {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(first);
        }
        Ok(Self::with(None, Arc::new(Sieve::open()), readers, None))
    }

    /// Opens an existing database for one change by hand, beside a running daemon or without one; never makes
    /// or migrates one.
    ///
    /// # Errors
    /// As [`Self::open_for_reading`].
    pub fn open_for_a_change(path: &Path) -> Result<Self, OpenError> {
        drop(open::open_reader(path)?);
        let connection = open::open_visitor(path)?;
        Ok(Self::with(Some(connection), Arc::new(Sieve::open()), Readers::pool(path), None))
    }

    /// A database in memory, for simulation: works under tokio's paused clock.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn open_in_memory() -> Result<Self, OpenError> {
        let connection = open::open_memory()?;
        let sieve = Sieve::of(&connection, None);
        Ok(Self::with(Some(connection), sieve, Readers::Writer, None))
    }

    fn with(
        connection: Option<Connection>,
        sieve: Arc<Sieve>,
        readers: Readers,
        ballast: Option<Ballast>,
    ) -> Self {
        let tasks = TaskTracker::new();
        let ballast = ballast.map(Arc::new);
        let writer = connection.map(|connection| Writer::start(connection, ballast.clone(), &tasks));
        tasks.close();
        Self { writer: Mutex::new(writer), sieve, readers, ballast, tasks }
    }

    /// Commits what waits, checkpoints, and ends the writer; later writes get [`StoreError::Closed`].
    pub async fn close(&self) {
        drop(self.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.tasks.wait().await;
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_at(Turn::InOrder, Haste::Now, work).await
    }

    async fn write_at<T, F>(&self, turn: Turn, haste: Haste, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        writer.ok_or(StoreError::Closed)?.write(turn, haste, work).await
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let Readers::Pool { path, idle, permits } = &self.readers else { return self.write(work).await };
        let permit = Arc::clone(permits).acquire_owned().await.map_err(|_error| StoreError::Closed)?;
        let (path, idle) = (path.clone(), Arc::clone(idle));
        offload(move || {
            let resting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match resting {
                Some(connection) => connection,
                None => open::open_reader(&path).map_err(|problem| StoreError::Failed(problem.into()))?,
            };
            let done = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            done
        })
        .await
        .map_err(|problem| StoreError::Failed(problem.into()))?
    }
}

impl Readers {
    fn pool(path: &Path) -> Self {
        Self::Pool { path: path.to_owned(), idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn sync_config(
        &self,
        config: ConfigSync,
        now: Timestamp,
    ) -> Result<BTreeMap<TopicId, Timestamp>, StoreError> {
        self.write(move |connection| {
            feeds::sync(connection, &config.feeds, now)?;
            webhooks::sync(connection, &config.webhooks, now)?;
            holds::hold_again(connection, &config.topic_holds, &config.webhook_holds, now)?;
            feeds::sync_topics(connection, &config.topics, now)
        })
        .await
    }

    async fn recover(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            clock::catch_up(connection, now)?;
            feeds::recover(connection, now)?;
            outbox::recover(connection, now)
        })
        .await
    }

    async fn clock_set_back(&self, by: Duration, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| clock::set_back(connection, by, now)).await
    }

    async fn claim_due_feeds(
        &self,
        now: Timestamp,
        lease: Duration,
        room: Room,
        hosts: HostLimits,
    ) -> Result<FeedsClaimed, StoreError> {
        // Polls that are recorded in the same transaction give their places, and those at their hosts, to these.
        self.write_at(Turn::Last, Haste::Soon, move |connection| {
            feeds::claim(connection, now, lease, room.now(), hosts)
        })
        .await
    }

    async fn any_feed_due_by(&self, at: Timestamp) -> Result<bool, StoreError> {
        self.read(move |connection| feeds::any_due_by(connection, at)).await
    }

    async fn known(
        &self,
        feed: &FeedId,
        identities: Vec<EntryIdentity>,
        now: Timestamp,
    ) -> Result<Known, StoreError> {
        let (feed, sieve) = (feed.clone(), Arc::clone(&self.sieve));
        // Through the writer, though it only reads: every commit empties the page caches of all connections but its own,
        // and what is looked up here is scattered over the whole database.
        self.write_at(Turn::First, Haste::Now, move |connection| {
            articles::known(connection, &sieve, &feed, &identities, now)
        })
        .await
    }

    async fn record_poll(
        &self,
        claim: &Claim<ClaimedFeed>,
        plan: PollPlan,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let (token, feed, sieve) = (claim.token(), claim.work().id.clone(), Arc::clone(&self.sieve));
        let alerting = plan.articles.iter().any(|article| !article.alerts.is_empty());
        let haste = if alerting || !plan.events.is_empty() { Haste::Now } else { Haste::Soon };
        self.write_at(Turn::InOrder, haste, move |connection| {
            let row = feeds::claimed_row(connection, &feed, token)?;
            if alerting && silences::version(connection)? != plan.silences {
                // Somebody muted something since it was planned.
                return Err(StoreError::Conflict);
            }
            let mut recorded = articles::record(connection, &sieve, row.id, &plan.articles, now)?;
            recorded.next_due = feeds::record(connection, &row, &plan.feed, plan.host_pause, now)?;
            if let Some(blocks) = &plan.blocks {
                articles::remember(connection, row.id, blocks)?;
            }
            for event in &plan.events {
                events::insert(connection, event)?;
            }
            Ok(recorded)
        })
        .await
    }

    async fn release_feed(&self, claim: &Claim<ClaimedFeed>, due_at: Timestamp) -> Result<(), StoreError> {
        let (token, feed) = (claim.token(), claim.work().id.clone());
        self.write(move |connection| {
            let row = feeds::claimed_row(connection, &feed, token)?;
            feeds::release(connection, &row, due_at)
        })
        .await
    }

    async fn claim_due_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        permits: Vec<Permit>,
    ) -> Result<Claimed, StoreError> {
        // Whatever is written in the same transaction can be claimed in it.
        self.write_at(Turn::Last, Haste::Now, move |connection| {
            outbox::claim(connection, now, lease, &permits)
        })
        .await
    }

    async fn record_attempt(
        &self,
        claim: &Claim<ClaimedDelivery>,
        record: AttemptRecord,
        now: Timestamp,
    ) -> Result<Option<News>, StoreError> {
        let (token, id) = (claim.token(), claim.work().id);
        let which = (claim.work().attempt, claim.work().probe);
        self.write(move |connection| outbox::record(connection, token, id, which, &record, now)).await
    }

    async fn delivery_due(&self, webhooks: Vec<WebhookId>) -> Result<Due, StoreError> {
        self.read(move |connection| outbox::due_of(connection, &webhooks)).await
    }

    async fn due_holds(
        &self,
        webhooks: Vec<WebhookId>,
        now: Timestamp,
    ) -> Result<Vec<HeldBatch>, StoreError> {
        self.read(move |connection| holds::due(connection, &webhooks, now)).await
    }

    async fn release_holds(&self, messages: Vec<ReleasedMessage>, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| holds::release(connection, &messages, now)).await
    }

    async fn untold_events(&self) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(events::untold).await
    }

    async fn tell_event(
        &self,
        event: EventRow,
        deliveries: Vec<PlannedDelivery>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |connection| events::tell(connection, event, &deliveries, now)).await
    }

    async fn next_due(&self) -> Result<NextDue, StoreError> {
        self.read(|connection| {
            Ok(NextDue { feed: feeds::next_due(connection)?, delivery: outbox::next_due(connection)? })
        })
        .await
    }

    async fn unindexed(&self, most: usize, bytes: usize) -> Result<Vec<Unindexed>, StoreError> {
        self.read(move |connection| search::unindexed(connection, most, bytes)).await
    }

    async fn write_index(&self, batch: Vec<Indexed>) -> Result<(), StoreError> {
        self.write(move |connection| search::write(connection, &batch)).await
    }

    async fn retain(&self, policy: RetentionPolicy) -> Result<u64, StoreError> {
        self.write(move |connection| retention::retain(connection, policy)).await
    }

    async fn space(&self) -> Result<Space, StoreError> {
        self.read(retention::space).await
    }

    fn disk_is_full(&self) -> bool {
        self.ballast.as_ref().is_some_and(|ballast| ballast.is_given_up())
    }

    async fn make_room(&self) -> Result<bool, StoreError> {
        let Some(ballast) = self.ballast.clone().filter(|ballast| ballast.is_given_up()) else {
            return Ok(true);
        };
        // The writer empties the log after each batch while the ballast is gone.
        self.write(|connection| Ok(retention::give_back_pages(connection)?)).await?;
        offload(move || ballast.lay_again()).await.map_err(|problem| StoreError::Failed(problem.into()))
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.disk_is_full() {
            return Err(StoreError::DiskFull(anyhow::anyhow!(
                "polling and sending wait until there is room"
            )));
        }
        self.write(move |connection| {
            connection
                .prepare_cached("INSERT INTO meta (name, value) VALUES ('probed_at', ?1) ON CONFLICT DO UPDATE SET value = excluded.value")?
                .execute([now.to_string()])?;
            Ok(())
        })
        .await
    }

    async fn list_feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        self.read(lists::feeds).await
    }

    async fn list_articles(&self, page: Page) -> Result<Vec<ArticleRow>, StoreError> {
        self.read(move |connection| lists::articles(connection, page)).await
    }

    async fn read_texts(
        &self,
        since: Option<Timestamp>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredText>, StoreError> {
        self.read(move |connection| lists::texts(connection, since, after, limit)).await
    }

    async fn sample_texts(&self, articles: usize, characters: usize) -> Result<Vec<Sample>, StoreError> {
        self.read(move |connection| lists::sample(connection, articles, characters)).await
    }

    async fn list_alerts(&self, page: Page) -> Result<Vec<AlertRow>, StoreError> {
        self.read(move |connection| lists::alerts(connection, page)).await
    }

    async fn silences(&self, now: Timestamp) -> Result<SilencesInForce, StoreError> {
        self.read(move |connection| silences::in_force(connection, now)).await
    }

    async fn open_deliveries(&self) -> Result<Vec<OpenDeliveries>, StoreError> {
        self.read(webhooks::open_deliveries).await
    }

    async fn list_deliveries(
        &self,
        page: Page,
        state: Option<DeliveryState>,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(move |connection| lists::deliveries(connection, page, state)).await
    }
}

#[async_trait]
impl Search for SqliteStore {
    async fn search(&self, expression: String, page: Page) -> Result<Vec<Found>, StoreError> {
        self.read(move |connection| search::search(connection, &expression, page)).await
    }

    async fn count_unindexed(&self) -> Result<u64, StoreError> {
        self.read(search::count_unindexed).await
    }

    async fn show_article(&self, id: ArticleKey) -> Result<Option<ArticleDetail>, StoreError> {
        self.read(move |connection| search::show(connection, id)).await
    }
}
