//! Which topics an article could match at all, from the words that stand in it.
//!
//! Every topic is brought to facets: sets of keys of which at least one has to be seen. A key is a word, or two
//! words in a row for phrases. One facet, the one estimated rarest, gives access to the topic; the others are
//! tested once it was seen. (The plan of Lucene Monitor's presearcher, without Lucene.)

use std::hash::{Hash as _, Hasher as _};

use frostem::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::program::{Node, NodeId, Program};
use super::words::{Compare, WordId, WordsBuilder};
use crate::matching::text::class::Script;
use crate::matching::text::fold::{fold, lower};
use crate::matching::text::token::script_of;

/// A facet with more keys than this is only tested where it gives access.
const MAX_TESTED: usize = 256;

/// What a hit on a word is good for; beside the id in the upper bits of a `u32`.
pub(crate) const FIRST: u32 = 1 << 31;
pub(crate) const SECOND: u32 = 1 << 30;
pub(crate) const KEY: u32 = 1 << 29;
pub(crate) const ACCESS: u32 = 1 << 28;
pub(crate) const WORD: u32 = ACCESS - 1;

/// Lists of numbers, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn new(lists: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        let mut starts = vec![0; lists + 1];
        for (list, _) in &pairs {
            starts[*list as usize + 1] += 1;
        }
        for at in 0..lists {
            starts[at + 1] += starts[at];
        }
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    /// How many lists there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(crate) fn get(&self, list: u32) -> &[u32] {
        let list = list as usize;
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

/// The way from words to topics.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// For each word what a hit on it is good for, see [`FIRST`] and the others.
    pub(crate) flags: Vec<u8>,
    /// The family of each word that is part of a pair, see [`family`].
    pub(crate) families: FxHashMap<WordId, u32>,
    /// Two families in a row to a range of `pairs`.
    pub(crate) rows: FxHashMap<(u32, u32), (u32, u32)>,
    /// Two words in a row and their key, with [`ACCESS`].
    pub(crate) pairs: Vec<Pair>,
    /// How many keys there are: all words, then the pairs.
    pub(crate) keys: u32,
    /// From a key to the facets it opens.
    pub(crate) facets_of: Lists,
    /// From a facet to the topics it gives access to.
    pub(crate) topics_of: Lists,
    /// From a facet to its keys.
    pub(crate) keys_of: Lists,
    /// From a topic to the other facets it needs.
    pub(crate) needs: Lists,
    /// Topics that any article may match.
    pub(crate) always: Vec<u32>,
}

/// Two words in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) first: WordId,
    pub(crate) second: WordId,
    pub(crate) key: u32,
}

/// Words that one word of an article often is all at once: troop, troops, trooping. Neighbours in an article are
/// looked up by family, of which a word has one or two, not by each word of a query it may be.
fn family(text: &str, compare: Compare, word: WordId) -> u32 {
    let patterned = matches!(compare, Compare::Glob | Compare::ExactGlob | Compare::Regex);
    if patterned {
        return word;
    }
    let folded = fold(&lower(text));
    let stem = match script_of(&folded) {
        Script::Latin => Stemmer::new(Algorithm::English).stem(&folded).into_owned(),
        Script::Cyrillic => Stemmer::new(Algorithm::Russian).stem(&folded).into_owned(),
        _ => folded,
    };
    let mut hasher = FxHasher::default();
    stem.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// A set of keys of which one has to be seen, and how often that is to be expected.
#[derive(Clone, Debug)]
struct Facet {
    keys: Vec<u32>,
    cost: f32,
}

/// Builds the index.
pub(crate) struct Planner<'p> {
    program: &'p Program,
    words: &'p WordsBuilder,
    pairs: FxHashMap<(WordId, WordId), u32>,
    word_count: u32,
    done: FxHashMap<NodeId, Option<Vec<Facet>>>,
    facets: FxHashMap<Vec<u32>, u32>,
}

impl<'p> Planner<'p> {
    pub(crate) fn new(program: &'p Program, words: &'p WordsBuilder, word_count: usize) -> Self {
        let word_count = u32::try_from(word_count).unwrap_or(u32::MAX);
        Self {
            program,
            words,
            pairs: FxHashMap::default(),
            word_count,
            done: FxHashMap::default(),
            facets: FxHashMap::default(),
        }
    }

