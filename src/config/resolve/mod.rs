//! What the merged layers mean: the checks across keys, tables and files, and the settings.

mod daemon;
mod entries;
mod fields;
mod holds;
mod secrets;
mod together;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Map, Value, ValueKind};
use jiff::tz::TimeZone;
use ring::digest;

use self::fields::Fields;
use super::calendar::parse_zone;
use super::keys::{self, Table};
use super::layers::{Merged, defaults_of};
use super::load::{Credentials, LoadRequest};
use super::locate::SourceMap;
use super::read::DoubtLevel;
use super::report::{Level, Problem, Report};
use super::settings::{
    AlertSettings, DeliverySettings, FetchSettings, FirstPoll, RetentionSettings, Settings, TopicSettings,
};
use super::source::Place;
use crate::domain::breaker::BreakerPolicy;
use crate::domain::topic::ConceptSpec;
use crate::domain::{TopicId, WebhookId};

/// Turns the merged layers into settings. What is wrong goes to the report; the settings are then
/// as good as they can be and must not be run.
pub(super) fn resolve(
    merged: &Merged,
    request: &LoadRequest,
    report: &mut Report,
) -> Option<(Settings, SourceMap)> {
    let mut resolver =
        Resolver { merged, request, report, hash: merged.hash.clone(), sources: SourceMap::default() };
    let fetch = resolver.fetch()?;
    let delivery = resolver.delivery()?;
    let daemon = resolver.daemon()?;
    let alerts = resolver.alerts()?;
    let retention = resolver.retention()?;
    let feeds = resolver.feeds(&fetch);
    let concepts = resolver.concepts();
    let webhooks = resolver.webhooks(&delivery, &alerts.timezone);
    let topics = resolver.topics(&alerts.timezone);
    resolver.unused(&concepts, &topics, &alerts.operations);
    resolver.together(&topics, &webhooks, &alerts.operations);
    let Resolver { hash, sources, .. } = resolver;
    let hash = hex(hash);
    let files_hash = hash_of(merged.files.iter().map(|file| (file.path(), file.text())));
    let files = merged.files.iter().map(|file| file.path().to_owned()).collect();
    let settings = Settings {
        daemon,
        fetch,
        alerts,
        retention,
        delivery,
        feeds,
        concepts,
        topics,
        webhooks,
        files,
        hash,
        files_hash,
    };
    Some((settings, sources))
}

/// The beginning of a hash, for people.
fn hex(hash: digest::Context) -> String {
    hash.finish().as_ref()[..8].iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

/// A hash over files: their paths and what stands in them.
pub(super) fn hash_of<'a>(files: impl Iterator<Item = (&'a Path, &'a str)>) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for (path, text) in files {
        for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex(hash)
}

struct Resolver<'a> {
    merged: &'a Merged,
    request: &'a LoadRequest,
    report: &'a mut Report,
    /// Everything that was read, credentials included.
    hash: digest::Context,
    sources: SourceMap,
}

