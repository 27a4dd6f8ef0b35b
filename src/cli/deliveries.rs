//! `deliveries list · show · retry · purge`.

use std::fmt::Write as _;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::output::{Cell, clean, print, print_json, relative, table};
use super::silences::nearest;
use super::time::Since;
use super::{Global, Outcome, control, listings, wire};
use crate::clock::SystemClock;
use crate::domain::alert::AlertContent;
use crate::domain::delivery::DeliveryState;
use crate::domain::poll::Renderer as _;
use crate::domain::{DeliveryId, MessageId, Timestamp, WebhookId};
use crate::ports::Clock as _;
use crate::ports::hand::{AttemptRow, ByHand, DeliveryDetail, Purge, Retried, Retry, RetryOutcome};
use crate::sqlite::SqliteStore;

/// What can be done with deliveries.
#[derive(Debug, Subcommand)]
pub(super) enum DeliveriesCommand {
    /// List deliveries, newest first
    List(listings::DeliveriesList),
    /// Show one delivery with every attempt: when, the answer, how long it took, what went wrong
    Show(Show),
    /// Send again: under the same id, with a new round of retries, at the daemon's next look
    Retry(RetryArgs),
    /// Withdraw deliveries that will not be sent any more; their rows stay and are listed as cancelled
    Purge(PurgeArgs),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The delivery, `dlv_…`
    id: DeliveryId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// The deliveries, `dlv_…`
    #[arg(required_unless_present = "dead")]
    ids: Vec<DeliveryId>,
    /// All that are dead
    #[arg(long, conflicts_with = "ids")]
    dead: bool,
    /// With --dead: only those that died since then: 12h, 30d, or a date
    #[arg(long, requires = "dead", value_name = "TIME")]
    since: Option<Since>,
    /// With --dead: only those to this webhook
    #[arg(long, requires = "dead", value_name = "NAME", value_parser = webhook)]
    webhook: Option<WebhookId>,
    /// Also those that were delivered: the receiver gets them a second time, under the same `webhook-id`
    #[arg(long)]
    again: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PurgeArgs {
    /// Those that are held instead of those that are dead
    #[arg(long)]
    held: bool,
    /// Those that wait for their next attempt instead of those that are dead; with --held, both
    #[arg(long)]
    pending: bool,
    /// Only those to this webhook
    #[arg(long, value_name = "NAME", value_parser = webhook)]
    webhook: Option<WebhookId>,
    /// Only those written before then: 12h, 30d (ago), or a date
    #[arg(long, value_name = "TIME")]
    before: Option<Since>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn webhook(name: &str) -> Result<WebhookId, String> {
    WebhookId::parse(name).map_err(|problem| problem.to_string())
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &DeliveriesCommand) -> anyhow::Result<Outcome> {
    match command {
        DeliveriesCommand::List(args) => listings::deliveries(global, args).await,
        DeliveriesCommand::Show(args) => show(global, args).await,
        DeliveriesCommand::Retry(args) => retry(global, args).await,
        DeliveriesCommand::Purge(args) => purge(global, args).await,
    }
}

/// What is misspelt would choose nothing, and look as if nothing were there.
async fn known(store: &SqliteStore, name: Option<&WebhookId>, now: Timestamp) -> anyhow::Result<()> {
    let Some(name) = name else { return Ok(()) };
    let all = store.list_webhooks(now).await?;
    if !all.iter().any(|row| row.id == *name) {
        let near = nearest(name.as_str(), all.iter().map(|row| row.id.as_str()));
        bail!("there is no webhook `{name}`{near}");
    }
    Ok(())
}

async fn show(global: &Global, args: &Show) -> anyhow::Result<Outcome> {
    let Some(detail) = wire::reading_store(global)?.show_delivery(args.id).await? else {
        bail!("there is no delivery {}; `wirewatch deliveries list` names them", args.id);
    };
    if args.json {
        print_json(&detail)?;
    } else {
        print(&described(&detail, SystemClock.now()))?;
    }
    Ok(Outcome::Fine)
}

/// A delivery for people: what it is, then a line for each attempt.
pub(super) fn described(detail: &DeliveryDetail, now: Timestamp) -> String {
    let carries = detail.alert.map(|id| id.to_string()).or_else(|| detail.event.clone());
    let mut text = format!("{} to {}: {}", detail.id, detail.webhook, detail.state);
    if let Some(reason) = &detail.reason {
        let _infallible = write!(text, " ({})", clean(reason));
    }
    text.push('\n');
    let lines = [
        ("carries", carries),
        ("webhook-id", detail.webhook_id.map(|id| id.to_string())),
        ("together", detail.together.map(|count| format!("in one message with {} others", count - 1))),
        ("written", Some(relative(Some(detail.created_at), now))),
        ("next", detail.next_attempt_at.map(|at| relative(Some(at), now))),
        ("error", detail.last_error.clone()),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            let _infallible = writeln!(text, "  {name:<11}{}", clean(&value));
        }
    }
    let cells: Vec<Vec<Cell>> = detail.attempts.iter().map(attempt_cells).collect();
    text.push_str(&table(&["TRY", "AT", "STATUS", "TOOK", "ERROR", "ANSWER"], &cells, "  no attempt yet"));
    text
}

fn attempt_cells(attempt: &AttemptRow) -> Vec<Cell> {
    let status = match (attempt.status, &attempt.error_kind, attempt.ended_at) {
        (Some(status), _, _) => status.to_string(),
        (None, Some(kind), _) => kind.clone(),
        (None, None, _) => "under way".to_owned(),
    };
    vec![
        Cell::new(attempt.number.to_string()),
        Cell::new(attempt.started_at.to_string()),
        Cell::new(status),
        Cell::new(attempt.duration_ms.map_or_else(|| "-".to_owned(), |took| format!("{took} ms"))),
        Cell::new(attempt.error.as_deref().unwrap_or("-")),
        Cell::new(attempt.response.as_deref().unwrap_or_default()),
    ]
}

async fn retry(global: &Global, args: &RetryArgs) -> anyhow::Result<Outcome> {
    let store = wire::changing_store(global)?;
    let now = SystemClock.now();
    known(&store, args.webhook.as_ref(), now).await?;
    let which = if args.dead {
        let since = args.since.map(|since| since.instant(now));
        Retry::Dead { since, webhook: args.webhook.clone() }
    } else {
        Retry::These { ids: args.ids.clone(), again: args.again }
    };
    let mut all = store.retry(which, now).await?;
    for retried in all.iter_mut().filter(|retried| retried.outcome == RetryOutcome::NoMessage) {
        if let Some(outcome) = remade(global, &store, retried.id, now).await? {
            retried.outcome = outcome;
        }
    }
    store.close().await;
    control::nudge(global).await;
    if args.json {
        print_json(&all)?;
    } else if all.is_empty() {
        print("no delivery is dead\n")?;
    } else {
        print(&all.iter().map(said).collect::<Vec<_>>().concat())?;
    }
    let good = |retried: &Retried| {
        matches!(retried.outcome, RetryOutcome::Queued | RetryOutcome::Held { .. } | RetryOutcome::Sending)
    };
    Ok(if all.iter().all(good) { Outcome::Fine } else { Outcome::Wrong })
}

/// Makes the message that could not be made before, now that the configuration may have changed.
async fn remade(
    global: &Global,
    store: &SqliteStore,
    id: DeliveryId,
    now: Timestamp,
) -> anyhow::Result<Option<RetryOutcome>> {
    let Some(detail) = store.show_delivery(id).await? else { return Ok(None) };
    let alert = match detail.alert {
        Some(alert) => store.show_alert(alert).await?,
        None => None,
    };
    let Some(alert) = alert else { return Ok(None) };
    let content: AlertContent = alert.content;
    let Ok(rendered) = wire::prepare(global)?.destinations.render(&detail.webhook, &content) else {
        return Ok(None);
    };
    store.bind(id, MessageId::derive(&[id]), rendered, now).await?;
    let again = store.retry(Retry::These { ids: vec![id], again: false }, now).await?;
    Ok(again.into_iter().next().map(|retried| retried.outcome))
}

fn said(retried: &Retried) -> String {
    let id = retried.id;
    match &retried.outcome {
        RetryOutcome::Queued => format!("{id}: is sent again at once\n"),
        RetryOutcome::Held { reason } => format!("{id}: is held: {}\n", clean(reason)),
        RetryOutcome::Sending => format!("{id}: is being sent this moment\n"),
        RetryOutcome::Delivered => format!("{id}: was delivered; --again sends it once more\n"),
        RetryOutcome::NoMessage => {
            format!("{id}: its message still cannot be made; mend the webhook's template\n")
        }
        RetryOutcome::Unknown => format!("{id}: there is no such delivery\n"),
    }
}

async fn purge(global: &Global, args: &PurgeArgs) -> anyhow::Result<Outcome> {
    let chosen = [(args.held, DeliveryState::Held), (args.pending, DeliveryState::Pending)];
    let mut states: Vec<DeliveryState> =
        chosen.into_iter().filter(|(chosen, _)| *chosen).map(|(_, state)| state).collect();
    if states.is_empty() {
        states.push(DeliveryState::Dead);
    }
    let store = wire::changing_store(global)?;
    let now = SystemClock.now();
    known(&store, args.webhook.as_ref(), now).await?;
    let before = args.before.map(|before| before.instant(now));
    let what = Purge { states, webhook: args.webhook.clone(), before };
    let count = store.purge(what, now).await?;
    store.close().await;
    if args.json {
        print_json(&serde_json::json!({ "withdrawn": count }))?;
    } else {
        print(&format!("{count} withdrawn\n"))?;
    }
    Ok(Outcome::Fine)
}
