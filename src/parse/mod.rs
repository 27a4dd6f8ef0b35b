//! Bytes to entries: what a publisher's document says, as plain text.
//!
//! Pure: the same bytes give the same entries, at any time, on any machine. The way is
//! [`decode`] (characters) → sniffing (XML, JSON or neither) → reading
//! ([`xml`], [`json`], which forgive) → [`clean`] (plain text, bounded). Everything that had to be put right is named by a
//! [`Repair`]; no input makes it panic, hang or take memory without bound.

mod clean;
mod date;
mod decode;
mod discover;
mod error;
mod feedrs;
mod html;
mod identity;
mod json;
pub mod limits;
mod link;
pub mod markup;
mod mend;
mod pruned;
mod raw;
mod repair;
mod report;
mod text;
mod title;
mod xml;

use std::borrow::Cow;

use serde::Serialize;
use url::Url;

use crate::domain::article::Entry;
use crate::domain::feed::PublisherHints;

pub use clean::language;
pub use discover::{DiscoveredFeed, Evidence, discover};
pub use error::ParseError;
pub use identity::identify;
pub use link::canonical_link;
pub use repair::Repair;
pub use report::report;
pub use text::html_to_text;

use raw::RawFeed;
use repair::Repairs;

/// What is known of a document besides its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseContext<'a> {
    /// `Content-Type` as the server sent it.
    pub content_type: Option<&'a str>,
    /// The address that answered; relative links count from it.
    pub base_url: Option<&'a str>,
}

/// The family of formats a document belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// RSS 0.91 to 2.0.
    #[default]
    Rss,
    /// RSS 0.90 and 1.0, which are RDF.
    Rdf,
    /// Atom 0.3 and 1.0.
    Atom,
    /// JSON Feed.
    Json,
}

/// A document as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedFeed {
    /// What kind of document it is.
    pub kind: FeedKind,
    /// The feed's title, one line of plain text.
    pub title: Option<String>,
    /// The absolute http(s) address of the site behind the feed.
    pub site_url: Option<String>,
    /// The feed's language as a BCP 47 tag.
    pub lang: Option<String>,
    /// The entries in the document's order, at most [`limits::ENTRIES`].
    pub entries: Vec<Entry>,
    /// What the document asks of its readers.
    pub hints: PublisherHints,
    /// What had to be put right, each once.
    pub repairs: Vec<Repair>,
}

/// Reads a feed document of any dialect.
///
/// # Errors
/// When it is no feed, or exceeds a bound that cannot be met by cutting; the error says so in one sentence.
pub fn parse(body: &[u8], context: &ParseContext<'_>) -> Result<ParsedFeed, ParseError> {
    if body.len() > limits::DOCUMENT_BYTES {
        return Err(ParseError::TooLarge(body.len()));
    }
    let mut repairs = Repairs::default();
    let text = decode::decode(body, context.content_type, &mut repairs);
    let text: &str = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'));
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let base = context.base_url.and_then(|base| Url::parse(base).ok());
    repairs.add_if(has_forbidden(text), Repair::ControlCharacters);
    let (raw, kind) = read(text, base.as_ref(), &mut repairs)?;
    Ok(ParsedFeed {
        kind,
        title: raw.title.map(|title| clean::title(&title, &mut repairs)).filter(|title| !title.is_empty()),
        site_url: raw.site_url,
        lang: raw.lang.and_then(|lang| language(&lang)),
        entries: raw.entries.into_iter().map(|entry| clean::entry(entry, &mut repairs)).collect(),
        hints: raw.hints,
        repairs: repairs.list(),
    })
}

/// The characters of a document of unknown character set, as [`parse`] decodes them.
pub fn decode_text(body: &[u8]) -> Cow<'_, str> {
    decode::decode(body, None, &mut Repairs::default())
}

/// Reads a document by the reader for its kind; one that finds no feed in it asks feed-rs for a second opinion.
fn read<'a>(
    text: &'a str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<(RawFeed<'a>, FeedKind), ParseError> {
    if text.starts_with(['{', '[']) {
        return json::read(text, base, repairs).map(|raw| (raw, FeedKind::Json));
    }
    if let Some(text) = json_behind_junk(text) {
        let mut found = *repairs;
        found.add(Repair::LeadingJunk);
        if let Ok(raw) = json::read(text, base, &mut found) {
            *repairs = found;
            return Ok((raw, FeedKind::Json));
        }
    }
    let read = from_first_tag(text, repairs).and_then(|text| xml::read(text, base, repairs));
    read.or_else(|first| match feedrs::read(text, base) {
        Ok((raw, kind)) if !raw.entries.is_empty() => Ok((raw, kind)),
        _ => Err(first),
    })
}

/// The first object of JSON, where something stands before it that is no XML: a guard against scripts, a call of one.
fn json_behind_junk(text: &str) -> Option<&str> {
    let text = &text[text.find(['<', '{'])?..];
    let is_object = text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    is_object.then_some(text)
}

fn has_forbidden(text: &str) -> bool {
    // Many at once, for which the processor has an instruction.
    let any = |bytes: &[u8]| bytes.iter().fold(false, |found, byte| found | is_forbidden(*byte));
    text.as_bytes().chunks(256).any(any)
}

/// Whether XML forbids the character; of the others that it forbids, none is a single byte.
fn is_forbidden(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// The document from its first tag on: warnings of programs, byte order marks read as letters and the
/// like may stand before.
fn from_first_tag<'a>(text: &'a str, repairs: &mut Repairs) -> Result<&'a str, ParseError> {
    let start = text.find('<').ok_or(ParseError::NotAFeed)?;
    repairs.add_if(start > 0, Repair::LeadingJunk);
    Ok(&text[start..])
}
