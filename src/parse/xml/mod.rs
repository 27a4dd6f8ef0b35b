//! The reader of RSS and Atom, whole or broken.
//!
//! It takes a document for what it means rather than for what it is: no tag needs its end, no prefix its
//! declaration, no element its right place. It never recurses, passes every byte a bounded number of times
//! and borrows from the document where it can. What it had to overlook is noted as a [`Repair`].

mod capture;
mod draft;
mod entities;
mod fields;
mod names;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::markup::{Markup, Tag, Token};
use super::raw::{RawEntry, RawFeed};
use super::repair::{Repair, Repairs};
use super::{FeedKind, ParseError, limits, link};

use draft::{Draft, PageLink};
use entities::Entities;
use names::{Element, Names};

/// The longest that `sy:updatePeriod` is heeded.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Versions that were ever published.
const VERSIONS: &[&str] = &["0.90", "0.91", "0.92", "0.93", "0.94", "1.0", "2.0", "2.0.1"];

/// Reads a document of characters; `base` is where it came from.
///
/// # Errors
/// When there is no feed in it, or it exceeds a bound that cannot be met by cutting.
pub(super) fn read<'a>(
    document: &'a str,
    base: Option<&Url>,
    repairs: &mut Repairs,
) -> Result<(RawFeed<'a>, FeedKind), ParseError> {
    let mut reader = Reader::new(document, base, repairs);
    while let Some(token) = reader.markup.next() {
        match token {
            Token::Open(tag) => reader.open(&tag)?,
            Token::Close(name) => reader.close(name),
            Token::Doctype(text) => {
                reader.html |= text
                    .get(7..)
                    .is_some_and(|rest| rest.trim_start().to_ascii_lowercase().starts_with("html"));
                reader.entities.declare(text)?;
            }
            Token::Text(_) | Token::Cdata(_) | Token::Other => {}
        }
        if reader.entities.exhausted {
            return Err(ParseError::EntityBomb);
        }
    }
    reader.finish()
}

/// An element that is open.
#[derive(Debug)]
struct Frame<'a> {
    name: &'a str,
    element: Element,
    /// How many namespace declarations there were before it.
    names: usize,
    /// What links inside are relative to, where `xml:base` changed it.
    base: Option<Arc<Url>>,
}

/// The state of reading.
struct Reader<'a, 'r> {
    markup: Markup<'a>,
    names: Names<'a>,
    entities: Entities<'a>,
    repairs: &'r mut Repairs,
    frames: Vec<Frame<'a>>,
    base: Option<Arc<Url>>,
    kind: Option<FeedKind>,
    first: Option<&'a str>,
    /// Whether the document says it is a page.
    html: bool,
    feed: RawFeed<'a>,
    site: PageLink,
    draft: Option<Draft<'a>>,
    /// How many end tags ended nothing.
    strays: usize,
    /// `sy:updatePeriod` and `sy:updateFrequency`.
    period: Option<Duration>,
    frequency: Option<u64>,
}

impl<'a, 'r> Reader<'a, 'r> {
    fn new(document: &'a str, base: Option<&Url>, repairs: &'r mut Repairs) -> Self {
        Self {
            markup: Markup::new(document),
            names: Names::default(),
            entities: Entities::default(),
            repairs,
            frames: Vec::new(),
            base: base.cloned().map(Arc::new),
            kind: None,
            first: None,
            html: false,
            feed: RawFeed::default(),
            site: PageLink::default(),
            draft: None,
            strays: 0,
            period: None,
            frequency: None,
        }
    }

    fn open(&mut self, tag: &Tag<'a>) -> Result<(), ParseError> {
        let names = self.names.mark();
        self.names.declare(tag);
        let element = self.names.element(tag.name);
        self.root(tag, element);
        if self.kind.is_some() && element.is_field() {
            self.field(element, tag);
            self.names.forget(names);
            return Ok(());
        }
        if element == Element::Item && self.kind.is_some() {
            self.begin_item(tag);
        }
        if tag.empty {
            self.end(element);
            self.names.forget(names);
            return Ok(());
        }
        if self.frames.len() >= limits::DEPTH {
            if self.kind.is_some() {
                return Err(ParseError::TooDeep);
            }
            // Of a page, which ends few of its elements, none counts for a feed further down.
            self.pop_to(0);
        }
        let base = self.base_of(tag).or_else(|| self.base_of_channel(tag, element));
        self.frames.push(Frame { name: tag.name, element, names, base });
        Ok(())
    }

    /// Learns from the first elements what kind of document it is.
    fn root(&mut self, tag: &Tag<'a>, element: Element) {
        self.first.get_or_insert(tag.name);
        if self.kind.is_some() || !element.is_structure() {
            return;
        }
        let local = tag.name.rsplit(':').next().unwrap_or(tag.name);
        let is = |name: &str| local.eq_ignore_ascii_case(name);
        let kind = if is("feed") || is("entry") {
            FeedKind::Atom
        } else if is("rdf") {
            FeedKind::Rdf
        } else {
            FeedKind::Rss
        };
        self.kind = Some(kind);
        self.repairs.add_if(!self.frames.is_empty() || element != Element::Root, Repair::EmbeddedFeed);
        if kind == FeedKind::Rss && element == Element::Root {
            let version = tag.attribute("version").map(str::trim);
            self.repairs.add_if(!version.is_some_and(|v| VERSIONS.contains(&v)), Repair::RootVersion);
            let odd_case = tag.name != "rss" && tag.name.eq_ignore_ascii_case("rss");
            self.repairs.add_if(odd_case, Repair::ElementCase);
        }
        self.feed.lang = tag.attribute("xml:lang").map(Cow::Borrowed);
    }

