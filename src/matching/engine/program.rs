//! Topics as programs over words.

use std::ops::Range;

use super::words::WordId;
use crate::domain::{ConceptId, TopicId};
use crate::matching::query::ast::{Part, Reach};

/// A step of a program.
pub(crate) type NodeId = u32;

/// What a step does. Lists are ranges of [`Program::children`].
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Leaf(u32),
    And(Range<u32>),
    Or(Range<u32>),
    Not(NodeId),
    Near { reach: Reach, ordered: bool, left: NodeId, right: NodeId },
    NotIn(NodeId, NodeId),
    AtLeast { number: u32, of: Range<u32> },
    Mentions { number: u32, of: NodeId },
    First { words: u32, of: NodeId },
    In(Part, NodeId),
    About(u32),
    Concept(u32, NodeId),
}

/// A term: words in a row, in one of several spellings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// Start in [`Program::sequences`]: for each spelling its length, then its words.
    pub(crate) sequences: u32,
    /// How many spellings.
    pub(crate) count: u16,
    /// Any order, with at most so many other words among them.
    pub(crate) slop: Option<u8>,
    /// The term as the user wrote it, in [`Program::terms`].
    pub(crate) term: (u32, u16),
}

/// A condition on what is known about an article.
#[derive(Clone, Debug)]
pub(crate) enum About {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    /// Words in a row in the text of the part.
    Words(Part, Vec<AboutWord>),
    /// The whole value, with wildcards.
    Value(Part, String),
}

/// A word of such a condition.
#[derive(Clone, Debug)]
pub(crate) struct AboutWord {
    /// Folded, or as written.
    pub(crate) text: String,
    /// Whether as written.
    pub(crate) exact: bool,
}

/// A topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) root: NodeId,
    /// The facets and the least score, for scored topics.
    pub(crate) scored: Option<Scored>,
}

/// What a scored topic asks for.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    pub(crate) facets: Vec<(NodeId, String)>,
    pub(crate) threshold: u8,
}

/// All topics, compiled.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) children: Vec<NodeId>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) sequences: Vec<WordId>,
    pub(crate) terms: String,
    /// Leaves that do not weigh 1.
    pub(crate) boosts: rustc_hash::FxHashMap<u32, f32>,
    pub(crate) abouts: Vec<About>,
    pub(crate) concepts: Vec<ConceptId>,
    pub(crate) topics: Vec<Topic>,
}

impl Program {
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn list(&self, range: &Range<u32>) -> &[NodeId] {
        &self.children[range.start as usize..range.end as usize]
    }

    pub(crate) fn term(&self, leaf: &Leaf) -> &str {
        let start = leaf.term.0 as usize;
        &self.terms[start..start + usize::from(leaf.term.1)]
    }

    /// The spellings of a leaf, each a row of words.
    pub(crate) fn spellings(&self, leaf: &Leaf) -> impl Iterator<Item = &[WordId]> + '_ {
        let mut at = leaf.sequences as usize;
        (0..leaf.count).map(move |_| {
            let length = self.sequences[at] as usize;
            let words = &self.sequences[at + 1..=at + length];
            at += length + 1;
            words
        })
    }
}
