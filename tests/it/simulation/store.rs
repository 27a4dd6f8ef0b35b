//! The store between wirewatch and its database: it stalls, fails, fills up and dies, before a commit and
//! after it; and what passes through it is entered in the book.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wirewatch::domain::article::{EntryIdentity, Sample};
use wirewatch::domain::breaker::News;
use wirewatch::domain::delivery::{ClaimedDelivery, DeliveryState, PlannedDelivery, Settlement};
use wirewatch::domain::feed::ClaimedFeed;
use wirewatch::domain::poll::PollPlan;
use wirewatch::domain::{FeedId, Timestamp, TopicId, WebhookId};
use wirewatch::ports::outbox::{
    AttemptRecord, Claimed, Due, EventRow, HeldBatch, Permit, ReleasedMessage, StoredEvent,
};
use wirewatch::ports::reads::{
    AlertRow, ArticleRow, DeliveryRow, FeedRow, OpenDeliveries, Page, SilencesInForce, StoredText,
};
use wirewatch::ports::search::{Indexed, Unindexed};
use wirewatch::ports::{
    Claim, ConfigSync, FeedsClaimed, HostLimits, Known, NextDue, Recorded, RetentionPolicy, Room, Space,
    Store, StoreError,
};
use wirewatch::sqlite::SqliteStore;

use super::sabotage;
use super::world::{Sabotage, Shared};

/// The number in an id like `f12`.
pub(crate) fn number(id: &str) -> usize {
    id.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap()
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It never begins.
    Refused,
    /// There is no room for it.
    Full,
    /// It is done, and its answer is lost.
    Unanswered,
    CrashBefore,
    CrashAfter,
}

/// Calls made in one instant beyond which somebody runs in circles.
const CALLS_PER_INSTANT: u32 = 5000;

/// A full disk, as wirewatch sees it.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Until when it is full.
    pub(crate) full_until: Option<Timestamp>,
    /// A write failed for want of space, and none was found since.
    noticed: bool,
    last_call: (Timestamp, u32),
}

/// The store as one process of wirewatch holds it.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<SqliteStore>,
    pub(crate) world: Shared,
    pub(crate) disk: Arc<std::sync::Mutex<Disk>>,
}

impl FaultyStore {
    async fn pass<T>(
        &self,
        name: &'static str,
        writes: bool,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let (before, fate, after) = self.draw(name, writes);
        pause(before).await;
        match fate {
            Fate::Fine => {
                let done = work.await;
                pause(after).await;
                done
            }
            Fate::Refused => Err(StoreError::Failed(anyhow::anyhow!("busy"))),
            Fate::Full => Err(StoreError::DiskFull(anyhow::anyhow!("no space"))),
            Fate::Unanswered => {
                work.await?;
                Err(StoreError::Failed(anyhow::anyhow!("the answer was lost")))
            }
            Fate::CrashBefore => self.die(&format!("before {name}")).await,
            Fate::CrashAfter => {
                drop(work.await);
                self.die(&format!("after {name}")).await
            }
        }
    }

    async fn die<T>(&self, place: &str) -> T {
        self.world.lock().crash(place);
        std::future::pending().await
    }

