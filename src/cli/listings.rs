//! `feeds list`, `articles list`, `alerts list`, `deliveries list`.

use std::str::FromStr;

use clap::Args;

use super::output::{Cell, print, print_json, relative, table};
use super::time::Since;
use super::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::domain::delivery::DeliveryState;
use crate::ports::reads::{AlertState, DeliveryRow, Page};
use crate::ports::{Clock, Store};

/// What every listing takes.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Print one JSON array
    #[arg(long)]
    pub(super) json: bool,
    /// Only what is newer than this: 12h, 30d, or a date
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// At most this many; 0 for all
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct FeedsList {
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesList {
    #[command(flatten)]
    list: ListArgs,
    /// Only these: pending, sending, held, delivered, dead, cancelled
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
}

fn state(word: &str) -> Result<DeliveryState, String> {
    DeliveryState::from_str(word)
        .map_err(|()| format!("one of {}", DeliveryState::ALL.map(DeliveryState::as_str).join(", ")))
}

impl ListArgs {
    pub(super) fn page(&self) -> Page {
        Page { since: self.since.map(|since| since.instant(SystemClock.now())), limit: self.limit }
    }
}

/// `feeds list`.
pub(super) async fn feeds(global: &Global, args: &FeedsList) -> anyhow::Result<Outcome> {
    let store = wire::reading_store(global)?;
    let page = args.list.page();
    let mut rows = store.list_feeds().await?;
    rows.retain(|row| page.since.is_none_or(|since| row.last_poll_at.is_some_and(|at| at >= since)));
    if page.limit > 0 {
        rows.truncate(page.limit);
    }
    if args.list.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let remark = row.last_error.as_deref().or(row.notice.as_deref()).unwrap_or_default();
            vec![
                Cell::new(row.id.as_str()),
                Cell::state(row.state.as_str()),
                Cell::new(relative(row.last_poll_at, now)),
                Cell::new(relative(row.next_poll_at, now)),
                Cell::new(row.next_poll_reason.as_deref().unwrap_or("-")),
                Cell::new(row.articles.to_string()),
                Cell::new(row.title.as_deref().unwrap_or(&row.url)),
                Cell::new(remark),
            ]
        })
        .collect();
    let heading = ["FEED", "STATE", "POLLED", "NEXT", "WHY THEN", "ARTICLES", "TITLE", "REMARK"];
    print(&table(
        &heading,
        &cells,
        "no feeds yet: `wirewatch run` or `wirewatch once` polls those of the configuration",
    ))?;
    Ok(Outcome::Fine)
}

/// `articles list`.
pub(super) async fn articles(global: &Global, args: &ListArgs) -> anyhow::Result<Outcome> {
    let rows = wire::reading_store(global)?.list_articles(args.page()).await?;
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                Cell::new(row.id.to_string()),
                Cell::new(relative(Some(row.first_seen_at), now)),
                Cell::new(relative(row.published_at, now)),
                Cell::new(row.feed.as_str()),
                Cell::new(row.lang.as_deref().unwrap_or("-")),
                Cell::new(row.suppressed.map_or("", |why| why.as_str())),
                Cell::new(&row.title),
            ]
        })
        .collect();
    let heading = ["ARTICLE", "SEEN", "PUBLISHED", "FEED", "LANG", "SILENT", "TITLE"];
    print(&table(&heading, &cells, "no articles yet"))?;
    Ok(Outcome::Fine)
}

/// `alerts list`.
pub(super) async fn alerts(global: &Global, args: &ListArgs) -> anyhow::Result<Outcome> {
    let rows = wire::reading_store(global)?.list_alerts(args.page()).await?;
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                Cell::new(row.id.to_string()),
                Cell::new(relative(Some(row.created_at), now)),
                Cell::state(alert_state(row.state)),
                Cell::state(row.severity.as_str()),
                Cell::new(row.topic.as_str()),
                Cell::new(row.title.as_deref().unwrap_or("(untitled)")),
                Cell::new(row.terms.join(", ")),
            ]
        })
        .collect();
    let heading = ["ALERT", "RAISED", "STATE", "SEVERITY", "TOPIC", "TITLE", "MATCHED"];
    print(&table(&heading, &cells, "no alerts yet"))?;
    Ok(Outcome::Fine)
}

pub(super) const fn alert_state(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Held => "held",
        AlertState::Delivered => "delivered",
        AlertState::Dead => "dead",
        AlertState::Silenced => "silenced",
        AlertState::Logged => "logged",
    }
}

/// The alert or the event that a delivery carries.
fn subject(row: &DeliveryRow) -> String {
    row.alert.map(|id| id.to_string()).or_else(|| row.event.clone()).unwrap_or_default()
}

/// `deliveries list`.
pub(super) async fn deliveries(global: &Global, args: &DeliveriesList) -> anyhow::Result<Outcome> {
    let rows = wire::reading_store(global)?.list_deliveries(args.list.page(), args.state).await?;
    if args.list.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let status = row.last_status.map_or_else(|| "-".to_owned(), |status| status.to_string());
            let remark = [row.reason.as_deref(), row.last_error.as_deref()];
            vec![
                Cell::new(row.id.to_string()),
                Cell::state(row.state.as_str()),
                Cell::new(row.webhook.as_str()),
                Cell::new(subject(row)),
                Cell::new(row.attempts.to_string()),
                Cell::new(relative(row.next_attempt_at, now)),
                Cell::new(status),
                Cell::new(remark.into_iter().flatten().collect::<Vec<_>>().join(": ")),
            ]
        })
        .collect();
    let heading = ["DELIVERY", "STATE", "WEBHOOK", "ALERT", "ATTEMPTS", "NEXT", "STATUS", "REMARK"];
    print(&table(&heading, &cells, "no deliveries yet"))?;
    Ok(Outcome::Fine)
}
