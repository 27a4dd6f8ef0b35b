//! `"…"~n`: words in any order, with at most so many other words among them.

use super::eval::Span;
use super::scan::Hit;
use super::words::WordId;

/// How often one search may try a second choice; texts that need more are spam, and get the first one.
const MAX_CHOICES: u32 = 1 << 16;
/// How many hits one search may look at; behind that nothing more is found.
const MAX_LOOKS: u32 = 1 << 22;

/// From each place where one of `row` is found the shortest span that holds all of them; `hits` gives those of
/// a word.
pub(super) fn spans<'h>(row: &[WordId], slop: u32, hits: impl Fn(WordId) -> &'h [Hit]) -> Vec<Span> {
    let mut words: Vec<WordId> = Vec::new();
    let mut missing: Vec<usize> = Vec::new();
    for word in row {
        if let Some(index) = words.iter().position(|known| known == word) {
            missing[index] += 1;
        } else {
            words.push(*word);
            missing.push(1);
        }
    }
    let mut found: Vec<(usize, Hit)> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        found.extend(hits(*word).iter().map(|hit| (index, *hit)));
    }
    found.sort_unstable_by_key(|(index, hit)| (hit.start, hit.end, *index));
    let compounds = found.iter().any(|(_, hit)| hit.end - hit.start > 1);
    let left = row.len();
    let mut search = Search {
        hits: &found,
        slop,
        compounds,
        missing,
        left,
        best: None,
        choices: MAX_CHOICES,
        looks: MAX_LOOKS,
    };
    let from_each = (0..found.len()).filter_map(|first| search.from(first));
    from_each.collect()
}

/// The search for the shortest span from one hit on.
struct Search<'h> {
    /// The hits of all words, in order, with the word's index in `missing`.
    hits: &'h [(usize, Hit)],
    slop: u32,
    compounds: bool,
    /// How often each word is still wanted.
    missing: Vec<usize>,
    left: usize,
    best: Option<u32>,
    choices: u32,
    looks: u32,
}

impl Search<'_> {
    fn from(&mut self, first: usize) -> Option<Span> {
        let (_, hit) = self.hits[first];
        self.best = None;
        self.take(first, 0);
        self.best.map(|end| Span { start: hit.start, end })
    }

    /// Takes a hit and goes on behind it; `others` words were passed over since the first.
    fn take(&mut self, at: usize, others: u32) {
        let (index, hit) = self.hits[at];
        self.missing[index] -= 1;
        self.left -= 1;
        if self.left == 0 {
            self.best = Some(self.best.map_or(hit.end, |best| best.min(hit.end)));
        } else {
            self.go_on(at + 1, hit.end, others);
        }
        self.missing[index] += 1;
        self.left += 1;
    }

    fn go_on(&mut self, from: usize, end: u32, others: u32) {
        for at in from..self.hits.len() {
            if self.looks == 0 {
                return;
            }
            self.looks -= 1;
            let (index, hit) = self.hits[at];
            if hit.start >= self.best.unwrap_or(u32::MAX) {
                return;
            }
            // A word that overlaps one already taken is not another word.
            if hit.start < end || self.missing[index] == 0 {
                continue;
            }
            let others = others + (hit.start - end);
            if others > self.slop {
                return;
            }
            self.take(at, others);
            if !self.is_a_choice(at, hit) {
                return;
            }
            self.choices -= 1;
        }
    }

    /// Whether leaving a hit out may serve better: where another word wants the same place, or with compounds.
    fn is_a_choice(&self, at: usize, hit: Hit) -> bool {
        let rival = || self.hits.get(at + 1).is_some_and(|(_, next)| next.start < hit.end);
        self.choices > 0 && (self.compounds || rival())
    }
}
