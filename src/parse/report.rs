//! What `wirewatch feeds parse` shows of a document.

use serde_json::{Value, json};

use super::{ParseError, ParsedFeed};

/// What was made of the document at `path`, as one JSON object: `path, ok, error, feed, entries, repairs`.
///
/// Absent values are left out, never `""`.
pub fn report(path: &str, parsed: &Result<ParsedFeed, ParseError>) -> Value {
    let feed = match parsed {
        Ok(feed) => feed,
        Err(error) => {
            return json!({
                "path": path, "ok": false, "error": error.to_string(), "reason": error.word(),
                "feed": null, "entries": [], "repairs": [],
            });
        }
    };
    let entries: Vec<Value> = feed
        .entries
        .iter()
        .map(|entry| {
            present(json!({
                "guid": entry.guid,
                "title": Some(&entry.title).filter(|title| !title.is_empty()),
                "link": entry.link,
                "published_at": entry.published_at,
                "updated_at": entry.updated_at,
                "lang": entry.lang,
                "authors": Some(&entry.authors).filter(|authors| !authors.is_empty()),
                "categories": Some(&entry.categories).filter(|categories| !categories.is_empty()),
                "text_length": entry.text().chars().count(),
            }))
        })
        .collect();
    let hints = &feed.hints;
    json!({
        "path": path,
        "ok": true,
        "error": null,
        "feed": present(json!({
            "kind": feed.kind,
            "title": feed.title,
            "site_url": feed.site_url,
            "lang": feed.lang,
            "min_interval_seconds": hints.min_interval.map(|interval| interval.as_secs()),
        })),
        "entries": entries,
        "repairs": feed.repairs.iter().map(|repair| json!({
            "repair": repair.word(), "meaning": repair.sentence(),
        })).collect::<Vec<_>>(),
    })
}

/// Leaves out members that are null.
fn present(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            other
        }
    }
}
