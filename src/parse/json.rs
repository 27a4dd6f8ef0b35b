//! JSON Feed 1.0 and 1.1, as loosely as it is written.

use std::borrow::Cow;

use url::Url;

use super::mend::{Mended, mend};
use super::pruned::{self, Json, Object};
use super::raw::{RawEntry, RawFeed, RawText, TextKind};
use super::repair::{Repair, Repairs};
use super::{ParseError, date, limits, link};

/// Reads a JSON Feed.
///
/// # Errors
/// When it is no JSON and cannot be taken for any, or has no `items`.
pub(super) fn read(
    document: &str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<RawFeed<'static>, ParseError> {
    let (mut feed, items) = match pruned::read(document) {
        Ok(value) => parts(value).ok_or(ParseError::NotAJsonFeed)?,
        Err(problem) => mended(document, repairs).ok_or(ParseError::InvalidJson(problem.to_string()))?,
    };
    let standard =
        matches!(feed.remove("version"), Some(Json::Text(v)) if v.contains("jsonfeed.org/version/1"));
    repairs.add_if(!standard, Repair::LooseJson);
    repairs.add_if(items.len() > limits::ENTRIES, Repair::Cut);
    let entries = items.into_iter().take(limits::ENTRIES).filter_map(|item| {
        let Json::Object(item) = item else {
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

/// A feed's members and its items.
fn parts(value: Json) -> Option<(Object, Vec<Json>)> {
    let Json::Object(mut feed) = value else { return None };
    let Some(Json::List(items)) = feed.remove("items") else { return None };
    Some((feed, items))
}

/// The feed in a document that is no JSON as it stands.
fn mended(document: &str, repairs: &mut Repairs) -> Option<(Object, Vec<Json>)> {
    let Mended { text, cut } = mend(document)?;
    let parts = parts(pruned::read(&text).ok()?)?;
    repairs.add(Repair::LooseJson);
    repairs.add_if(cut, Repair::Truncated);
    Some(parts)
}

fn entry(mut item: Object, base: Option<&Url>, repairs: &mut Repairs) -> RawEntry<'static> {
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
        broken_off: false,
    }
}

fn text(members: &mut Object, name: &str, kind: TextKind, repairs: &mut Repairs) -> Option<RawText<'static>> {
    let source = string(members, name, repairs).filter(|text| !text.trim().is_empty())?;
    Some(RawText { source, kind })
}

/// A member as text; a number counts, and so does a list's first text.
fn string(members: &mut Object, name: &str, repairs: &mut Repairs) -> Option<Cow<'static, str>> {
    let member = members.remove(name)?;
    repairs.add_if(!matches!(member, Json::Text(_) | Json::Null), Repair::LooseJson);
    match member {
        Json::Text(text) | Json::Number(text) => Some(Cow::Owned(text)),
        Json::List(values) => texts(values).into_iter().next(),
        Json::Null | Json::Object(_) | Json::Other => None,
    }
}

fn authors(item: &mut Object) -> Vec<Cow<'static, str>> {
    let people = match (item.remove("authors"), item.remove("author")) {
        (Some(Json::List(people)), _) => people,
        (_, Some(person)) | (Some(person), None) => vec![person],
        (None, None) => return Vec::new(),
    };
    let name = |person: Json| match person {
        Json::Object(mut person) => person.remove("name"),
        other @ (Json::Text(_) | Json::Null | Json::Number(_) | Json::List(_) | Json::Other) => Some(other),
    };
    texts(people.into_iter().take(limits::NAMES + 1).filter_map(name).collect())
}

fn strings(value: Option<Json>) -> Vec<Cow<'static, str>> {
    let Some(Json::List(values)) = value else { return Vec::new() };
    texts(values)
}

fn texts(values: Vec<Json>) -> Vec<Cow<'static, str>> {
    let text = |value: Json| match value {
        Json::Text(text) => Some(Cow::Owned(text)),
        Json::Null | Json::Number(_) | Json::List(_) | Json::Object(_) | Json::Other => None,
    };
    values.into_iter().filter_map(text).take(limits::NAMES + 1).collect()
}
