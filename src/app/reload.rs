//! Puts a new configuration in force, or refuses it and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{error, info, warn};

use super::snapshot::{Loader, Prepared, Snapshot, config_sync, tune};
use super::{Context, chain};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::offload::offload;

/// Why a configuration was refused: the report for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// The first mistake in one line, its place first.
    pub fn headline(&self) -> &str {
        // Below each stand the lines it is about, drawn behind their numbers.
        let drawn =
            |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with([' ', '\t']);
        let titles = || self.0.lines().filter(move |line| !line.is_empty() && !drawn(line));
        titles().find(|line| !line.contains(": warning: ")).or_else(|| titles().next()).unwrap_or_default()
    }
}

/// A configuration that was put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// Whether it says anything else than the one before.
    pub changed: bool,
    /// One line on what it runs, and what came and went.
    pub summary: String,
    /// What takes a restart, and what is legal but surely not meant.
    pub notes: Vec<String>,
}

/// What became of the last time the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastReload {
    /// When.
    pub at: Timestamp,
    /// Why it was refused; none: it is in force.
    pub refusal: Option<Refusal>,
}

/// Reads the configuration anew and swaps it in.
///
/// Everything that can fail happens first, off the async threads; then one transaction makes feeds and
/// topics those of the new configuration; then one swap. Two at once take turns. Always logs its outcome,
/// and the context remembers it.
///
/// # Errors
/// The report of everything that is wrong; the old configuration stays in force.
pub async fn reload(context: &Context, loader: &Arc<dyn Loader>) -> Result<Reloaded, Refusal> {
    let _turn = context.reloading.lock().await;
    let outcome = try_reload(context, loader).await;
    let refusal = outcome.as_ref().err().cloned();
    context.note_reload(LastReload { at: context.clock.now(), refusal });
    match &outcome {
        Ok(Reloaded { changed, summary, notes }) => {
            for note in notes {
                warn!("{note}");
            }
            let (hash, what) = (context.snapshot().settings.hash.clone(), said(*changed));
            info!(config.hash = hash, "{what}: {summary}");
        }
        Err(refusal) => {
            context.metrics.refused();
            error!("configuration refused, the one in force stays:\n{refusal}");
        }
    }
    outcome
}

/// What a reload came to, in two or three words.
pub const fn said(changed: bool) -> &'static str {
    if changed { "configuration reloaded" } else { "configuration read again, nothing changed" }
}

async fn try_reload(context: &Context, loader: &Arc<dyn Loader>) -> Result<Reloaded, Refusal> {
    let loader = Arc::clone(loader);
    let prepared = offload(move || loader.load())
        .await
        .map_err(|problem| Refusal(format!("reading the configuration: {problem}")))?
        .map_err(Refusal)?;
    let former = context.snapshot();
    let mut notes = prepared.warnings.clone();
    notes.extend(needs_restart(&former.settings, &prepared.settings));
    let changed = former.settings.hash != prepared.settings.hash;
    let mut summary = describe(&prepared.settings);
    if let Some(changes) = changes(&former.settings, &prepared.settings) {
        summary = format!("{summary} ({changes})");
    }
    let mut snapshot = adopt(context, prepared).await?;
    if !changed {
        snapshot.loaded_at = former.loaded_at;
    }
    context.swap(snapshot);
    Ok(Reloaded { changed, summary, notes })
}

async fn adopt(context: &Context, mut prepared: Prepared) -> Result<Snapshot, Refusal> {
    let now = context.clock.now();
    let sync = config_sync(&prepared.settings, now, true);
    let created_at = context.store.sync_config(sync, now).await.map_err(|problem| {
        Refusal(format!("writing the configuration's feeds and topics: {}", chain(&problem)))
    })?;
    tune(&*context.store, &mut prepared).await;
    Ok(Snapshot::new(prepared, &created_at, now))
}

/// What a reload cannot change.
fn needs_restart(old: &Settings, new: &Settings) -> Vec<String> {
    let keys = [
        ("database", old.daemon.database != new.daemon.database),
        ("listen", old.daemon.listen != new.daemon.listen),
        ("socket", old.daemon.socket != new.daemon.socket),
    ];
    let changed = keys.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| format!("daemon.{key} takes effect at the next restart")).collect()
}

/// One line on what a configuration runs.
pub fn describe(settings: &Settings) -> String {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    format!(
        "{}, {}, {}",
        count(settings.feeds.len(), "feed", "feeds"),
        count(settings.topics.len(), "topic", "topics"),
        count(settings.webhooks.len(), "webhook", "webhooks")
    )
}

/// Names given in a summary before it only counts them.
const NAMED: usize = 5;

/// What came and what went.
fn changes(old: &Settings, new: &Settings) -> Option<String> {
    let mut parts = Vec::new();
    compare(&mut parts, "feed", &old.feeds, &new.feeds);
    compare(&mut parts, "topic", &old.topics, &new.topics);
    compare(&mut parts, "webhook", &old.webhooks, &new.webhooks);
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn compare<K: Ord + ToString, V>(
    parts: &mut Vec<String>,
    what: &str,
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
) {
    for (word, here, there) in [("new", new, old), ("gone", old, new)] {
        let names: Vec<String> =
            here.keys().filter(|key| !there.contains_key(*key)).map(ToString::to_string).collect();
        if names.is_empty() {
            continue;
        }
        let plural = if names.len() == 1 { "" } else { "s" };
        let list = if names.len() <= NAMED { names.join(", ") } else { format!("{} of them", names.len()) };
        parts.push(format!("{word} {what}{plural}: {list}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_went_is_named() {
        let map = |names: &[&str]| -> BTreeMap<String, u8> {
            names.iter().map(|name| ((*name).to_owned(), 0)).collect()
        };
        let mut parts = Vec::new();
        compare(&mut parts, "feed", &map(&["a", "b"]), &map(&["b", "c", "d"]));
        compare(&mut parts, "topic", &map(&["t"]), &map(&["t"]));
        compare(&mut parts, "webhook", &map(&[]), &map(&["1", "2", "3", "4", "5", "6"]));
        assert_eq!(parts, ["new feeds: c, d", "gone feed: a", "new webhooks: 6 of them"]);
    }

    #[test]
    fn the_headline_of_a_refusal_is_its_first_mistake() {
        let refusal =
            Refusal("a.toml:1:1: warning: odd\n  |\n1 | x\n\na.toml:3:5: unknown key `x`\n  |\n".to_owned());
        assert_eq!(refusal.headline(), "a.toml:3:5: unknown key `x`");
        assert_eq!(Refusal("a: warning: b\n".to_owned()).headline(), "a: warning: b");
        assert_eq!(Refusal(String::new()).headline(), "");
    }
}
