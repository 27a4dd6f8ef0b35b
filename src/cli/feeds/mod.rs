//! `feeds list · add · import · export · discover · parse`.

mod add;
mod discover;
mod export;
mod find;
mod import;
mod parse;
mod visit;
mod write;

use clap::Subcommand;

use super::{Global, Outcome, listings};

/// What can be done with feeds.
#[derive(Debug, Subcommand)]
pub(super) enum FeedsCommand {
    /// List feeds: when each was last and will next be polled, and what is wrong with it
    List(listings::FeedsList),
    /// Find the feed behind an address and write it to conf.d/feeds.toml
    Add(add::AddArgs),
    /// Write the feeds of an OPML file to conf.d/feeds.toml; folders become tags
    Import(import::ImportArgs),
    /// Print the configured feeds as OPML; tags become folders
    Export(export::ExportArgs),
    /// List the feeds behind a page
    Discover(discover::DiscoverArgs),
    /// Show what wirewatch makes of feed documents
    Parse(parse::ParseArgs),
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &FeedsCommand) -> anyhow::Result<Outcome> {
    match command {
        FeedsCommand::List(args) => listings::feeds(global, args).await,
        FeedsCommand::Add(args) => add::run(global, args).await,
        FeedsCommand::Import(args) => import::run(global, args).await,
        FeedsCommand::Export(args) => export::run(global, args).await,
        FeedsCommand::Discover(args) => discover::run(global, args).await,
        FeedsCommand::Parse(args) => parse::run(global, args).await,
    }
}
