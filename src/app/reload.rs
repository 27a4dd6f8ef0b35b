//! Puts a new configuration in force, or refuses it and changes nothing.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::snapshot::{Loader, Prepared, Snapshot, config_sync};
use super::{Context, chain};
use crate::config::Settings;

/// Why a configuration was refused: the report for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// Reads the configuration anew and swaps it in.
///
/// Everything that can fail happens first, off the async threads; then one transaction makes feeds and
/// topics those of the new configuration; then one swap. Always logs its outcome.
///
/// # Errors
/// The report of everything that is wrong; the old configuration stays in force.
pub async fn reload(context: &Context, loader: &Arc<dyn Loader>) -> Result<Vec<String>, Refusal> {
    let outcome = try_reload(context, loader).await;
    match &outcome {
        Ok(notes) => {
            for note in notes {
                warn!("{note}");
            }
            let snapshot = context.snapshot();
            let settings = &snapshot.settings;
            info!(config.hash = settings.hash, "configuration reloaded: {}", describe(settings));
        }
        Err(refusal) => {
            error!("configuration refused, the one in force stays:\n{refusal}");
        }
    }
    outcome
}

async fn try_reload(context: &Context, loader: &Arc<dyn Loader>) -> Result<Vec<String>, Refusal> {
    let loader = Arc::clone(loader);
    let prepared = tokio::task::spawn_blocking(move || loader.load())
        .await
        .map_err(|problem| Refusal(format!("reading the configuration: {problem}")))?
        .map_err(Refusal)?;
    let mut notes = prepared.warnings.clone();
    notes.extend(needs_restart(&context.snapshot().settings, &prepared.settings));
    let snapshot = adopt(context, prepared).await?;
    context.swap(snapshot);
    Ok(notes)
}

async fn adopt(context: &Context, prepared: Prepared) -> Result<Snapshot, Refusal> {
    let now = context.clock.now();
    let sync = config_sync(&prepared.settings, now, true);
    let created_at = context.store.sync_config(sync, now).await.map_err(|problem| {
        Refusal(format!("writing the configuration's feeds and topics: {}", chain(&problem)))
    })?;
    Ok(Snapshot::new(prepared, &created_at, now))
}

/// What a reload cannot change.
fn needs_restart(old: &Settings, new: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if old.daemon.database != new.daemon.database {
        notes.push("daemon.database takes effect at the next restart".to_owned());
    }
    if old.daemon.listen != new.daemon.listen {
        notes.push("daemon.listen takes effect at the next restart".to_owned());
    }
    notes
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
