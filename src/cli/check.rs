//! `wirewatch check`.

use std::io::IsTerminal as _;

use super::{Global, Outcome, compile, names, output};
use crate::app::reload::describe;
use crate::config::{Credentials, LoadRequest, Loaded, Problem};
use crate::ports::Store as _;
use crate::sqlite::SqliteStore;

/// Checks the configuration; the report goes to stderr, what will run to stdout.
pub(super) async fn run(global: &Global) -> anyhow::Result<Outcome> {
    let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
    let colour = std::io::stderr().is_terminal();
    match compile::check(&request) {
        Ok(mut checked) => {
            for doubt in hasty(&checked.loaded).await {
                checked.report.push(doubt);
            }
            checked.report = checked.report.sorted();
            if !checked.report.is_empty() {
                output::complain(checked.report.render(colour).trim_end());
            }
            let settings = &checked.loaded.settings;
            let tests: usize = settings.topics.values().map(|topic| topic.tests.len()).sum();
            let files: Vec<String> = settings.files.iter().map(|file| file.display().to_string()).collect();
            output::print(&format!(
                "ok: {}; {tests} topic {} passed; read {}\n",
                describe(settings),
                if tests == 1 { "test" } else { "tests" },
                files.join(", ")
            ))?;
            Ok(Outcome::Fine)
        }
        Err(report) => {
            output::complain(&report.render(colour));
            Ok(Outcome::BadConfig)
        }
    }
}

/// Intervals that publishers do not allow, where there is a database that knows; without one nothing is amiss.
async fn hasty(loaded: &Loaded) -> Vec<Problem> {
    let settings = &loaded.settings;
    if settings.feeds.values().all(|feed| feed.interval.is_none()) || !settings.daemon.database.exists() {
        return Vec::new();
    }
    let Ok(store) = SqliteStore::open_for_reading(&settings.daemon.database) else { return Vec::new() };
    let feeds = store.list_feeds().await.unwrap_or_default();
    store.close().await;
    names::hasty(settings, &feeds, &loaded.sources)
}
