//! What is known about words of articles: everything costly is done once for each way of writing.
//!
//! What an article costs is mostly waiting for memory, so this is laid out to ask little of it: a small table of
//! tags, one line of it to a word, and one line that holds all that is known of the word. Words that come early are
//! the frequent ones; they stand together in front. No text can make a search long: a word finds its place in one
//! line of the table or takes the place of another.

use std::hash::Hasher as _;
use std::hint::black_box;

use rustc_hash::FxHasher;

/// How many words of articles are remembered at most; then the memory is cleared. Numbers below fit in [`INDEX`].
const MAX_SURFACES: usize = (1 << 17) - 1;
/// How many numbers and how many bytes of long words are remembered at most beside them.
const MAX_BESIDE: usize = 1 << 22;
/// How many tags there are in a line of the table.
const SET: usize = 16;
/// Bits of a tag that tell where the entry is; the others are of the word's hash.
const INDEX: u32 = 17;
/// Those bits.
const WHERE: u32 = (1 << INDEX) - 1;
/// No tag; no entry has that number.
const FREE: u32 = u32::MAX;
/// Words up to this length are compared within their entry.
const INLINE: usize = 16;
/// How many numbers stand in the entry itself.
const OWN: usize = 9;

/// How many numbers of each kind a word of an article has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Words of queries that it is; they come first.
    pub(super) words: u16,
    /// The families of those that are part of pairs.
    pub(super) families: u16,
    /// For each word by which topics are found, where the records it opens begin and end; they come last.
    pub(super) opens: u16,
    /// Whether it may be the first word of a pair.
    pub(super) first: bool,
    /// Whether it may be the second word of a pair.
    pub(super) second: bool,
    /// Whether it is part of a pair that gives access.
    pub(super) paired: bool,
}

impl Counts {
    fn all(self) -> usize {
        usize::from(self.words) + usize::from(self.families) + 2 * usize::from(self.opens)
    }
}

/// A word of articles: one line of memory.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Entry {
    /// The word's bytes, zeros behind them, or the hash and the place of a long one.
    head: [u64; 2],
    len: u16,
    pub(super) counts: Counts,
    /// Its numbers, or where they begin among those of all.
    own: [u32; OWN],
}

impl Entry {
    fn numbers<'n>(&'n self, all: &'n [u32], from: usize, count: usize) -> &'n [u32] {
        if self.counts.all() <= OWN {
            &self.own[from..from + count]
        } else {
            let start = self.own[0] as usize + from;
            &all[start..start + count]
        }
    }
}

#[derive(Clone, Debug)]
#[repr(align(64))]
struct Line([u32; SET]);

/// Words of articles and what they are.
#[derive(Debug)]
pub(super) struct Surfaces {
    table: Vec<Line>,
    entries: Vec<Entry>,
    long: Vec<u8>,
    numbers: Vec<u32>,
    fresh: Vec<u32>,
}

