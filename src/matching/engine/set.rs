//! All topics, ready to match.

use std::sync::{Mutex, PoisonError};

use super::compile::Compiler;
use super::eval::Evaluation;
use super::index::{ACCESS, Index, KEY, Planner, WORD};
use super::program::Program;
use super::scan::{Link, Scratch};
use super::words::Words;
use crate::domain::TopicId;
use crate::domain::article::Document;
use crate::domain::topic::{Matcher, Span, TopicMatch};

/// Topics compiled for matching; immutable, shared freely between threads.
#[derive(Debug)]
pub struct TopicSet {
    pub(super) program: Program,
    pub(super) words: Words,
    pub(super) index: Index,
    /// One for each thread that was ever matching at the same time.
    scratch: Mutex<Vec<Scratch>>,
}

impl TopicSet {
    pub(crate) fn new(compiler: Compiler<'_>) -> Self {
        let Compiler { program, words: builder, .. } = compiler;
        let count = builder.len();
        let index = Planner::new(&program, &builder, count).index();
        Self { words: builder.finish(), program, index, scratch: Mutex::default() }
    }

    /// How many topics there are.
    pub fn len(&self) -> usize {
        self.program.topics.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.program.topics.is_empty()
    }

    /// The topics in it, in the order in which they were compiled.
    pub fn ids(&self) -> impl Iterator<Item = &TopicId> {
        self.program.topics.iter().map(|topic| &topic.id)
    }

    /// The topics that nearly any article would match, because no word is needed for them.
    pub fn unbounded(&self) -> impl Iterator<Item = &TopicId> {
        self.index.always.iter().map(|topic| &self.program.topics[*topic as usize].id)
    }

    /// Every place of the first topic in an article, also where the topic as a whole does not match.
    pub(crate) fn places(&self, document: &Document<'_>) -> Vec<Span> {
        let Some(topic) = self.program.topics.first() else { return vec![] };
        self.with_scratch(|scratch| {
            scratch.read(document, &self.words, &self.index);
            scratch.sort_hits();
            let run = Evaluation::new(&self.program, scratch, document);
            run.places(&run.best_marks(topic.root))
        })
    }

    /// Runs `work` with memory kept from the last time.
    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let pool = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = pool().pop().unwrap_or_default();
        let result = work(&mut scratch);
        pool().push(scratch);
        result
    }

    /// Fills in the topics that may match.
    fn candidates(&self, scratch: &mut Scratch) {
        let Scratch { hits, links, families, seen, opened, candidates, .. } = scratch;
        candidates.clear();
        candidates.extend_from_slice(&self.index.always);
        seen.reset(self.index.keys as usize);
        opened.reset(self.index.keys_of.len());
        let mut open = |key: u32| {
            for facet in self.index.facets_of.get(key) {
                if opened.insert(*facet) {
                    candidates.extend_from_slice(self.index.topics_of.get(*facet));
                }
            }
        };
        for hit in hits.iter() {
            if hit.word & KEY != 0 && seen.insert(hit.id()) && hit.word & ACCESS != 0 {
                open(hit.id());
            }
        }
        for (at, link) in links.iter().enumerate() {
            let firsts = &families[link.families.0 as usize..link.families.1 as usize];
            if firsts.is_empty() {
                continue;
            }
            // A word right behind: links are ordered by where they start.
            for next in links[at + 1..].iter().take_while(|next| next.start <= link.end) {
                if next.start < link.end {
                    continue;
                }
                let seconds = &families[next.families.1 as usize..next.families.2 as usize];
                for both in firsts.iter().flat_map(|first| seconds.iter().map(|second| (*first, *second))) {
                    let Some((from, to)) = self.index.rows.get(&both) else { continue };
                    let has = |link: &Link, word: u32| {
                        hits[link.hits.0 as usize..link.hits.1 as usize].iter().any(|hit| hit.id() == word)
                    };
                    for pair in &self.index.pairs[*from as usize..*to as usize] {
                        let key = pair.key & WORD;
                        if has(link, pair.first)
                            && has(next, pair.second)
                            && seen.insert(key)
                            && pair.key & ACCESS != 0
                        {
                            open(key);
                        }
                    }
                }
            }
        }
        let has = |facet: &u32| self.index.keys_of.get(*facet).iter().any(|key| seen.contains(*key));
        candidates.retain(|topic| self.index.needs.get(*topic).iter().all(has));
    }
}

impl Matcher for TopicSet {
    fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch> {
        self.with_scratch(|scratch| {
            scratch.read(document, &self.words, &self.index);
            self.candidates(scratch);
            if scratch.candidates.is_empty() {
                return vec![];
            }
            scratch.sort_hits();
            let mut candidates = std::mem::take(&mut scratch.candidates);
            candidates.sort_unstable();
            let run = Evaluation::new(&self.program, scratch, document);
            let found = candidates
                .iter()
                .filter_map(|number| {
                    let topic = &self.program.topics[*number as usize];
                    run.topic(topic).map(|found| TopicMatch { topic: topic.id.clone(), found })
                })
                .collect();
            scratch.candidates = candidates;
            found
        })
    }
}
