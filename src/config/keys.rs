//! Every key of the configuration: its name, type, bounds, default and meaning.
//!
//! This table is the one place where a key is added. Parsing, the hint for a misspelt key, the
//! environment, the JSON Schema and the test that `config/wirewatch.toml` documents every key all
//! follow from it; what is left to write is the field in [`super::settings`] and the line that
//! fills it in [`super::resolve`].

use std::time::Duration;

use crate::domain::delivery::Format;
use crate::domain::topic::Severity;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default, written as in the file; absent when leaving it out means something else.
    pub default: Option<&'static str>,
    /// Whether its table is wrong without it.
    pub required: bool,
    /// What it means, one or two sentences.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One line of text.
    Text,
    /// A text in which line breaks are welcome.
    LongText,
    /// A text, or a whole number taken as text.
    TextOrNumber,
    /// The name of an environment variable.
    VariableName,
    /// A path; relative ones count from the file that names them.
    Path,
    /// A path in `$CREDENTIALS_DIRECTORY`, else one that counts from the file that names it.
    CredentialPath,
    /// A credential.
    Secret,
    /// An address that is a credential.
    SecretUrl,
    /// An http or https address.
    Url,
    /// `HOST:PORT`, or `off`.
    Listen,
    /// A language tag such as `en` or `zh-Hans`.
    Language,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A duration.
    Duration(Bounds),
    /// So many in so much time, or `off`.
    Rate,
    /// A part of the day, perhaps on some days of the week only, in a time zone.
    QuietHours,
    /// Times of the day on days of the week, in a time zone.
    Digest,
    /// The name of a time zone.
    TimeZone,
    /// A size in bytes.
    Size {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// The id of an entry of the named table.
    Id(&'static str),
    /// A network in CIDR notation.
    Network,
    /// A list.
    List(&'static Self),
    /// One, or a list.
    OneOrMany(&'static Self),
    /// A table of header names and values, which are credentials.
    Headers,
    /// An array of tables.
    Tables(&'static [Key]),
}

/// The least and the greatest duration a key takes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The least.
    pub min: Duration,
    /// The greatest.
    pub max: Duration,
}

impl Kind {
    /// Whether what is written there may be a credential.
    pub const fn is_secret(self) -> bool {
        matches!(self.single(), Self::Secret | Self::SecretUrl | Self::Headers)
    }

    /// Whether what is written there can be shown.
    pub const fn is_harmless(self) -> bool {
        !self.is_secret() && !self.is_reference() && !matches!(self, Self::Url | Self::Tables(_))
    }

    /// Whether it says where a credential is to be found.
    pub const fn is_reference(self) -> bool {
        matches!(self.single(), Self::VariableName | Self::CredentialPath)
    }

    /// Whether it takes a list, alone or besides a single value.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::List(_) | Self::OneOrMany(_))
    }

    /// Whether it is written as a number.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Number { .. } | Self::Size { .. } | Self::TextOrNumber)
    }

    /// The kind of one value: of one item, for lists.
    #[must_use]
    pub const fn single(self) -> Self {
        if let Self::List(item) | Self::OneOrMany(item) = self { *item } else { self }
    }
}

/// A table at the top of the file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What one entry of it is called; absent for tables without ids.
    pub entry: Option<&'static str>,
    /// Keys of which an entry needs one, and takes one only.
    pub one_of: &'static [&'static str],
    /// What it is for.
    pub doc: &'static str,
    /// Its keys, respectively the keys of each of its entries.
    pub keys: &'static [Key],
}

impl Table {
    /// Finds one of its keys.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        find(self.keys, name)
    }
}

/// Finds a key by its name.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    keys.iter().find(|key| key.name == name)
}

/// Finds a table by its name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, default: None, required: false, doc }
}

