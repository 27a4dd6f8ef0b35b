//! `topics list · test · match · forms`.

mod ask;
mod render;

pub(super) use ask::place;
use clap::Subcommand;

use super::{Global, Outcome};

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub(super) enum TopicsCommand {
    /// Try a query on a text, without any configuration
    Match(ask::MatchArgs),
}

/// Runs one of them.
pub(super) fn run(global: &Global, command: &TopicsCommand) -> anyhow::Result<Outcome> {
    match command {
        TopicsCommand::Match(args) => ask::run(global, args),
    }
}
