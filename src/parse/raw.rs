//! What a document says, before it is cleaned.

use std::borrow::Cow;

use crate::domain::Timestamp;
use crate::domain::feed::PublisherHints;

/// What a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TextKind {
    /// HTML, or a text of which nothing is said: feeds mean HTML then.
    #[default]
    Html,
    /// Declared to be plain.
    Plain,
}

/// A text as the document has it, decoded once (as XML or JSON demands) and no further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawText<'a> {
    pub(super) source: Cow<'a, str>,
    pub(super) kind: TextKind,
}

/// A feed as its document has it.
#[derive(Clone, Debug, Default)]
pub(super) struct RawFeed<'a> {
    pub(super) title: Option<RawText<'a>>,
    /// Absolute where it could be made so.
    pub(super) site_url: Option<String>,
    pub(super) lang: Option<Cow<'a, str>>,
    pub(super) hints: PublisherHints,
    pub(super) entries: Vec<RawEntry<'a>>,
}

/// An entry as its document has it.
#[derive(Clone, Debug, Default)]
pub(super) struct RawEntry<'a> {
    pub(super) guid: Option<Cow<'a, str>>,
    pub(super) title: Option<RawText<'a>>,
    /// An absolute http or https address.
    pub(super) link: Option<String>,
    pub(super) summary: Option<RawText<'a>>,
    pub(super) content: Option<RawText<'a>>,
    pub(super) authors: Vec<Cow<'a, str>>,
    pub(super) categories: Vec<Cow<'a, str>>,
    pub(super) published_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) lang: Option<Cow<'a, str>>,
    pub(super) broken_off: bool,
}

impl RawEntry<'_> {
    /// Whether it has the guid, the link or the title of another.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let same = |one: Option<&str>, two: Option<&str>| one.is_some() && one == two;
        let title = |entry: &Self| entry.title.as_ref().map(|title| title.source.trim().to_owned());
        same(self.guid.as_deref(), other.guid.as_deref())
            || same(self.link.as_deref(), other.link.as_deref())
            || same(title(self).as_deref(), title(other).as_deref())
    }
}
