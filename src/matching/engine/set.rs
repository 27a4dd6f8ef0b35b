//! All topics, ready to match.

use std::sync::{Arc, Mutex, PoisonError};

use super::compile::Compiler;
use super::eval::Evaluation;
use super::frequency::Frequencies;
use super::index::Index;
use super::plan::Planner;
use super::program::Program;
use super::scan::Scratch;
use super::words::Words;
use crate::domain::TopicId;
use crate::domain::article::{Document, Sample};
use crate::domain::topic::{Matcher, Span, TopicMatch};

/// Topics compiled for matching; immutable, shared freely between threads.
#[derive(Debug)]
pub struct TopicSet {
    pub(super) program: Arc<Program>,
    pub(super) words: Arc<Words>,
    pub(super) index: Index,
    /// One for each thread that was ever matching at the same time.
    scratch: Mutex<Vec<Scratch>>,
}

impl TopicSet {
    pub(crate) fn new(compiler: Compiler<'_>) -> Self {
        let Compiler { mut program, words, .. } = compiler;
        program.shrink();
        Self::planned(Arc::new(program), Arc::new(words.finish()), &Frequencies::default())
    }

    fn planned(program: Arc<Program>, words: Arc<Words>, frequencies: &Frequencies) -> Self {
        let costs = frequencies.costs(&words);
        let index = Planner::new(&program, &words, &costs).index();
        Self { program, words, index, scratch: Mutex::default() }
    }

    /// The same topics, looked for by those of their words that are rarest where these articles come from. They
    /// find the same, only the time it takes differs.
    #[must_use]
    pub fn tuned(&self, frequencies: &Frequencies) -> Self {
        Self::planned(Arc::clone(&self.program), Arc::clone(&self.words), frequencies)
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
            let run = self.run_on(scratch, document, &[0]);
            run.places(&run.best_marks(topic.root))
        })
    }

    /// Reads a document, ready to run these topics on it.
    pub(super) fn run_on<'r>(
        &'r self,
        scratch: &'r mut Scratch,
        document: &'r Document<'r>,
        topics: &[u32],
    ) -> Evaluation<'r> {
        scratch.read(document, &self.words, &self.index);
        scratch.collect(&self.program, topics, &self.words);
        Evaluation::new(&self.program, scratch, document)
    }

    /// Runs `work` with memory kept from the last time.
    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let pool = || self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = pool().pop().unwrap_or_default();
        let result = work(&mut scratch);
        pool().push(scratch);
        result
    }
}

impl Matcher for TopicSet {
    fn tuned(&self, sample: &[Sample]) -> Option<Arc<dyn Matcher>> {
        let worth_it = !sample.is_empty() && !self.is_empty();
        worth_it.then(|| {
            let frequencies = Frequencies::of(sample.iter().map(Sample::document));
            Arc::new(Self::tuned(self, &frequencies)) as Arc<dyn Matcher>
        })
    }

    fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch> {
        self.with_scratch(|scratch| {
            scratch.read(document, &self.words, &self.index);
            scratch.find_candidates(&self.index);
            if scratch.search.candidates.is_empty() {
                return vec![];
            }
            let mut candidates = std::mem::take(&mut scratch.search.candidates);
            candidates.sort_unstable();
            scratch.collect(&self.program, &candidates, &self.words);
            let run = Evaluation::new(&self.program, scratch, document);
            let found = candidates
                .iter()
                .filter_map(|number| {
                    let topic = &self.program.topics[*number as usize];
                    run.topic(topic).map(|found| TopicMatch { topic: topic.id.clone(), found })
                })
                .collect();
            scratch.search.candidates = candidates;
            found
        })
    }
}
