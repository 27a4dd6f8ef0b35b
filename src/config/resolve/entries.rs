//! Feeds, concepts and topics.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::Resolver;
use super::fields::Fields;
use crate::config::edit::same_feed;
use crate::config::layers::named;
use crate::config::locate::{ConceptPart, TextPlace, TopicPart};
use crate::config::report::Problem;
use crate::config::secret::SecretUrl;
use crate::config::settings::{FeedSettings, FetchSettings, TopicSettings, TopicTest};
use crate::config::source::Place;
use crate::config::units::show_duration;
use crate::domain::feed::polled_host;
use crate::domain::topic::{ConceptSource, ConceptSpec, TopicRule, TopicSpec};
use crate::domain::{ConceptId, FeedId, TopicId, WebhookId};
use crate::ports::Auth;

/// The least score that alerts where the user gave none.
const THRESHOLD: u8 = 50;

impl Resolver<'_> {
    pub(super) fn feeds(&mut self, fetch: &FetchSettings) -> BTreeMap<FeedId, FeedSettings> {
        let mut feeds = BTreeMap::new();
        let mut addresses: BTreeMap<String, (String, Place)> = BTreeMap::new();
        for (id, fields) in self.entries("feeds") {
            self.missing(&fields, "feeds", &id, "url", "give its address: url = \"https://…\"");
            self.feed_interval(&fields, fetch);
            let auth = self.auth(&fields);
            let headers = fields.pairs("headers");
            let (Some(url), Ok(id)) = (fields.text("url"), FeedId::parse(&id)) else { continue };
            // Checked when it was read.
            let Ok(parsed) = url::Url::parse(url) else { continue };
            let host = polled_host(&parsed);
            if fields.is_given("interval") {
                self.sources.insert_interval(id.clone(), fields.place("interval"));
            }
            let same = same_feed(&parsed);
            if let Some((other, first)) = addresses.get(&same) {
                self.warning(
                    "duplicate-feed",
                    fields.place("url"),
                    format!("the feeds `{other}` and `{id}` have the same address"),
                    format!("the other is at {first}; one of them is enough"),
                );
            } else {
                addresses.insert(same, (id.to_string(), fields.place("url")));
            }
            let settings = FeedSettings {
                url: url.to_owned(),
                host,
                title: fields.owned_text("title"),
                tags: fields.texts("tags"),
                interval: fields.optional_duration("interval"),
                lang: fields.owned_text("lang"),
                headers: headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
                auth,
            };
            feeds.insert(id, settings);
        }
        feeds
    }

    fn feed_interval(&mut self, fields: &Fields<'_>, fetch: &FetchSettings) {
        let Some(interval) = fields.optional_duration("interval") else { return };
        let (limit, name) = if interval < fetch.min_interval {
            (fetch.min_interval, "min_interval")
        } else if interval > fetch.max_interval {
            (fetch.max_interval, "max_interval")
        } else {
            return;
        };
        let limit = show_duration(limit);
        let message = format!("this feed is polled every {limit} instead: `{name}` of [fetch]");
        self.warning("out-of-bounds", fields.place("interval"), message, format!("change it, or `{name}`"));
    }

    fn auth(&mut self, fields: &Fields<'_>) -> Option<Auth> {
        let user = fields.owned_text("basic_user");
        let is_given =
            |name: &str| ["", "_env", "_file"].iter().any(|form| fields.is_given(&format!("{name}{form}")));
        let (password_given, bearer_given) = (is_given("basic_password"), is_given("bearer"));
        if fields.is_given("basic_user") != password_given {
            let (has, lacks) = if password_given {
                ("basic_password", "basic_user")
            } else {
                ("basic_user", "basic_password")
            };
            let place = fields.written_last([
                "basic_user",
                "basic_password",
                "basic_password_env",
                "basic_password_file",
            ]);
            let help = "HTTP Basic authentication takes basic_user and one of basic_password_env, basic_password_file";
            self.error("missing-key", place, format!("`{has}` without `{lacks}`"), help);
        }
        if password_given && bearer_given {
            let place = fields.written_last(["bearer", "bearer_env", "bearer_file"]);
            self.error("contradiction", place, "a bearer token besides a password", "give one of them");
        }
        let password = self.header_credential(fields, "basic_password");
        let bearer = self.header_credential(fields, "bearer");
        match (user, password, bearer) {
            (Some(user), Some(password), None) => Some(Auth::Basic { user, password }),
            (_, _, Some(token)) => Some(Auth::Bearer(token)),
            _ => None,
        }
    }

    pub(super) fn concepts(&mut self) -> Vec<ConceptSpec> {
        let mut concepts = Vec::new();
        for (id, fields) in self.entries("concepts") {
            let rule = self.only_one(&fields, "concept", &id, &["any", "query"]);
            let Ok(id) = ConceptId::parse(&id) else { continue };
            let mut note = |part, place| self.sources.insert(TextPlace::Concept(id.clone(), part), place);
            note(ConceptPart::Name, fields.at.clone());
            let source = if rule == Some("query") {
                note(ConceptPart::Query, fields.place("query"));
                ConceptSource::Query(fields.owned_text("query").unwrap_or_default())
            } else {
                for (at, (_, place)) in fields.list("any").into_iter().enumerate() {
                    note(ConceptPart::Term(at), place);
                }
                ConceptSource::Any(fields.texts("any"))
            };
            concepts.push(ConceptSpec { id, source });
        }
        concepts
    }

    pub(super) fn topics(&mut self, zone: &TimeZone) -> BTreeMap<TopicId, TopicSettings> {
        let known: BTreeSet<String> = self.places_of("webhooks").into_iter().map(|(id, _)| id).collect();
        let mut topics = BTreeMap::new();
        for (name, fields) in self.entries("topics") {
            let rule = self.only_one(&fields, "topic", &name, &["keywords", "query", "facets"]);
            if fields.is_given("threshold") && rule != Some("facets") && !fields.is_given("facets") {
                self.error(
                    "contradiction",
                    fields.place("threshold"),
                    "`threshold` without `facets`",
                    "only topics with `facets` have a score; remove it, or turn the query into facets",
                );
            }
            let webhooks = self.webhooks_of(&fields, "webhooks", &known);
            let hold = self.topic_hold(&fields, zone);
            let tests = self.tests(&fields);
            let Ok(id) = TopicId::parse(&name) else { continue };
            self.note_topic(&id, &fields);
            let rule = match rule {
                Some("query") => TopicRule::Query(fields.owned_text("query").unwrap_or_default()),
                Some("facets") => TopicRule::Facets {
                    facets: fields.texts("facets"),
                    threshold: if fields.is_given("threshold") {
                        u8::try_from(fields.count("threshold")).unwrap_or(u8::MAX)
                    } else {
                        THRESHOLD
                    },
                },
                _ => TopicRule::Keywords(fields.texts("keywords")),
            };
            let settings = TopicSettings {
                title: fields.owned_text("title").unwrap_or(name),
                spec: TopicSpec { id: id.clone(), rule, exclude: fields.texts("exclude") },
                webhooks,
                severity: fields.text("severity").and_then(|word| word.parse().ok()).unwrap_or_default(),
                hold,
                tests,
            };
            topics.insert(id, settings);
        }
        topics
    }

    /// Remembers where the texts of a topic were written.
    fn note_topic(&mut self, id: &TopicId, fields: &Fields<'_>) {
        let mut note = |part, place| self.sources.insert(TextPlace::Topic(id.clone(), part), place);
        note(TopicPart::Name, fields.at.clone());
        if fields.text("query").is_some() {
            note(TopicPart::Query, fields.place("query"));
        }
        for (at, (_, place)) in fields.list("keywords").into_iter().enumerate() {
            note(TopicPart::Keyword(at), place);
        }
        for (at, (_, place)) in fields.list("facets").into_iter().enumerate() {
            note(TopicPart::Facet(at), place);
        }
        for (at, (_, place)) in fields.list("exclude").into_iter().enumerate() {
            note(TopicPart::Exclude(at), place);
        }
        for (at, test) in fields.tables("tests").iter().enumerate() {
            note(TopicPart::Test(at), test.place("expect"));
        }
    }

    /// The webhooks that a list names.
    pub(super) fn webhooks_of(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        known: &BTreeSet<String>,
    ) -> Vec<WebhookId> {
        let mut webhooks: Vec<WebhookId> = Vec::new();
        for (name, place) in fields.list(key) {
            match WebhookId::parse(name) {
                Ok(id) if webhooks.contains(&id) => {
                    self.warning("duplicate", place, format!("`{id}` is named twice"), "once is enough");
                }
                Ok(id) if known.contains(name) => webhooks.push(id),
                // Its table may stand where the file is broken.
                Ok(_) | Err(_) if !self.knows_all_tables() => {}
                Ok(_) | Err(_) => {
                    let problem = if self.report.is_full() {
                        Problem::error("unknown-webhook", place, "no such webhook")
                    } else {
                        let (message, help) = named("webhook", name, known.iter().map(String::as_str));
                        Problem { help, ..Problem::error("unknown-webhook", place, message) }
                    };
                    self.report.push(problem);
                }
            }
        }
        webhooks
    }

    fn tests(&mut self, fields: &Fields<'_>) -> Vec<TopicTest> {
        let mut tests = Vec::new();
        for test in fields.tables("tests") {
            if !test.is_given("text") && !test.is_given("title") && self.is_trusted(&test.at) {
                let help = "give it `text`, `title` or both";
                self.error("missing-key", test.at.clone(), "this example holds no text", help);
            }
            tests.push(TopicTest {
                text: test.owned_text("text").unwrap_or_default(),
                title: test.owned_text("title"),
                lang: test.owned_text("lang"),
                url: test.owned_text("url"),
                feed: test.owned_text("feed"),
                tags: test.texts("tags"),
                author: test.owned_text("author"),
                expect_match: test.text("expect") == Some("match"),
                place: test.at.file_and_line(),
            });
        }
        tests
    }

    /// Reports a key that an entry cannot be without.
    pub(super) fn missing(&mut self, fields: &Fields<'_>, table: &str, id: &str, key: &str, help: &str) {
        if !fields.is_given(key) && self.is_trusted(&fields.at) {
            self.error(
                "missing-key",
                fields.at.clone(),
                format!("`{key}` is missing in [{table}.{id}]"),
                help,
            );
        }
    }

    /// The one of `keys` that is given; a list among them must hold something.
    /// Whether an unknown key of the entry was reported.
    fn has_unknown_key(&self, entry: &str, id: &str) -> bool {
        let inside = format!(" in [{entry}s.{id}]");
        self.report
            .problems()
            .iter()
            .any(|problem| problem.code == "unknown-key" && problem.message.ends_with(&inside))
    }

    fn only_one(
        &mut self,
        fields: &Fields<'_>,
        entry: &str,
        id: &str,
        keys: &[&'static str],
    ) -> Option<&'static str> {
        let given: Vec<&'static str> = keys.iter().copied().filter(|key| fields.is_given(key)).collect();
        let choice = keys.join(", ");
        match given.as_slice() {
            [] => {
                // A key that is misspelt is reported as such.
                if self.is_trusted(&fields.at) && !self.has_unknown_key(entry, id) {
                    let message = format!("the {entry} `{id}` is empty");
                    self.error("missing-key", fields.at.clone(), message, format!("give it one of {choice}"));
                }
                None
            }
            [one] => {
                if fields.is_empty_list(one) {
                    let message = format!("`{one}` is empty: the {entry} would never match");
                    self.error("empty", fields.place(one), message, "put something into it, or remove it");
                }
                Some(one)
            }
            [first, second, ..] => {
                let message = format!("`{second}` besides `{first}`");
                self.error(
                    "contradiction",
                    fields.place(second),
                    message,
                    format!("a {entry} takes one of {choice}"),
                );
                None
            }
        }
    }
}

