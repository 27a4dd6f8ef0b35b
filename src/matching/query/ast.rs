//! A query as a tree.

use std::ops::Range;

/// A part of a query and where it stands, in code points.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Where it stands in the query.
    pub span: Range<usize>,
}

/// What a part of a query is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// At least one of them.
    Or(Vec<Expr>),
    /// All of them, anywhere in the article.
    And(Vec<Expr>),
    /// Not in the article at all.
    Not(Box<Expr>),
    /// Both, close to each other.
    Near {
        /// How close.
        reach: Reach,
        /// Whether the left one has to come first.
        ordered: bool,
        /// One side.
        left: Box<Expr>,
        /// The other.
        right: Box<Expr>,
    },
    /// Places of the left one that no place of the right one covers.
    NotIn(Box<Expr>, Box<Expr>),
    /// Only in one part of the article.
    In(Part, Box<Expr>),
    /// A count of places or alternatives.
    Count(Count, u32, Box<Expr>),
    /// A word, a phrase or a pattern.
    Term(Term),
    /// A named set of terms.
    Concept(String),
    /// Stands where something was wrong; only in trees that come with an error.
    Broken,
}

/// How close two sides have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// With at most so many words between their nearest edges.
    Words(u32),
    /// In one sentence.
    Sentence,
    /// In one paragraph.
    Paragraph,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// Distinct alternatives of a group.
    AtLeast,
    /// Places.
    Mentions,
    /// Places within the first words of the body.
    First,
}

impl Count {
    /// Its operator.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AtLeast => "ATLEAST",
            Self::Mentions => "MENTIONS",
            Self::First => "FIRST",
        }
    }
}

/// A part of the article, or something known about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The headline.
    Title,
    /// The first 40 words of the body.
    Lead,
    /// The whole plain text, lead included.
    Body,
    /// Headline and body; what a query without a field looks at.
    Text,
    /// The names of the authors.
    Author,
    /// The article's address.
    Url,
    /// The host of the article's address, or a domain above it.
    Site,
    /// The id of a feed it was seen in.
    Feed,
    /// A tag of such a feed.
    Tag,
    /// The article's language.
    Lang,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Title,
        Self::Lead,
        Self::Body,
        Self::Text,
        Self::Author,
        Self::Url,
        Self::Site,
        Self::Feed,
        Self::Tag,
        Self::Lang,
    ];

    /// Its name before the colon.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Lead => "lead",
            Self::Body => "body",
            Self::Text => "text",
            Self::Author => "author",
            Self::Url => "url",
            Self::Site => "site",
            Self::Feed => "feed",
            Self::Tag => "tag",
            Self::Lang => "lang",
        }
    }

    /// Whether it is running text, with positions.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Title | Self::Lead | Self::Body | Self::Text)
    }
}

/// How the words of a term are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By word form: case, accents and endings do not matter.
    #[default]
    Forms,
    /// `=`: case and accents do not matter, endings do.
    Folded,
    /// `^`: exactly as written.
    Exact,
}

/// A word, a phrase or a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// How its words are compared.
    pub mode: Mode,
    /// What it says.
    pub body: Body,
    /// How much it weighs in a score; 1 unless written.
    pub boost: f32,
}

/// What a term says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// One word as written, wildcards included.
    Word(String),
    /// Words in a row.
    Phrase {
        /// What stood between the quotes.
        text: String,
        /// Any order, and at most so many other words among them.
        slop: Option<u32>,
    },
    /// A regular expression on one word.
    Regex(String),
}