impl Surfaces {
    pub(super) fn new() -> Self {
        Self {
            table: vec![Line([FREE; SET]); 1 << 6],
            entries: Vec::new(),
            long: Vec::new(),
            numbers: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Starts anew where it has become too large; between articles, which refer to it.
    pub(super) fn bound(&mut self) {
        let full = self.entries.len() >= MAX_SURFACES
            || self.numbers.len() > MAX_BESIDE
            || self.long.len() > MAX_BESIDE;
        if full {
            *self = Self::new();
        }
    }

    /// All words of queries that a word is.
    pub(super) fn words(&self, entry: u32) -> &[u32] {
        let entry = &self.entries[entry as usize];
        entry.numbers(&self.numbers, 0, usize::from(entry.counts.words))
    }

    /// The families of the words that are part of pairs.
    pub(super) fn families(&self, entry: u32) -> &[u32] {
        let entry = &self.entries[entry as usize];
        let Counts { words, families, .. } = entry.counts;
        entry.numbers(&self.numbers, usize::from(words), usize::from(families))
    }

    /// Where the records that a word opens begin and end.
    pub(super) fn opens(&self, entry: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let entry = &self.entries[entry as usize];
        let Counts { words, families, opens, .. } = entry.counts;
        let from = usize::from(words) + usize::from(families);
        let ranges = entry.numbers(&self.numbers, from, 2 * usize::from(opens));
        ranges.chunks_exact(2).map(|range| (range[0], range[1]))
    }

    pub(super) fn counts(&self, entry: u32) -> Counts {
        self.entries[entry as usize].counts
    }

    /// Makes a few words ready to be looked up. In passes, because memory answers many questions at once much faster
    /// than one after the other.
    pub(super) fn prepare(&self, keys: &mut [Key]) {
        let mut touched = 0;
        for key in keys.iter() {
            let (line, at) = self.place_of(key.hash);
            touched ^= self.table[line].0[at];
        }
        black_box(touched);
        let mut touched = 0;
        for key in keys.iter_mut() {
            let (line, at) = self.place_of(key.hash);
            // Frequent words came early and stand where they are looked for first.
            key.guess = self.table[line].0[at] & WHERE;
            if let Some(entry) = self.entries.get(key.guess as usize) {
                touched ^= entry.len;
            }
        }
        black_box(touched);
    }

    /// The number of the entry of `word`, which `key` is of; `find` is asked where it is new, and writes its numbers.
    pub(super) fn get(&mut self, key: &Key, word: &[u8], find: impl FnOnce(&mut Vec<u32>) -> Counts) -> u32 {
        if self.is(key.guess, key, word) { key.guess } else { self.search(key, word, find) }
    }

    /// The same for a word that is not where it is looked for first.
    fn search(&mut self, key: &Key, word: &[u8], find: impl FnOnce(&mut Vec<u32>) -> Counts) -> u32 {
        let (line, fitting) = self.fitting(key.hash);
        let mut others = line.iter().enumerate().filter(|(at, _)| fitting >> at & 1 == 1);
        if let Some((_, tag)) = others.find(|(_, tag)| self.is(*tag & WHERE, key, word)) {
            return tag & WHERE;
        }
        self.fresh.clear();
        let counts = find(&mut self.fresh);
        let mut own = [0; OWN];
        if self.fresh.len() <= OWN {
            own[..self.fresh.len()].copy_from_slice(&self.fresh);
        } else {
            own[0] = length(&self.numbers);
            self.numbers.extend_from_slice(&self.fresh);
        }
        let mut head = key.head;
        if usize::from(key.len) > INLINE {
            head[1] = self.long.len() as u64;
            self.long.extend_from_slice(word);
        }
        let index = length(&self.entries);
        self.entries.push(Entry { head, len: key.len, counts, own });
        // Beyond the bound a word is looked at anew each time, until the article ends.
        if self.entries.len() <= MAX_SURFACES {
            if self.entries.len() * 5 > self.table.len() * SET * 3 {
                self.grow();
            }
            self.enter(key.hash, index);
        }
        index
    }

    fn is(&self, index: u32, key: &Key, word: &[u8]) -> bool {
        let Some(entry) = self.entries.get(index as usize) else { return false };
        entry.len == key.len
            && entry.head[0] == key.head[0]
            && if usize::from(key.len) > INLINE {
                let at = usize::try_from(entry.head[1]).unwrap_or(usize::MAX);
                self.long.get(at..).is_some_and(|rest| rest.starts_with(word))
            } else {
                entry.head[1] == key.head[1]
            }
    }

    /// Which tags of which line fit a hash, as bits.
    fn fitting(&self, hash: u32) -> (&[u32; SET], u32) {
        let line = &self.table[self.place_of(hash).0].0;
        let wanted = hash >> INDEX;
        let mut fitting = 0;
        // All of them without a branch: which one it is cannot be foreseen.
        for (at, tag) in line.iter().enumerate() {
            fitting |= u32::from(tag >> INDEX == wanted) << at;
        }
        (line, fitting)
    }

    /// The line in which a word stands, and the place in it where it is looked for first.
    fn place_of(&self, hash: u32) -> (usize, usize) {
        (hash as usize & (self.table.len() - 1), (hash >> 28) as usize % SET)
    }

    fn enter(&mut self, hash: u32, index: u32) {
        let (line, first) = self.place_of(hash);
        let line = &mut self.table[line].0;
        let free = if line[first] == FREE { Some(first) } else { line.iter().position(|slot| *slot == FREE) };
        line[free.unwrap_or(first)] = hash >> INDEX << INDEX | index;
    }

    fn grow(&mut self) {
        self.table = vec![Line([FREE; SET]); self.table.len() * 2];
        // All but the last, which is entered by who asked.
        for index in 0..length(&self.entries) - 1 {
            let entry = &self.entries[index as usize];
            self.enter(hash_of(entry.head, entry.len), index);
        }
    }
}

/// What a word is looked up by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    /// The word's bytes, or the hash of a long one.
    head: [u64; 2],
    hash: u32,
    /// The entry it likely is.
    guess: u32,
    len: u16,
}

impl Key {
    /// Makes it that of the word from `start` to `end` of `text`: at least one byte, and no more than 16 bits count.
    /// In place, because what was written in parts is not soon read as a whole.
    #[inline]
    pub(super) fn set(&mut self, text: &[u8], start: usize, end: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "the caller's promise")]
        let len = (end - start) as u16;
        self.head = if usize::from(len) > INLINE {
            let mut hasher = FxHasher::default();
            hasher.write(&text[start..end]);
            [hasher.finish(), 0]
        } else {
            head(text, start, usize::from(len))
        };
        self.hash = hash_of(self.head, len);
        self.len = len;
        self.guess = u32::MAX;
    }
}

