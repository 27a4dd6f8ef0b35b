//! Chooses what each topic is found by, and builds the index.

use rustc_hash::FxHashMap;

use super::index::{Index, Lists, SHARED};
use super::pairs::{Pair, Pairs, tag};
use super::program::{Node, NodeId, Program};
use super::surfaces::{FIRST, FOLLOWS, LEADS, SECOND};
use super::words::{Compare, WordId, Words};

/// A facet with more keys than this is only tested where it gives access.
const MAX_TESTED: usize = 256;
/// How much rarer two words in a row are than the rarer of them; measured on news.
const PAIR: f32 = 0.2;

/// A set of keys of which one has to be seen, and in how many of a thousand articles that is to be expected.
#[derive(Clone, Debug)]
struct Facet {
    keys: Vec<u32>,
    cost: f32,
}

/// Builds the index.
pub(super) struct Planner<'p> {
    program: &'p Program,
    words: &'p Words,
    /// In how many of a thousand articles each word is to be expected.
    costs: &'p [f32],
    /// Keys of pairs in the order they came up; they are put in another order at the end.
    pairs: FxHashMap<(WordId, WordId), u32>,
    word_count: u32,
    done: FxHashMap<NodeId, Option<Vec<Facet>>>,
    facets: FxHashMap<Box<[u32]>, u32>,
}

impl<'p> Planner<'p> {
    pub(super) fn new(program: &'p Program, words: &'p Words, costs: &'p [f32]) -> Self {
        let word_count = u32::try_from(costs.len()).unwrap_or(u32::MAX);
        Self {
            program,
            words,
            costs,
            pairs: FxHashMap::default(),
            word_count,
            done: FxHashMap::default(),
            facets: FxHashMap::default(),
        }
    }

    pub(super) fn index(mut self) -> Index {
        let mut access = Vec::new();
        let mut needs = Vec::new();
        let mut always = Vec::new();
        for (number, topic) in (0_u32..).zip(&self.program.topics) {
            let mut facets = self.facets(topic.root).unwrap_or_default();
            facets.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            let mut facets = facets.into_iter();
            let Some(first) = facets.next() else {
                always.push(number);
                continue;
            };
            let first = self.facet(first.keys);
            access.push((first, number));
            // The rarest first: it most likely spares the others.
            for facet in facets.filter(|facet| facet.keys.len() <= MAX_TESTED) {
                let facet = self.facet(facet.keys);
                if facet != first {
                    needs.push((number, facet));
                }
            }
        }
        self.finish(access, &needs, always)
    }

    fn finish(mut self, mut access: Vec<(u32, u32)>, needs: &[(u32, u32)], always: Vec<u32>) -> Index {
        let mut facets: Vec<Box<[u32]>> = vec![Box::default(); self.facets.len()];
        for (keys, facet) in self.facets.drain() {
            facets[facet as usize] = keys;
        }
        access.sort_unstable();
        let mut flags = vec![0; self.word_count as usize];
        let mut pairs = vec![Pair { first: 0, second: 0 }; self.pairs.len()];
        for ((first, second), key) in &self.pairs {
            flags[*first as usize] |= FIRST;
            flags[*second as usize] |= SECOND;
            pairs[(key - self.word_count) as usize] = Pair { first: *first, second: *second };
        }
        let tags = self.tags(&pairs);
        let hash = |key: &u32| match key.checked_sub(self.word_count) {
            Some(pair) => tags[pair as usize],
            None => self.words.family(*key),
        };
        let (records, starts) = records(&facets, &access, needs, hash);
        // Only pairs that give access are ever looked up one by one.
        let mut chosen: FxHashMap<u32, usize> = FxHashMap::default();
        let mut giving = Vec::new();
        for (facet, _) in &starts {
            for pair in facets[*facet as usize].iter().filter_map(|key| key.checked_sub(self.word_count)) {
                chosen.entry(pair).or_insert_with(|| {
                    let Pair { first, second } = pairs[pair as usize];
                    flags[first as usize] |= LEADS;
                    flags[second as usize] |= FOLLOWS;
                    giving.push((tags[pair as usize], pairs[pair as usize]));
                    giving.len() - 1
                });
            }
        }
        let (pairs, places) = Pairs::new(&giving);
        let mut opens = Vec::new();
        for (facet, start) in &starts {
            for key in &facets[*facet as usize] {
                let list = match key.checked_sub(self.word_count) {
                    Some(pair) => self.word_count + places[chosen[&pair]],
                    None => *key,
                };
                opens.push((list, *start));
            }
        }
        let lists = self.word_count as usize + pairs.places();
        Index {
            flags,
            pairs,
            opens: Lists::new(lists, opens),
            records,
            facets: u32::try_from(starts.len()).unwrap_or(u32::MAX),
            always,
        }
    }

    /// What each pair is looked up by.
    fn tags(&self, pairs: &[Pair]) -> Vec<u32> {
        let family = |word| self.words.family(word);
        pairs.iter().map(|pair| tag(family(pair.first), family(pair.second))).collect()
    }

    fn facet(&mut self, keys: Vec<u32>) -> u32 {
        let next = u32::try_from(self.facets.len()).unwrap_or(u32::MAX);
        *self.facets.entry(keys.into_boxed_slice()).or_insert(next)
    }

