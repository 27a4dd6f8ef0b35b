//! What an element's name means, whatever prefix, case or misspelt namespace it comes with.

use crate::parse::markup::Tag;

/// The most namespace declarations in force at a time; further ones are passed over.
const DECLARATIONS: usize = 128;

/// The vocabularies that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vocabulary {
    /// RSS of any version and Atom of any version; where no prefix says otherwise, everything.
    Core,
    Content,
    Dc,
    DcTerms,
    Itunes,
    Media,
    Rdf,
    Syndication,
    Xhtml,
    /// Declared, and none of these.
    Other,
}

/// What an element is to a reader of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `rss`, `rdf:RDF`, `feed`.
    Root,
    /// `channel`.
    Channel,
    /// `item`, `entry`.
    Item,
    Text(Text),
    Value(Value),
    Link,
    Author,
    Category,
    /// Not of interest with all that is inside: `image`, `source`, …
    Ignored,
    /// Not of interest; what is inside may be.
    Unknown,
}

/// What a text serves as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Title,
    /// A title where there is no other.
    Subtitle,
    /// RSS `description`, Atom `summary`.
    Summary,
    /// Atom `content`, `content:encoded`, `xhtml:body`.
    Content,
    /// A text where there is no other.
    Fallback,
}

/// What a single value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// RSS `guid`, which may say that it is no link.
    Guid,
    /// Atom `id`.
    Id,
    Published,
    Updated,
    Created,
    /// `dc:date`, which says none of these.
    Date,
    Language,
    Ttl,
    Hour,
    Day,
    Period,
    Frequency,
}

impl Value {
    /// Whether it is a date of an entry.
    pub(super) const fn is_date(self) -> bool {
        matches!(self, Self::Published | Self::Updated | Self::Created | Self::Date)
    }
}

impl Element {
    /// Whether a text never reaches over its start or end.
    pub(super) const fn is_structure(self) -> bool {
        matches!(self, Self::Root | Self::Channel | Self::Item)
    }

    /// Whether its content is kept or dropped as a whole.
    pub(super) const fn is_field(self) -> bool {
        !self.is_structure() && !matches!(self, Self::Unknown)
    }
}

/// The prefixes in force.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    declared: Vec<(&'a str, Vocabulary)>,
    /// Whether a prefix was used without declaration, or a namespace is none of the known ones where one must be.
    pub(super) odd: bool,
}

impl<'a> Names<'a> {
    /// How many declarations are in force.
    pub(super) fn mark(&self) -> usize {
        self.declared.len()
    }

    /// Forgets the declarations since `mark`.
    pub(super) fn forget(&mut self, mark: usize) {
        self.declared.truncate(mark);
    }

    /// Takes the declarations of a tag.
    pub(super) fn declare(&mut self, tag: &Tag<'a>) {
        if tag.is_bare() {
            return;
        }
        for (name, uri) in tag.attributes() {
            let Some(rest) = name.strip_prefix("xmlns") else { continue };
            let prefix = match rest.strip_prefix(':') {
                Some(prefix) => prefix,
                None if rest.is_empty() => "",
                None => continue,
            };
            if self.declared.len() < DECLARATIONS {
                let known = vocabulary(uri);
                // A default namespace that nobody knows is a misspelt one of a feed.
                let meant =
                    known.unwrap_or(if prefix.is_empty() { Vocabulary::Core } else { Vocabulary::Other });
                self.odd |= prefix.is_empty() && known.is_none();
                self.declared.push((prefix, meant));
            }
        }
    }

    /// What an element of this name is.
    pub(super) fn element(&mut self, name: &str) -> Element {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let declared =
            self.declared.iter().rev().find(|(known, _)| *known == prefix).map(|(_, meant)| *meant);
        let vocabulary = match declared {
            Some(meant) => meant,
            None if prefix.is_empty() => Vocabulary::Core,
            None => match usual(prefix) {
                Some(meant) => {
                    self.odd = true;
                    meant
                }
                None => Vocabulary::Other,
            },
        };
        element(vocabulary, local)
    }
}

/// What a namespace stands for. Schemes, trailing slashes and versions are often wrong, the middle is not.
fn vocabulary(uri: &str) -> Option<Vocabulary> {
    let uri = uri.trim().to_ascii_lowercase();
    let has = |part: &str| uri.contains(part);
    let modules = [
        ("purl.org/dc/elements", Vocabulary::Dc),
        ("purl.org/metadata/dublin_core", Vocabulary::Dc),
        ("purl.org/dc/terms", Vocabulary::DcTerms),
        ("modules/content", Vocabulary::Content),
        ("modules/syndication", Vocabulary::Syndication),
        ("search.yahoo.com/mrss", Vocabulary::Media),
        ("itunes.com/dtds", Vocabulary::Itunes),
        ("rdf-syntax-ns", Vocabulary::Rdf),
        ("1999/xhtml", Vocabulary::Xhtml),
        ("rss/1.0/modules", Vocabulary::Other),
    ];
    if let Some((_, meant)) = modules.iter().find(|(part, _)| has(part)) {
        return Some(*meant);
    }
    let core = uri.is_empty()
        || has("w3.org/2005/atom")
        || has("purl.org/atom")
        || has("purl.org/rss/1.0")
        || has("purl.org/net/rss")
        || has("netscape.com")
        || has("backend.userland.com")
        || has("harvard.edu")
        || has("rssnamespace.org");
    core.then_some(Vocabulary::Core)
}

