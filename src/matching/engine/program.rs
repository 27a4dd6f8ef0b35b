//! Topics as programs over words.

use super::words::WordId;
use crate::domain::{ConceptId, TopicId};
use crate::matching::query::ast::{Part, Reach};

/// A step of a program: an entry of [`Program::nodes`], or a leaf with [`LEAF`] set.
pub(crate) type NodeId = u32;

/// Marks a step that is a leaf; the other bits are its index.
pub(crate) const LEAF: NodeId = 1 << 31;

/// A range of [`Program::children`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// No steps.
pub(crate) const NOTHING: List = List { start: 0, len: 0 };

/// What a step does. Kept small: there are several to a topic, and the rare kinds stand elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    /// Never stored: see [`LEAF`].
    Leaf(u32),
    And(List),
    Or(List),
    Not(NodeId),
    /// An entry of [`Program::nears`].
    Near(u32),
    NotIn(NodeId, NodeId),
    /// An entry of [`Program::groups`].
    AtLeast(u32),
    Mentions {
        number: u32,
        of: NodeId,
    },
    First {
        words: u32,
        of: NodeId,
    },
    In(Part, NodeId),
    About(u32),
    Concept(u32, NodeId),
}

/// Two steps that have to be found near each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near {
    pub(crate) reach: Reach,
    pub(crate) ordered: bool,
    pub(crate) left: NodeId,
    pub(crate) right: NodeId,
}

/// So many of the alternatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) number: u32,
    pub(crate) of: List,
}

/// A term: words in a row, in one of several spellings. Topics that ask for the same share it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// Start in [`Program::sequences`]: for each spelling its length, then its words. A term of one word in one
    /// spelling, which most are, has that word here.
    pub(crate) sequences: u32,
    /// How many spellings; [`SINGLE`] for one of one word.
    pub(crate) count: u16,
    /// Any order, with at most so many other words among them.
    pub(crate) slop: Option<u8>,
    /// The term as the user wrote it, in [`Program::terms`].
    pub(crate) term: (u32, u16),
}

/// Instead of a count of spellings: one, of one word.
pub(crate) const SINGLE: u16 = u16::MAX;

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
    pub(crate) scored: Option<Box<Scored>>,
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
    pub(crate) nears: Vec<Near>,
    pub(crate) groups: Vec<Group>,
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
    pub(crate) fn node(&self, id: NodeId) -> Node {
        if id & LEAF == 0 { self.nodes[id as usize] } else { Node::Leaf(id & !LEAF) }
    }

    pub(crate) fn list(&self, list: List) -> &[NodeId] {
        let start = list.start as usize;
        &self.children[start..start + list.len as usize]
    }

    pub(crate) fn near(&self, index: u32) -> Near {
        self.nears[index as usize]
    }

    pub(crate) fn group(&self, index: u32) -> Group {
        self.groups[index as usize]
    }

    pub(crate) fn leaf(&self, index: u32) -> &Leaf {
        &self.leaves[index as usize]
    }

    pub(crate) fn term(&self, leaf: &Leaf) -> &str {
        let start = leaf.term.0 as usize;
        &self.terms[start..start + usize::from(leaf.term.1)]
    }

    /// The spellings of a leaf, each a row of words.
    pub(crate) fn spellings<'p>(&'p self, leaf: &'p Leaf) -> impl Iterator<Item = &'p [WordId]> + 'p {
        let single = leaf.count == SINGLE;
        let mut at = leaf.sequences as usize;
        let rows = (0..if single { 0 } else { leaf.count }).map(move |_| {
            let length = self.sequences[at] as usize;
            let words = &self.sequences[at + 1..=at + length];
            at += length + 1;
            words
        });
        single.then(|| std::slice::from_ref(&leaf.sequences)).into_iter().chain(rows)
    }

    /// Every word a step asks for, also within exclusions.
    pub(crate) fn words(&self, id: NodeId, found: &mut impl FnMut(WordId)) {
        match self.node(id) {
            Node::Leaf(leaf) => {
                let leaf = self.leaf(leaf);
                if leaf.count == SINGLE {
                    found(leaf.sequences);
                } else {
                    self.spellings(leaf).flatten().for_each(|word| found(*word));
                }
            }
            Node::And(list) | Node::Or(list) => self.words_of(list, found),
            Node::AtLeast(group) => self.words_of(self.group(group).of, found),
            Node::Near(near) => {
                let near = self.near(near);
                self.words(near.left, found);
                self.words(near.right, found);
            }
            Node::NotIn(of, outer) => {
                self.words(of, found);
                self.words(outer, found);
            }
            Node::Not(of)
            | Node::Mentions { of, .. }
            | Node::First { of, .. }
            | Node::In(_, of)
            | Node::Concept(_, of) => self.words(of, found),
            Node::About(_) => {}
        }
    }

    fn words_of(&self, list: List, found: &mut impl FnMut(WordId)) {
        for child in self.list(list) {
            self.words(*child, found);
        }
    }

    /// Gives back what was kept for growing.
    pub(crate) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.children.shrink_to_fit();
        self.nears.shrink_to_fit();
        self.groups.shrink_to_fit();
        self.leaves.shrink_to_fit();
        self.sequences.shrink_to_fit();
        self.terms.shrink_to_fit();
        self.abouts.shrink_to_fit();
        self.topics.shrink_to_fit();
    }
}
