//! Bytes to entries. Pure.

mod feedrs;
mod html;
mod identity;

pub use html::html_to_text;
pub use identity::{canonical_link, identify};

use crate::domain::article::Entry;
use crate::domain::feed::PublisherHints;

/// What came with a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseContext<'a> {
    /// `Content-Type` as sent.
    pub content_type: Option<&'a str>,
    /// The address that answered; relative links count from here.
    pub base_url: Option<&'a str>,
}

/// A document, read.
#[derive(Clone, Debug, Default)]
pub struct ParsedFeed {
    /// Its title.
    pub title: Option<String>,
    /// Its language, BCP 47.
    pub lang: Option<String>,
    /// Its entries, in document order.
    pub entries: Vec<Entry>,
    /// What it asks of its readers.
    pub hints: PublisherHints,
    /// What had to be repaired.
    pub repairs: Vec<&'static str>,
}

/// Why a document could not be read: one sentence for people each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing came.
    #[error("the answer is empty")]
    Empty,
    /// A web page came.
    #[error("this is an HTML page, not a feed")]
    Html,
    /// Too deep to be read safely.
    #[error("the document is nested deeper than {MAX_DEPTH} elements")]
    Depth,
    /// Anything else.
    #[error("not a feed that can be read: {0}")]
    Unreadable(String),
}

/// The deepest nesting that is read; deeper documents could exhaust the stack.
pub const MAX_DEPTH: usize = 256;

/// Reads a feed.
///
/// # Errors
/// When it is none, or cannot be read.
pub fn parse(body: &[u8], context: &ParseContext<'_>) -> Result<ParsedFeed, ParseError> {
    let start = body.iter().position(|b| !b.is_ascii_whitespace()).ok_or(ParseError::Empty)?;
    let head = String::from_utf8_lossy(&body[start..body.len().min(start + 256)]).to_ascii_lowercase();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Err(ParseError::Html);
    }
    if depth(body) > MAX_DEPTH {
        return Err(ParseError::Depth);
    }
    feedrs::read(&body[start..], context)
}

fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for (at, byte) in body.iter().enumerate() {
        if *byte == b'<' {
            match body.get(at + 1) {
                Some(b'/') => depth = depth.saturating_sub(1),
                Some(next) if next.is_ascii_alphabetic() => {
                    let end = body[at..].iter().position(|b| *b == b'>').map_or(body.len(), |end| at + end);
                    if body[end - 1] != b'/' {
                        depth += 1;
                        deepest = deepest.max(depth);
                    }
                }
                _ => {}
            }
        }
    }
    deepest
}