impl Key {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

const fn between(min: Duration, max: Duration) -> Kind {
    Kind::Duration(Bounds { min, max })
}

const fn days(count: u32) -> Duration {
    DAY.saturating_mul(count)
}

/// Deadlines of requests: below a tenth of a second nothing answers, above ten minutes nobody waits.
const DEADLINE: Kind = between(Duration::from_millis(100), Duration::from_mins(10));

/// Waits between polls.
const INTERVAL: Kind = between(SECOND, days(366));

/// How long things are kept; a hundred years stands for ever.
const KEEPING: Kind = between(HOUR, days(36_600));

/// How long a delivery is tried.
const GIVING_UP: Kind = between(SECOND, days(366));

/// Waits between probes of a failing webhook.
const PROBING: Kind = between(Duration::from_millis(1), days(31));

/// How long what comes first waits for what comes with it.
const GROUPING: Kind = between(Duration::ZERO, days(7));

/// What passes quiet hours.
const PASSES: Kind = Kind::Word(&["low", "normal", "high", "critical", "none"]);

/// A list of texts.
const TEXTS: Kind = Kind::List(&Kind::LongText);

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}

const fn size(min: u64, max: u64) -> Kind {
    Kind::Size { min, max }
}

/// The name wirewatch gives itself in requests.
pub const USER_AGENT: &str = concat!("wirewatch/", env!("CARGO_PKG_VERSION"));

/// The formats a webhook may have.
const FORMATS: [&str; Format::ALL.len()] = {
    let mut words = [""; Format::ALL.len()];
    let mut at = 0;
    while at < Format::ALL.len() {
        words[at] = Format::ALL[at].as_str();
        at += 1;
    }
    words
};

const SEVERITIES: [&str; Severity::ALL.len()] = {
    let mut words = [""; Severity::ALL.len()];
    let mut at = 0;
    while at < Severity::ALL.len() {
        words[at] = Severity::ALL[at].as_str();
        at += 1;
    }
    words
};

/// Every table of the configuration, in the order in which `config/wirewatch.toml` shows them.
pub const TABLES: &[Table] = &[
    Table { name: "daemon", entry: None, one_of: &[], doc: "The process itself.", keys: DAEMON },
    Table { name: "fetch", entry: None, one_of: &[], doc: "How feeds are polled.", keys: FETCH },
    Table { name: "alerts", entry: None, one_of: &[], doc: "What is told.", keys: ALERTS },
    Table { name: "retention", entry: None, one_of: &[], doc: "How long things are kept.", keys: RETENTION },
    Table { name: "delivery", entry: None, one_of: &[], doc: "How messages are sent.", keys: DELIVERY },
    Table { name: "feeds", entry: Some("feed"), one_of: &[], doc: "A URL that is polled.", keys: FEED },
    Table {
        name: "concepts",
        entry: Some("concept"),
        one_of: &["any", "query"],
        doc: "A named set of terms that queries use as @NAME. Takes `any` or `query`.",
        keys: CONCEPT,
    },
    Table {
        name: "topics",
        entry: Some("topic"),
        one_of: &["keywords", "query", "facets"],
        doc: "What is watched for. Takes one of `keywords`, `query` and `facets`.",
        keys: TOPIC,
    },
    Table {
        name: "webhooks",
        entry: Some("webhook"),
        one_of: &["url", "url_env", "url_file"],
        doc: "Where alerts go. Takes one of `url`, `url_env` and `url_file`.",
        keys: WEBHOOK,
    },
];

