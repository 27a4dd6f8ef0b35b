//! `feeds list · parse`.

mod parse;
mod visit;

use clap::Subcommand;

use super::{Global, Outcome, listings};

/// What can be done with feeds.
#[derive(Debug, Subcommand)]
pub(super) enum FeedsCommand {
    /// List feeds: when each was last and will next be polled, and what is wrong with it
    List(listings::FeedsList),
    /// Show what wirewatch makes of feed documents
    Parse(parse::ParseArgs),
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &FeedsCommand) -> anyhow::Result<Outcome> {
    match command {
        FeedsCommand::List(args) => listings::feeds(global, args).await,
        FeedsCommand::Parse(args) => parse::run(global, args).await,
    }
}
