//! Entries as published, articles as stored, and the text that topics see.

use serde::Serialize;

use super::{ArticleKey, FeedId, IdentityHash, Timestamp};

/// An item as one feed published it, cleaned: all texts are plain text, decoded and tag-free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The publisher's own id, trimmed; absent when the item has none.
    pub guid: Option<String>,
    /// The headline, one line; empty when the item has none.
    pub title: String,
    /// The absolute http(s) address of the article.
    pub link: Option<String>,
    /// The short text (RSS `description`, Atom `summary`); paragraphs are separated by blank lines.
    pub summary: String,
    /// The long text (RSS `content:encoded`, Atom `content`); paragraphs are separated by blank lines.
    pub content: String,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// The publisher's categories.
    pub categories: Vec<String>,
    /// When the publisher says it came out.
    pub published_at: Option<Timestamp>,
    /// When the publisher says it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Its language as a BCP 47 tag, where the document says so.
    pub lang: Option<String>,
    /// Whether the document broke off inside it, so that its texts may be parts of themselves.
    pub broken_off: bool,
}

impl Entry {
    /// Whether there is nothing to read, to follow or to recognise it by.
    pub fn is_empty(&self) -> bool {
        let texts = [&self.title, &self.summary, &self.content];
        self.guid.is_none() && self.link.is_none() && texts.iter().all(|text| text.trim().is_empty())
    }

    /// The article's plain text: summary, blank line, content; content alone where it begins with the summary.
    pub fn text(&self) -> String {
        let (summary, content) = (self.summary.trim(), self.content.trim());
        if summary.is_empty() || content.starts_with(summary) {
            content.to_owned()
        } else if content.is_empty() {
            summary.to_owned()
        } else {
            [summary, content].join("\n\n")
        }
    }
}

/// The ways to recognise an entry, as the feed's document allows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryIdentity {
    /// The key a new article gets: from its link where that is unique in the document (so that two
    /// feeds agree on it), else from its guid, else from its content.
    pub key: ArticleKey,
    /// Feed and guid; absent when there is no guid or several entries share it.
    pub guid: Option<IdentityHash>,
    /// Canonical link; absent when there is none or several entries share it.
    pub link: Option<IdentityHash>,
    /// Title and text, folded.
    pub content: IdentityHash,
    /// Feed and headline, of an entry that has no more than that and a guid; absent where several entries have the
    /// same. It shows that a feed makes new guids for old entries; where it does not, it recognises nothing.
    pub headline: Option<IdentityHash>,
}

impl EntryIdentity {
    /// All of them, strongest first.
    pub fn all(&self) -> impl Iterator<Item = IdentityHash> + '_ {
        self.guid.into_iter().chain(self.link).chain([self.content]).chain(self.headline)
    }

    /// One hash of all of them: an entry that comes again with the same is listed unchanged.
    pub fn together(&self) -> IdentityHash {
        let mixed = [self.guid, self.link, Some(self.content)].into_iter().fold(0_u64, |mixed, hash| {
            // An odd factor for each place; what is absent counts as well.
            let own = hash.map_or(1, |hash| hash.as_i64().cast_unsigned());
            (mixed.rotate_left(23) ^ own).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        IdentityHash::from_i64(mixed.cast_signed())
    }

    /// Whether nothing but its headline says that this is `known`.
    pub fn is_only_headline_of(&self, known: &KnownArticle) -> bool {
        let is_known = |hash: &IdentityHash| known.identities.contains(hash);
        let others = [self.guid, self.link, Some(self.content)];
        self.headline.as_ref().is_some_and(is_known) && !others.iter().flatten().any(is_known)
    }
}

/// Why an article never alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// It stood in the feed at its first poll.
    Baseline,
    /// It was older than `alerts.max_age` when it was first seen.
    MaxAge,
}

impl Suppression {
    /// The word for it in the database and in listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::MaxAge => "max_age",
        }
    }

    /// Takes back what [`Self::as_str`] gave.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Baseline, Self::MaxAge].into_iter().find(|s| s.as_str() == word)
    }
}

/// What the database knows of an article that an entry was recognised as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownArticle {
    /// The article.
    pub key: ArticleKey,
    /// Hash of the content this feed showed last; another hash means a revision. Absent when this feed
    /// never listed it.
    pub content_here: Option<IdentityHash>,
    /// When it was first seen anywhere.
    pub first_seen_at: Timestamp,
    /// Why it never alerts, if so.
    pub suppressed: Option<Suppression>,
    /// The feeds it has been seen in.
    pub feeds: Vec<FeedId>,
    /// When this feed last listed it, see [`super::poll::LISTED_GRAIN`]; absent when it never did.
    pub last_listed_here: Option<Timestamp>,
    /// Topics that have alerted for it, or for another article with the text it has now.
    pub alerted: Vec<super::TopicId>,
    /// The identity hashes already stored for it.
    pub identities: Vec<IdentityHash>,
}

impl KnownArticle {
    /// What there is to know of an entry that its feed lists unchanged, and noted lately that it does: nothing is done
    /// about it, so nobody asks for more.
    pub fn listed_again(identity: &EntryIdentity, last_listed_at: Timestamp) -> Self {
        Self {
            key: identity.key,
            content_here: Some(identity.content),
            first_seen_at: last_listed_at,
            suppressed: None,
            feeds: Vec::new(),
            last_listed_here: Some(last_listed_at),
            alerted: Vec::new(),
            identities: identity.all().collect(),
        }
    }
}

/// An article of this installation, to learn from what is frequent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The headline.
    pub title: String,
    /// The beginning of its plain text.
    pub text: String,
    /// Its language, if known.
    pub lang: Option<String>,
}

impl Sample {
    /// What topics would be matched against.
    pub fn document(&self) -> Document<'_> {
        Document { title: &self.title, text: &self.text, lang: self.lang.as_deref(), ..Document::default() }
    }
}

/// What topics are matched against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Document<'a> {
    /// The headline.
    pub title: &'a str,
    /// The article's plain text, see [`Entry::text`].
    pub text: &'a str,
    /// BCP 47 tag from the document or the feed's configuration; absent means: detect.
    pub lang: Option<&'a str>,
    /// The article's address.
    pub url: Option<&'a str>,
    /// Names of the authors.
    pub authors: &'a [String],
    /// Ids of the feeds it was seen in.
    pub feeds: &'a [String],
    /// Tags of those feeds.
    pub tags: &'a [String],
    /// Byte ranges of `text` that repeat across the feed's articles, ascending; they neither match nor score.
    pub boilerplate: &'a [(usize, usize)],
}
