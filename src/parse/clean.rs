//! What a document says, turned into entries: plain text, bounded.

use std::borrow::Cow;

use crate::domain::article::Entry;

use super::raw::{RawEntry, RawText, TextKind};
use super::repair::{Repair, Repairs};
use super::text::{html_to_text, plain_to_line, plain_to_text};
use super::title::html_to_line;
use super::{decode, html, limits};

/// How often a text is taken for escaped once more. Three layers were seen in the wild, never four.
const LAYERS: usize = 3;

/// Cleans an entry.
pub(super) fn entry(raw: RawEntry<'_>, repairs: &mut Repairs) -> Entry {
    let summary = raw.summary.map(|text| body(&text, repairs)).unwrap_or_default();
    let content = raw.content.map(|text| body(&text, repairs)).unwrap_or_default();
    Entry {
        guid: raw.guid.and_then(|guid| name(&guid, limits::GUID_BYTES)),
        title: raw.title.map(|text| title(&text, repairs)).unwrap_or_default(),
        link: raw.link,
        summary,
        content,
        authors: names(&raw.authors, repairs),
        categories: names(&raw.categories, repairs),
        published_at: raw.published_at,
        updated_at: raw.updated_at,
        lang: raw.lang.and_then(|lang| language(&lang)),
        broken_off: raw.broken_off,
    }
}

/// Turns a title into the one line a reader sees.
pub(super) fn title(text: &RawText<'_>, repairs: &mut Repairs) -> String {
    let source = once_encoded(&text.source, repairs);
    let mut line = match text.kind {
        TextKind::Html => html_to_line(&source),
        TextKind::Plain => plain_to_line(&source, limits::TITLE_BYTES),
    };
    for _ in 1..LAYERS {
        if !line.contains(['<', '&']) {
            break;
        }
        let inner = html_to_line(&line);
        if inner == line {
            break;
        }
        repairs.add(Repair::DoublyEscaped);
        line = inner;
    }
    line
}

/// Undoes UTF-8 that was encoded twice, where that is so of this text and not of the whole document.
fn once_encoded<'t>(text: &'t str, repairs: &mut Repairs) -> Cow<'t, str> {
    let undone =
        if text.is_ascii() { None } else { decode::twice_encoded(text, decode::TWICE_ENCODED_IN_TEXT) };
    repairs.add_if(undone.is_some(), Repair::Charset);
    undone.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Turns a summary or content into paragraphs.
fn body(text: &RawText<'_>, repairs: &mut Repairs) -> String {
    let source = once_encoded(&text.source, repairs);
    let mut prose = match text.kind {
        TextKind::Html => html_to_text(&source),
        TextKind::Plain => plain_to_text(&source),
    };
    for _ in 1..LAYERS {
        // Articles about HTML show tags; only a text that begins with one was escaped once too often.
        if !(prose.starts_with('<') && prose.contains("</") && html::has_tag(&prose)) {
            break;
        }
        let inner = html_to_text(&prose);
        // A text about a tag alone stays: taking it for markup would leave nothing.
        if inner.is_empty() {
            break;
        }
        repairs.add(Repair::DoublyEscaped);
        prose = inner;
    }
    repairs.add_if(prose.len() + 4 > limits::TEXT_BYTES, Repair::Cut);
    prose
}

/// A trimmed value of at most `limit` bytes, without control characters but white space; `None` when nothing is left.
fn name(value: &str, limit: usize) -> Option<String> {
    let value = value.trim();
    let value = &value[..value.floor_char_boundary(limit)];
    let value: String = value.chars().filter(|c| c.is_ascii_whitespace() || !c.is_control()).collect();
    Some(value).filter(|value| !value.is_empty())
}

fn names(values: &[Cow<'_, str>], repairs: &mut Repairs) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(values.len().min(limits::NAMES));
    for value in values {
        let line = if value.contains(['<', '&']) {
            html_to_line(value)
        } else {
            plain_to_line(value, limits::NAME_BYTES)
        };
        let line = line[..line.floor_char_boundary(limits::NAME_BYTES)].trim_end();
        if line.is_empty() || names.iter().any(|name| name == line) {
            continue;
        }
        if names.len() == limits::NAMES {
            repairs.add(Repair::Cut);
            break;
        }
        names.push(line.to_owned());
    }
    names
}

/// A language tag as BCP 47 writes it, as far as its letters go; `None` for anything else.
pub fn language(tag: &str) -> Option<String> {
    let tag = tag.trim().replace('_', "-");
    let primary = tag.split('-').next().unwrap_or_default();
    let plausible = (2..=3).contains(&primary.len())
        && tag.len() <= 35
        && tag
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && primary.bytes().all(|b| b.is_ascii_alphabetic());
    if !plausible {
        return None;
    }
    let mut parts = tag.split('-');
    let mut out = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        out.push('-');
        match part.len() {
            2 => out.push_str(&part.to_ascii_uppercase()),
            4 if part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                out.push_str(&part[..1].to_ascii_uppercase());
                out.push_str(&part[1..].to_ascii_lowercase());
            }
            _ => out.push_str(&part.to_ascii_lowercase()),
        }
    }
    Some(out)
}
