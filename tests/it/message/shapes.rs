//! What each service documents of its messages, as strict schemas: no field more, no text longer, no mention, no link
//! but http(s), no preview.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wirewatch::domain::alert::AlertContent;
use wirewatch::domain::delivery::Format;
use wirewatch::message::{Content, OPERATIONS};

use super::events::assert_follows_the_schema;
use super::formats::{HOSTILE, body, hostile, rendered};
use super::sample;

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn text(max: u32) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": max })
}

fn link(max: u32) -> Value {
    json!({ "type": "string", "pattern": "^https?://[^ <>\"|()]+$", "maxLength": max })
}

fn list(items: &Value, min: u32, max: u32) -> Value {
    json!({ "type": "array", "items": items, "minItems": min, "maxItems": max })
}

fn instant() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$" })
}

fn slack() -> Value {
    let mrkdwn = object(
        &["type", "text", "verbatim"],
        &json!({ "type": { "const": "mrkdwn" }, "text": text(3000), "verbatim": { "const": true } }),
    );
    let section = object(&["type", "text"], &json!({ "type": { "const": "section" }, "text": mrkdwn }));
    // Neither `link_names` nor `parse`: both would make mentions of names.
    object(
        &["text", "blocks", "unfurl_links", "unfurl_media"],
        &json!({
            "text": text(4000),
            "blocks": list(&section, 1, 50),
            "unfurl_links": { "const": false },
            "unfurl_media": { "const": false },
        }),
    )
}

fn discord() -> Value {
    let field = object(&["name", "value"], &json!({ "name": text(256), "value": text(1024) }));
    let embed = object(
        &["author", "color"],
        &json!({
            "author": object(&["name"], &json!({ "name": text(256) })),
            "color": { "type": "integer", "minimum": 0, "maximum": 0xff_ff_ff },
            "title": text(256),
            "url": link(2048),
            "description": text(4096),
            "fields": list(&field, 1, 25),
            "footer": object(&["text"], &json!({ "text": text(2048) })),
            "timestamp": instant(),
        }),
    );
    object(
        &["embeds", "allowed_mentions"],
        &json!({ "embeds": list(&embed, 1, 10), "allowed_mentions": { "const": { "parse": [] } } }),
    )
}

fn teams() -> Value {
    let open = object(
        &["type", "url"],
        &json!({ "type": { "const": "Action.OpenUrl" }, "title": text(100), "url": link(2048) }),
    );
    let run = object(
        &["type", "text"],
        &json!({
            "type": { "const": "TextRun" },
            "text": text(4000),
            "weight": { "enum": ["Default", "Bolder"] },
            "isSubtle": { "const": true },
            "size": { "const": "Small" },
            "selectAction": open,
        }),
    );
    let block = object(
        &["type", "inlines"],
        &json!({ "type": { "const": "RichTextBlock" }, "inlines": list(&run, 1, 10) }),
    );
    // Nothing under `msteams.entities`: that is where mentions are made.
    let card = object(
        &["$schema", "type", "version", "body"],
        &json!({
            "$schema": { "const": "http://adaptivecards.io/schemas/adaptive-card.json" },
            "type": { "const": "AdaptiveCard" },
            "version": { "const": "1.4" },
            "body": list(&block, 1, 400),
            "actions": list(&open, 1, 1),
            "msteams": { "const": { "width": "Full" } },
        }),
    );
    let attachment = object(
        &["contentType", "contentUrl", "content"],
        &json!({
            "contentType": { "const": "application/vnd.microsoft.card.adaptive" },
            "contentUrl": { "type": "null" },
            "content": card,
        }),
    );
    object(
        &["type", "attachments"],
        &json!({ "type": { "const": "message" }, "attachments": list(&attachment, 1, 1) }),
    )
}

fn telegram() -> Value {
    object(
        &["chat_id", "text", "parse_mode", "link_preview_options", "disable_notification"],
        &json!({
            "chat_id": { "const": sample::CHAT },
            "text": text(4096),
            "parse_mode": { "const": "HTML" },
            "link_preview_options": { "const": { "is_disabled": true } },
            "disable_notification": { "type": "boolean" },
        }),
    )
}