impl<'a> Resolver<'a> {
    fn section(&self, name: &str) -> Option<Fields<'a>> {
        let ValueKind::Table(table) = &self.merged.values.get(name)?.kind else { return None };
        Some(Fields::new(self.merged, table.clone(), Place::Nowhere))
    }

    /// The entries of a table with ids, in order, with their defaults filled in.
    fn entries(&self, name: &str) -> Vec<(String, Fields<'a>)> {
        let table: &Table = keys::table(name).expect("the name of a table");
        let defaults = defaults_of(table.keys);
        let Some(ValueKind::Table(entries)) = self.merged.values.get(name).map(|value| &value.kind) else {
            return Vec::new();
        };
        let mut found: Vec<(String, Fields<'a>)> = entries
            .iter()
            .filter_map(|(id, value)| {
                let ValueKind::Table(given) = &value.kind else { return None };
                let place = self.merged.ids.get(&(table.name, id.clone())).cloned();
                let mut filled: Map<String, Value> = defaults.clone();
                filled.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
                Some((id.clone(), Fields::new(self.merged, filled, place.unwrap_or(Place::Nowhere))))
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    fn error(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report.push(Problem::error(code, place, message).help(help));
    }

    fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report.push(Problem::warning(code, place, message).help(help));
    }

    /// Whether a key that is missing at `place` was surely not given: nothing in its file is broken.
    fn is_trusted(&self, place: &Place) -> bool {
        place.file().is_none_or(|file| {
            let index = self.merged.files.iter().position(|known| std::sync::Arc::ptr_eq(known, file));
            index.is_none_or(|index| self.merged.doubt[index] == DoubtLevel::None)
        })
    }

    /// Whether a table that is missing was surely not given.
    fn knows_all_tables(&self) -> bool {
        self.merged.knows_all_tables()
    }

    /// The level of a credential out of reach.
    fn out_of_reach(&self) -> Level {
        match self.request.credentials {
            Credentials::Needed => Level::Error,
            Credentials::Optional => Level::Warning,
        }
    }

    fn fetch(&mut self) -> Option<FetchSettings> {
        let fields = self.section("fetch")?;
        let min_interval = fields.duration("min_interval");
        let max_interval = fields.duration("max_interval");
        let mut interval = fields.duration("interval");
        if [min_interval, max_interval, interval].contains(&Duration::ZERO) {
            // One of them could not be read, which was reported; whatever it is compared with looks wrong.
        } else if min_interval > max_interval {
            let place = fields.written_last(["min_interval", "max_interval"]);
            self.error(
                "contradiction",
                place,
                "`min_interval` is longer than `max_interval`",
                "`min_interval` is the shortest time between polls of a feed, `max_interval` the longest",
            );
        } else if !fields.is_given("interval") {
            interval = interval.clamp(min_interval, max_interval);
        } else if !(min_interval..=max_interval).contains(&interval) {
            self.error(
                "contradiction",
                fields.place("interval"),
                "`interval` is not between `min_interval` and `max_interval`",
                format!(
                    "these are {} and {}",
                    super::units::show_duration(min_interval),
                    super::units::show_duration(max_interval)
                ),
            );
        }
        let max_body = fields.bytes("max_body");
        let networks = fields.list("allow_networks");
        let proxy = self.secret_url(&fields, "proxy", true);
        Some(FetchSettings {
            interval,
            min_interval,
            max_interval,
            timeout: fields.duration("timeout"),
            connect_timeout: fields.duration("connect_timeout"),
            first_byte_timeout: fields.duration("first_byte_timeout"),
            max_body,
            max_compressed: if fields.is_given("max_compressed") {
                fields.bytes("max_compressed")
            } else {
                max_body
            },
            max_headers: fields.bytes("max_headers"),
            max_redirects: fields.count("max_redirects"),
            concurrency: fields.count("concurrency"),
            per_host: fields.count("per_host"),
            per_host_delay: fields.duration("per_host_delay"),
            user_agent: fields.text("user_agent").unwrap_or_default().to_owned(),
            allow_networks: networks.iter().filter_map(|(text, _)| text.parse().ok()).collect(),
            proxy,
        })
    }

    fn alerts(&mut self) -> Option<AlertSettings> {
        let fields = self.section("alerts")?;
        let first_poll = match fields.text("first_poll") {
            Some("alert") => FirstPoll::Alert,
            _ => FirstPoll::Baseline,
        };
        let known = self.places_of("webhooks").into_iter().map(|(id, _)| id).collect();
        let operations = self.webhooks_of(&fields, "operations", &known);
        // One that is wrong is reported already.
        let timezone =
            fields.text("timezone").and_then(|name| parse_zone(name).ok()).unwrap_or(TimeZone::UTC);
        Some(AlertSettings { max_age: fields.duration("max_age"), first_poll, timezone, operations })
    }

    fn retention(&self) -> Option<RetentionSettings> {
        let fields = self.section("retention")?;
        Some(RetentionSettings {
            articles: fields.duration("articles"),
            alerts: fields.duration("alerts"),
            max_database: fields.optional_bytes("max_database"),
        })
    }

    fn delivery(&self) -> Option<DeliverySettings> {
        let fields = self.section("delivery")?;
        Some(DeliverySettings {
            retries: fields.durations("retries"),
            jitter: fields.number("jitter"),
            retry_after_max: fields.duration("retry_after_max"),
            timeout: fields.duration("timeout"),
            connect_timeout: fields.duration("connect_timeout"),
            give_up_after: fields.duration("give_up_after"),
            breaker: BreakerPolicy {
                trip_after: fields.count("trip_after"),
                probe_interval: fields.duration("probe_interval"),
                probe_interval_max: fields.duration("probe_interval_max"),
                disable_after: fields.duration("disable_after"),
            },
        })
    }

    /// Warns of what is configured and never used.
    fn unused(
        &mut self,
        concepts: &[ConceptSpec],
        topics: &BTreeMap<TopicId, TopicSettings>,
        operations: &[WebhookId],
    ) {
        if self.report.has_errors() {
            // A misspelt name makes what it meant look unused.
            return;
        }
        let named: BTreeSet<&str> =
            topics.values().flat_map(|t| &t.webhooks).chain(operations).map(WebhookId::as_str).collect();
        let webhooks: Vec<(String, Place)> = self.places_of("webhooks");
        for (id, place) in &webhooks {
            if !named.contains(id.as_str()) && !topics.is_empty() {
                let help = format!("name it in the topics that should use it: webhooks = [\"{id}\"]");
                self.warning("unused", place.clone(), format!("no topic uses the webhook `{id}`"), help);
            }
        }
        if !webhooks.is_empty() {
            for (id, topic) in topics.iter().filter(|(_, topic)| topic.webhooks.is_empty()) {
                if let Some(place) = self.merged.ids.get(&("topics", id.to_string())) {
                    let message = format!("the topic `{}` names no webhook", topic.spec.id);
                    let help = "its alerts go to the log and `wirewatch alerts list` only";
                    self.warning("no-webhook", place.clone(), message, help);
                }
            }
        }
        let used = entries::concepts_used(concepts, topics);
        for concept in concepts.iter().filter(|concept| !used.contains(concept.id.as_str())) {
            if let Some(place) = self.merged.ids.get(&("concepts", concept.id.to_string()))
                && !topics.is_empty()
            {
                let help = format!("use it as @{} in a topic, or remove it", concept.id);
                self.warning(
                    "unused",
                    place.clone(),
                    format!("nothing uses the concept `{}`", concept.id),
                    help,
                );
            }
        }
    }

    fn places_of(&self, table: &'static str) -> Vec<(String, Place)> {
        let ids = self.merged.ids.iter().filter(|((name, _), _)| *name == table);
        ids.map(|((_, id), place)| (id.clone(), place.clone())).collect()
    }
}

/// A path as it was meant: relative ones count from the file that names them.
fn relative_to(place: &Place, path: &str) -> PathBuf {
    match place.file() {
        Some(file) => file.directory().join(path),
        None => Path::new(path).to_owned(),
    }
}
