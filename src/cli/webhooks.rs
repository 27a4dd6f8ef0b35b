//! `webhooks list · test · render · enable · disable`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::deliveries::webhook;
use super::listings::ListArgs;
use super::output::{Cell, clean, print, print_json, relative, table};
use super::{Global, Outcome, control, wire};
use crate::app::envelope::{self, BLOT, Letter};
use crate::app::render::Destination;
use crate::app::snapshot::Prepared;
use crate::clock::SystemClock;
use crate::config::settings::WebhookSettings;
use crate::domain::alert::OperationsEvent;
use crate::domain::delivery::{PostOutcome, Rendered};
use crate::domain::settle::Verdict;
use crate::domain::{AlertId, DeliveryId, MessageId, Timestamp, WebhookId};
use crate::message::{self, Content};
use crate::ports::hand::{AlertDetail, ByHand as _, DeliveryDetail, WebhookRow};
use crate::ports::{Clock as _, PostRequest};

/// What can be done with webhooks.
#[derive(Debug, Subcommand)]
pub(super) enum WebhooksCommand {
    /// List webhooks: how each is, and what waits for it
    List(ListArgs),
    /// Send a test event, past the outbox, and print what came back
    Test(Named),
    /// Show the exact bytes and headers of a message without sending it
    Render(Render),
    /// Bring a disabled or failing webhook back, and send what was held for it
    Enable(Named),
    /// Take a webhook out of use; what comes for it is held
    Disable(Disable),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its id in the configuration
    #[arg(value_parser = webhook)]
    name: WebhookId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(flatten)]
    named: Named,
    /// The message of this alert, `alt_…`; without it that of a test event
    #[arg(long, value_name = "ID")]
    alert: Option<AlertId>,
}

#[derive(Debug, Args)]
pub(super) struct Disable {
    #[command(flatten)]
    named: Named,
    /// Why; shown with what it holds
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    reason: String,
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: &WebhooksCommand) -> anyhow::Result<Outcome> {
    match command {
        WebhooksCommand::List(args) => list(global, args).await,
        WebhooksCommand::Test(args) => test(global, args).await,
        WebhooksCommand::Render(args) => render(global, args).await,
        WebhooksCommand::Enable(args) => enable(global, args).await,
        WebhooksCommand::Disable(args) => disable(global, args).await,
    }
}

async fn list(global: &Global, args: &ListArgs) -> anyhow::Result<Outcome> {
    let now = SystemClock.now();
    let page = args.page();
    let mut rows = wire::reading_store(global)?.list_webhooks(now).await?;
    // Of a webhook what happened last is what can be new.
    rows.retain(|row| page.since.is_none_or(|since| row.last_good_at.max(row.failing_since) >= Some(since)));
    if page.limit > 0 {
        rows.truncate(page.limit);
    }
    if args.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, now)).collect();
    let heading = ["WEBHOOK", "STATE", "LAST GOOD", "PENDING", "HELD", "DEAD", "DELIVERED", "REMARK"];
    print(&table(
        &heading,
        &cells,
        "no webhooks yet: `wirewatch run` makes those of the configuration known",
    ))?;
    Ok(Outcome::Fine)
}

fn cells(row: &WebhookRow, now: Timestamp) -> Vec<Cell> {
    let until = row.next_probe_at.max(row.paused_until);
    let remark = match (&row.reason, until) {
        (Some(reason), _) => reason.clone(),
        (None, Some(until)) => {
            format!("next {}: {}", relative(Some(until), now), row.last_error.as_deref().unwrap_or_default())
        }
        (None, None) => match row.next_release_at {
            Some(at) => format!("what is held goes {}", relative(Some(at), now)),
            None => row.last_error.clone().unwrap_or_default(),
        },
    };
    vec![
        Cell::new(row.id.as_str()),
        Cell::state(row.state.as_str()),
        Cell::new(relative(row.last_good_at, now)),
        Cell::new(row.pending.to_string()),
        Cell::new(row.held.to_string()),
        Cell::new(row.dead.to_string()),
        Cell::new(row.delivered.to_string()),
        Cell::new(remark),
    ]
}

