//! Why a document gives no entries.

use super::limits;

/// Why a document was refused; the text is one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No bytes, or only white space.
    #[error("the answer is empty")]
    Empty,
    /// More bytes than [`limits::DOCUMENT_BYTES`].
    #[error("the document has {0} bytes, more than the {limit} that are read", limit = limits::DOCUMENT_BYTES)]
    TooLarge(usize),
    /// A web page.
    #[error("this is an HTML page, not a feed; `wirewatch feeds discover URL` finds the feed behind a page")]
    Html,
    /// Text that is neither XML nor JSON.
    #[error("this is neither XML nor JSON, so it is no feed")]
    NotAFeed,
    /// XML with another root than a feed's.
    #[error("this is XML, but `<{0}>` is not a feed")]
    UnknownRoot(String),
    /// XML without any element.
    #[error("this is XML without any element")]
    NoRoot,
    /// Elements nested deeper than [`limits::DEPTH`].
    #[error("the document is nested deeper than {limit} elements", limit = limits::DEPTH)]
    TooDeep,
    /// A document type that multiplies text.
    #[error("the document declares entities that expand without bound")]
    EntityBomb,
    /// JSON that breaks off or breaks its grammar.
    #[error("this is not valid JSON: {0}")]
    InvalidJson(String),
    /// JSON without the members of a feed.
    #[error("this is JSON, but not a JSON Feed: it has no `items`")]
    NotAJsonFeed,
    /// The parser gave up; the text is its own.
    #[error("the feed cannot be read: {0}")]
    Unreadable(String),
    /// The parser broke down. That is a fault of wirewatch, which the text should say.
    #[error("reading this feed failed inside wirewatch; please report the feed's address")]
    Internal,
}

impl ParseError {
    /// The word for it in metrics and logs; it never changes.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge(_) => "too_large",
            Self::Html => "html",
            Self::NotAFeed => "not_a_feed",
            Self::UnknownRoot(_) => "unknown_root",
            Self::NoRoot => "no_root",
            Self::TooDeep => "too_deep",
            Self::EntityBomb => "entity_bomb",
            Self::InvalidJson(_) => "invalid_json",
            Self::NotAJsonFeed => "not_a_json_feed",
            Self::Unreadable(_) => "unreadable",
            Self::Internal => "internal",
        }
    }
}
