//! Stores to test, and plans to record in them.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use wirewatch::domain::alert::{AlertContent, AlertHead, ArticleHead, FeedHead, TopicHead};
use wirewatch::domain::article::{Entry, EntryIdentity, Suppression};
use wirewatch::domain::breaker::{BreakerPolicy, Sign};
use wirewatch::domain::delivery::{PlannedDelivery, PostOutcome, Rendered, Settlement};
use wirewatch::domain::feed::{ClaimedFeed, FeedState};
use wirewatch::domain::poll::{
    ArticleChange, ArticleText, PlannedAlert, PlannedArticle, PollPlan, PollSummary,
};
use wirewatch::domain::topic::{Field, Match, Severity, Span};
use wirewatch::domain::{
    AlertId, ArticleKey, DeliveryId, FeedId, IdentityHash, MessageId, Timestamp, TopicId, WebhookId,
};
use wirewatch::ports::outbox::{AttemptRecord, Permit};
use wirewatch::ports::{Claim, ConfigSync, FeedSync, HostLimits, Recorded, Store as _, StoreError};
use wirewatch::sqlite::SqliteStore;

/// 2026-11-23 08:00 UTC.
pub(crate) const T0: Timestamp = Timestamp::from_secs(1_795_420_800);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
/// How long claims last.
pub(crate) const LEASE: Duration = Duration::from_secs(120);
/// Hosts allow everything.
pub(crate) const FREE: HostLimits = HostLimits { in_flight: 1000, spacing: Duration::ZERO };

/// So long after the start.
pub(crate) fn at(after: Duration) -> Timestamp {
    T0.plus(after)
}

pub(crate) fn feed_id(name: &str) -> FeedId {
    FeedId::parse(name).unwrap()
}

pub(crate) fn topic(name: &str) -> TopicId {
    TopicId::parse(name).unwrap()
}

pub(crate) fn webhook(name: &str) -> WebhookId {
    WebhookId::parse(name).unwrap()
}

/// A store, and where it lives.
pub(crate) struct Bed {
    pub(crate) store: SqliteStore,
    dir: Option<TempDir>,
}

impl Bed {
    /// A new store of each kind.
    pub(crate) fn all() -> [Self; 2] {
        [Self::on_disk(), Self { store: SqliteStore::open_in_memory().unwrap(), dir: None }]
    }

    pub(crate) fn on_disk() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("wirewatch.db")).unwrap();
        Self { store, dir: Some(dir) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.as_ref().expect("a store on disk").path().join("wirewatch.db")
    }

    /// Opens the same file once more, as the next process would; nothing of the former store was closed.
    pub(crate) fn after_a_crash(self) -> Self {
        let store = SqliteStore::open(&self.path()).unwrap();
        Self { store, dir: self.dir }
    }

    /// Looks into the file behind the store's back.
    pub(crate) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub(crate) fn count(&self, query: &str) -> i64 {
        self.raw().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// Feeds (`name` or `name@host`), the topics `t` and `u`, these webhooks.
    pub(crate) async fn configure(&self, feeds: &[&str], webhooks: &[&str]) {
        let config = ConfigSync {
            feeds: feeds.iter().map(|feed| feed_sync(feed)).collect(),
            topics: vec![topic("t"), topic("u")],
            webhooks: webhooks.iter().map(|name| webhook(name)).collect(),
            ..ConfigSync::default()
        };
        self.store.sync_config(config, T0).await.unwrap();
    }

    /// Claims everything that is due.
    pub(crate) async fn claim(&self, now: Timestamp) -> Vec<Claim<ClaimedFeed>> {
        self.store.claim_due_feeds(now, LEASE, 1000.into(), FREE).await.unwrap().feeds
    }

    /// Claims the one feed that is due.
    pub(crate) async fn claim_one(&self, now: Timestamp) -> Claim<ClaimedFeed> {
        let mut claims = self.claim(now).await;
        assert_eq!(claims.len(), 1, "feeds due at {now}: {claims:?}");
        claims.remove(0)
    }

    /// Claims the one due feed and records articles for it; it is due again an hour later.
    pub(crate) async fn poll(
        &self,
        now: Timestamp,
        articles: Vec<PlannedArticle>,
    ) -> Result<Recorded, StoreError> {
        let claim = self.claim_one(now).await;
        self.store.record_poll(&claim, plan(&claim, now, articles), now).await
    }
}

/// `name` or `name@host`; its address follows from both.
pub(crate) fn feed_sync(spec: &str) -> FeedSync {
    let (name, host) = spec.split_once('@').unwrap_or((spec, "wire.example:443"));
    FeedSync {
        id: feed_id(name),
        url: format!("https://{host}/{name}"),
        host: host.to_owned(),
        first_due_at: T0,
        title: None,
    }
}

/// A poll at `now` that went well and comes again in an hour.
pub(crate) fn plan(claim: &Claim<ClaimedFeed>, now: Timestamp, articles: Vec<PlannedArticle>) -> PollPlan {
    let feed = FeedState {
        last_poll_at: Some(now),
        last_good_at: Some(now),
        last_document_at: Some(now),
        due_at: now.plus(HOUR),
        due_reason: "every hour".to_owned(),
        ..claim.work().state.clone()
    };
    PollPlan {
        feed,
        host_pause: None,
        articles,
        summary: PollSummary::default(),
        events: Vec::new(),
        blocks: None,
        silences: 0,
    }
}

