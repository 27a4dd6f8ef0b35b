//! An article's words, as hits on the words of queries.

use rustc_hash::FxHashMap;

use super::index::{FIRST, Index, SECOND, WORD};
use super::words::{WordId, Words};
use crate::domain::article::Document;
use crate::matching::query::MAX_NEAR;
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::lang::{Stemmers, stemmers};
use crate::matching::text::token::{Token, Tokens, tokenise};

/// Positions left free between headline and text, so that nothing is near across.
const GAP: u32 = 2 * MAX_NEAR;

/// A word of a query, found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: u32,
    /// One past the last position.
    pub(crate) end: u32,
    /// The word, with its flags.
    pub(crate) word: u32,
}

impl Hit {
    pub(crate) const fn id(self) -> WordId {
        self.word & WORD
    }
}

/// A word that may be part of a phrase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Its hits, from and to.
    pub(crate) hits: (u32, u32),
    /// Its families: those of first words from and to, then those of second words up to the last.
    pub(crate) families: (u32, u32, u32),
}

/// What is worked with while one article is looked at; kept for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) tokens: Tokens,
    /// How many words the headline has.
    pub(crate) title_words: u32,
    /// The position of the text's first word.
    pub(crate) body: u32,
    pub(crate) hits: Vec<Hit>,
    /// Words that may be part of a phrase, in order.
    pub(crate) links: Vec<Link>,
    /// The families of the links, see [`Index::families`].
    pub(crate) families: Vec<u32>,
    /// The hits by word; empty until someone asks.
    pub(crate) by_word: Vec<Hit>,
    pub(crate) seen: Bits,
    pub(crate) opened: Bits,
    pub(crate) candidates: Vec<u32>,
    caches: Vec<(Stemmers, Surfaces)>,
    found: Vec<WordId>,
}

/// A set of small numbers that knows what is in it.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    bits: Vec<u64>,
    set: Vec<u32>,
}

impl Bits {
    pub(crate) fn reset(&mut self, size: usize) {
        for bit in self.set.drain(..) {
            if let Some(word) = self.bits.get_mut(bit as usize / 64) {
                *word = 0;
            }
        }
        self.bits.resize(size.div_ceil(64), 0);
    }

    /// Whether it was not there yet.
    pub(crate) fn insert(&mut self, bit: u32) -> bool {
        let word = &mut self.bits[bit as usize / 64];
        let mask = 1 << (bit % 64);
        let new = *word & mask == 0;
        if new {
            *word |= mask;
            self.set.push(bit);
        }
        new
    }

    pub(crate) fn contains(&self, bit: u32) -> bool {
        self.bits[bit as usize / 64] & (1 << (bit % 64)) != 0
    }
}

