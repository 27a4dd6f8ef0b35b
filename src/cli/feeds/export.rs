//! `feeds export`.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::{Global, Outcome, output, wire};
use crate::domain::FeedId;
use crate::opml::{self, Outline};
use crate::ports::Store as _;

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// Only feeds with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
}

/// Prints the configured feeds as OPML; their tags are folders.
pub(super) async fn run(global: &Global, args: &ExportArgs) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let titles = titles(global).await;
    let mut locked = 0_usize;
    let mut outlines = Vec::new();
    for (id, feed) in &settings.feeds {
        if args.tag.as_ref().is_some_and(|tag| !feed.tags.contains(tag)) {
            continue;
        }
        locked += usize::from(feed.auth.is_some() || !feed.headers.is_empty());
        let title = feed.title.clone().or_else(|| titles.get(id).cloned());
        outlines.push(Outline {
            url: feed.url.clone(),
            title: Some(title.unwrap_or_else(|| id.to_string())),
            lang: feed.lang.clone(),
            tags: feed.tags.clone(),
        });
    }
    output::print(&opml::write(&outlines))?;
    if locked > 0 {
        output::complain(&format!(
            "{locked} of these feeds need credentials, which an OPML file cannot carry"
        ));
    }
    Ok(Outcome::Fine)
}

/// What the feeds call themselves, as far as there is a database that knows.
async fn titles(global: &Global) -> BTreeMap<FeedId, String> {
    let Ok(store) = wire::reading_store(global) else { return BTreeMap::new() };
    let Ok(rows) = store.list_feeds().await else { return BTreeMap::new() };
    rows.into_iter().filter_map(|row| Some((row.id, row.title?))).collect()
}