fn hash(kind: &str, name: &str) -> IdentityHash {
    IdentityHash::of(kind, &[name.as_bytes()])
}

pub(crate) fn key(name: &str) -> ArticleKey {
    ArticleKey::derive("link", &[name.as_bytes()])
}

/// How the entry `name` is recognised: by guid, link and content of that name.
pub(crate) fn identity(name: &str) -> EntryIdentity {
    EntryIdentity {
        key: key(name),
        guid: Some(hash("guid", name)),
        link: Some(hash("link", name)),
        content: hash("content", name),
        headline: None,
    }
}

/// An article under its own identities.
pub(crate) fn article(name: &str, change: ArticleChange) -> PlannedArticle {
    let identity = identity(name);
    PlannedArticle {
        key: identity.key,
        change,
        identities: identity.all().collect(),
        content: identity.content,
        listed_as: identity.together(),
        alerts: Vec::new(),
    }
}

/// An article that is new.
pub(crate) fn new(name: &str) -> PlannedArticle {
    article(name, ArticleChange::New { article: Box::new(text(name)), suppressed: None })
}

/// An article that stood in the feed at its first poll.
pub(crate) fn silent(name: &str) -> PlannedArticle {
    let suppressed = Some(Suppression::Baseline);
    article(name, ArticleChange::New { article: Box::new(text(name)), suppressed })
}

pub(crate) fn text(name: &str) -> ArticleText {
    let entry = Entry {
        guid: Some(name.to_owned()),
        link: Some(format!("https://wire.example/{name}")),
        title: format!("The title of {name}"),
        authors: vec!["Kim \"K\" Doe".to_owned()],
        published_at: Some(T0.minus(HOUR)),
        ..Entry::default()
    };
    ArticleText {
        entry,
        text: format!("The text of {name}. 북한군."),
        lang: Some("en".to_owned()),
        boilerplate: Vec::new(),
    }
}

/// Adds an alert of the topic `name`, delivered to these webhooks.
pub(crate) fn alerting(
    mut planned: PlannedArticle,
    name: &str,
    webhooks: &[&str],
    now: Timestamp,
) -> PlannedArticle {
    planned.alerts.push(alert(planned.key, name, webhooks, now));
    planned
}

fn alert(article: ArticleKey, name: &str, webhooks: &[&str], now: Timestamp) -> PlannedAlert {
    let id = AlertId::derive(&topic(name), article);
    let span = |term: &str| Span {
        concept: None,
        term: term.to_owned(),
        field: Field::Body,
        start: 0,
        end: 1,
        text: term.to_owned(),
    };
    let content = AlertContent {
        alert: AlertHead { id, severity: Severity::High, created_at: now },
        topic: TopicHead { id: topic(name), title: name.to_uppercase() },
        article: ArticleHead {
            id: article,
            title: Some("A title".to_owned()),
            link: None,
            published_at: None,
            first_seen_at: now,
            authors: Vec::new(),
            lang: None,
            summary: None,
            feed: FeedHead { id: feed_id("a"), title: None, tags: Vec::new() },
        },
        found: Match {
            score: Some(80),
            facets: None,
            spans: vec![span("troops"), span("북한"), span("troops")],
            excerpt: String::new(),
        },
    };
    let deliveries = webhooks.iter().map(|name| delivery(id, name)).collect();
    PlannedAlert { content, deliveries, silence: None }
}

fn delivery(alert: AlertId, name: &str) -> PlannedDelivery {
    let id = DeliveryId::derive(alert, &webhook(name));
    let content = if name == "broken" {
        Err("the template names nothing".to_owned())
    } else {
        Ok(Rendered { body: format!("{{\"to\":\"{name}\"}}").into_bytes(), content_type: "application/json" })
    };
    PlannedDelivery { id, webhook: webhook(name), message: MessageId::derive(&[id]), content, hold: None }
}

/// The delivery of the topic `t`'s alert on an article to a webhook.
pub(crate) fn delivery_id(article: &str, to: &str) -> DeliveryId {
    DeliveryId::derive(AlertId::derive(&topic("t"), key(article)), &webhook(to))
}

/// A breaker that never trips.
pub(crate) const CALM: BreakerPolicy = BreakerPolicy {
    trip_after: 1000,
    probe_interval: MINUTE,
    probe_interval_max: HOUR,
    disable_after: Duration::from_secs(365 * 86_400),
};

/// An attempt that was answered with this status, and what follows.
pub(crate) fn attempted(status: u16, settlement: &Settlement) -> AttemptRecord {
    let good = (200..300).contains(&status);
    AttemptRecord {
        outcome: answered(status),
        settlement: settlement.clone(),
        why: (!good).then(|| format!("answered {status}")),
        sign: if good { Sign::Good } else { Sign::Bad },
        pause: None,
        spent: true,
        breaker: CALM,
        jitter: 0.0,
    }
}

/// Room for so many at each webhook.
pub(crate) fn room(permits: &[(&str, usize)]) -> Vec<Permit> {
    let permit = |(name, room): &(&str, usize)| Permit {
        webhook: webhook(name),
        room: *room,
        spacing: Duration::ZERO,
    };
    permits.iter().map(permit).collect()
}

/// A receiver's answer.
pub(crate) fn answered(status: u16) -> PostOutcome {
    PostOutcome::Answered { status, retry_after: None, excerpt: b"hm".to_vec(), took: Duration::ZERO }
}
