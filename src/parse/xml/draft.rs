//! An entry in the making.

use std::borrow::Cow;

use url::Url;

use crate::domain::Timestamp;
use crate::parse::markup::Tag;
use crate::parse::raw::{RawEntry, RawText};
use crate::parse::{date, link};

/// The best page address seen so far.
#[derive(Debug, Default)]
pub(super) struct PageLink {
    url: Option<String>,
    rank: u8,
}

impl PageLink {
    /// Takes an address if none of at least this rank is there yet, or, with `last`, none of a higher one.
    pub(super) fn offer(&mut self, url: Option<String>, rank: u8, last: bool) {
        if url.is_some() && (self.url.is_none() || rank > self.rank || last && rank == self.rank) {
            self.url = url;
            self.rank = rank;
        }
    }

    pub(super) fn is_found(&self) -> bool {
        self.url.is_some()
    }

    pub(super) fn take(&mut self) -> Option<String> {
        self.url.take()
    }
}

/// What was read of an entry.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) guid: Option<Cow<'a, str>>,
    /// The guid that says it is the article's address; of several the first, as most readers do.
    pub(super) permalink: Option<Cow<'a, str>>,
    pub(super) about: Option<Cow<'a, str>>,
    pub(super) title: Option<RawText<'a>>,
    /// A title that serves where there is no other.
    pub(super) other_title: Option<RawText<'a>>,
    pub(super) link: PageLink,
    pub(super) summary: Option<RawText<'a>>,
    pub(super) content: Option<RawText<'a>>,
    /// A text that serves where there is no other.
    pub(super) other_text: Option<RawText<'a>>,
    pub(super) authors: Vec<Cow<'a, str>>,
    pub(super) categories: Vec<Cow<'a, str>>,
    pub(super) published: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
    pub(super) created: Option<Timestamp>,
    pub(super) date: Option<Timestamp>,
    pub(super) lang: Option<Cow<'a, str>>,
}

impl<'a> Draft<'a> {
    /// An entry as its tag begins it; CDF, the first of all formats, says link and date there.
    pub(super) fn new(tag: &Tag<'a>, base: Option<&Url>) -> Self {
        let about = tag.attributes().find(|(name, _)| name.rsplit(':').next() == Some("about"));
        Self {
            about: about.map(|(_, value)| htmlize::unescape_attribute(value)),
            lang: tag.attribute("xml:lang").map(Cow::Borrowed),
            link: PageLink { url: tag.attribute("href").and_then(|href| link::resolve(href, base)), rank: 0 },
            updated: tag.attribute("lastmod").and_then(date::parse),
            ..Self::default()
        }
    }

    /// Whether what is there of a broken off entry is enough to tell it and to know it again.
    pub(super) fn is_usable(&self) -> bool {
        self.title.is_some() && (self.guid.is_some() || self.link.is_found())
    }

    /// The entry.
    pub(super) fn into_entry(mut self) -> RawEntry<'a> {
        let guid = self.guid.or(self.about).filter(|guid| !guid.trim().is_empty());
        let permalink = self.permalink.and_then(|guid| link::resolve(&guid, None));
        let has_body =
            |text: &Option<RawText<'_>>| text.as_ref().is_some_and(|t| !t.source.trim().is_empty());
        let other = if has_body(&self.summary) || has_body(&self.content) { None } else { self.other_text };
        let has_title = has_body(&self.title);
        RawEntry {
            link: self.link.take().or(permalink),
            title: if has_title { self.title } else { self.other_title },
            summary: other.or(self.summary),
            content: self.content,
            authors: self.authors,
            categories: self.categories,
            published_at: self.published.or(self.date).or(if self.updated.is_none() {
                self.created
            } else {
                None
            }),
            updated_at: self.updated,
            lang: self.lang,
            broken_off: false,
            guid,
        }
    }
}
