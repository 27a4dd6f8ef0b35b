//! CloudEvents 1.0 in structured mode: wirewatch's own JSON in their envelope.

use serde_json::json;

use crate::domain::MessageId;
use crate::domain::delivery::Rendered;
use crate::message::standard::{Event, subject_kind};
use crate::message::{Content, json};

/// What the type of an event begins with; the rest is as in the format `standard`.
const TYPE_PREFIX: &str = "wirewatch.";

pub(super) fn render(message: MessageId, content: &Content<'_>) -> Rendered {
    let (source, subject) = match content {
        Content::Alert(alert) => {
            (format!("/wirewatch/topics/{}", alert.topic.id), Some(alert.alert.id.to_string()))
        }
        Content::Group { .. } => ("/wirewatch".to_owned(), None),
        Content::Operations(event) => {
            (format!("/wirewatch/{}s/{}", subject_kind(event), event.subject), None)
        }
    };
    let event = Event::of(content);
    let mut envelope = json!({
        "specversion": "1.0",
        "id": message,
        "source": source,
        "type": format!("{TYPE_PREFIX}{}", event.kind),
        "time": event.timestamp,
        "datacontenttype": "application/json",
        "data": event.data,
    });
    if let Some(subject) = subject {
        envelope["subject"] = subject.into();
    }
    Rendered { content_type: "application/cloudevents+json", ..json(&envelope) }
}