fn ntfy() -> Value {
    // The topic is put in when it is sent.
    object(
        &["title", "message", "priority", "tags", "markdown"],
        &json!({
            "title": text(500),
            "message": text(4096),
            "priority": { "type": "integer", "minimum": 1, "maximum": 5 },
            "tags": list(&text(20), 1, 5),
            "markdown": { "const": false },
            "click": link(2048),
        }),
    )
}

fn mattermost() -> Value {
    let attachment = object(
        &["fallback", "color", "text"],
        &json!({
            "fallback": text(1000),
            "color": { "type": "string", "pattern": "^#[0-9a-f]{6}$" },
            "text": text(16_383),
        }),
    );
    object(&["attachments"], &json!({ "attachments": list(&attachment, 1, 1) }))
}

fn googlechat() -> Value {
    let opens =
        object(&["openLink"], &json!({ "openLink": object(&["url"], &json!({ "url": link(2048) })) }));
    let button = object(&["text", "onClick"], &json!({ "text": text(40), "onClick": opens }));
    let paragraph = object(&["text"], &json!({ "text": text(32_000) }));
    let buttons = object(&["buttons"], &json!({ "buttons": list(&button, 1, 1) }));
    let widget = json!({ "oneOf": [
        object(&["textParagraph"], &json!({ "textParagraph": paragraph })),
        object(&["buttonList"], &json!({ "buttonList": buttons })),
    ] });
    let section = object(&["widgets"], &json!({ "widgets": list(&widget, 1, 100) }));
    let header = object(&["title"], &json!({ "title": text(500) }));
    let card =
        object(&["header", "sections"], &json!({ "header": header, "sections": list(&section, 1, 100) }));
    let card = object(&["cardId", "card"], &json!({ "cardId": text(64), "card": card }));
    object(&["fallbackText", "cardsV2"], &json!({ "fallbackText": text(500), "cardsV2": list(&card, 1, 1) }))
}

fn matrix() -> Value {
    object(&["text", "html"], &json!({ "text": text(30_000), "html": text(30_000) }))
}

fn pagerduty() -> Value {
    let payload = object(
        &["summary", "source", "severity", "timestamp", "custom_details"],
        &json!({
            "summary": text(1024),
            "source": text(255),
            "severity": { "enum": ["critical", "error", "warning", "info"] },
            "timestamp": instant(),
            "component": text(255),
            "group": text(255),
            "custom_details": { "type": "object" },
        }),
    );
    let link = object(&["href", "text"], &json!({ "href": link(2048), "text": text(400) }));
    // The routing key is put in when it is sent.
    object(
        &["event_action", "dedup_key", "payload", "client"],
        &json!({
            "event_action": { "enum": ["trigger", "resolve"] },
            "dedup_key": text(255),
            "payload": payload,
            "links": list(&link, 1, 50),
            "client": { "const": "wirewatch" },
        }),
    )
}

fn alertmanager() -> Value {
    let names = |max| {
        json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$" },
            "additionalProperties": text(max),
        })
    };
    // Labels are identity: ids and words, never a headline.
    let mut labels = names(64);
    labels["required"] = json!(["alertname"]);
    labels["additionalProperties"]["pattern"] = json!("^[A-Za-z0-9_-]+$");
    let alert = object(
        &["labels", "annotations", "startsAt"],
        &json!({
            "labels": labels,
            "annotations": names(2000),
            "startsAt": instant(),
            "endsAt": instant(),
            "generatorURL": link(2048),
        }),
    );
    list(&alert, 1, 51)
}

fn gotify() -> Value {
    let display = object(&["contentType"], &json!({ "contentType": { "const": "text/plain" } }));
    let click = object(&["url"], &json!({ "url": link(2048) }));
    let notification = object(&["click"], &json!({ "click": click }));
    object(
        &["title", "message", "priority", "extras"],
        &json!({
            "title": text(250),
            "message": text(4000),
            "priority": { "type": "integer", "minimum": 0, "maximum": 10 },
            "extras": object(
                &["client::display"],
                &json!({ "client::display": display, "client::notification": notification }),
            ),
        }),
    )
}

