//! An article's words, as hits on the words of queries.

use super::bits::Bits;
use super::index::{Found, Index, Search, Seen};
use super::program::Program;
use super::surfaces::{Key, Known, LEADS, OPENS, Surfaces};
use super::words::{WordId, Words};
use crate::domain::article::Document;
use crate::matching::query::MAX_NEAR;
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::lang::{Stemmers, stemmers};
use crate::matching::text::token::{Token, Tokens, tokenise};

/// Positions left free between headline and text, so that nothing is near across.
const GAP: u32 = 2 * MAX_NEAR;
/// How many words are looked up at once.
const AT_ONCE: usize = 256;
/// How many combinations of languages are remembered at once.
const MAX_CACHES: usize = 12;
/// How many families are told apart while hits are collected.
const ASKED: usize = 4096;
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const MAX_WORD_BYTES: u32 = MAX_WORD as u32;

/// A word of a query, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) word: WordId,
    pub(crate) start: u32,
    /// One past the last position.
    pub(crate) end: u32,
}

/// What is worked with while one article is looked at; kept for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) tokens: Tokens,
    /// How many words the headline has.
    pub(crate) title_words: u32,
    /// How many words the text has.
    body_words: u32,
    /// The position of the text's first word.
    pub(crate) body: u32,
    /// Words of the article that queries look for, in order; `seen` of them, the others are of articles before.
    found: Vec<Found>,
    seen: usize,
    /// What is known of those that give access to topics.
    access: Vec<Known>,
    /// Where among the words found the ones stand that may begin a pair that gives access.
    leading: Vec<u32>,
    pub(crate) search: Search,
    /// The hits on the words that were asked for, by word.
    hits: Vec<Hit>,
    wanted: Bits,
    caches: Vec<(Stemmers, Surfaces)>,
    /// The cache this article is read with.
    cache: usize,
    same: Vec<WordId>,
    /// Of the words that are looked up at once.
    keys: Vec<Key>,
}

impl Scratch {
    /// Reads a document.
    pub(crate) fn read(&mut self, document: &Document<'_>, words: &Words, index: &Index) {
        self.tokens.clear();
        self.hits.clear();
        self.access.clear();
        self.leading.clear();
        self.title_words = tokenise(document.title, 0, &mut self.tokens);
        let title_tokens = self.tokens.tokens.len();
        self.body = self.title_words + GAP;
        self.tokens.sentences.push(self.body);
        self.tokens.paragraphs.push(self.body);
        self.body_words = tokenise(document.text, self.body, &mut self.tokens);
        let stemmers = stemmers(document.lang, document.title, document.text);
        self.cache = self.cache_for(stemmers);
        let finder = Finder { words, index, stemmers };
        let all = self.tokens.tokens.len();
        if self.found.len() < all {
            self.found.resize(all, Found::default());
        }
        self.seen = 0;
        self.look_up(document.title, 0..title_tokens, &[], &finder);
        self.look_up(document.text, title_tokens..all, document.boilerplate, &finder);
    }

    /// First and last byte of a position, and whether it is in the body.
    pub(crate) fn place(&self, position: u32) -> (bool, u32, u32) {
        let (start, end) = self.tokens.place(position).unwrap_or_default();
        (position >= self.body, start, end)
    }

    /// How many words the text has.
    pub(crate) const fn body_words(&self) -> u32 {
        self.body_words
    }

    /// Looks for the topics that may match.
    pub(crate) fn find_candidates(&mut self, index: &Index) {
        let Some((_, cache)) = self.caches.get(self.cache) else { return };
        let seen = Seen { found: &self.found[..self.seen], access: &self.access, leading: &self.leading };
        index.candidates(seen, cache, &mut self.search);
    }

    /// Collects the hits on all words that `topics` ask for.
    pub(crate) fn collect(&mut self, program: &Program, topics: &[u32], words: &Words) {
        self.wanted.reset(words.len());
        // Most words of an article are of no family that is asked for, and need not be looked at.
        let mut asked = [0_u64; ASKED / 64];
        let bit = |family: u32| (family as usize % ASKED / 64, 1 << (family % 64));
        for topic in topics {
            program.words(program.topics[*topic as usize].root, &mut |word| {
                self.wanted.insert(word);
                let (at, bit) = bit(words.family(word));
                asked[at] |= bit;
            });
        }
        self.hits.clear();
        let Some((_, cache)) = self.caches.get(self.cache) else { return };
        if self.wanted.is_empty() {
            return;
        }
        let looked_at = |found: &&Found| {
            let (at, bit) = bit(found.known.family);
            found.known.families > 1 || asked[at] & bit != 0
        };
        for found in self.found[..self.seen].iter().filter(looked_at) {
            for word in cache.words(found.known) {
                if self.wanted.contains(*word) {
                    self.hits.push(Hit { word: *word, start: found.start, end: found.end });
                }
            }
        }
        self.hits.sort_unstable();
    }

