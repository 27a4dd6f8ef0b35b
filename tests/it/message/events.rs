//! Every message of the format `standard` follows the JSON Schema that ships, and the schema describes all of it.

use jsonschema::Validator;
use serde_json::{Value, json};
use wirewatch::domain::delivery::Format;
use wirewatch::message::{ALERT_OPENED, ALERTS_GROUPED, Content, EVENTS_SCHEMA, OPERATIONS};

use super::formats::{HOSTILE, body, hostile};
use super::sample;

fn schema() -> Value {
    serde_json::from_str(EVENTS_SCHEMA).expect("JSON")
}

/// The schema as it would be if nothing were ever added: what it does not describe is refused.
fn closed() -> Validator {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                // What it refers to describes the rest of it.
                if map.contains_key("properties") && !map.contains_key("$ref") {
                    map.insert("additionalProperties".to_owned(), Value::Bool(false));
                }
                map.values_mut().for_each(close);
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut schema = schema();
    close(&mut schema);
    jsonschema::validator_for(&schema).expect("a schema")
}

/// What of a message does not follow the schema.
pub(crate) fn faults(message: &Value) -> Vec<String> {
    let schema = jsonschema::validator_for(&schema()).expect("a schema");
    schema.iter_errors(message).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Panics where a message does not follow the schema.
#[track_caller]
pub(super) fn assert_follows_the_schema(message: &Value) {
    let wrong = faults(message);
    assert!(wrong.is_empty(), "{wrong:?}\n{message:#}");
}

#[test]
fn every_type_has_its_schema() {
    let schema = schema();
    let described: Vec<&str> = schema["oneOf"]
        .as_array()
        .expect("types")
        .iter()
        .map(|of| of["$ref"].as_str().expect("a reference").trim_start_matches("#/$defs/"))
        .collect();
    let mut all = vec![ALERT_OPENED, ALERTS_GROUPED];
    all.extend(OPERATIONS);
    assert_eq!(described, all);
    for kind in all {
        assert_eq!(schema["$defs"][kind]["properties"]["type"]["const"], kind);
    }
}

#[test]
fn every_message_follows_the_schema_that_describes_all_of_it() {
    let closed = closed();
    let mut messages = Vec::new();
    let mut alerts = vec![sample::full(), sample::bare()];
    alerts.extend(sample::several(8));
    alerts.extend(HOSTILE.map(hostile));
    messages.extend(alerts.iter().map(|alert| body(Format::Standard, &Content::Alert(alert))));
    let at = sample::at("2026-11-23T07:00:00.5Z");
    for reason in ["grouped", "rate", "quiet_hours", "digest"] {
        messages.push(body(Format::Standard, &Content::Group { alerts: &alerts, at, reason }));
    }
    for kind in OPERATIONS {
        messages.push(body(Format::Standard, &Content::Operations(&sample::event(kind))));
    }
    for message in messages {
        assert_follows_the_schema(&message);
        let wrong: Vec<String> = closed.iter_errors(&message).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{message:#}");
    }
}

#[test]
fn what_is_no_message_does_not_follow_it() {
    let schema = jsonschema::validator_for(&schema()).expect("a schema");
    let good = body(Format::Standard, &Content::Alert(&sample::full()));
    let changed = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value;
        bad
    };
    for bad in [
        json!({}),
        changed("/type", json!("alert.closed")),
        changed("/timestamp", json!(1_795_420_800)),
        changed("/timestamp", json!("2026-11-23 08:00")),
        changed("/data/alert/id", json!("1")),
        changed("/data/alert/severity", json!("urgent")),
        changed("/data/article/link", json!("javascript:alert(1)")),
        changed("/data/article/title", json!("")),
        changed("/data/article/summary", json!("x".repeat(501))),
        changed("/data/match/spans/0/field", json!("lead")),
        changed("/data/match/score", json!(101)),
    ] {
        assert!(!schema.is_valid(&bad), "{bad:#}");
    }
    let mut added = good;
    added["data"]["story"] = json!({ "id": "x" });
    assert!(schema.is_valid(&added), "fields may be added");
}
