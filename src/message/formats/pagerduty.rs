//! PagerDuty Events API v2. The routing key is put in when the message is sent.

use serde_json::{Value, json};

use crate::domain::MessageId;
use crate::domain::topic::Severity;
use crate::message::clean;
use crate::message::story::{Brief, Story};

/// The most characters of a summary (Events API v2, "payload.summary").
const SUMMARY: usize = 1024;

/// The most alerts of a group in one event; an event may take 512 KiB.
const GROUP: usize = 20;

/// What a message's `dedup_key` begins with; all of it is at most 255 characters.
const KEY_PREFIX: &str = "wirewatch";

pub(super) fn body(brief: &Brief, message: MessageId) -> Value {
    match brief {
        Brief::Alert(story) => alert(brief, story),
        Brief::Group(group) => {
            let stories: Vec<Value> = group.stories.iter().take(GROUP).map(details).collect();
            let custom = json!({ "count": group.count, "reason": group.reason, "alerts": stories });
            let links: Vec<Value> = group.stories.iter().take(GROUP).filter_map(link).collect();
            trigger(brief, &message.to_string(), &brief.heading(), &custom, &links)
        }
        Brief::Notice(notice) => {
            // A recovery resolves what the failure triggered.
            let key = match notice.kind {
                "test" => message.to_string(),
                _ => format!("{}/{}", notice.subject_kind, notice.subject),
            };
            let custom = json!({ notice.subject_kind: notice.subject, "message": notice.message });
            let summary = format!("{} – {}", brief.heading(), notice.message);
            let mut event = trigger(brief, &key, &summary, &custom, &[]);
            if notice.is_recovery() {
                event["event_action"] = "resolve".into();
            }
            event
        }
    }
}

fn alert(brief: &Brief, story: &Story) -> Value {
    let summary = format!("{} – {} – matched {}", brief.heading(), story.title, story.matched);
    let links: Vec<Value> = link(story).into_iter().collect();
    let mut event = trigger(brief, &story.id, &summary, &details(story), &links);
    event["payload"]["source"] = story.feed.as_str().into();
    event["payload"]["component"] = story.topic_id.as_str().into();
    event["payload"]["group"] = story.feed_id.as_str().into();
    event
}

fn trigger(brief: &Brief, key: &str, summary: &str, custom: &Value, links: &[Value]) -> Value {
    let mut event = json!({
        "event_action": "trigger",
        "dedup_key": format!("{KEY_PREFIX}/{key}"),
        "payload": {
            "summary": clean::cut_chars(summary, SUMMARY),
            "source": "wirewatch",
            "severity": severity(brief.severity()),
            "timestamp": brief.at(),
            "custom_details": custom,
        },
        "client": "wirewatch",
    });
    if !links.is_empty() {
        event["links"] = links.into();
    }
    event
}

fn link(story: &Story) -> Option<Value> {
    story.link.as_ref().map(|href| json!({ "href": href, "text": story.title }))
}

fn details(story: &Story) -> Value {
    let mut details = json!({
        "severity": story.severity,
        "topic": story.topic,
        "matched": story.matched,
        "title": story.title,
        "feed": story.source(),
    });
    for (key, value) in [("link", &story.link), ("text", &story.summary)] {
        if let Some(value) = value {
            details[key] = value.as_str().into();
        }
    }
    details
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "info",
        Severity::Normal => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    }
}