/// A short word, zeros behind it.
fn head(text: &[u8], start: usize, len: usize) -> [u64; 2] {
    let mut bytes = [0; INLINE];
    if let Some(whole) = text.get(start..start + INLINE) {
        bytes.copy_from_slice(whole);
    } else {
        bytes[..len].copy_from_slice(&text[start..start + len]);
    }
    let bits = u128::from_le_bytes(bytes);
    let kept = if len == INLINE { bits } else { bits & ((1 << (8 * len)) - 1) };
    #[expect(clippy::cast_possible_truncation, reason = "both halves")]
    let halves = [kept as u64, (kept >> 64) as u64];
    halves
}

fn hash_of(head: [u64; 2], len: u16) -> u32 {
    const MANY: u64 = 0x9e37_79b9_7f4a_7c15;
    // Long words are told by the first part alone: the second is where they stand.
    let second = if usize::from(len) > INLINE { 0 } else { head[1] };
    let hash = (head[0] ^ u64::from(len) << 56).wrapping_mul(MANY).rotate_left(29) ^ second;
    (hash.wrapping_mul(MANY) >> 32) as u32
}

fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &[u8], start: usize, end: usize) -> Key {
        let mut key = Key::default();
        key.set(text, start, end);
        key
    }

    /// A word is what was found out about it, whatever else is known, and is found out once while there is room.
    #[test]
    fn words_are_remembered_whatever_their_length() {
        let mut surfaces = Surfaces::new();
        let words: Vec<String> = (0..5000_usize).map(|n| format!("{}{n}", "ab".repeat(n % 13))).collect();
        let text = words.join(" ");
        let mut asked = 0;
        for _ in 0..2 {
            let mut start = 0;
            for (number, word) in (0_u16..).zip(&words) {
                let end = start + word.len();
                let mut keys = [key(text.as_bytes(), start, end)];
                surfaces.prepare(&mut keys);
                let many = number % 20;
                let entry = surfaces.get(&keys[0], word.as_bytes(), |numbers| {
                    asked += 1;
                    numbers.push(u32::from(number));
                    numbers.extend((1..=many).map(u32::from));
                    Counts { words: 1, families: many, ..Counts::default() }
                });
                assert_eq!(surfaces.words(entry), [u32::from(number)], "{word}");
                assert_eq!(surfaces.families(entry).len(), usize::from(many), "{word}");
                assert!(surfaces.families(entry).iter().copied().eq((1..=many).map(u32::from)));
                start = end + 1;
            }
        }
        assert!(asked < 5300, "{asked} of 5000 words asked for");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut surfaces = Surfaces::new();
        for number in 0..400_000_u32 {
            // An article that goes on for long.
            if number % 200_000 == 0 {
                surfaces.bound();
            }
            let word = format!("word-number-{number}");
            let entry = surfaces.get(&key(word.as_bytes(), 0, word.len()), word.as_bytes(), |numbers| {
                numbers.push(number);
                Counts { words: 1, ..Counts::default() }
            });
            assert_eq!(surfaces.words(entry), [number]);
        }
        assert!(surfaces.table.len() * SET <= 4 * MAX_SURFACES && surfaces.entries.len() <= 200_000);
    }
}