/// A webhook of the configuration, ready for use.
fn find<'a>(
    prepared: &'a Prepared,
    name: &WebhookId,
) -> anyhow::Result<(&'a WebhookSettings, &'a Destination)> {
    let found = prepared.settings.webhooks.get(name).zip(prepared.destinations.get(name));
    let names: Vec<&str> = prepared.settings.webhooks.keys().map(WebhookId::as_str).collect();
    found.with_context(|| match names.as_slice() {
        [] => "the configuration has no webhooks".to_owned(),
        names => format!("there is no webhook {name} in the configuration; there is {}", names.join(", ")),
    })
}

/// A message that says that it is a test.
fn test_message(
    prepared: &Prepared,
    name: &WebhookId,
    now: Timestamp,
) -> anyhow::Result<(MessageId, Rendered)> {
    let event = OperationsEvent {
        kind: "test",
        at: now,
        subject: name.to_string(),
        message: format!("This is a test of the webhook {name}; nothing happened."),
    };
    let id = MessageId::derive_event(event.kind, &event.subject, now.as_millis(), name);
    let rendered = prepared.destinations.render_for(name, id, &Content::Operations(&event));
    Ok((id, rendered.map_err(anyhow::Error::msg)?))
}

fn requested(
    prepared: &Prepared,
    name: &WebhookId,
    letter: &Letter<'_>,
    now: Timestamp,
) -> anyhow::Result<PostRequest> {
    let (webhook, destination) = find(prepared, name)?;
    Ok(envelope::request(&prepared.settings, webhook, destination, letter, now))
}