    /// The hits on a word that was asked for, in order.
    pub(crate) fn of_word(&self, word: WordId) -> &[Hit] {
        let from = self.hits.partition_point(|hit| hit.word < word);
        let rest = &self.hits[from..];
        &rest[..rest.partition_point(|hit| hit.word == word)]
    }

    fn cache_for(&mut self, stemmers: Stemmers) -> usize {
        let at = self.caches.iter().position(|(own, _)| *own == stemmers).unwrap_or_else(|| {
            if self.caches.len() == MAX_CACHES {
                self.caches.remove(0);
            }
            self.caches.push((stemmers, Surfaces::new()));
            self.caches.len() - 1
        });
        self.caches[at].1.bound();
        at
    }

    fn look_up(
        &mut self,
        text: &str,
        tokens: std::ops::Range<usize>,
        boilerplate: &[(usize, usize)],
        finder: &Finder<'_>,
    ) {
        let cache = &mut self.caches[self.cache].1;
        let bytes = text.as_bytes();
        self.keys.resize(AT_ONCE, Key::default());
        let found = self.found.as_mut_slice();
        let mut seen = self.seen;
        for some in self.tokens.tokens[tokens].chunks(AT_ONCE) {
            let mut count = 0;
            for (number, token) in (0..).zip(some) {
                if token.end - token.start <= MAX_WORD_BYTES && !is_within(boilerplate, token) {
                    self.keys[count].set(bytes, token.start as usize, token.end as usize, number);
                    count += 1;
                }
            }
            let keys = &self.keys[..count];
            cache.prepare(keys);
            for key in keys {
                let token = &some[key.word as usize];
                let known = cache.get(key).unwrap_or_else(|| {
                    let word = &text[token.start as usize..token.end as usize];
                    cache.search(key, word.as_bytes(), |numbers| {
                        finder.find(word, token, &mut self.same, numbers)
                    })
                });
                let end = token.position + u32::from(token.width);
                found[seen] = Found { start: token.position, end, known };
                if known.flags & (OPENS | LEADS) != 0 {
                    if known.flags & OPENS != 0 {
                        self.access.push(known);
                    }
                    if known.flags & LEADS != 0 {
                        self.leading.push(length(&found[..seen]));
                    }
                }
                // Without a branch: whether queries look for it cannot be foreseen.
                seen += usize::from(known.words > 0);
            }
        }
        self.seen = seen;
    }
}

/// Finds out what a word is that was not seen before.
struct Finder<'f> {
    words: &'f Words,
    index: &'f Index,
    stemmers: Stemmers,
}

impl Finder<'_> {
    /// Writes the numbers of a word.
    #[cold]
    fn find(&self, surface: &str, token: &Token, same: &mut Vec<WordId>, out: &mut Vec<u32>) -> Known {
        same.clear();
        self.words.find(surface, token.script, self.stemmers, same);
        // More words of queries than this that are all one word of an article are not told apart any more.
        same.truncate(usize::from(u16::MAX));
        out.extend_from_slice(same);
        let before = out.len();
        out.extend(same.iter().map(|id| self.words.family(*id)));
        out[before..].sort_unstable();
        let families = distinct(out, before);
        let before = out.len();
        let ranges = same.iter().map(|id| self.index.opens.range(*id)).filter(|(start, end)| start < end);
        out.extend(ranges.flat_map(|(start, end)| [start, end]));
        let opens = short((out.len() - before) / 2);
        let flags = same.iter().fold(0, |all, id| all | self.index.flags[*id as usize]);
        let flags = if opens > 0 { flags | OPENS } else { flags };
        Known { words: short(same.len()), families, opens, flags, ..Known::default() }
    }
}

/// Keeps each number from `start` on, which are in order, once; and says how many that are.
fn distinct(numbers: &mut Vec<u32>, start: usize) -> u16 {
    let mut end = start;
    for at in start..numbers.len() {
        if end == start || numbers[end - 1] != numbers[at] {
            numbers[end] = numbers[at];
            end += 1;
        }
    }
    numbers.truncate(end);
    short(end - start)
}

fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

fn is_within(ranges: &[(usize, usize)], token: &Token) -> bool {
    if ranges.is_empty() {
        return false;
    }
    let at = ranges.partition_point(|(_, end)| *end <= token.start as usize);
    ranges.get(at).is_some_and(|(start, _)| *start < token.end as usize)
}
