//! The bounds of parsing. Real feeds stay far below each; hostile ones stop here.

/// The most bytes of a document. Twice the default of `fetch.max_body`, so that the fetcher's bound speaks first.
pub const DOCUMENT_BYTES: usize = 64 << 20;

/// The deepest nesting of elements, those inside texts not counted. Real feeds stay below ten.
pub const DEPTH: usize = 256;

/// The most end tags without a start that are looked up among all open elements.
///
/// Further ones are looked up among the innermost [`STRAY_DEPTH`]. Without that, a document of nothing else would cost
/// [`DEPTH`] times as much as others.
pub const STRAY_TAGS: usize = 10_000;
/// See [`STRAY_TAGS`].
pub const STRAY_DEPTH: usize = 8;

/// The most entries taken from one document; the first ones. The largest archive feed seen has 1,046.
pub const ENTRIES: usize = 10_000;

/// The most bytes of a title.
pub const TITLE_BYTES: usize = 4 << 10;

/// The most bytes of a summary or content as plain text: a long book.
pub const TEXT_BYTES: usize = 2 << 20;

/// The most bytes of a guid; longer ones are cut, and identify by their beginning.
pub const GUID_BYTES: usize = 4 << 10;

/// The most bytes of a link; longer ones are dropped. Browsers stop at 64 KiB and servers at 8 KiB.
pub const LINK_BYTES: usize = 8 << 10;

/// The most authors, and the most categories, of an entry.
pub const NAMES: usize = 64;

/// The most bytes of an author's name or of a category.
pub const NAME_BYTES: usize = 256;

/// The most entities a document type may declare.
pub const ENTITIES: usize = 256;

/// The most bytes all expansions of declared entities may add to a document.
pub const EXPANSION_BYTES: usize = 1 << 20;

/// The most values kept of a JSON document: those of [`ENTRIES`] entries with sixty members each.
pub const JSON_VALUES: usize = 600_000;

/// The most feeds [`discover`](super::discover()) offers for one page.
pub const DISCOVERED: usize = 64;