fn pushover() -> Value {
    let mut message = object(
        &["user", "title", "message", "timestamp", "priority"],
        &json!({
            "user": { "const": sample::CHAT },
            "title": text(250),
            "message": text(1024),
            "timestamp": { "type": "integer" },
            "url": link(512),
            "url_title": text(100),
            "priority": { "type": "integer", "minimum": -2, "maximum": 2 },
            "retry": { "type": "integer", "minimum": 30 },
            "expire": { "type": "integer", "maximum": 10_800 },
        }),
    );
    message["if"] = json!({ "properties": { "priority": { "const": 2 } } });
    message["then"] = json!({ "required": ["retry", "expire"] });
    message
}

fn cloudevents() -> Value {
    object(
        &["specversion", "id", "source", "type", "time", "datacontenttype", "data"],
        &json!({
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "pattern": "^msg_[0-9a-z]{16}$" },
            "source": { "type": "string", "pattern": "^/wirewatch[A-Za-z0-9_/-]*$" },
            "type": { "type": "string", "pattern": "^wirewatch\\.[a-z.]+$" },
            "subject": text(64),
            "time": instant(),
            "datacontenttype": { "const": "application/json" },
            "data": { "type": "object" },
        }),
    )
}

fn shape(format: Format) -> Option<Value> {
    Some(match format {
        Format::Slack => slack(),
        Format::Discord => discord(),
        Format::Teams => teams(),
        Format::Telegram => telegram(),
        Format::Ntfy => ntfy(),
        Format::Mattermost => mattermost(),
        Format::Googlechat => googlechat(),
        Format::Matrix => matrix(),
        Format::Pagerduty => pagerduty(),
        Format::Alertmanager => alertmanager(),
        Format::Gotify => gotify(),
        Format::Pushover => pushover(),
        Format::Cloudevents => cloudevents(),
        // One has a schema that ships, the other is the user's.
        Format::Standard | Format::Template => return None,
    })
}

/// Alerts with every hostile headline, and headlines in several scripts.
fn alerts() -> Vec<AlertContent> {
    let mut alerts = vec![sample::full(), sample::bare()];
    alerts.extend(sample::several(4));
    alerts.extend(HOSTILE.map(hostile));
    for text in [
        "한국어 제목 ".repeat(200),
        "عنوان بالعربية ".repeat(200),
        "עברית\u{202e}x".repeat(200),
        "👩\u{200d}🚀".repeat(400),
    ] {
        alerts.push(hostile(&text));
    }
    alerts
}

#[test]
fn every_message_has_the_shape_its_service_documents() {
    let alerts = alerts();
    let at = sample::at("2026-11-23T07:00:00Z");
    let many: Vec<AlertContent> = alerts.iter().cycle().take(50).cloned().collect();
    let events = OPERATIONS.map(sample::event);
    let mut contents: Vec<Content<'_>> = alerts.iter().map(Content::Alert).collect();
    contents.extend(events.iter().map(Content::Operations));
    for group in [&alerts[..2], &alerts, &many] {
        contents.push(Content::Group { alerts: group, at, reason: "quiet_hours" });
    }
    for format in Format::ALL {
        let Some(shape) = shape(format) else { continue };
        let validator = jsonschema::validator_for(&shape).expect("a schema");
        for content in &contents {
            let message = body(format, content);
            let wrong: Vec<String> = validator
                .iter_errors(&message)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{format}: {wrong:?}\n{message:#}");
        }
    }
}

#[test]
fn a_message_of_another_shape_is_refused() {
    let alert = sample::full();
    for (format, pointer, value) in [
        (Format::Slack, "/unfurl_links", json!(true)),
        (Format::Slack, "/blocks/0/text/text", json!("x".repeat(3001))),
        (Format::Discord, "/allowed_mentions", json!({ "parse": ["users"] })),
        (Format::Discord, "/embeds/0/url", json!("javascript:alert(1)")),
        (Format::Teams, "/attachments/0/content/version", json!("1.5")),
        (Format::Telegram, "/link_preview_options", json!({})),
        (Format::Ntfy, "/priority", json!(6)),
        (Format::Mattermost, "/attachments", json!([])),
        (Format::Googlechat, "/cardsV2/0/card/header/title", json!("")),
        (Format::Matrix, "/html", Value::Null),
        (Format::Pagerduty, "/payload/severity", json!("high")),
        (Format::Alertmanager, "/0/labels/topic", json!("A headline!")),
        (Format::Gotify, "/priority", json!(11)),
        (Format::Pushover, "/message", json!("x".repeat(1025))),
        (Format::Cloudevents, "/specversion", json!("0.3")),
    ] {
        let validator = jsonschema::validator_for(&shape(format).expect("a shape")).expect("a schema");
        let mut message = body(format, &Content::Alert(&alert));
        assert!(validator.is_valid(&message), "{format}");
        *message.pointer_mut(pointer).expect(pointer) = value;
        assert!(!validator.is_valid(&message), "{format} {pointer}");
    }
}

/// The mark-up of a text of HTML: every tag, opened and closed in order, and every address.
fn tags(html: &str) -> BTreeSet<String> {
    let mut open: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for part in html.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("an open tag: {html}"));
        assert!(!text.contains('>'), "a bare bracket: {html}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{html}");
        } else if tag != "br" {
            open.push(tag.split(' ').next().unwrap_or_default().to_owned());
        }
        seen.insert(tag.to_owned());
    }
    assert!(open.is_empty(), "{open:?} is not closed: {html}");
    seen
}

