//! One configuration, compiled: everything a unit of work needs, immutable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::chain;
use super::render::{Destination, Destinations};
use super::silences::Silencer;
use crate::config::Settings;
use crate::config::settings::{FirstPoll, TopicSettings, WebhookSettings};
use crate::domain::alert::OperationsEvent;
use crate::domain::delivery::{PlannedDelivery, Rate, Rendered, RetryPolicy};
use crate::domain::hold::HoldPolicy;
use crate::domain::poll::{FeedRules, PollRules};
use crate::domain::schedule::IntervalPolicy;
use crate::domain::silence::Silences;
use crate::domain::topic::{Matcher, TopicPolicy};
use crate::domain::{DeliveryId, FeedId, MessageId, Timestamp, TopicId, WebhookId};
use crate::message::Content;
use crate::ports::reads::SilencesInForce;
use crate::ports::{ConfigSync, FeedSync, Fetch, HostLimits, Post, Store};

/// A configuration that was read, checked and compiled; nothing about it can fail any more.
#[derive(Debug)]
pub struct Prepared {
    /// What the files say.
    pub settings: Settings,
    /// All topics, compiled.
    pub matcher: Arc<dyn Matcher>,
    /// Fetches feeds under these settings.
    pub fetch: Arc<dyn Fetch>,
    /// Posts messages under these settings.
    pub post: Arc<dyn Post>,
    /// Its webhooks, ready for use.
    pub destinations: Destinations,
    /// What is legal but surely not meant, for the log.
    pub warnings: Vec<String>,
}

/// Reads and compiles the configuration; called at the start and at every reload.
pub trait Loader: std::fmt::Debug + Send + Sync {
    /// Builds everything that can fail.
    ///
    /// # Errors
    /// The whole report for people, every mistake in it.
    fn load(&self) -> Result<Prepared, String>;

    /// Whether the files say something else by now than when [`Settings::files_hash`] was made of them;
    /// none when that cannot be told.
    fn differs(&self, files_hash: &str) -> Option<bool> {
        let _ = files_hash;
        None
    }
}

/// The configuration in force.
#[derive(Debug)]
pub struct Snapshot {
    /// What the files say.
    pub settings: Settings,
    /// Fetches feeds.
    pub fetch: Arc<dyn Fetch>,
    /// Posts messages.
    pub post: Arc<dyn Post>,
    /// When it was put in force.
    pub loaded_at: Timestamp,
    matcher: Arc<dyn Matcher>,
    topics: HashMap<TopicId, TopicPolicy>,
    destinations: Destinations,
    tags: BTreeMap<FeedId, Vec<String>>,
    silencer: Silencer,
}

/// New feeds are spread over at most this long in `run`, so that a long list does not start all at once.
const FIRST_POLL_SPREAD: Duration = Duration::from_secs(60);

/// Feeds started per second at the beginning, before spreading stretches to its limit.
const FIRST_POLLS_PER_SECOND: u32 = 20;

/// What the store must know of `settings`. With `spread`, new feeds are due over the first minute.
pub fn config_sync(settings: &Settings, now: Timestamp, spread: bool) -> ConfigSync {
    let count = u32::try_from(settings.feeds.len()).unwrap_or(u32::MAX).max(1);
    let window =
        (Duration::from_secs(1) / FIRST_POLLS_PER_SECOND).saturating_mul(count).min(FIRST_POLL_SPREAD);
    let feeds = settings
        .feeds
        .iter()
        .zip(0_u32..)
        .map(|((id, feed), index)| FeedSync {
            id: id.clone(),
            url: feed.url.clone(),
            host: feed.host.clone(),
            first_due_at: if spread {
                now.plus(window.mul_f64(f64::from(index) / f64::from(count)))
            } else {
                now
            },
            title: feed.title.clone(),
        })
        .collect();
    ConfigSync {
        feeds,
        topics: settings.topics.keys().cloned().collect(),
        webhooks: settings.webhooks.keys().cloned().collect(),
        topic_holds: settings.topics.iter().map(|(id, topic)| (id.clone(), topic.hold.clone())).collect(),
        webhook_holds: settings
            .webhooks
            .iter()
            .map(|(id, webhook)| (id.clone(), webhook.hold.clone()))
            .collect(),
    }
}

/// What holds the alerts of a topic, for each of its webhooks where anything does.
fn holds(settings: &Settings, topic: &TopicSettings) -> HashMap<WebhookId, Arc<HoldPolicy>> {
    let policy = |id: &WebhookId| {
        let webhook = settings.webhooks.get(id)?.hold.clone();
        let policy = HoldPolicy { topic: topic.hold.clone(), webhook };
        (!policy.is_free()).then(|| (id.clone(), Arc::new(policy)))
    };
    topic.webhooks.iter().filter_map(policy).collect()
}

/// How many of the newest articles topics are arranged for.
const SAMPLED_ARTICLES: usize = 2_000;
/// How much of each is looked at, in characters.
const SAMPLED_CHARACTERS: usize = 4_000;

