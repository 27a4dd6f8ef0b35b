//! What the configuration means: resolved, checked, immutable. One snapshot serves one unit of work.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::secret::SecretUrl;
use crate::domain::breaker::BreakerPolicy;
use crate::domain::delivery::{Format, Rate};
use crate::domain::hold::{TopicHold, WebhookHold};
use crate::domain::topic::{ConceptSpec, Severity, TopicSpec};
use crate::domain::{FeedId, TopicId, WebhookId};

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[daemon]`.
    pub daemon: DaemonSettings,
    /// `[fetch]`.
    pub fetch: FetchSettings,
    /// `[alerts]`.
    pub alerts: AlertSettings,
    /// `[retention]`.
    pub retention: RetentionSettings,
    /// `[delivery]`.
    pub delivery: DeliverySettings,
    /// `[feeds.ID]`.
    pub feeds: BTreeMap<FeedId, FeedSettings>,
    /// `[concepts.ID]`.
    pub concepts: Vec<ConceptSpec>,
    /// `[topics.ID]`.
    pub topics: BTreeMap<TopicId, TopicSettings>,
    /// `[webhooks.ID]`.
    pub webhooks: BTreeMap<WebhookId, WebhookSettings>,
    /// The files it was read from, in order.
    pub files: Vec<PathBuf>,
    /// SHA-256 over all that was read, 16 hex digits: the same for the same configuration.
    pub hash: String,
    /// The same over the files alone, to be compared with [`super::files_hash`].
    pub files_hash: String,
}

/// `[daemon]`.
#[derive(Clone, Debug)]
pub struct DaemonSettings {
    /// The database file.
    pub database: PathBuf,
    /// Where HTTP is served; `None` for "off".
    pub listen: Option<SocketAddr>,
    /// Where commands reach the daemon; `None` for "off".
    pub socket: Option<PathBuf>,
    /// Names it may be asked under, besides loopback and its own address.
    pub hosts: Vec<String>,
    /// What those who ask must show; `None`: nothing.
    pub token: Option<SecretString>,
}

/// `[fetch]`.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Where a feed's interval starts.
    pub interval: Duration,
    /// Never more often than this.
    pub min_interval: Duration,
    /// Caps adaptation, back-off and publishers' wishes.
    pub max_interval: Duration,
    /// Whole request, first byte to last.
    pub timeout: Duration,
    /// For connecting.
    pub connect_timeout: Duration,
    /// For the first byte of the answer.
    pub first_byte_timeout: Duration,
    /// Bytes of a body after decompression.
    pub max_body: u64,
    /// Bytes of a body as sent.
    pub max_compressed: u64,
    /// Bytes of an answer's headers.
    pub max_headers: u64,
    /// Redirects followed per visit.
    pub max_redirects: u32,
    /// Polls in flight.
    pub concurrency: u32,
    /// Requests in flight per host and port.
    pub per_host: u32,
    /// Between starts of requests to one host.
    pub per_host_delay: Duration,
    /// The `User-Agent` sent.
    pub user_agent: String,
    /// Exceptions from the address guard, for feeds and webhooks alike.
    pub allow_networks: Vec<IpNet>,
    /// Proxy for feeds.
    pub proxy: Option<SecretUrl>,
}

/// What a new feed's existing articles come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstPoll {
    /// Stored silently.
    #[default]
    Baseline,
    /// Alerted like any other.
    Alert,
}

/// `[alerts]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// Older articles are stored, never alerted.
    pub max_age: Duration,
    /// A new feed's existing articles.
    pub first_poll: FirstPoll,
    /// Whose clock quiet hours and digests go by that name none.
    pub timezone: TimeZone,
    /// Who is told of what happens to feeds and webhooks.
    pub operations: Vec<WebhookId>,
}

/// `[retention]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// How long articles are kept.
    pub articles: Duration,
    /// How long alerts and their deliveries are kept.
    pub alerts: Duration,
    /// How many bytes of the database may hold something before the oldest goes early; none: any number.
    pub max_database: Option<u64>,
}

/// `[delivery]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliverySettings {
    /// Waits between attempts.
    pub retries: Vec<Duration>,
    /// Each wait is multiplied by 1 to 1 + this.
    pub jitter: f64,
    /// The longest `Retry-After` obeyed.
    pub retry_after_max: Duration,
    /// For a whole exchange.
    pub timeout: Duration,
    /// For connecting.
    pub connect_timeout: Duration,
    /// When a delivery is given up.
    pub give_up_after: Duration,
    /// When webhooks count as failing, and when they are disabled.
    pub breaker: BreakerPolicy,
}

/// `[feeds.ID]`.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The address, http or https.
    pub url: String,
    /// `host:port` of the address.
    pub host: String,
    /// Its title in messages.
    pub title: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// A fixed interval.
    pub interval: Option<Duration>,
    /// Its language, where documents do not say.
    pub lang: Option<String>,
    /// Headers of its own.
    pub headers: Vec<(String, SecretString)>,
    /// Credentials.
    pub auth: Option<crate::ports::Auth>,
}

/// `[topics.ID]`.
#[derive(Clone, Debug)]
pub struct TopicSettings {
    /// Its title in messages; the id where the user gave none.
    pub title: String,
    /// What it watches for.
    pub spec: TopicSpec,
    /// Where its alerts go.
    pub webhooks: Vec<WebhookId>,
    /// How urgent they are.
    pub severity: Severity,
    /// What holds its alerts.
    pub hold: TopicHold,
    /// Examples it must pass.
    pub tests: Vec<TopicTest>,
}

/// `[[topics.ID.tests]]`: an example a topic must pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicTest {
    /// The plain text.
    pub text: String,
    /// The headline.
    pub title: Option<String>,
    /// The language.
    pub lang: Option<String>,
    /// The article's address.
    pub url: Option<String>,
    /// The feed's id.
    pub feed: Option<String>,
    /// The feed's tags.
    pub tags: Vec<String>,
    /// An author.
    pub author: Option<String>,
    /// Whether the topic must match.
    pub expect_match: bool,
    /// Where it stands, as `FILE:LINE`.
    pub place: String,
}

/// `[webhooks.ID]`.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Where messages go.
    pub url: SecretUrl,
    /// What they look like.
    pub format: Format,
    /// What proves that messages are ours, newest first; empty for none. What it is depends on the format.
    pub secrets: Vec<SecretString>,
    /// For a whole exchange.
    pub timeout: Duration,
    /// Requests in flight.
    pub max_in_flight: u32,
    /// How often requests may start.
    pub rate: Option<Rate>,
    /// When a delivery is given up.
    pub give_up_after: Duration,
    /// The chat of a telegram webhook, the user or group key of a pushover webhook.
    pub chat_id: Option<String>,
    /// The template of a webhook with the format `template`.
    pub template: Option<String>,
    /// What holds alerts on their way to it.
    pub hold: WebhookHold,
    /// Certificate authorities (PEM) trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}
