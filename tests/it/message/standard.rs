//! wirewatch's own JSON.

use serde_json::{Value, json};
use wirewatch::domain::delivery::Format;
use wirewatch::message::{Content, OPERATIONS, render};

use super::sample;

fn rendered(content: &Content<'_>) -> Value {
    let message = render(&sample::options(Format::Standard), content).expect("a message");
    assert_eq!(message.content_type, "application/json");
    serde_json::from_slice(&message.body).expect("JSON")
}

#[test]
fn an_alert_is_as_documented() {
    let body = rendered(&Content::Alert(&sample::full()));
    insta::assert_snapshot!("standard_alert", serde_json::to_string_pretty(&body).expect("JSON"));
}

#[test]
fn absent_values_are_left_out() {
    let mut alert = sample::bare();
    alert.article.title = Some(String::new());
    alert.article.link = Some("javascript:alert(1)".into());
    alert.article.summary = Some("  ".into());
    alert.article.authors = vec![String::new()];
    alert.article.published_at = Some(wirewatch::domain::Timestamp::from_millis(i64::MAX));
    let body = rendered(&Content::Alert(&alert));
    assert_eq!(
        body["data"]["article"],
        json!({
            "id": alert.article.id,
            "first_seen_at": "2026-11-23T01:02:01Z",
            "feed": { "id": "independent-world" },
        })
    );
    assert_eq!(body["data"]["match"], json!({ "score": null, "facets": null, "spans": [] }));
}

#[test]
fn a_group_counts_its_alerts() {
    let alerts = sample::several(3);
    let at = sample::at("2026-11-23T07:00:00Z");
    let body = rendered(&Content::Group { alerts: &alerts, at, reason: "quiet_hours" });
    assert_eq!(body["type"], "alerts.grouped");
    assert_eq!(body["timestamp"], "2026-11-23T07:00:00Z");
    assert_eq!(body["data"]["count"], 3);
    assert_eq!(body["data"]["reason"], "quiet_hours");
    assert_eq!(body["data"]["alerts"][2]["alert"]["id"], json!(alerts[2].alert.id));
}

#[test]
fn every_operational_event_names_its_subject() {
    for kind in OPERATIONS {
        let event = sample::event(kind);
        let body = rendered(&Content::Operations(&event));
        let subject = if kind.starts_with("feed.") { "feed" } else { "webhook" };
        assert_eq!(
            body,
            json!({
                "type": kind,
                "timestamp": "2026-11-23T04:05:06.789Z",
                "data": { subject: { "id": event.subject }, "message": event.message },
            })
        );
    }
}
