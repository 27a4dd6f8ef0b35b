//! `topics list`.

use std::time::Duration;

use serde::Serialize;

use crate::cli::listings::ListArgs;
use crate::cli::output::{Cell, print, print_json, relative, table};
use crate::cli::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::config::settings::TopicSettings;
use crate::domain::topic::{Severity, TopicRule};
use crate::domain::{Timestamp, TopicId, WebhookId};
use crate::ports::Clock as _;
use crate::ports::watch::Watch as _;
use crate::sqlite::{OpenError, SqliteStore};

#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a TopicId,
    title: &'a str,
    severity: Severity,
    kind: &'static str,
    rule: Vec<&'a str>,
    exclude: &'a [String],
    threshold: Option<u8>,
    webhooks: &'a [WebhookId],
    tests: usize,
    /// When it raised its newest alert.
    last_fired_at: Option<Timestamp>,
    /// How many of its alerts are stored; those since a time where one is asked for.
    alerts: u64,
}

/// Lists topics; with a time, those that fired since.
pub(super) async fn run(global: &Global, args: &ListArgs) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let page = args.page();
    let mut rows = rows(&settings, page.since).await?;
    rows.retain(|row| page.since.is_none_or(|since| row.last_fired_at >= Some(since)));
    if page.limit > 0 {
        rows.truncate(page.limit);
    }
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, now)).collect();
    let heading = ["TOPIC", "SEVERITY", "LAST FIRED", "ALERTS", "KIND", "WEBHOOKS", "TESTS", "RULE"];
    let nothing = match (page.since, settings.topics.is_empty()) {
        (Some(_), false) => "no topic fired since then",
        _ => "no topics yet",
    };
    print(&table(&heading, &cells, nothing))?;
    Ok(Outcome::Fine)
}

/// The topics of the configuration with what the database knows of them; before there is a database, that is nothing.
async fn rows(settings: &Settings, since: Option<Timestamp>) -> anyhow::Result<Vec<Row<'_>>> {
    let ids: Vec<TopicId> = settings.topics.keys().cloned().collect();
    let (last, counts) = match SqliteStore::open_for_reading(&settings.daemon.database) {
        Ok(store) => {
            let last = store.last_fired(ids.clone()).await?;
            let since = since.unwrap_or(Timestamp::from_millis(0));
            (last, store.rhythm(ids, since, Duration::MAX, 1).await?)
        }
        Err(OpenError::Missing(_)) => (vec![None; ids.len()], vec![Vec::new(); ids.len()]),
        Err(other) => return Err(other.into()),
    };
    let known = last.into_iter().zip(counts);
    let rows = settings.topics.iter().zip(known);
    Ok(rows.map(|((id, topic), (last, counts))| row(id, topic, last, counts.iter().sum())).collect())
}

fn cells(row: &Row<'_>, now: Timestamp) -> Vec<Cell> {
    let webhooks: Vec<&str> = row.webhooks.iter().map(WebhookId::as_str).collect();
    vec![
        Cell::new(row.id.as_str()),
        Cell::state(row.severity.as_str()),
        Cell::new(relative(row.last_fired_at, now)),
        Cell::new(row.alerts.to_string()),
        Cell::new(row.kind),
        Cell::new(if webhooks.is_empty() { "-".to_owned() } else { webhooks.join(", ") }),
        Cell::new(row.tests.to_string()),
        Cell::new(row.rule.join(", ").split_whitespace().collect::<Vec<_>>().join(" ")),
    ]
}

fn row<'a>(
    id: &'a TopicId,
    topic: &'a TopicSettings,
    last_fired_at: Option<Timestamp>,
    alerts: u64,
) -> Row<'a> {
    let all = |texts: &'a [String]| texts.iter().map(String::as_str).collect();
    let (kind, rule, threshold) = match &topic.spec.rule {
        TopicRule::Keywords(words) => ("keywords", all(words), None),
        TopicRule::Query(query) => ("query", vec![query.as_str()], None),
        TopicRule::Facets { facets, threshold } => ("facets", all(facets), Some(*threshold)),
    };
    Row {
        id,
        title: &topic.title,
        severity: topic.severity,
        kind,
        rule,
        exclude: &topic.spec.exclude,
        threshold,
        webhooks: &topic.webhooks,
        tests: topic.tests.len(),
        last_fired_at,
        alerts,
    }
}
