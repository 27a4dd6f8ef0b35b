//! Prometheus Alertmanager, API v2. `endsAt` is put in when the message is sent.
//!
//! Labels are identity, so they hold ids only; what people read is in the annotations.

use serde_json::{Value, json};

use crate::message::story::{Brief, Group, Notice, Story};

/// The `alertname` of an alert.
const ALERT: &str = "wirewatch_alert";

/// The `alertname` of what concerns wirewatch itself.
const OPERATIONS: &str = "wirewatch_operations";

pub(super) fn body(brief: &Brief) -> Value {
    match brief {
        Brief::Alert(story) => json!([alert(story)]),
        Brief::Group(group) => json!(several(brief, group)),
        Brief::Notice(notice) => json!([operations(brief, notice)]),
    }
}

/// One for each, and one that counts those left out.
fn several(brief: &Brief, group: &Group) -> Vec<Value> {
    let mut alerts: Vec<Value> = group.stories.iter().map(alert).collect();
    let more = group.count - alerts.len();
    if more > 0 {
        alerts.push(json!({
            "labels": { "alertname": ALERT, "severity": group.severity, "more": more.to_string() },
            "annotations": { "summary": brief.heading(), "description": format!("… and {more} more") },
            "startsAt": group.at,
        }));
    }
    alerts
}

fn alert(story: &Story) -> Value {
    let mut alert = json!({
        "labels": {
            "alertname": ALERT,
            "alert": story.id,
            "topic": story.topic_id,
            "feed": story.feed_id,
            "severity": story.severity,
        },
        "annotations": {
            "summary": story.title,
            "topic": story.topic,
            "matched": story.matched,
            "source": story.source(),
        },
        "startsAt": story.at,
    });
    if let Some(text) = &story.summary {
        alert["annotations"]["description"] = text.as_str().into();
    }
    if let Some(link) = &story.link {
        alert["generatorURL"] = link.as_str().into();
    }
    alert
}

/// A failure and its recovery have the same labels: the recovery ends the alert.
fn operations(brief: &Brief, notice: &Notice) -> Value {
    let mut alert = json!({
        "labels": { "alertname": OPERATIONS, notice.subject_kind: notice.subject },
        "annotations": {
            "summary": brief.heading(),
            "description": notice.message,
            "severity": notice.severity,
        },
        "startsAt": notice.at,
    });
    if notice.is_recovery() {
        alert["endsAt"] = json!(notice.at);
    }
    alert
}