    pub(crate) fn index(mut self) -> Index {
        let mut access = Vec::new();
        let mut needs = Vec::new();
        let mut always = Vec::new();
        for (number, topic) in (0_u32..).zip(&self.program.topics) {
            let mut facets = self.facets(topic.root).unwrap_or_default();
            facets.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            let Some(first) = facets.first() else {
                always.push(number);
                continue;
            };
            let first = self.facet(first.keys.clone());
            access.push((first, number));
            for facet in facets.into_iter().skip(1).filter(|facet| facet.keys.len() <= MAX_TESTED) {
                let facet = self.facet(facet.keys);
                if facet != first {
                    needs.push((number, facet));
                }
            }
        }
        self.finish(access, needs, always)
    }

    fn finish(self, access: Vec<(u32, u32)>, needs: Vec<(u32, u32)>, always: Vec<u32>) -> Index {
        let opening: FxHashSet<u32> = access.iter().map(|(facet, _)| *facet).collect();
        let keys = self.word_count + u32::try_from(self.pairs.len()).unwrap_or(0);
        let mut flags = vec![0_u32; self.word_count as usize];
        let mut opens = Vec::new();
        let mut members = Vec::new();
        let mut opening_keys = FxHashSet::default();
        for (all, facet) in &self.facets {
            for key in all {
                members.push((*facet, *key));
                if let Some(flag) = flags.get_mut(*key as usize) {
                    *flag |= KEY;
                }
                if opening.contains(facet) {
                    opens.push((*key, *facet));
                    opening_keys.insert(*key);
                }
            }
        }
        for (word, flag) in (0..).zip(&mut flags) {
            *flag |= if opening_keys.contains(&word) { ACCESS } else { 0 };
        }
        let (families, rows, pairs) = self.neighbours(&opening_keys, &mut flags);
        let facets = self.facets.len();
        Index {
            flags: flags.into_iter().map(|flag| u8::try_from(flag >> 28).unwrap_or(0)).collect(),
            families,
            rows,
            pairs,
            keys,
            facets_of: Lists::new(keys as usize, opens),
            topics_of: Lists::new(facets, access),
            keys_of: Lists::new(facets, members),
            needs: Lists::new(self.program.topics.len(), needs),
            always,
        }
    }

    /// The pairs, by the families of their words.
    #[expect(clippy::type_complexity, reason = "three parts of the index")]
    fn neighbours(
        &self,
        opening: &FxHashSet<u32>,
        flags: &mut [u32],
    ) -> (FxHashMap<WordId, u32>, FxHashMap<(u32, u32), (u32, u32)>, Vec<Pair>) {
        let mut families: FxHashMap<WordId, u32> = FxHashMap::default();
        let mut family_of = |word: WordId| {
            *families.entry(word).or_insert_with(|| {
                let (text, compare) = self.words.text(word);
                family(text, compare, word)
            })
        };
        let mut sorted: Vec<((u32, u32), Pair)> = Vec::with_capacity(self.pairs.len());
        for ((first, second), key) in &self.pairs {
            flags[*first as usize] |= FIRST;
            flags[*second as usize] |= SECOND;
            let key = key | if opening.contains(key) { ACCESS } else { 0 };
            let pair = Pair { first: *first, second: *second, key };
            sorted.push(((family_of(*first), family_of(*second)), pair));
        }
        sorted.sort_unstable_by_key(|(families, pair)| (*families, pair.key));
        let mut rows: FxHashMap<(u32, u32), (u32, u32)> = FxHashMap::default();
        for (at, (families, _)) in (0..).zip(&sorted) {
            rows.entry(*families).or_insert((at, at)).1 = at + 1;
        }
        rows.shrink_to_fit();
        families.shrink_to_fit();
        (families, rows, sorted.into_iter().map(|(_, pair)| pair).collect())
    }

    fn facet(&mut self, keys: Vec<u32>) -> u32 {
        let next = u32::try_from(self.facets.len()).unwrap_or(u32::MAX);
        *self.facets.entry(keys).or_insert(next)
    }