    fn draw(&self, name: &'static str, writes: bool) -> (Duration, Fate, Duration) {
        let mut world = self.world.lock();
        let now = world.truth();
        let mut disk = self.disk.lock().unwrap();
        disk.last_call = if disk.last_call.0 == now { (now, disk.last_call.1 + 1) } else { (now, 1) };
        if disk.last_call.1 > CALLS_PER_INSTANT {
            world.broken("nobody runs in circles", format!("{name} was called again and again"), vec![]);
            return (Duration::from_secs(3600), Fate::Refused, Duration::ZERO);
        }
        let faults = world.scale.faults.clone();
        let mut stall = || {
            let long = world.chance(faults.stalls);
            if long { Duration::from_millis(world.rng.u64(1..8000)) } else { Duration::ZERO }
        };
        let (before, after) = (stall(), stall());
        let fate = if writes && disk.full_until.is_some_and(|until| now < until) && !disk.noticed {
            disk.noticed = true;
            Fate::Full
        } else if world.chance(faults.crash_in_store) {
            if world.rng.bool() { Fate::CrashBefore } else { Fate::CrashAfter }
        } else if world.chance(faults.store) {
            // What a configuration or a person changed is either done or not: nobody tries it again unasked.
            if writes && !["sync_config", "clock_set_back"].contains(&name) && world.rng.bool() {
                Fate::Unanswered
            } else {
                Fate::Refused
            }
        } else {
            Fate::Fine
        };
        if fate != Fate::Fine {
            world.say(&format!("store: {name}: {fate:?}"));
        }
        (before, fate, after)
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn sync_config(
        &self,
        config: ConfigSync,
        now: Timestamp,
    ) -> Result<BTreeMap<TopicId, Timestamp>, StoreError> {
        let work = async {
            let topics = config.topics.clone();
            let feeds = config.feeds.clone();
            let created = self.inner.sync_config(config, now).await?;
            self.world.lock().configuration_stored(&feeds, &topics);
            Ok(created)
        };
        self.pass("sync_config", true, work).await
    }

    async fn recover(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.recover(now).await
    }

    async fn clock_set_back(&self, by: Duration, now: Timestamp) -> Result<(), StoreError> {
        self.pass("clock_set_back", true, self.inner.clock_set_back(by, now)).await
    }

    async fn any_feed_due_by(&self, at: Timestamp) -> Result<bool, StoreError> {
        self.pass("any_feed_due_by", false, self.inner.any_feed_due_by(at)).await
    }

    async fn claim_due_feeds(
        &self,
        now: Timestamp,
        lease: Duration,
        room: Room,
        hosts: HostLimits,
    ) -> Result<FeedsClaimed, StoreError> {
        let called = self.world.lock().truth();
        let work = async {
            let mut claimed = self.inner.claim_due_feeds(now, lease, room, hosts).await?;
            let mut world = self.world.lock();
            for claim in &claimed.feeds {
                let feed = number(claim.work().id.as_str());
                world.feed_claimed(feed, claim.token(), now, lease, called);
            }
            sabotage::claims(world.sabotage, &mut claimed.feeds);
            Ok(claimed)
        };
        self.pass("claim_due_feeds", true, work).await
    }

    async fn known(
        &self,
        feed: &FeedId,
        identities: Vec<EntryIdentity>,
        now: Timestamp,
    ) -> Result<Known, StoreError> {
        let work = async {
            let mut known = self.inner.known(feed, identities, now).await?;
            let sabotage = self.world.lock().sabotage;
            if sabotage == Sabotage::ForgetsArticles {
                known.articles.fill(None);
            }
            Ok(known)
        };
        self.pass("known", false, work).await
    }

    async fn record_poll(
        &self,
        claim: &Claim<ClaimedFeed>,
        mut plan: PollPlan,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let work = async {
            let good = plan.feed.failures == 0;
            {
                let mut world = self.world.lock();
                let sabotage = world.sabotage;
                sabotage::plan(sabotage, &mut plan, &mut world.rng);
            }
            let recorded = self.inner.record_poll(claim, plan, now).await?;
            self.world.lock().poll_recorded(number(claim.work().id.as_str()), claim.token(), good, now);
            Ok(recorded)
        };
        self.pass("record_poll", true, work).await
    }

    async fn release_feed(&self, claim: &Claim<ClaimedFeed>, due_at: Timestamp) -> Result<(), StoreError> {
        let work = async {
            self.inner.release_feed(claim, due_at).await?;
            self.world.lock().feed_released(number(claim.work().id.as_str()));
            Ok(())
        };
        self.pass("release_feed", true, work).await
    }

    async fn claim_due_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        mut permits: Vec<Permit>,
    ) -> Result<Claimed, StoreError> {
        let entered = self.world.lock().truth();
        let work = async {
            sabotage::permits(self.world.lock().sabotage, &mut permits);
            let mut claimed = self.inner.claim_due_deliveries(now, lease, permits).await?;
            let mut world = self.world.lock();
            claimed.claims = sabotage::deliveries(world.sabotage, claimed.claims);
            for claim in &claimed.claims {
                let work = claim.work();
                world.delivery_claimed(
                    number(work.webhook.as_str()),
                    &work.message.to_string(),
                    now,
                    lease,
                    entered,
                );
            }
            Ok(claimed)
        };
        self.pass("claim_due_deliveries", true, work).await
    }