/// Arranges the topics for what is frequent in the articles of this installation. They find the same without, so
/// that a store that cannot be read for it is no reason to stop.
pub async fn tune(store: &dyn Store, prepared: &mut Prepared) {
    let sample = match store.sample_texts(SAMPLED_ARTICLES, SAMPLED_CHARACTERS).await {
        Ok(sample) => sample,
        Err(problem) => {
            warn!(error = %chain(&problem), "reading articles to arrange the topics by; going on without");
            return;
        }
    };
    let matcher = Arc::clone(&prepared.matcher);
    let tuned = tokio::task::spawn_blocking(move || matcher.tuned(&sample)).await;
    if let Ok(Some(tuned)) = tuned {
        prepared.matcher = tuned;
    }
}

impl Snapshot {
    /// Joins a prepared configuration with what the store remembers of its topics.
    pub fn new(prepared: Prepared, created_at: &BTreeMap<TopicId, Timestamp>, now: Timestamp) -> Self {
        let Prepared { settings, matcher, fetch, post, destinations, warnings: _ } = prepared;
        let topics = settings
            .topics
            .iter()
            .map(|(id, topic)| {
                let policy = TopicPolicy {
                    id: id.clone(),
                    title: topic.title.clone(),
                    severity: topic.severity,
                    webhooks: topic.webhooks.clone(),
                    holds: holds(&settings, topic),
                    created_at: created_at.get(id).copied().unwrap_or(now),
                };
                (id.clone(), policy)
            })
            .collect();
        let tags = settings.feeds.iter().map(|(id, feed)| (id.clone(), feed.tags.clone())).collect();
        Self {
            settings,
            fetch,
            post,
            loaded_at: now,
            matcher,
            topics,
            destinations,
            tags,
            silencer: Silencer::default(),
        }
    }

    /// Silences, ready to be asked under this configuration.
    pub fn silences(&self, in_force: SilencesInForce) -> Arc<Silences> {
        self.silencer.ready(in_force, &self.settings.concepts)
    }

    /// Everything a poll of a feed with these rules is decided by.
    pub fn poll_rules<'a>(&'a self, feed: &'a FeedRules, silences: &'a Silences) -> PollRules<'a> {
        PollRules {
            matcher: &*self.matcher,
            topics: &self.topics,
            renderer: &self.destinations,
            feed,
            tags: &self.tags,
            silences,
            max_age: self.settings.alerts.max_age,
            alert_on_first_poll: self.settings.alerts.first_poll == FirstPoll::Alert,
        }
    }

    /// A webhook, ready for use.
    pub fn destination(&self, id: &WebhookId) -> Option<&Destination> {
        self.destinations.get(id)
    }

    /// Makes the body of a message for a webhook.
    ///
    /// # Errors
    /// One sentence: the webhook is not configured, or its template fails.
    pub fn render(
        &self,
        webhook: &WebhookId,
        message: MessageId,
        content: &Content<'_>,
    ) -> Result<Rendered, String> {
        self.destinations.render_for(webhook, message, content)
    }

    /// What the webhooks named in `alerts.operations` are told of an event; `row` tells one from the next
    /// where they happened in one millisecond.
    pub fn operations_deliveries(&self, event: &OperationsEvent, row: i64) -> Vec<PlannedDelivery> {
        // A webhook that fails is the last to carry the news of it.
        let about_itself =
            |id: &&WebhookId| event.kind.starts_with("webhook.") && id.as_str() == event.subject;
        let told = self.settings.alerts.operations.iter().filter(|id| !about_itself(id));
        told.map(|webhook| {
            let id = DeliveryId::derive_event(event.kind, &event.subject, event.at.as_millis(), row, webhook);
            let message = MessageId::derive(&[id]);
            let content = self.destinations.render_for(webhook, message, &Content::Operations(event));
            PlannedDelivery { id, webhook: webhook.clone(), message, content, hold: None }
        })
        .collect()
    }

    /// The longest time that a delivery waits for its turn under a rate.
    pub fn longest_spacing(&self) -> Duration {
        let rates = self.settings.webhooks.values().filter_map(|webhook| webhook.rate);
        rates.map(Rate::spacing).max().unwrap_or_default()
    }

    /// What the configuration says about one feed; `None` when it left.
    pub fn feed_rules(&self, id: &FeedId) -> Option<FeedRules> {
        let feed = self.settings.feeds.get(id)?;
        let fetch = &self.settings.fetch;
        Some(FeedRules {
            title: feed.title.clone(),
            lang: feed.lang.clone(),
            interval: IntervalPolicy {
                start: fetch.interval,
                min: fetch.min_interval,
                max: fetch.max_interval,
                fixed: feed.interval,
            },
        })
    }

    /// How many polls may run against one host.
    pub fn host_limits(&self) -> HostLimits {
        let fetch = &self.settings.fetch;
        HostLimits { in_flight: fetch.per_host, spacing: fetch.per_host_delay }
    }

    /// How deliveries to `webhook` are retried.
    pub fn retry_policy(&self, webhook: &WebhookSettings) -> RetryPolicy {
        let delivery = &self.settings.delivery;
        RetryPolicy {
            retries: delivery.retries.clone(),
            jitter: delivery.jitter,
            retry_after_max: delivery.retry_after_max,
            give_up_after: webhook.give_up_after,
        }
    }
}
