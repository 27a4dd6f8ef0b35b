//! `topics list`.

use clap::Args;
use serde::Serialize;

use crate::cli::output::{Cell, print, print_json, table};
use crate::cli::{Global, Outcome, wire};
use crate::config::settings::TopicSettings;
use crate::domain::topic::{Severity, TopicRule};
use crate::domain::{TopicId, WebhookId};

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

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
}

/// Lists topics.
pub(super) fn run(global: &Global, args: &ListArgs) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let rows: Vec<Row<'_>> = settings.topics.iter().map(|(id, topic)| row(id, topic)).collect();
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let webhooks: Vec<&str> = row.webhooks.iter().map(WebhookId::as_str).collect();
            vec![
                Cell::new(row.id.as_str()),
                Cell::state(row.severity.as_str()),
                Cell::new(row.kind),
                Cell::new(if webhooks.is_empty() { "-".to_owned() } else { webhooks.join(", ") }),
                Cell::new(row.tests.to_string()),
                Cell::new(row.rule.join(", ").split_whitespace().collect::<Vec<_>>().join(" ")),
            ]
        })
        .collect();
    print(&table(&["TOPIC", "SEVERITY", "KIND", "WEBHOOKS", "TESTS", "RULE"], &cells, "no topics yet"))?;
    Ok(Outcome::Fine)
}

fn row<'a>(id: &'a TopicId, topic: &'a TopicSettings) -> Row<'a> {
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
    }
}