    async fn record_attempt(
        &self,
        claim: &Claim<ClaimedDelivery>,
        mut record: AttemptRecord,
        now: Timestamp,
    ) -> Result<Option<News>, StoreError> {
        let entered = self.world.lock().truth();
        let work = async {
            sabotage::record(self.world.lock().sabotage, &mut record);
            let delivered = record.settlement == Settlement::Delivered;
            let gone = matches!(record.settlement, Settlement::Dead { disable_webhook: true, .. });
            let news = self.inner.record_attempt(claim, record, now).await?;
            let work = claim.work();
            let mut world = self.world.lock();
            let gone = gone || news == Some(News::Disabled);
            world.attempt_recorded(
                number(work.webhook.as_str()),
                &work.message.to_string(),
                delivered,
                gone,
                (now, entered),
            );
            Ok(news)
        };
        self.pass("record_attempt", true, work).await
    }

    async fn delivery_due(&self, webhooks: Vec<WebhookId>) -> Result<Due, StoreError> {
        self.pass("delivery_due", false, self.inner.delivery_due(webhooks)).await
    }

    async fn due_holds(
        &self,
        webhooks: Vec<WebhookId>,
        now: Timestamp,
    ) -> Result<Vec<HeldBatch>, StoreError> {
        self.pass("due_holds", false, self.inner.due_holds(webhooks, now)).await
    }

    async fn release_holds(&self, messages: Vec<ReleasedMessage>, now: Timestamp) -> Result<(), StoreError> {
        self.pass("release_holds", true, self.inner.release_holds(messages, now)).await
    }

    async fn untold_events(&self) -> Result<Vec<StoredEvent>, StoreError> {
        self.pass("untold_events", false, self.inner.untold_events()).await
    }

    async fn tell_event(
        &self,
        event: EventRow,
        deliveries: Vec<PlannedDelivery>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.pass("tell_event", true, self.inner.tell_event(event, deliveries, now)).await
    }

    async fn next_due(&self) -> Result<NextDue, StoreError> {
        self.pass("next_due", false, self.inner.next_due()).await
    }

    async fn unindexed(&self, most: usize, bytes: usize) -> Result<Vec<Unindexed>, StoreError> {
        self.pass("unindexed", false, self.inner.unindexed(most, bytes)).await
    }

    async fn write_index(&self, batch: Vec<Indexed>) -> Result<(), StoreError> {
        self.pass("write_index", true, self.inner.write_index(batch)).await
    }

    async fn silences(&self, now: Timestamp) -> Result<SilencesInForce, StoreError> {
        self.pass("silences", false, self.inner.silences(now)).await
    }

    async fn open_deliveries(&self) -> Result<Vec<OpenDeliveries>, StoreError> {
        self.inner.open_deliveries().await
    }

    async fn retain(&self, policy: RetentionPolicy) -> Result<u64, StoreError> {
        self.pass("retain", true, self.inner.retain(policy)).await
    }

    async fn space(&self) -> Result<Space, StoreError> {
        self.inner.space().await
    }

    fn disk_is_full(&self) -> bool {
        self.disk.lock().unwrap().noticed
    }

    async fn make_room(&self) -> Result<bool, StoreError> {
        let now = self.world.lock().truth();
        let mut disk = self.disk.lock().unwrap();
        if disk.full_until.is_none_or(|until| until <= now) {
            disk.noticed = false;
        }
        Ok(!disk.noticed)
    }

    async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        self.inner.probe(now).await
    }

    async fn list_feeds(&self) -> Result<Vec<FeedRow>, StoreError> {
        self.inner.list_feeds().await
    }

    async fn list_articles(&self, page: Page) -> Result<Vec<ArticleRow>, StoreError> {
        self.inner.list_articles(page).await
    }

    async fn read_texts(
        &self,
        since: Option<Timestamp>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredText>, StoreError> {
        self.inner.read_texts(since, after, limit).await
    }

    async fn sample_texts(&self, articles: usize, characters: usize) -> Result<Vec<Sample>, StoreError> {
        self.inner.sample_texts(articles, characters).await
    }

    async fn list_alerts(&self, page: Page) -> Result<Vec<AlertRow>, StoreError> {
        self.inner.list_alerts(page).await
    }

    async fn list_deliveries(
        &self,
        page: Page,
        state: Option<DeliveryState>,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.inner.list_deliveries(page, state).await
    }
}
