//! The one place that knows feed-rs.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use feed_rs::model;
use feed_rs::parser::{Builder, ParseFeedError};
use url::Url;

use crate::domain::Timestamp;
use crate::domain::feed::PublisherHints;

use super::markup::{Markup, Token};
use super::raw::{RawEntry, RawFeed, RawText, TextKind};
use super::{FeedKind, ParseError, date, limits, link};

/// Has feed-rs read a document of UTF-8 without an XML declaration.
///
/// # Errors
/// When it is nested deeper than [`limits::DEPTH`], and when feed-rs refuses it or panics.
pub(super) fn read(document: &str, base: Option<&Url>) -> Result<(RawFeed<'static>, FeedKind), ParseError> {
    if is_too_deep(document) {
        return Err(ParseError::TooDeep);
    }
    // A parser is spoilt by an error inside an entry, so each document gets its own.
    let parser = Builder::new()
        .base_uri(base.map(Url::as_str))
        .id_generator(|_, _, _| String::new())
        .sanitize_content(false)
        .timestamp_parser(|text| date::parse(text).and_then(|at| at.to_string().parse().ok()))
        .build();
    let read = catch_unwind(AssertUnwindSafe(|| parser.parse(document.as_bytes())));
    match read {
        Ok(Ok(feed)) => {
            let kind = kind(&feed.feed_type);
            Ok((raw_feed(feed, base), kind))
        }
        Ok(Err(error)) => Err(refusal(&error)),
        Err(_) => Err(ParseError::Internal),
    }
}

/// Whether the recursion of feed-rs could overflow the stack, which nothing can catch.
fn is_too_deep(document: &str) -> bool {
    let mut depth = 0_usize;
    Markup::new(document).any(|token| {
        match token {
            Token::Open(tag) => depth += usize::from(!tag.empty),
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Text(_) | Token::Cdata(_) | Token::Doctype(_) | Token::Other => {}
        }
        depth > limits::DEPTH
    })
}

fn refusal(error: &ParseFeedError) -> ParseError {
    match error {
        ParseFeedError::JsonSerde(error) => ParseError::InvalidJson(error.to_string()),
        ParseFeedError::ParseError(_)
        | ParseFeedError::IoError(_)
        | ParseFeedError::JsonUnsupportedVersion(_)
        | ParseFeedError::XmlReader(_) => ParseError::Unreadable(error.to_string()),
    }
}

fn kind(kind: &model::FeedType) -> FeedKind {
    match kind {
        model::FeedType::Atom => FeedKind::Atom,
        model::FeedType::JSON => FeedKind::Json,
        model::FeedType::RSS0 | model::FeedType::RSS2 => FeedKind::Rss,
        model::FeedType::RSS1 => FeedKind::Rdf,
    }
}

fn raw_feed(feed: model::Feed, base: Option<&Url>) -> RawFeed<'static> {
    let ttl = feed.ttl.filter(|&minutes| minutes > 0);
    RawFeed {
        title: feed.title.map(text),
        site_url: link_of(&feed.links, base),
        lang: feed.language.map(Cow::Owned),
        hints: PublisherHints {
            min_interval: ttl.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
            ..PublisherHints::default()
        },
        entries: feed.entries.into_iter().map(|entry| raw_entry(entry, base)).collect(),
    }
}

fn raw_entry(entry: model::Entry, base: Option<&Url>) -> RawEntry<'static> {
    let permalink = || link::resolve(&entry.id, None);
    let link = link_of(&entry.links, base).or_else(permalink);
    let media_text = entry.media.into_iter().find_map(|media| media.description).map(text);
    let content = entry.content.and_then(|content| {
        let plain = content.content_type.subty() == "plain";
        let kind = if plain { TextKind::Plain } else { TextKind::Html };
        content.body.map(|body| RawText { source: Cow::Owned(body), kind })
    });
    RawEntry {
        guid: Some(entry.id).filter(|id| !id.is_empty()).map(Cow::Owned),
        title: entry.title.map(text),
        link,
        summary: entry.summary.map(text).or(if content.is_none() { media_text } else { None }),
        content,
        authors: entry.authors.into_iter().filter_map(|person| person.name).map(Cow::Owned).collect(),
        categories: entry.categories.into_iter().map(|c| Cow::Owned(c.label.unwrap_or(c.term))).collect(),
        published_at: entry.published.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        updated_at: entry.updated.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        lang: entry.language.map(Cow::Owned),
        broken_off: false,
    }
}

/// RSS gives its texts as plain ones though they hold HTML, so only what is read as Atom can be plain; and
/// that is resolved where the title is cleaned.
fn text(text: model::Text) -> RawText<'static> {
    RawText { source: Cow::Owned(text.content), kind: TextKind::Html }
}

/// The page of an entry or feed: the first link without a relation or with `alternate`, preferring HTML.
fn link_of(links: &[model::Link], base: Option<&Url>) -> Option<String> {
    let page = |link: &&model::Link| {
        link.target.is_none() && link.rel.as_deref().is_none_or(|rel| rel.eq_ignore_ascii_case("alternate"))
    };
    let html = |link: &&model::Link| link.media_type.as_deref().is_none_or(|kind| kind.contains("html"));
    let found = links.iter().filter(page).find(html).or_else(|| links.iter().find(page))?;
    link::resolve(&found.href, base)
}