    /// What has to be seen for a step to hold; nothing where it can hold without any word.
    fn facets(&mut self, id: NodeId) -> Option<Vec<Facet>> {
        let program = self.program;
        match program.node(id) {
            Node::And(list) => {
                let all: Vec<Facet> =
                    program.list(list).iter().filter_map(|child| self.facets(*child)).flatten().collect();
                (!all.is_empty()).then_some(all)
            }
            Node::Or(list) => self.any(program.list(list)),
            Node::AtLeast(group) => self.any(program.list(program.group(group).of)),
            Node::Not(_) | Node::About(_) => None,
            Node::Near(near) => {
                let near = program.near(near);
                let mut both = self.facets(near.left)?;
                both.extend(self.facets(near.right)?);
                Some(both)
            }
            Node::NotIn(of, _) | Node::Mentions { of, .. } | Node::First { of, .. } | Node::In(_, of) => {
                self.facets(of)
            }
            Node::Concept(_, inner) => {
                if let Some(done) = self.done.get(&id) {
                    return done.clone();
                }
                let facets = self.facets(inner);
                self.done.insert(id, facets.clone());
                facets
            }
            Node::Leaf(leaf) => Some(vec![self.leaf(leaf)]),
        }
    }

    /// The rarest facet of each alternative, together.
    fn any(&mut self, alternatives: &[NodeId]) -> Option<Vec<Facet>> {
        let mut keys = Vec::with_capacity(alternatives.len());
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
        let program = self.program;
        let leaf = program.leaf(leaf);
        let mut keys = Vec::new();
        let mut cost = 0.0;
        for row in program.spellings(leaf) {
            let pair = if leaf.slop.is_some() { None } else { self.rarest_pair(row) };
            let (key, expected) = pair.unwrap_or_else(|| self.rarest_word(row));
            keys.push(key);
            cost += expected;
        }
        keys.sort_unstable();
        keys.dedup();
        Facet { keys, cost }
    }

    fn cost(&self, word: WordId) -> f32 {
        self.costs.get(word as usize).copied().unwrap_or(0.0)
    }

    fn rarest_word(&self, row: &[WordId]) -> (u32, f32) {
        let costs = row.iter().map(|word| (*word, self.cost(*word)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
    }

    /// The pair of words expected to be rarest. Patterns are in no pair: a word of an article may fit any number
    /// of them, and neighbours are looked up for all that both words are.
    fn rarest_pair(&mut self, row: &[WordId]) -> Option<(u32, f32)> {
        let pattern = |word: &WordId| {
            matches!(self.words.text(*word).1, Compare::Glob | Compare::ExactGlob | Compare::Regex)
        };
        let pairs = row.windows(2).filter(|pair| !pair.iter().any(pattern));
        let pairs = pairs.map(|pair| ((pair[0], pair[1]), self.cost(pair[0]).min(self.cost(pair[1])) * PAIR));
        let (pair, cost) = pairs.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let next = self.word_count + u32::try_from(self.pairs.len()).unwrap_or(0);
        Some((*self.pairs.entry(pair).or_insert(next), cost))
    }
}

/// The records of all access facets, and where each begins; `hash` is of a key.
fn records(
    facets: &[Box<[u32]>],
    access: &[(u32, u32)],
    needs: &[(u32, u32)],
    hash: impl Fn(&u32) -> u32,
) -> (Vec<u32>, Vec<(u32, u32)>) {
    let length = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let mut uses = vec![0_u32; facets.len()];
    for (_, facet) in needs {
        uses[*facet as usize] += 1;
    }
    let mut out: Vec<u32> = Vec::new();
    // Facets that several topics need stand in front, once.
    let mut places = vec![0; facets.len()];
    for (facet, keys) in facets.iter().enumerate().filter(|(facet, _)| uses[*facet] > 1) {
        places[facet] = length(out.len());
        out.push(length(keys.len()));
        out.extend(keys.iter().map(&hash));
    }
    let mut starts = Vec::new();
    for (number, topics) in (0..).zip(access.chunk_by(|one, other| one.0 == other.0)) {
        starts.push((topics[0].0, length(out.len())));
        out.extend([number, length(topics.len())]);
        for (_, topic) in topics {
            let from = needs.partition_point(|(other, _)| other < topic);
            let own = needs[from..].iter().take_while(|(other, _)| other == topic);
            out.extend([*topic, length(own.clone().count())]);
            for (_, facet) in own {
                let facet = *facet as usize;
                if uses[facet] > 1 {
                    out.push(SHARED | places[facet]);
                } else {
                    out.push(length(facets[facet].len()));
                    out.extend(facets[facet].iter().map(&hash));
                }
            }
        }
    }
    out.shrink_to_fit();
    (out, starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_topics_need_is_written_once() {
        let facets: [Box<[u32]>; 3] = [[1, 2].into(), [3].into(), [4, 5, 6].into()];
        let needs = [(7, 2), (8, 2), (9, 0)];
        let (records, starts) = records(&facets, &[(0, 7), (0, 8), (1, 9)], &needs, |key| *key);
        assert_eq!(starts, [(0, 4), (1, 12)]);
        let shared = SHARED;
        assert_eq!(records, [3, 4, 5, 6, /* */ 0, 2, 7, 1, shared, 8, 1, shared, /* */ 1, 1, 9, 1, 2, 1, 2]);
    }
}
