//! wirewatch's own JSON: `{"type", "timestamp", "data"}` as Standard Webhooks has it.
//!
//! For programs, so texts stay as they are stored (positions in them must hold); what is empty is left out,
//! and so are addresses that are not http(s).

use serde::Serialize;

use super::Content;
use super::clean;
use crate::domain::Timestamp;
use crate::domain::alert::{AlertContent, OperationsEvent, SUMMARY_CHARS};

/// The type of a message that carries one alert.
pub const ALERT_OPENED: &str = "alert.opened";

/// The type of a message that carries several alerts.
pub const ALERTS_GROUPED: &str = "alerts.grouped";

/// A message as programs read it.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// Full-stop separated, one schema per type.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// When it happened, not when it was sent.
    pub(super) timestamp: Timestamp,
    /// What happened.
    pub(super) data: Data,
}

/// What happened.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Data {
    Alert(Box<AlertContent>),
    Group { count: usize, reason: String, alerts: Vec<AlertContent> },
    Operations(Operations),
}

/// What happened to wirewatch itself.
#[derive(Debug, Serialize)]
pub(super) struct Operations {
    #[serde(flatten)]
    pub(super) subject: Subject,
    pub(super) message: String,
}

/// What an operational event is about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Subject {
    Feed { id: String },
    Webhook { id: String },
}

impl Event {
    pub(super) fn of(content: &Content<'_>) -> Self {
        match content {
            Content::Alert(alert) => Self {
                kind: ALERT_OPENED,
                timestamp: alert.alert.created_at,
                data: Data::Alert(Box::new(tidy(alert))),
            },
            Content::Group { alerts, at, reason } => Self {
                kind: ALERTS_GROUPED,
                timestamp: *at,
                data: Data::Group {
                    count: alerts.len(),
                    reason: (*reason).to_owned(),
                    alerts: alerts.iter().map(tidy).collect(),
                },
            },
            Content::Operations(event) => {
                Self { kind: event.kind, timestamp: event.at, data: Data::Operations(operations(event)) }
            }
        }
    }
}

fn operations(event: &OperationsEvent) -> Operations {
    let id = event.subject.clone();
    let subject = if subject_kind(event) == "feed" { Subject::Feed { id } } else { Subject::Webhook { id } };
    Operations { subject, message: event.message.clone() }
}

/// Whether an operational event is about a `feed` or a `webhook`.
pub(super) fn subject_kind(event: &OperationsEvent) -> &'static str {
    if event.kind.starts_with("feed.") { "feed" } else { "webhook" }
}

/// The alert without what is empty or unfit: absent values are left out, never `""`.
fn tidy(alert: &AlertContent) -> AlertContent {
    let mut alert = alert.clone();
    let article = &mut alert.article;
    let filled = |text: &String| !text.trim().is_empty();
    article.title.take_if(|title| !filled(title));
    article.link.take_if(|link| !clean::is_web_address(link));
    article.lang.take_if(|lang| !filled(lang));
    article.published_at.take_if(|at| !is_rfc3339(*at));
    article.authors.retain(filled);
    article.feed.title.take_if(|title| !filled(title));
    article.feed.tags.retain(filled);
    article.summary =
        article.summary.take().filter(filled).map(|text| clean::cut_chars(&text, SUMMARY_CHARS).into_owned());
    alert
}

/// RFC 3339 has four digits for the year; a feed's date may lie anywhere.
pub(super) const fn is_rfc3339(at: Timestamp) -> bool {
    /// 0001-01-01T00:00:00Z
    const FIRST: i64 = -62_135_596_800_000;
    /// 9999-12-31T23:59:59.999Z, less the day that jiff keeps for offsets
    const LAST: i64 = 253_402_207_200_999;
    FIRST <= at.as_millis() && at.as_millis() <= LAST
}