/// What came back from a test.
#[derive(Debug, Serialize)]
struct Tested {
    webhook: WebhookId,
    webhook_id: MessageId,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<String>,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn test(global: &Global, args: &Named) -> anyhow::Result<Outcome> {
    let prepared = wire::prepare(global)?;
    let (_, destination) = find(&prepared, &args.name)?;
    let now = SystemClock.now();
    let (id, content) = test_message(&prepared, &args.name, now)?;
    let letter = Letter { id, body: &content.body, content_type: content.content_type };
    let request = requested(&prepared, &args.name, &letter, now)?;
    let outcome = destination.redact_outcome(prepared.post.post(request).await);
    let tested = tested(&args.name, id, destination, &outcome);
    if args.json {
        print_json(&tested)?;
    } else {
        print(&told(&tested))?;
    }
    Ok(if tested.accepted { Outcome::Fine } else { Outcome::Wrong })
}

fn tested(name: &WebhookId, id: MessageId, destination: &Destination, outcome: &PostOutcome) -> Tested {
    let (webhook, webhook_id) = (name.clone(), id);
    match outcome {
        PostOutcome::Answered { status, retry_after, excerpt, took } => {
            let verdict = message::judge(destination.format, *status, excerpt);
            let response = String::from_utf8_lossy(excerpt).into_owned();
            Tested {
                webhook,
                webhook_id,
                accepted: verdict == Verdict::Accepted,
                status: Some(*status),
                duration_ms: millis(*took),
                retry_after_ms: retry_after.map(millis),
                error: verdict.why().map(str::to_owned),
                response: Some(response).filter(|response| !response.is_empty()),
            }
        }
        PostOutcome::Failed { message, took, .. } => Tested {
            webhook,
            webhook_id,
            accepted: false,
            status: None,
            duration_ms: millis(*took),
            retry_after_ms: None,
            error: Some(message.clone()),
            response: None,
        },
    }
}

fn told(tested: &Tested) -> String {
    let what = match (&tested.error, tested.status) {
        (None, Some(status)) => format!("accepted with {status}"),
        (Some(error), _) => format!("not accepted: {}", clean(error)),
        (None, None) => "not accepted".to_owned(),
    };
    let mut text = format!("webhook {}: {what}, after {} ms\n", tested.webhook, tested.duration_ms);
    if let Some(wait) = tested.retry_after_ms {
        let _infallible = writeln!(text, "it asks for a pause of {wait} ms");
    }
    if let Some(response) = &tested.response {
        let _infallible = writeln!(text, "it answered: {}", clean(response));
    }
    text
}

/// A message to show.
struct Message {
    id: MessageId,
    body: Vec<u8>,
    content_type: String,
    together: Option<u64>,
}

impl From<(MessageId, Rendered)> for Message {
    fn from((id, Rendered { body, content_type }): (MessageId, Rendered)) -> Self {
        Self { id, body, content_type: content_type.to_owned(), together: None }
    }
}

/// The message that carries an alert: where it goes with others, the one that was made for all of them.
fn alert_message(
    prepared: &Prepared,
    name: &WebhookId,
    alert: AlertId,
    detail: AlertDetail,
) -> anyhow::Result<Message> {
    let grouped = detail.deliveries.into_iter().find(|row| row.webhook == *name && row.together.is_some());
    if let Some(DeliveryDetail { webhook_id: Some(id), body: Some(body), content_type, together, .. }) =
        grouped
    {
        let content_type = content_type.unwrap_or_default();
        return Ok(Message { id, body: body.into_bytes(), content_type, together });
    }
    let id = MessageId::derive(&[DeliveryId::derive(alert, name)]);
    let rendered = prepared.destinations.render_for(name, id, &Content::Alert(&detail.content));
    Ok((id, rendered.map_err(anyhow::Error::msg)?).into())
}

/// A request that is shown and not sent.
#[derive(Debug, Serialize)]
struct Shown {
    webhook: WebhookId,
    format: &'static str,
    address: String,
    headers: BTreeMap<String, String>,
    body: String,
    /// How many alerts this one message carries, where it is several.
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<u64>,
}

/// Headers that hold nothing secret: a signature is made for this one message.
const HARMLESS: [&str; 5] =
    ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"];

async fn render(global: &Global, args: &Render) -> anyhow::Result<Outcome> {
    let prepared = wire::prepare(global)?;
    let name = &args.named.name;
    let (_, destination) = find(&prepared, name)?;
    let now = SystemClock.now();
    let message = match args.alert {
        Some(alert) => {
            let Some(detail) = wire::reading_store(global)?.show_alert(alert).await? else {
                bail!("there is no alert {alert}; `wirewatch alerts list` names them");
            };
            alert_message(&prepared, name, alert, detail)?
        }
        None => test_message(&prepared, name, now)?.into(),
    };
    let Message { id, body, content_type, together } = &message;
    let request = requested(&prepared, name, &Letter { id: *id, body, content_type }, now)?;
    let headers = request.headers.iter().map(|(name, value)| {
        let harmless = HARMLESS.contains(&name.as_str());
        (name.clone(), if harmless { value.expose_secret().to_owned() } else { BLOT.to_owned() })
    });
    let shown = Shown {
        webhook: name.clone(),
        format: destination.format.as_str(),
        address: destination.shown_address(),
        headers: headers.collect(),
        body: destination.redact(&String::from_utf8_lossy(&request.body)),
        together: *together,
    };
    if args.named.json {
        print_json(&shown)?;
    } else {
        let lines: Vec<String> =
            shown.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        print(&format!("POST {}\n{}\n{}\n", shown.address, lines.concat(), shown.body))?;
        if let Some(count) = shown.together {
            print(&format!(
                "\n{count} alerts go together in this message, which is shown as it was made for them\n"
            ))?;
        }
    }
    Ok(Outcome::Fine)
}

async fn enable(global: &Global, args: &Named) -> anyhow::Result<Outcome> {
    let store = wire::changing_store(global)?;
    let released = store.enable_webhook(&args.name, SystemClock.now()).await?;
    store.close().await;
    let Some(released) = released else { return unknown(&args.name) };
    control::nudge(global).await;
    if args.json {
        print_json(&serde_json::json!({ "webhook": args.name, "state": "ok", "released": released }))?;
    } else {
        print(&format!("webhook {} is in use; {released} deliveries held for it are sent\n", args.name))?;
    }
    Ok(Outcome::Fine)
}

async fn disable(global: &Global, args: &Disable) -> anyhow::Result<Outcome> {
    let name = &args.named.name;
    let store = wire::changing_store(global)?;
    let known = store.disable_webhook(name, args.reason.clone(), SystemClock.now()).await?;
    store.close().await;
    if !known {
        return unknown(name);
    }
    if args.named.json {
        print_json(&serde_json::json!({ "webhook": name, "state": "disabled", "reason": args.reason }))?;
    } else {
        print(&format!(
            "webhook {name} is disabled; what comes for it is held until `webhooks enable {name}`\n"
        ))?;
    }
    Ok(Outcome::Fine)
}

fn unknown(name: &WebhookId) -> anyhow::Result<Outcome> {
    bail!(
        "no webhook {name} is known; `wirewatch webhooks list` names them, `wirewatch run` makes new ones known"
    )
}