impl Scratch {
    /// Reads a document.
    pub(crate) fn read(&mut self, document: &Document<'_>, words: &Words, index: &Index) {
        self.tokens.clear();
        self.hits.clear();
        self.links.clear();
        self.families.clear();
        self.by_word.clear();
        tokenise(document.title, 0, &mut self.tokens);
        self.title_words = length(&self.tokens.places);
        let title_tokens = self.tokens.tokens.len();
        self.body = self.title_words + GAP;
        self.tokens.sentences.push(self.body);
        self.tokens.paragraphs.push(self.body);
        tokenise(document.text, self.body, &mut self.tokens);
        let stemmers = stemmers(document.lang, document.title, document.text);
        self.look_up(document, title_tokens, stemmers, words, index);
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

    fn look_up(
        &mut self,
        document: &Document<'_>,
        title_tokens: usize,
        stemmers: Stemmers,
        words: &Words,
        index: &Index,
    ) {
        let at = self.caches.iter().position(|(own, _)| *own == stemmers).unwrap_or_else(|| {
            if self.caches.len() == MAX_CACHES {
                self.caches.remove(0);
            }
            self.caches.push((stemmers, Surfaces::new()));
            self.caches.len() - 1
        });
        let cache = &mut self.caches[at].1;
        for (number, token) in self.tokens.tokens.iter().enumerate() {
            let in_body = number >= title_tokens;
            let text = if in_body { document.text } else { document.title };
            if token.end - token.start > MAX_WORD_BYTES || in_body && is_within(document.boilerplate, token) {
                continue;
            }
            let surface = &text[token.start as usize..token.end as usize];
            let known = cache.get_or_insert(surface.as_bytes(), |out| {
                self.found.clear();
                words.find(surface, token.script, stemmers, &mut self.found);
                describe(&self.found, index, out)
            });
            if known.words.is_empty() {
                continue;
            }
            let (start, end) = (token.position, token.position + u32::from(token.width));
            let from = length_of(&self.hits);
            self.hits.extend(known.words.iter().map(|word| Hit { start, end, word: *word }));
            if !known.families.is_empty() {
                let at = length_of(&self.families);
                self.families.extend_from_slice(known.families);
                let families = (at, at + known.first, length_of(&self.families));
                self.links.push(Link { start, end, hits: (from, length_of(&self.hits)), families });
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const MAX_WORD_BYTES: u32 = MAX_WORD as u32;

fn length(places: &[(u32, u32)]) -> u32 {
    u32::try_from(places.len()).unwrap_or(u32::MAX)
}

fn is_within(ranges: &[(usize, usize)], token: &Token) -> bool {
    let at = ranges.partition_point(|(_, end)| *end <= token.start as usize);
    ranges.get(at).is_some_and(|(start, _)| *start < token.end as usize)
}

/// How many combinations of languages are remembered at once.
const MAX_CACHES: usize = 12;
/// How many words of articles are remembered for each; then the memory is cleared.
const MAX_SURFACES: usize = 1 << 17;
/// Words up to this length are compared within the table.
const INLINE: usize = 20;

/// What is known about words of articles: everything costly is done once for each way of writing.
#[derive(Debug)]
struct Surfaces {
    slots: Vec<Slot>,
    filled: usize,
    long: FxHashMap<Box<[u8]>, (u32, Counts)>,
    ids: Vec<u32>,
}

/// What a word of an article is.
#[derive(Clone, Copy, Debug)]
struct Known<'k> {
    /// Words of queries, with their flags.
    words: &'k [u32],
    /// Families: those of first words of pairs, then those of second words.
    families: &'k [u32],
    /// How many of them are of first words.
    first: u32,
}

/// How many words, families of first words and families of second words.
type Counts = (u16, u16, u16);

/// Writes what a word of an article is: the words of queries, then their families.
fn describe(found: &[WordId], index: &Index, out: &mut Vec<u32>) -> Counts {
    let flagged = |id: &WordId| *id | u32::from(index.flags[*id as usize]) << 28;
    let found = &found[..found.len().min(usize::from(u16::MAX))];
    out.extend(found.iter().map(flagged));
    let mut families = |flag: u32| {
        let mut own: Vec<u32> = found
            .iter()
            .filter(|id| flagged(id) & flag != 0)
            .filter_map(|id| index.families.get(id).copied())
            .collect();
        own.sort_unstable();
        own.dedup();
        out.extend_from_slice(&own);
        u16::try_from(own.len()).unwrap_or(u16::MAX)
    };
    let (first, second) = (families(FIRST), families(SECOND));
    (u16::try_from(found.len()).unwrap_or(u16::MAX), first, second)
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Slot {
    text: [u8; INLINE],
    /// Length of the text, zero for a free slot.
    len: u16,
    start: u32,
    counts: Counts,
}

const FREE: Slot = Slot { text: [0; INLINE], len: 0, start: 0, counts: (0, 0, 0) };

impl Surfaces {
    fn new() -> Self {
        Self { slots: vec![FREE; 1 << 10], filled: 0, long: FxHashMap::default(), ids: Vec::new() }
    }

    fn get_or_insert(&mut self, surface: &[u8], find: impl FnOnce(&mut Vec<u32>) -> Counts) -> Known<'_> {
        if surface.len() > INLINE {
            return self.long(surface, find);
        }
        let mut text = [0; INLINE];
        text[..surface.len()].copy_from_slice(surface);
        #[expect(clippy::cast_possible_truncation, reason = "at most INLINE")]
        let len = surface.len() as u16;
        let mut at = self.slot(&text, len);
        if self.slots[at].len == 0 {
            if self.make_room() {
                at = self.slot(&text, len);
            }
            let start = length_of(&self.ids);
            let counts = find(&mut self.ids);
            self.slots[at] = Slot { text, len, start, counts };
            self.filled += 1;
        }
        let slot = &self.slots[at];
        self.known(slot.start, slot.counts)
    }

    fn known(&self, start: u32, (words, first, second): Counts) -> Known<'_> {
        let start = start as usize;
        let middle = start + usize::from(words);
        let end = middle + usize::from(first) + usize::from(second);
        Known { words: &self.ids[start..middle], families: &self.ids[middle..end], first: u32::from(first) }
    }

    /// The slot of a text, or the free one it would get.
    fn slot(&self, text: &[u8; INLINE], len: u16) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = mix(text, len) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.len == 0 || slot.len == len && slot.text == *text {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    /// Grows, or starts anew; whether slots have moved.
    fn make_room(&mut self) -> bool {
        if self.filled * 2 < self.slots.len() {
            return false;
        }
        if self.slots.len() >= MAX_SURFACES * 2 {
            *self = Self::new();
            return true;
        }
        let larger = vec![FREE; self.slots.len() * 4];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot.len > 0 {
                let at = self.slot(&slot.text, slot.len);
                self.slots[at] = slot;
            }
        }
        true
    }

    fn long(&mut self, surface: &[u8], find: impl FnOnce(&mut Vec<u32>) -> Counts) -> Known<'_> {
        if !self.long.contains_key(surface) {
            if self.long.len() >= MAX_SURFACES / 4 {
                *self = Self::new();
            }
            let start = length_of(&self.ids);
            let counts = find(&mut self.ids);
            self.long.insert(surface.into(), (start, counts));
        }
        let (start, counts) = self.long.get(surface).copied().unwrap_or_default();
        self.known(start, counts)
    }
}

fn length_of<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

fn mix(text: &[u8; INLINE], len: u16) -> usize {
    const MANY: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&text[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    // The last eight bytes overlap the ones before.
    let mut hash = (word(0) ^ u64::from(len)).wrapping_mul(MANY);
    hash = (hash.rotate_left(26) ^ word(8)).wrapping_mul(MANY);
    hash = (hash.rotate_left(26) ^ word(INLINE - 8)).wrapping_mul(MANY);
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let mixed = (hash ^ (hash >> 32)) as usize;
    mixed
}
