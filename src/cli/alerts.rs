//! `alerts list · show`.

use std::fmt::Write as _;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::output::{clean, print, print_json, relative};
use super::topics::place;
use super::{Global, Outcome, deliveries, listings, wire};
use crate::clock::SystemClock;
use crate::domain::{AlertId, Timestamp};
use crate::ports::Clock as _;
use crate::ports::hand::{AlertDetail, ByHand as _};

/// What can be done with alerts.
#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// List alerts, newest first
    List(listings::ListArgs),
    /// Show one alert: what was told, why, and what became of it
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The alert, `alt_…`
    id: AlertId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &AlertsCommand) -> anyhow::Result<Outcome> {
    match command {
        AlertsCommand::List(args) => listings::alerts(global, args).await,
        AlertsCommand::Show(args) => show(global, args).await,
    }
}

async fn show(global: &Global, args: &Show) -> anyhow::Result<Outcome> {
    let Some(detail) = wire::reading_store(global)?.show_alert(args.id).await? else {
        bail!("there is no alert {}; `wirewatch alerts list` names them", args.id);
    };
    if args.json {
        print_json(&detail)?;
    } else {
        print(&described(&detail, SystemClock.now()))?;
    }
    Ok(Outcome::Fine)
}

fn described(detail: &AlertDetail, now: Timestamp) -> String {
    let AlertDetail { row, content, deliveries } = detail;
    let state = listings::alert_state(row.state);
    let mut text = format!("{}: {} ({}), {state}\n", row.id, clean(&content.topic.title), row.severity);
    let article = &content.article;
    let lines = [
        ("title", article.title.clone()),
        ("link", article.link.clone()),
        ("feed", Some(article.feed.title.clone().unwrap_or_else(|| article.feed.id.to_string()))),
        ("published", article.published_at.map(|at| relative(Some(at), now))),
        ("raised", Some(relative(Some(row.created_at), now))),
        ("score", row.score.map(|score| score.to_string())),
        ("summary", article.summary.clone()),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _infallible = writeln!(text, "  {name:<11}{}", clean(&value));
        }
    }
    text.push_str("\nwhy\n");
    for facet in content.found.facets.iter().flatten() {
        let _infallible = writeln!(text, "  facet {}: {:.0} %", clean(&facet.query), facet.share * 100.0);
    }
    text.extend(content.found.spans.iter().map(place));
    text.push_str("\nwhat became of it\n");
    if let Some(silence) = row.silence {
        let _infallible = writeln!(
            text,
            "  {silence} muted it; `wirewatch silences list --all` says who wanted that, and why"
        );
    } else if deliveries.is_empty() {
        text.push_str("  its topic names no webhook: it went to the log\n");
    }
    text.extend(deliveries.iter().map(|delivery| deliveries::described(delivery, now)));
    text
}