const DAEMON: &[Key] = &[
    key(
        "database",
        Kind::Path,
        "The database file. Left out: $STATE_DIRECTORY/wirewatch.db, else data/wirewatch.db in the current directory.",
    ),
    key(
        "listen",
        Kind::Listen,
        "Where /healthz, /readyz, /metrics and the status page are served; \"off\" for nowhere.",
    )
    .or(r#""127.0.0.1:8040""#),
    key(
        "socket",
        Kind::Path,
        "Where commands such as `wirewatch reload` reach the daemon; \"off\" for nowhere. Left out: $RUNTIME_DIRECTORY/wirewatch.sock, else the database's path with .sock behind it.",
    ),
    key(
        "hosts",
        Kind::List(&Kind::Text),
        "Names under which browsers may ask for the pages, besides localhost and the address itself: those of a proxy before it.",
    )
    .or("[]"),
    key(
        "token",
        Kind::Secret,
        "What is asked for before anything but /healthz and /readyz is shown, as bearer token or as password; better in token_env or token_file.",
    ),
    key("token_env", Kind::VariableName, "The environment variable that holds the token."),
    key("token_file", Kind::CredentialPath, "The file that holds the token."),
];

const FETCH: &[Key] = &[
    key("interval", INTERVAL, "Where the interval of feeds without their own starts; then it adapts to the feed's rhythm.")
        .or(r#""15m""#),
    key("min_interval", INTERVAL, "No feed is polled more often than this.").or(r#""1m""#),
    key("max_interval", INTERVAL, "Caps adaptation, back-off and what publishers ask for.").or(r#""24h""#),
    key("timeout", DEADLINE, "For a whole request, first byte to last.").or(r#""30s""#),
    key("connect_timeout", DEADLINE, "For connecting.").or(r#""10s""#),
    key("first_byte_timeout", DEADLINE, "For the first byte of the answer.").or(r#""20s""#),
    key("max_body", size(1 << 10, 1 << 30), "The largest document, after decompression.").or(r#""10MiB""#),
    key("max_compressed", size(1 << 10, 1 << 30), "The largest document as it is sent. Left out: as max_body."),
    key("max_headers", size(1 << 10, 1 << 20), "The largest headers of an answer.").or(r#""64KiB""#),
    key("max_redirects", integer(0, 20), "Redirects followed in one visit.").or("5"),
    key("concurrency", integer(1, 4096), "Polls in flight.").or("64"),
    key("per_host", integer(1, 256), "Requests in flight per host and port.").or("1"),
    key("per_host_delay", between(Duration::ZERO, HOUR), "Between starts of requests to one host.").or(r#""1s""#),
    key("user_agent", Kind::Text, "What wirewatch calls itself; add an address under which publishers reach you.")
        .or(concat!("\"wirewatch/", env!("CARGO_PKG_VERSION"), "\"")),
    key(
        "allow_networks",
        Kind::List(&Kind::Network),
        "Exceptions from the guard against loopback, private and link-local addresses, for feeds and webhooks alike.",
    )
    .or("[]"),
    key("proxy", Kind::SecretUrl, "A proxy for feeds: http, https, socks5 or socks5h. Left out: none."),
    key("proxy_env", Kind::VariableName, "The environment variable that holds the proxy's address."),
    key("proxy_file", Kind::CredentialPath, "The file that holds the proxy's address."),
];

const ALERTS: &[Key] = &[
    key("timezone", Kind::TimeZone, "Whose clock quiet hours and digests go by that name no time zone of their own.")
        .or(r#""UTC""#),
    key("max_age", between(MINUTE, days(36_600)), "Articles older than this are stored, never alerted.").or(r#""48h""#),
    key(
        "first_poll",
        Kind::Word(&["baseline", "alert"]),
        "What a new feed's existing articles come to: \"baseline\" stores them silently, \"alert\" treats them like any other.",
    )
    .or(r#""baseline""#),
    key(
        "operations",
        Kind::List(&Kind::Id("webhooks")),
        "Webhooks that are told when feeds and webhooks fail, recover, or are given up.",
    )
    .or("[]"),
];

const RETENTION: &[Key] = &[
    key("articles", KEEPING, "How long articles are kept.").or(r#""90d""#),
    key("alerts", KEEPING, "How long alerts and their deliveries are kept.").or(r#""365d""#),
    key(
        "max_database",
        size(1 << 20, 1 << 40),
        "The largest the database may grow; then the oldest goes before its time, never what is of the last day. Left out: any size.",
    ),
];

const DELIVERY: &[Key] = &[
    key(
        "retries",
        Kind::List(&between(Duration::from_millis(1), days(31))),
        "Waits between attempts. When the list is used up, the delivery is dead and can be retried by hand.",
    )
    .or(r#"["5s", "30s", "2m", "10m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"]"#),
    key("jitter", Kind::Number { min: 0.0, max: 1.0 }, "Each wait is multiplied by 1 to 1 + this.").or("0.2"),
    key("retry_after_max", between(Duration::from_millis(1), days(31)), "The longest Retry-After that is obeyed.")
        .or(r#""24h""#),
    key("timeout", DEADLINE, "For a whole exchange with a webhook.").or(r#""20s""#),
    key("connect_timeout", DEADLINE, "For connecting to a webhook.").or(r#""5s""#),
    key("give_up_after", GIVING_UP, "When a delivery is given up, counted from its first attempt.")
        .or(r#""96h""#),
    key("trip_after", integer(1, 1000), "Failures in a row after which a webhook counts as failing: what comes for it is held, and one delivery at a time probes it.")
        .or("5"),
    key("probe_interval", PROBING, "The wait before the first probe of a failing webhook; each one that fails doubles it.")
        .or(r#""1m""#),
    key("probe_interval_max", PROBING, "The longest wait between probes.").or(r#""1h""#),
    key("disable_after", GIVING_UP, "A webhook at which everything failed for so long is disabled.").or(r#""5d""#),
];

const FEED: &[Key] = &[
    key("url", Kind::Url, "The feed's address, http or https.").required(),
    key("title", Kind::Text, "Its title in messages. Left out: the feed's own."),
    key("tags", TEXTS, "Words for queries (tag:WORD) and messages.").or("[]"),
    key(
        "interval",
        INTERVAL,
        "A fixed interval for this feed; longer only when the publisher asks for it. Left out: adapted.",
    ),
    key(
        "lang",
        Kind::Language,
        "The feed's language, where its documents do not say: \"en\", \"ko\", \"zh-Hans\".",
    ),
    key("headers", Kind::Headers, "Request headers for this feed alone."),
    key("basic_user", Kind::Text, "The user for HTTP Basic authentication."),
    key("basic_password", Kind::Secret, "Its password; better in basic_password_env or basic_password_file."),
    key("basic_password_env", Kind::VariableName, "The environment variable that holds the password."),
    key("basic_password_file", Kind::CredentialPath, "The file that holds the password."),
    key("bearer", Kind::Secret, "A bearer token; better in bearer_env or bearer_file."),
    key("bearer_env", Kind::VariableName, "The environment variable that holds the bearer token."),
    key("bearer_file", Kind::CredentialPath, "The file that holds the bearer token."),
];

const CONCEPT: &[Key] = &[
    key(
        "any",
        TEXTS,
        "Terms, any of which will do; several words are a phrase. `= ^ * ? @` keep their meaning.",
    ),
    key("query", Kind::LongText, "A query instead of terms."),
];

const TOPIC: &[Key] = &[
    key("title", Kind::Text, "Its title in messages. Left out: its id."),
    key("keywords", TEXTS, "Terms, any of which will do; several words are a phrase."),
    key("query", Kind::LongText, "A query with AND, OR, NOT, brackets, \"phrases\" and @concepts."),
    key("facets", TEXTS, "Queries that must all match; together they make a score of 0 to 100."),
    key("threshold", integer(0, 100), "The least score of `facets` that alerts. Left out: 50."),
    key("exclude", TEXTS, "Queries that must not match.").or("[]"),
    key(
        "webhooks",
        Kind::List(&Kind::Id("webhooks")),
        "Where its alerts go. Left out: the log and `wirewatch alerts list`.",
    )
    .or("[]"),
    key("severity", Kind::Word(&SEVERITIES), "How urgent its alerts are.").or(r#""normal""#),
    key(
        "alert_rate",
        Kind::Rate,
        "How many messages it may make for each webhook in how much time; what goes beyond is held, and goes as one. Left out: any number.",
    ),
    key(
        "group_wait",
        GROUPING,
        "How long its first alert waits for others, to go with them in one message. Left out: that of the webhook.",
    ),
    key(
        "group_interval",
        GROUPING,
        "The least time between two of its messages; what comes meanwhile goes as one. Left out: that of the webhook.",
    ),
    key(
        "quiet_hours",
        Kind::OneOrMany(&Kind::QuietHours),
        "When nothing of it is sent: what comes then goes afterwards, as one message.",
    ),
    key(
        "quiet_pass",
        PASSES,
        "From which severity on its alerts pass quiet hours, its own and those of its webhooks. Left out: that of the webhook.",
    ),
    key(
        "tests",
        Kind::Tables(TOPIC_TEST),
        "Examples it must pass; run by `wirewatch check` and before every reload.",
    ),
];

const TOPIC_TEST: &[Key] = &[
    key("text", Kind::LongText, "The plain text of an article."),
    key("title", Kind::Text, "Its headline."),
    key("lang", Kind::Language, "Its language."),
    key("url", Kind::Url, "Its address."),
    key("feed", Kind::Text, "The id of its feed."),
    key("tags", TEXTS, "The tags of its feed."),
    key("author", Kind::Text, "Its author."),
    key("expect", Kind::Word(&["match", "no match"]), "Whether the topic must match.").required(),
];

const WEBHOOK: &[Key] = &[
    key("url", Kind::SecretUrl, "The address; it is a credential, better in url_env or url_file."),
    key("url_env", Kind::VariableName, "The environment variable that holds the address."),
    key("url_file", Kind::CredentialPath, "The file that holds the address."),
    key("format", Kind::Word(&FORMATS), "What the receiver expects.").or(r#""standard""#),
    key(
        "secret",
        Kind::OneOrMany(&Kind::Secret),
        "The signing secret (whsec_…), or a list, newest first, during rotation; for ntfy, gotify, alertmanager, pagerduty and pushover their token or key. Better in secret_env or secret_file.",
    ),
    key(
        "secret_env",
        Kind::OneOrMany(&Kind::VariableName),
        "The environment variable or variables that hold the secret.",
    ),
    key("secret_file", Kind::OneOrMany(&Kind::CredentialPath), "The file or files that hold the secret."),
    key("timeout", DEADLINE, "For a whole exchange. Left out: that of [delivery]."),
    key("max_in_flight", integer(1, 256), "Requests in flight to this webhook.").or("2"),
    key(
        "rate",
        Kind::Rate,
        "How many requests may start in how much time, evenly spread: \"60/min\"; \"off\" for no limit. Left out: what the service documents.",
    ),
    key("give_up_after", GIVING_UP, "When a delivery is given up. Left out: that of [delivery]."),
    key(
        "chat_id",
        Kind::TextOrNumber,
        "The chat of a telegram webhook, a number or @name; the user or group key of a pushover webhook.",
    ),
    key(
        "template",
        Kind::LongText,
        "The body of a webhook with format = \"template\": Jinja that makes JSON; values bring their quotes: {\"text\": {{ title }}}.",
    ),
    key("group_wait", GROUPING, "How long the first alert waits for others, to go with them in one message.")
        .or(r#""0s""#),
    key("group_interval", GROUPING, "The least time between two messages; what comes meanwhile goes as one.")
        .or(r#""0s""#),
    key(
        "quiet_hours",
        Kind::OneOrMany(&Kind::QuietHours),
        "When nothing is sent to it: what comes then goes afterwards, as one message.",
    ),
    key("quiet_pass", PASSES, "From which severity on alerts pass quiet hours.").or(r#""critical""#),
    key(
        "digest",
        Kind::Digest,
        "When it is sent, as one message, all that came since the last time. Left out: each alert goes by itself.",
    ),
    key(
        "ca_file",
        Kind::Path,
        "Certificate authorities (PEM) trusted for this webhook besides the system's.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        for table in TABLES {
            for (at, key) in table.keys.iter().enumerate() {
                assert!(find(&table.keys[..at], key.name).is_none(), "{}.{} twice", table.name, key.name);
                assert!(key.doc.ends_with('.'), "{}.{}: a sentence", table.name, key.name);
            }
            for name in table.one_of {
                assert!(table.key(name).is_some(), "{}.{name} is no key", table.name);
            }
        }
    }
}