/// Stands for an address out of reach where a configuration is only looked at.
pub(super) fn unreachable_address() -> SecretUrl {
    SecretUrl::parse("https://unreachable.invalid/").expect("an address")
}

/// The names of concepts that any query names.
pub(super) fn concepts_used(
    concepts: &[ConceptSpec],
    topics: &BTreeMap<TopicId, TopicSettings>,
) -> BTreeSet<String> {
    let concepts = concepts.iter().flat_map(|concept| match &concept.source {
        ConceptSource::Any(terms) => terms.as_slice(),
        ConceptSource::Query(query) => std::slice::from_ref(query),
    });
    let topics = topics.values().flat_map(|topic| {
        let rule = match &topic.spec.rule {
            TopicRule::Keywords(texts) | TopicRule::Facets { facets: texts, .. } => texts.as_slice(),
            TopicRule::Query(query) => std::slice::from_ref(query),
        };
        rule.iter().chain(&topic.spec.exclude)
    });
    concepts.chain(topics).flat_map(|text| names_in(text)).collect()
}

/// The words behind each `@`.
fn names_in(query: &str) -> impl Iterator<Item = String> {
    query.split('@').skip(1).filter_map(|after| {
        let length = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        let name = &after[..length.unwrap_or(after.len())];
        (!name.is_empty()).then(|| name.to_owned())
    })
}