#[test]
fn html_holds_nothing_but_bold_and_links_and_is_closed_wherever_it_is_cut() {
    let alerts = alerts();
    let at = sample::at("2026-11-23T07:00:00Z");
    let mut contents: Vec<Content<'_>> = alerts.iter().map(Content::Alert).collect();
    contents.push(Content::Group { alerts: &alerts, at, reason: "digest" });
    for content in &contents {
        for (format, pointer) in [
            (Format::Telegram, "/text"),
            (Format::Matrix, "/html"),
            (Format::Googlechat, "/cardsV2/0/card/sections/0/widgets/0/textParagraph/text"),
        ] {
            let message = body(format, content);
            let html = message.pointer(pointer).and_then(Value::as_str).expect("a text");
            for tag in tags(html) {
                let known = ["b", "/b", "/a", "br"].contains(&tag.as_str());
                let link = tag.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix('"'));
                let leads =
                    link.is_some_and(|link| link.starts_with("http://") || link.starts_with("https://"));
                assert!(known || leads, "{format}: <{tag}>");
            }
            let entities = html.split('&').skip(1);
            for entity in entities {
                let known = ["amp;", "lt;", "gt;", "quot;"].iter().any(|name| entity.starts_with(name));
                assert!(known, "{format}: &{}", entity.chars().take(8).collect::<String>());
            }
        }
    }
}

#[test]
fn a_group_of_programs_holds_every_alert_whole() {
    let alerts = sample::several(50);
    let at = sample::at("2026-11-23T07:00:00Z");
    let group = Content::Group { alerts: &alerts, at, reason: "digest" };
    let standard = body(Format::Standard, &group);
    assert_follows_the_schema(&standard);
    assert_eq!(standard["data"]["alerts"].as_array().map(Vec::len), Some(50));
    let cloud = body(Format::Cloudevents, &group);
    assert_eq!((&cloud["type"], &cloud["data"]), (&json!("wirewatch.alerts.grouped"), &standard["data"]));
    assert_eq!(body(Format::Alertmanager, &group).as_array().map(Vec::len), Some(50));
    assert!(rendered(Format::Standard, &group).body.len() < 256 * 1024);
}

#[test]
fn what_is_more_than_a_message_holds_is_split_and_nothing_is_left_out() {
    use wirewatch::message::parcels;
    let alerts = sample::several(120);
    assert_eq!(parcels(Format::Standard, &alerts), [50, 50, 20]);
    assert_eq!(parcels(Format::Slack, &alerts), [120], "people get one, that counts the rest");
    let mut large = sample::several(10);
    for alert in &mut large {
        alert.found.excerpt = "한".repeat(20_000);
    }
    let parcels = parcels(Format::Standard, &large);
    assert_eq!((parcels.iter().sum::<usize>(), parcels[0]), (10, 3));
    let huge = vec![
        AlertContent {
            found: wirewatch::domain::topic::Match { excerpt: "x".repeat(1 << 20), ..large[0].found.clone() },
            ..large[0].clone()
        };
        2
    ];
    assert_eq!(wirewatch::message::parcels(Format::Standard, &huge), [1, 1]);
    assert_eq!(wirewatch::message::parcels(Format::Standard, &[]), [0; 0]);
}
