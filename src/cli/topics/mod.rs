//! `topics list · test · match · forms`.

mod ask;
mod forms;
mod list;
mod render;
mod try_on;

pub(super) use ask::place;
use clap::Subcommand;

use super::listings::ListArgs;
use super::{Global, Outcome, output};
use crate::config::Settings;
use crate::domain::article::Document;
use crate::matching::{PassedOver, Why};
use crate::ports::reads::StoredText;

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub(super) enum TopicsCommand {
    /// List topics: when they fired last and how often, what they watch for, where their alerts go
    List(ListArgs),
    /// Explain what a topic makes of a text, of a feed, or of all stored articles; by itself: run the topic's own tests
    Test(try_on::TestArgs),
    /// Try a query on a text, without any configuration
    Match(ask::MatchArgs),
    /// Show which words of the stored articles a term matches, and how often
    Forms(forms::FormsArgs),
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &TopicsCommand) -> anyhow::Result<Outcome> {
    match command {
        TopicsCommand::List(args) => list::run(global, args).await,
        TopicsCommand::Test(args) => try_on::run(global, args).await,
        TopicsCommand::Match(args) => ask::run(global, args),
        TopicsCommand::Forms(args) => forms::run(global, args).await,
    }
}

/// A stored article as a document; `tags` are those of its feeds.
fn document<'a>(stored: &'a StoredText, tags: &'a [String]) -> Document<'a> {
    Document {
        title: &stored.title,
        text: &stored.text,
        lang: stored.lang.as_deref(),
        url: stored.link.as_deref(),
        authors: &stored.authors,
        feeds: &stored.feeds,
        tags,
        boilerplate: &stored.boilerplate,
    }
}

/// What of a text was passed over, a line each.
fn passed_over(parts: &[PassedOver]) -> String {
    let line = |part: &PassedOver| {
        let why = match part.why {
            Why::Notice => "boilerplate",
            Why::Repeated => "repeated by its feed",
        };
        let text = part.text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("  passed over, {why}: {}\n", output::shorten(&output::clean(&text), 100))
    };
    parts.iter().map(line).collect()
}

/// The tags of the feeds an article was seen in.
fn tags(settings: &Settings, feeds: &[String]) -> Vec<String> {
    let configured = settings.feeds.iter().filter(|(id, _)| feeds.iter().any(|feed| feed == id.as_str()));
    let mut tags: Vec<String> = configured.flat_map(|(_, feed)| feed.tags.clone()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}
