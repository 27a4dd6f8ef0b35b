//! What is counted and timed for Prometheus: a value made together with its registry and handed to those who count.
//!
//! `docs/METRICS.md` explains every name. Labels are ids from the configuration and words of a fixed list, so that
//! their number is bounded.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::config::Settings;
use crate::domain::article::Document;
use crate::domain::topic::{Matcher, TopicMatch};
use crate::domain::{Timestamp, TopicId, WebhookId};
use crate::parse::Repair;

/// What all names begin with.
pub const PREFIX: &str = "wirewatch";

/// Upper bounds, in seconds, for visits to feeds and webhooks: from a cached answer nearby to the longest deadline.
const EXCHANGE_SECONDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds, in seconds, for matching one article: from a headline to a book.
const MATCHING_SECONDS: [f64; 10] = [1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 1.0];

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Accepted.
    Delivered,
    /// It is tried again.
    Failed,
    /// It was the last.
    Dead,
}

impl AttemptOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::Dead];

    /// The label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTopic {
    topic: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWebhook {
    webhook: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAttempt {
    webhook: String,
    outcome: &'static str,
}

/// Everything that is counted and timed while it happens. Copies count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    polls: Family<OfOutcome, Counter>,
    poll_duration: Histogram,
    articles: Counter,
    revisions: Counter,
    repairs: Family<OfKind, Counter>,
    matching_duration: Histogram,
    alerts: Family<OfTopic, Counter>,
    attempts: Family<OfAttempt, Counter>,
    attempt_duration: Family<OfWebhook, Histogram>,
    reload_ok: Gauge,
    reload_timestamp: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Metrics {
    /// Makes them, and the registry that shows them.
    pub fn registered() -> (Self, Registry) {
        let mut registry = Registry::with_prefix(PREFIX);
        let exchange = || Histogram::new(EXCHANGE_SECONDS);
        let metrics = Self {
            polls: Family::default(),
            poll_duration: exchange(),
            articles: Counter::default(),
            revisions: Counter::default(),
            repairs: Family::default(),
            matching_duration: Histogram::new(MATCHING_SECONDS),
            alerts: Family::default(),
            attempts: Family::default(),
            attempt_duration: Family::new_with_constructor(exchange),
            reload_ok: Gauge::default(),
            reload_timestamp: Gauge::default(),
        };
        metrics.register(&mut registry);
        (metrics, registry)
    }

    fn register(&self, to: &mut Registry) {
        to.register("polls", "Visits to feeds that ended, by outcome", self.polls.clone());
        to.register_with_unit(
            "poll_duration",
            "Time from the start of a visit to its record",
            Unit::Seconds,
            self.poll_duration.clone(),
        );
        to.register("articles", "Articles stored that were never seen before", self.articles.clone());
        to.register("articles_revised", "Changes seen in articles known before", self.revisions.clone());
        to.register("repairs", "Documents that needed a repair to be read, by kind", self.repairs.clone());
        to.register_with_unit(
            "matching_duration",
            "Time to match one article against all topics",
            Unit::Seconds,
            self.matching_duration.clone(),
        );
        to.register("alerts", "Alerts raised, by topic", self.alerts.clone());
        to.register(
            "delivery_attempts",
            "Requests made to webhooks, by webhook and outcome",
            self.attempts.clone(),
        );
        to.register_with_unit(
            "delivery_attempt_duration",
            "Time a request to a webhook took",
            Unit::Seconds,
            self.attempt_duration.clone(),
        );
        to.register("config_reload_ok", "Whether the last reload was accepted", self.reload_ok.clone());
        to.register_with_unit(
            "config_reload_timestamp",
            "When the configuration in force was loaded, since the epoch",
            Unit::Seconds,
            self.reload_timestamp.clone(),
        );
    }

    /// A configuration was put in force: its topics and webhooks are shown, with zeros at first; those that left are not.
    pub fn configured(&self, old: Option<&Settings>, new: &Settings, at: Timestamp) {
        self.reload_ok.set(1);
        self.reload_timestamp.set(Duration::from_millis(at.as_millis().unsigned_abs()).as_secs_f64());
        for topic in new.topics.keys() {
            drop(self.alerts.get_or_create(&of_topic(topic)));
        }
        for webhook in new.webhooks.keys() {
            for outcome in AttemptOutcome::ALL {
                drop(self.attempts.get_or_create(&of_attempt(webhook, outcome)));
            }
        }
        let Some(old) = old else { return };
        for topic in old.topics.keys().filter(|topic| !new.topics.contains_key(*topic)) {
            self.alerts.remove(&of_topic(topic));
        }
        for webhook in old.webhooks.keys().filter(|webhook| !new.webhooks.contains_key(*webhook)) {
            for outcome in AttemptOutcome::ALL {
                self.attempts.remove(&of_attempt(webhook, outcome));
            }
            self.attempt_duration.remove(&OfWebhook { webhook: webhook.to_string() });
        }
    }

    /// A configuration was refused.
    pub fn refused(&self) {
        self.reload_ok.set(0);
    }

    /// A poll was recorded.
    pub fn polled(&self, outcome: &'static str, took: Duration, new: u64, revised: u64) {
        self.polls.get_or_create(&OfOutcome { outcome }).inc();
        self.poll_duration.observe(took.as_secs_f64());
        self.articles.inc_by(new);
        self.revisions.inc_by(revised);
    }

    /// A document needed a repair.
    pub fn repaired(&self, repair: Repair) {
        self.repairs.get_or_create(&OfKind { kind: repair.word() }).inc();
    }

    /// An alert was raised.
    pub fn alerted(&self, topic: &TopicId) {
        self.alerts.get_or_create(&of_topic(topic)).inc();
    }

    /// An attempt ended.
    pub fn attempted(&self, webhook: &WebhookId, outcome: AttemptOutcome, took: Duration) {
        self.attempts.get_or_create(&of_attempt(webhook, outcome)).inc();
        let webhook = OfWebhook { webhook: webhook.to_string() };
        self.attempt_duration.get_or_create(&webhook).observe(took.as_secs_f64());
    }

    /// A matcher that finds what `inner` finds, and notes how long that takes.
    pub fn timing<'a>(&'a self, inner: &'a dyn Matcher) -> TimedMatcher<'a> {
        TimedMatcher { inner, seconds: &self.matching_duration }
    }
}

fn of_topic(topic: &TopicId) -> OfTopic {
    OfTopic { topic: topic.to_string() }
}

fn of_attempt(webhook: &WebhookId, outcome: AttemptOutcome) -> OfAttempt {
    OfAttempt { webhook: webhook.to_string(), outcome: outcome.as_str() }
}

/// A matcher whose time is noted.
#[derive(Debug)]
pub struct TimedMatcher<'a> {
    inner: &'a dyn Matcher,
    seconds: &'a Histogram,
}

impl Matcher for TimedMatcher<'_> {
    fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch> {
        let began = tokio::time::Instant::now();
        let found = self.inner.matches(document);
        self.seconds.observe(began.elapsed().as_secs_f64());
        found
    }
}