/// What a prefix stands for that was not declared.
fn usual(prefix: &str) -> Option<Vocabulary> {
    Some(match prefix.to_ascii_lowercase().as_str() {
        "atom" | "rss" | "a10" | "atom10" | "atom03" => Vocabulary::Core,
        "content" => Vocabulary::Content,
        "dc" => Vocabulary::Dc,
        "dcterms" => Vocabulary::DcTerms,
        "itunes" => Vocabulary::Itunes,
        "media" => Vocabulary::Media,
        "rdf" => Vocabulary::Rdf,
        "sy" | "syn" => Vocabulary::Syndication,
        "xhtml" => Vocabulary::Xhtml,
        _ => return None,
    })
}

/// The longest local name that means anything.
const LONGEST: usize = 16;

fn element(vocabulary: Vocabulary, local: &str) -> Element {
    let mut buffer = [0; LONGEST];
    let Some(lower) = buffer.get_mut(..local.len()) else { return Element::Unknown };
    lower.copy_from_slice(local.as_bytes());
    lower.make_ascii_lowercase();
    match vocabulary {
        Vocabulary::Core => core(lower),
        Vocabulary::Dc | Vocabulary::DcTerms => dublin_core(lower),
        Vocabulary::Rdf if lower == b"rdf" => Element::Root,
        Vocabulary::Content if matches!(&*lower, b"encoded") => Element::Text(Text::Content),
        Vocabulary::Xhtml if lower == b"body" => Element::Text(Text::Content),
        Vocabulary::Media | Vocabulary::Itunes => media(vocabulary, lower),
        Vocabulary::Syndication if lower == b"updateperiod" => Element::Value(Value::Period),
        Vocabulary::Syndication if lower == b"updatefrequency" => Element::Value(Value::Frequency),
        Vocabulary::Content
        | Vocabulary::Rdf
        | Vocabulary::Syndication
        | Vocabulary::Xhtml
        | Vocabulary::Other => Element::Unknown,
    }
}

fn core(lower: &[u8]) -> Element {
    match lower {
        b"rss" | b"rdf" | b"feed" => Element::Root,
        b"channel" => Element::Channel,
        b"item" | b"entry" => Element::Item,
        b"title" => Element::Text(Text::Title),
        b"link" => Element::Link,
        b"guid" => Element::Value(Value::Guid),
        b"id" => Element::Value(Value::Id),
        b"description" | b"summary" | b"abstract" => Element::Text(Text::Summary),
        b"content" | b"body" | b"fullitem" => Element::Text(Text::Content),
        b"pubdate" | b"published" | b"issued" => Element::Value(Value::Published),
        b"updated" | b"modified" => Element::Value(Value::Updated),
        b"created" => Element::Value(Value::Created),
        b"date" => Element::Value(Value::Date),
        b"author" | b"creator" => Element::Author,
        b"category" => Element::Category,
        b"language" => Element::Value(Value::Language),
        b"ttl" => Element::Value(Value::Ttl),
        b"hour" => Element::Value(Value::Hour),
        b"day" => Element::Value(Value::Day),
        // Not `enclosure` and `cloud`: they are empty, but are written without an end, too; media:title may be inside.
        b"image" | b"textinput" | b"source" | b"contributor" | b"managingeditor" | b"webmaster"
        | b"generator" | b"subtitle" | b"tagline" | b"copyright" | b"rights" | b"info" | b"comments" => {
            Element::Ignored
        }
        _ => Element::Unknown,
    }
}

fn dublin_core(lower: &[u8]) -> Element {
    match lower {
        b"title" => Element::Text(Text::Title),
        b"description" => Element::Text(Text::Summary),
        b"date" => Element::Value(Value::Date),
        b"issued" => Element::Value(Value::Published),
        b"modified" => Element::Value(Value::Updated),
        b"created" => Element::Value(Value::Created),
        b"creator" | b"author" => Element::Author,
        b"subject" => Element::Category,
        b"language" => Element::Value(Value::Language),
        _ => Element::Unknown,
    }
}

fn media(vocabulary: Vocabulary, lower: &[u8]) -> Element {
    match (vocabulary, lower) {
        (_, b"title") => Element::Text(Text::Subtitle),
        (Vocabulary::Media, b"description") | (Vocabulary::Itunes, b"summary") => {
            Element::Text(Text::Fallback)
        }
        (Vocabulary::Itunes, b"author") => Element::Author,
        _ => Element::Unknown,
    }
}
