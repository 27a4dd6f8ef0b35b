//! JSON Feed 1.0 and 1.1, as loosely as it is written.

use std::borrow::Cow;

use serde_json::{Map, Value};
use url::Url;

use super::raw::{RawEntry, RawFeed, RawText, TextKind};
use super::repair::{Repair, Repairs};
use super::{ParseError, date, limits, link};

/// Reads a JSON Feed.
///
/// # Errors
/// When it is no JSON, or has no `items`.
pub(super) fn read(
    document: &str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed<'static>, ParseError> {
    // What follows the first value is junk; serde_json bounds the nesting.
    let mut values = serde_json::Deserializer::from_str(document).into_iter::<Value>();
    let value = values.next().ok_or(ParseError::Empty)?;
    let value = value.map_err(|problem| ParseError::InvalidJson(problem.to_string()))?;
    let Value::Object(mut feed) = value else { return Err(ParseError::NotAJsonFeed) };
    let Some(Value::Array(items)) = feed.remove("items") else { return Err(ParseError::NotAJsonFeed) };
    let version = feed.get("version").and_then(Value::as_str);
    repairs.add_if(!version.is_some_and(|v| v.contains("jsonfeed.org/version/1")), Repair::LooseJson);
    repairs.add_if(items.len() > limits::ENTRIES, Repair::Cut);
    let entries = items.into_iter().take(limits::ENTRIES).filter_map(|item| {
        let Value::Object(item) = item else {
            repairs.add(Repair::LooseJson);
            return None;
        };
        Some(entry(item, base, repairs))
    });
    let entries = entries.collect();
    Ok(RawFeed {
        title: text(&mut feed, "title", TextKind::Plain, repairs),
        site_url: string(&mut feed, "home_page_url", repairs).and_then(|url| link::resolve(&url, base)),
        lang: string(&mut feed, "language", repairs),
        entries,
        ..RawFeed::default()
    })
}

fn entry(mut item: Map<String, Value>, base: Option<&Url>, repairs: &mut Repairs) -> RawEntry<'static> {
    let mut when = |name| {
        let text = string(&mut item, name, repairs)?;
        repairs.add_if(date::is_odd(&text), Repair::OddDate);
        date::parse(&text)
    };
    let (published_at, updated_at) = (when("date_published"), when("date_modified"));
    let mut address = |name| string(&mut item, name, repairs).and_then(|url| link::resolve(&url, base));
    let link = address("url").or_else(|| address("external_url"));
    let guid = string(&mut item, "id", repairs);
    let content = text(&mut item, "content_html", TextKind::Html, repairs)
        .or_else(|| text(&mut item, "content_text", TextKind::Plain, repairs));
    RawEntry {
        link: link.or_else(|| guid.as_deref().and_then(|guid| link::resolve(guid, None))),
        guid,
        title: text(&mut item, "title", TextKind::Plain, repairs),
        summary: text(&mut item, "summary", TextKind::Plain, repairs),
        content,
        authors: authors(&mut item),
        categories: strings(item.remove("tags")),
        published_at,
        updated_at,
        lang: string(&mut item, "language", repairs),
    }
}

fn text(
    members: &mut Map<String, Value>,
    name: &str,
    kind: TextKind,
    repairs: &mut Repairs,
) -> Option<RawText<'static>> {
    let source = string(members, name, repairs).filter(|text| !text.trim().is_empty())?;
    Some(RawText { source, kind })
}

/// A member as text; a number counts, and so does a list's first text.
fn string(members: &mut Map<String, Value>, name: &str, repairs: &mut Repairs) -> Option<Cow<'static, str>> {
    match members.remove(name)? {
        Value::String(text) => Some(Cow::Owned(text)),
        Value::Null => None,
        Value::Number(number) => {
            repairs.add(Repair::LooseJson);
            Some(Cow::Owned(number.to_string()))
        }
        Value::Array(values) => {
            repairs.add(Repair::LooseJson);
            strings(Some(Value::Array(values))).into_iter().next()
        }
        Value::Bool(_) | Value::Object(_) => {
            repairs.add(Repair::LooseJson);
            None
        }
    }
}

fn authors(item: &mut Map<String, Value>) -> Vec<Cow<'static, str>> {
    let people = match (item.remove("authors"), item.remove("author")) {
        (Some(Value::Array(people)), _) => people,
        (_, Some(person)) | (Some(person), None) => vec![person],
        (None, None) => return Vec::new(),
    };
    let name = |person: Value| match person {
        Value::Object(mut person) => person.remove("name"),
        other @ (Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            Some(other)
        }
    };
    strings(Some(Value::Array(people.into_iter().take(limits::NAMES + 1).filter_map(name).collect())))
}

fn strings(value: Option<Value>) -> Vec<Cow<'static, str>> {
    let Some(Value::Array(values)) = value else { return Vec::new() };
    let text = |value: Value| match value {
        Value::String(text) => Some(Cow::Owned(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    values.into_iter().filter_map(text).take(limits::NAMES + 1).collect()
}