    /// What has to be seen for a step to hold; nothing where it can hold without any word.
    fn facets(&mut self, id: NodeId) -> Option<Vec<Facet>> {
        let program = self.program;
        match program.node(id) {
            Node::And(range) => {
                let all: Vec<Facet> =
                    program.list(range).iter().filter_map(|child| self.facets(*child)).flatten().collect();
                (!all.is_empty()).then_some(all)
            }
            Node::Or(range) => self.any(program.list(range)),
            Node::AtLeast { of, .. } => self.any(program.list(of)),
            Node::Not(_) | Node::About(_) => None,
            Node::Near { left, right, .. } => {
                let mut both = self.facets(*left)?;
                both.extend(self.facets(*right)?);
                Some(both)
            }
            Node::NotIn(of, _) | Node::Mentions { of, .. } | Node::First { of, .. } | Node::In(_, of) => {
                self.facets(*of)
            }
            Node::Concept(_, inner) => {
                if let Some(done) = self.done.get(&id) {
                    return done.clone();
                }
                let facets = self.facets(*inner);
                self.done.insert(id, facets.clone());
                facets
            }
            Node::Leaf(leaf) => Some(vec![self.leaf(*leaf)]),
        }
    }

    /// The rarest facet of each alternative, together.
    fn any(&mut self, alternatives: &[NodeId]) -> Option<Vec<Facet>> {
        let mut keys = Vec::new();
        let mut cost = 0.0;
        for child in alternatives {
            let rarest = self.facets(*child)?.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))?;
            keys.extend(rarest.keys);
            cost += rarest.cost;
        }
        keys.sort_unstable();
        keys.dedup();
        Some(vec![Facet { keys, cost }])
    }

    fn leaf(&mut self, leaf: u32) -> Facet {
        let leaf = self.program.leaves[leaf as usize];
        let mut keys = Vec::new();
        let mut cost = 0.0;
        let rows: Vec<Vec<WordId>> = self.program.spellings(&leaf).map(<[_]>::to_vec).collect();
        for row in rows {
            let (key, expected) = if leaf.slop.is_some() || row.len() == 1 {
                self.rarest_word(&row)
            } else {
                self.rarest_pair(&row)
            };
            keys.push(key);
            cost += expected;
        }
        keys.sort_unstable();
        keys.dedup();
        Facet { keys, cost }
    }

    fn rarest_word(&self, row: &[WordId]) -> (u32, f32) {
        let costs = row.iter().map(|word| (*word, self.cost(*word)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
    }

    fn rarest_pair(&mut self, row: &[WordId]) -> (u32, f32) {
        let pairs =
            row.windows(2).map(|pair| ((pair[0], pair[1]), self.cost(pair[0]).min(self.cost(pair[1])) * 0.2));
        let Some((pair, cost)) = pairs.min_by(|a, b| a.1.total_cmp(&b.1)) else { return (0, 0.0) };
        let next = self.word_count + u32::try_from(self.pairs.len()).unwrap_or(0);
        (*self.pairs.entry(pair).or_insert(next), cost)
    }

    /// In how many of a thousand articles a word is to be expected, roughly: short words are frequent.
    fn cost(&self, word: WordId) -> f32 {
        let (text, compare) = self.words.text(word);
        if compare == Compare::Regex {
            return 100.0;
        }
        let open = matches!(compare, Compare::Glob | Compare::ExactGlob);
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count().max(1);
        // A Han character or a Hangul syllable says as much as two or three letters.
        let weight = if text.is_ascii() || text.len() < letters * 3 { letters } else { letters * 5 / 2 };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let rarity = weight as f32;
        if COMMON.binary_search(&text).is_ok() {
            return 900.0;
        }
        1500.0 / (rarity * rarity * rarity) * if open { 3.0 } else { 1.0 }
    }
}

/// Words that stand in most articles, sorted.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can",
    "first", "for", "from", "had", "has", "have", "he", "his", "if", "in", "into", "is", "it", "its", "last",
    "more", "new", "no", "not", "of", "on", "one", "or", "out", "over", "people", "said", "says", "she",
    "so", "than", "that", "the", "their", "there", "they", "this", "time", "to", "two", "up", "was", "we",
    "were", "when", "which", "who", "will", "with", "would", "year", "years", "you",
];
