//! An article's words, as hits on the words of queries.

use super::bits::Bits;
use super::index::{FIRST, Found, Index, PAIRED, SECOND, Search, Seen};
use super::plan::family;
use super::program::Program;
use super::surfaces::{Counts, Key, Surfaces};
use super::words::{WordId, Words};
use crate::domain::article::Document;
use crate::matching::query::MAX_NEAR;
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::lang::{Stemmers, stemmers};
use crate::matching::text::token::{Token, Tokens, tokenise};

/// Positions left free between headline and text, so that nothing is near across.
const GAP: u32 = 2 * MAX_NEAR;
/// How many words are looked up at once.
const AT_ONCE: usize = 64;
/// How many combinations of languages are remembered at once.
const MAX_CACHES: usize = 12;
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
    /// The position of the text's first word.
    pub(crate) body: u32,
    /// Words of the article that queries look for, in order.
    found: Vec<Found>,
    /// What is known of those that give access to topics.
    access: Vec<u32>,
    /// Where among them the ones stand that may begin a pair that gives access.
    paired: Vec<u32>,
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
        self.found.clear();
        self.access.clear();
        self.paired.clear();
        tokenise(document.title, 0, &mut self.tokens);
        self.title_words = length(&self.tokens.places);
        let title_tokens = self.tokens.tokens.len();
        self.body = self.title_words + GAP;
        self.tokens.sentences.push(self.body);
        self.tokens.paragraphs.push(self.body);
        tokenise(document.text, self.body, &mut self.tokens);
        let stemmers = stemmers(document.lang, document.title, document.text);
        self.cache = self.cache_for(stemmers);
        let finder = Finder { words, index, stemmers };
        self.look_up(document.title, 0..title_tokens, &[], &finder);
        let all = title_tokens..self.tokens.tokens.len();
        self.look_up(document.text, all, document.boilerplate, &finder);
    }

    /// First and last byte of a position, and whether it is in the body.
    pub(crate) fn place(&self, position: u32) -> (bool, u32, u32) {
        let in_body = position >= self.body;
        let index = if in_body { position - self.body + self.title_words } else { position };
        let (start, end) = self.tokens.places[index as usize];
        (in_body, start, end)
    }

    /// How many words the text has.
    pub(crate) fn body_words(&self) -> u32 {
        length(&self.tokens.places) - self.title_words
    }

    /// Looks for the topics that may match.
    pub(crate) fn find_candidates(&mut self, index: &Index) {
        let Some((_, cache)) = self.caches.get(self.cache) else { return };
        let seen = Seen { found: &self.found, access: &self.access, paired: &self.paired };
        index.candidates(seen, cache, &mut self.search);
    }

    /// Collects the hits on all words that `topics` ask for.
    pub(crate) fn collect(&mut self, program: &Program, topics: &[u32], words: usize) {
        self.wanted.reset(words);
        for topic in topics {
            program.words(program.topics[*topic as usize].root, &mut |word| {
                self.wanted.insert(word);
            });
        }
        self.hits.clear();
        let Some((_, cache)) = self.caches.get(self.cache) else { return };
        if self.wanted.is_empty() {
            return;
        }
        for found in &self.found {
            for word in cache.words(found.entry) {
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
        let looked_at =
            |token: &Token| token.end - token.start <= MAX_WORD_BYTES && !is_within(boilerplate, token);
        for some in self.tokens.tokens[tokens].chunks(AT_ONCE) {
            let mut count = 0;
            for token in some {
                if looked_at(token) {
                    self.keys[count].set(bytes, token.start as usize, token.end as usize);
                    count += 1;
                }
            }
            cache.prepare(&mut self.keys[..count]);
            let mut keys = self.keys[..count].iter();
            for token in some {
                if !looked_at(token) {
                    continue;
                }
                let Some(key) = keys.next() else { break };
                let word = &text[token.start as usize..token.end as usize];
                let entry = cache
                    .get(key, word.as_bytes(), |numbers| finder.find(word, token, &mut self.same, numbers));
                let counts = cache.counts(entry);
                if counts.words == 0 {
                    continue;
                }
                if counts.opens > 0 {
                    self.access.push(entry);
                }
                if counts.paired && counts.first {
                    self.paired.push(length(&self.found));
                }
                let end = token.position + u32::from(token.width);
                self.found.push(Found { start: token.position, end, entry });
            }
        }
    }
}

/// Finds out what a word is that was not seen before.
struct Finder<'f> {
    words: &'f Words,
    index: &'f Index,
    stemmers: Stemmers,
}

impl Finder<'_> {
    #[cold]
    fn find(&self, surface: &str, token: &Token, same: &mut Vec<WordId>, out: &mut Vec<u32>) -> Counts {
        same.clear();
        self.words.find(surface, token.script, self.stemmers, same);
        // More words of queries than this that are all one word of an article are not told apart any more.
        same.truncate(usize::from(u16::MAX));
        out.extend_from_slice(same);
        let flags = |id: &WordId| self.index.flags[*id as usize];
        let has = |flag: u8| same.iter().any(|id| flags(id) & flag != 0);
        let paired = same.iter().filter(|id| flags(id) & (FIRST | SECOND) != 0);
        let mut families: Vec<u32> = paired.map(|id| family(self.words.text(*id).0)).collect();
        families.sort_unstable();
        families.dedup();
        out.extend_from_slice(&families);
        let ranges = same.iter().map(|id| self.index.opens.range(*id)).filter(|(start, end)| start < end);
        let before = out.len();
        out.extend(ranges.flat_map(|(start, end)| [start, end]));
        Counts {
            words: short(same.len()),
            families: short(families.len()),
            opens: short((out.len() - before) / 2),
            first: has(FIRST),
            second: has(SECOND),
            paired: has(PAIRED),
        }
    }
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