    fn begin_item(&mut self, tag: &Tag<'a>) {
        if self.draft.is_some() {
            // An item inside an item: the first was never ended.
            self.repairs.add(Repair::MismatchedTags);
            let at = self.frames.iter().rposition(|frame| frame.element == Element::Item);
            self.pop_to(at.unwrap_or(self.frames.len()));
        }
        let inside = self.frames.last().map(|frame| frame.element);
        let rss = self.kind == Some(FeedKind::Rss);
        self.repairs.add_if(rss && inside == Some(Element::Root), Repair::MisplacedEntry);
        let base = self.base_of(tag);
        self.draft = Some(Draft::new(tag, base.as_deref().or_else(|| self.current_base())));
    }

    fn close(&mut self, name: &'a str) {
        let same = |frame: &Frame<'_>| frame.name == name;
        let alike = |frame: &Frame<'_>| frame.name.eq_ignore_ascii_case(name);
        // Where end tags end nothing again and again, they are looked up among the innermost elements only.
        let depth = if self.strays < limits::STRAY_TAGS { limits::DEPTH } else { limits::STRAY_DEPTH };
        let hidden = self.frames.len().saturating_sub(depth);
        let frames = &self.frames[hidden..];
        let found = frames.iter().rposition(same).or_else(|| frames.iter().rposition(alike));
        // Nothing inside an entry ends what is around it, but the structure itself.
        let ends = |at: &usize| {
            frames[*at].element.is_structure()
                || !frames[at + 1..].iter().any(|frame| frame.element.is_structure())
        };
        let Some(at) = found.filter(ends).map(|at| hidden + at) else {
            self.strays += 1;
            self.repairs.add_if(self.kind.is_some(), Repair::MismatchedTags);
            return;
        };
        self.repairs.add_if(self.kind.is_some() && at + 1 < self.frames.len(), Repair::MismatchedTags);
        self.pop_to(at);
    }

    /// Ends the frames from `at` on.
    fn pop_to(&mut self, at: usize) {
        while self.frames.len() > at {
            if let Some(frame) = self.frames.pop() {
                self.end(frame.element);
                self.names.forget(frame.names);
            }
        }
    }

    fn end(&mut self, element: Element) {
        if element != Element::Item {
            return;
        }
        if let Some(draft) = self.draft.take() {
            self.keep(draft.into_entry());
        }
    }

    fn keep(&mut self, entry: RawEntry<'a>) {
        if self.feed.entries.len() >= limits::ENTRIES {
            self.repairs.add(Repair::Cut);
            return;
        }
        self.feed.entries.push(entry);
    }

    fn finish(mut self) -> Result<(RawFeed<'a>, FeedKind), ParseError> {
        let page = self.html || self.first.is_some_and(|name| name.eq_ignore_ascii_case("html"));
        let Some(kind) = self.kind else {
            return Err(match self.first {
                _ if page => ParseError::Html,
                Some(name) if is_name(name) => ParseError::UnknownRoot(name.chars().take(64).collect()),
                Some(_) => ParseError::NotAFeed,
                None => ParseError::NoRoot,
            });
        };
        if self.frames.iter().any(|frame| frame.element.is_structure()) {
            self.repairs.add(Repair::Truncated);
        }
        if let Some(draft) = self.draft.take().filter(Draft::is_usable) {
            let half = RawEntry { broken_off: true, ..draft.into_entry() };
            // What is listed whole, too, would be another article by the half of it.
            if !self.feed.entries.iter().any(|whole| whole.is_of(&half)) {
                self.keep(half);
            }
        }
        if page && self.feed.entries.is_empty() {
            return Err(ParseError::Html);
        }
        self.repairs.add_if(self.names.odd, Repair::Namespace);
        self.feed.site_url = self.site.take();
        let times = u32::try_from(self.frequency.unwrap_or(1)).unwrap_or(u32::MAX);
        // A wish, not a bound: it never holds polling back for longer than a day.
        let wish = self.period.map(|period| (period / times).min(DAY));
        self.feed.hints.min_interval = self.feed.hints.min_interval.max(wish);
        Ok((self.feed, kind))
    }

    /// The base that `xml:base` of a tag sets, where it does.
    fn base_of(&mut self, tag: &Tag<'a>) -> Option<Arc<Url>> {
        let href = tag.attribute("xml:base").filter(|href| href.len() <= limits::LINK_BYTES)?;
        let href = self.entities.decode(href, self.repairs);
        let url = match self.current_base() {
            Some(base) => base.join(href.trim()),
            None => Url::parse(href.trim()),
        };
        url.ok().filter(link::is_usable).map(Arc::new)
    }

    /// The base that CDF, the first of all formats, sets for a whole channel.
    fn base_of_channel(&self, tag: &Tag<'a>, element: Element) -> Option<Arc<Url>> {
        let href = tag.attribute("base").filter(|_| element == Element::Channel)?;
        link::resolve_url(href, self.current_base()).map(Arc::new)
    }

    /// Whether the element being read is a child of the entry, not of something in it.
    fn is_child_of_item(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.element == Element::Item)
    }

    /// What `xml:base` of the elements around says.
    fn stated_base(&self) -> Option<&Url> {
        self.frames.iter().rev().find_map(|frame| frame.base.as_deref())
    }

    fn current_base(&self) -> Option<&Url> {
        self.stated_base().or(self.base.as_deref())
    }
}

/// Whether it looks like an element's name, which in pictures and archives is chance.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}
