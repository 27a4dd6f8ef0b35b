//! What is known about words of articles: everything costly is done once for each way of writing.
//!
//! What an article costs is mostly waiting for memory, so this is laid out to ask little of it: one line of the table
//! to a word, which holds the word itself and what is asked of every word; what is asked of few stands elsewhere. No
//! text can make a search long: a word finds its place in a few lines or takes the place of another.

use std::hash::Hasher as _;
use std::hint::black_box;

use rustc_hash::FxHasher;

/// How many words of articles are remembered at most; then the memory is cleared.
const MAX_SURFACES: usize = 1 << 17;
/// How many numbers are remembered at most beside them.
const MAX_NUMBERS: usize = 1 << 22;
/// How many words there are in a line of the table.
const SET: usize = 2;
/// How many lines a word is looked for in.
const REACH: usize = 4;
/// Words up to this length are compared within the table.
const INLINE: usize = 15;
/// Instead of a length: a longer word. It is told by its hash first.
const LONG: u64 = 0xff << 56;

/// The word may be the first of two in a row that are a key.
pub(super) const FIRST: u8 = 1;
/// It may be the second of them.
pub(super) const SECOND: u8 = 2;
/// It may be the first of two in a row that give access.
pub(super) const LEADS: u8 = 4;
/// It may be the second of them.
pub(super) const FOLLOWS: u8 = 8;
/// It gives access by itself.
pub(super) const OPENS: u8 = 16;

/// What is known of a word of articles, and where its numbers stand: the words of queries that it is, their families,
/// and for each word by which topics are found where the records it opens begin and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) at: u32,
    /// Its first family.
    pub(super) family: u32,
    pub(super) words: u16,
    pub(super) families: u16,
    pub(super) opens: u16,
    /// See [`FIRST`] and the others.
    pub(super) flags: u8,
}

/// A word of articles.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    head: Head,
    known: Known,
}

/// The word's bytes and its length, or the hash of a long one; of no word all zeros.
type Head = [u64; 2];

/// One line of memory.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([Slot; SET]);

/// Words of articles and what they are.
#[derive(Debug)]
pub(super) struct Surfaces {
    table: Vec<Line>,
    /// How many words were entered.
    count: usize,
    /// Those of all words, those of a long one behind its bytes.
    numbers: Vec<u32>,
}

impl Surfaces {
    pub(super) fn new() -> Self {
        Self { table: vec![Line::default(); 1 << 6], count: 0, numbers: Vec::new() }
    }

    /// Starts anew where it has become too large; between articles, which refer to it.
    pub(super) fn bound(&mut self) {
        if self.count >= MAX_SURFACES || self.numbers.len() > MAX_NUMBERS {
            *self = Self::new();
        }
    }

    /// All words of queries that a word is.
    pub(super) fn words(&self, known: Known) -> &[u32] {
        self.numbers(known, 0, usize::from(known.words))
    }

    /// The families of those words.
    pub(super) fn families(&self, known: Known) -> &[u32] {
        self.numbers(known, usize::from(known.words), usize::from(known.families))
    }

    /// Where the records that a word opens begin and end.
    pub(super) fn opens(&self, known: Known) -> impl Iterator<Item = (u32, u32)> + '_ {
        let from = usize::from(known.words) + usize::from(known.families);
        let ranges = self.numbers(known, from, 2 * usize::from(known.opens));
        ranges.chunks_exact(2).map(|range| (range[0], range[1]))
    }

    fn numbers(&self, known: Known, from: usize, count: usize) -> &[u32] {
        let start = known.at as usize + from;
        &self.numbers[start..start + count]
    }

    /// Makes a few words ready to be looked up: memory answers many questions at once much faster than one after the
    /// other.
    pub(super) fn prepare(&self, keys: &[Key]) {
        black_box(keys.iter().fold(0, |all, key| all ^ self.table[self.line_of(key.hash)].0[0].known.at));
    }

    /// What is known of the word `key` is of; nothing where that takes a search.
    #[inline]
    pub(super) fn get(&self, key: &Key) -> Option<Known> {
        let Line([first, second]) = &self.table[self.line_of(key.hash)];
        // Without a branch: which one it is cannot be foreseen.
        let slot = if second.head == key.head { second } else { first };
        (slot.head == key.head && !is_long(key.head)).then_some(slot.known)
    }

    /// What is known of `word`, which `key` is of; `find` is asked where it is new, and writes its numbers.
    pub(super) fn search(
        &mut self,
        key: &Key,
        word: &[u8],
        find: impl FnOnce(&mut Vec<u32>) -> Known,
    ) -> Known {
        let home = self.line_of(key.hash);
        let lines = (home..home + REACH).map(|line| &self.table[line & (self.table.len() - 1)]);
        let mut slots = lines.flat_map(|line| &line.0);
        if let Some(slot) = slots.find(|slot| slot.head == key.head && self.is(slot, word)) {
            return slot.known;
        }
        if is_long(key.head) {
            self.numbers.extend(packed(word));
        }
        let at = length(&self.numbers);
        let known = find(&mut self.numbers);
        let known = Known {
            at,
            family: self.numbers.get(at as usize + usize::from(known.words)).copied().unwrap_or(0),
            ..known
        };
        self.count += 1;
        // Beyond the bound a word is looked at anew each time, until the article ends.
        if self.count <= MAX_SURFACES {
            if self.count > self.table.len() * SET / 2 {
                self.grow();
            }
            self.enter(Slot { head: key.head, known });
        }
        known
    }

    /// Whether a slot with a word's head is that word's.
    fn is(&self, slot: &Slot, word: &[u8]) -> bool {
        let end = slot.known.at as usize;
        !is_long(slot.head)
            || end
                .checked_sub(word.len().div_ceil(4))
                .is_some_and(|start| self.numbers[start..end].iter().copied().eq(packed(word)))
    }

    fn line_of(&self, hash: u32) -> usize {
        hash as usize & (self.table.len() - 1)
    }

    /// Puts a word into the first free place, or that of another.
    fn enter(&mut self, slot: Slot) {
        let home = self.line_of(hash_of(slot.head));
        let last = self.table.len() - 1;
        let mut places = (0..REACH * SET).map(|at| ((home + at / SET) & last, at % SET));
        let free = places.find(|(line, at)| self.table[*line].0[*at].head == [0; 2]);
        let (line, at) = free.unwrap_or((home, 0));
        self.table[line].0[at] = slot;
    }

    fn grow(&mut self) {
        let larger = vec![Line::default(); self.table.len() * 2];
        let old = std::mem::replace(&mut self.table, larger);
        for slot in old.iter().flat_map(|line| line.0).filter(|slot| slot.head != [0; 2]) {
            self.enter(slot);
        }
    }
}

/// What a word is looked up by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    head: Head,
    hash: u32,
    /// Which of the words that are looked up it is of.
    pub(super) word: u32,
}

impl Key {
    /// Makes it that of the word from `start` to `end` of `text`: at least one byte. In place, because what was written
    /// in parts is not soon read as a whole.
    #[inline]
    pub(super) fn set(&mut self, text: &[u8], start: usize, end: usize, word: u32) {
        self.head = match text.get(start..start + 16).and_then(|whole| whole.first_chunk()) {
            Some(whole) if end - start <= INLINE => short(*whole, end - start),
            _ => slow(&text[start..end]),
        };
        self.hash = hash_of(self.head);
        self.word = word;
    }
}

/// The head of a word of up to [`INLINE`] bytes, the first ones of `bytes`.
#[inline]
fn short(bytes: [u8; 16], len: usize) -> Head {
    let [first, second] = KEPT[len % KEPT.len()];
    let bits = u128::from_le_bytes(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "both halves")]
    let halves = [bits as u64, (bits >> 64) as u64];
    [halves[0] & first, halves[1] & second | (len as u64) << 56]
}

/// Which bits of sixteen bytes are those of a word, by its length.
const KEPT: [[u64; 2]; 16] = {
    let mut kept = [[0; 2]; 16];
    let mut len = 1;
    while len < 16 {
        let bits = (1_u128 << (8 * len)) - 1;
        #[expect(clippy::cast_possible_truncation, reason = "both halves")]
        let halves = [bits as u64, (bits >> 64) as u64];
        kept[len] = halves;
        len += 1;
    }
    kept
};

/// The head of a long word, or of one that stands at the end of its text.
fn slow(word: &[u8]) -> Head {
    if word.len() <= INLINE {
        let mut bytes = [0; 16];
        bytes[..word.len()].copy_from_slice(word);
        short(bytes, word.len())
    } else {
        let mut hasher = FxHasher::default();
        hasher.write(word);
        [hasher.finish(), LONG | word.len() as u64]
    }
}

const fn is_long(head: Head) -> bool {
    head[1] >= LONG
}

/// The bytes of a word, four to a number.
fn packed(word: &[u8]) -> impl Iterator<Item = u32> + '_ {
    word.chunks(4).map(|some| some.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)))
}

fn hash_of([first, second]: Head) -> u32 {
    const MANY: u64 = 0x9e37_79b9_7f4a_7c15;
    let hash = (first.wrapping_mul(MANY).rotate_left(29) ^ second).wrapping_mul(MANY);
    (hash >> 32) as u32
}

fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(
        surfaces: &mut Surfaces,
        text: &[u8],
        (start, end): (usize, usize),
        find: impl FnOnce(&mut Vec<u32>) -> Known,
    ) -> Known {
        let mut key = Key::default();
        key.set(text, start, end, 0);
        surfaces.prepare(&[key]);
        let known = surfaces.get(&key);
        known.unwrap_or_else(|| surfaces.search(&key, &text[start..end], find))
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
                let many = number % 20;
                let known = get(&mut surfaces, text.as_bytes(), (start, end), |numbers| {
                    asked += 1;
                    numbers.push(u32::from(number));
                    numbers.extend((1..=many).map(u32::from));
                    Known { words: 1, families: many, ..Known::default() }
                });
                assert_eq!(surfaces.words(known), [u32::from(number)], "{word}");
                assert!(surfaces.families(known).iter().copied().eq((1..=many).map(u32::from)));
                assert!(many == 0 || known.family == 1);
                start = end + 1;
            }
        }
        assert!(asked < 5300, "{asked} of 5000 words asked for");
    }

    /// Neither zeros nor the length make two words the same.
    #[test]
    fn no_two_words_share_a_head() {
        let mut heads = std::collections::HashSet::new();
        let mut count = 0;
        for len in 1..40 {
            for last in [0, 1, b'a', 0xff] {
                let mut text = vec![0; len];
                text[len - 1] = last;
                text.extend(b"behind it, of no account");
                for end in [len, text.len()] {
                    let mut key = Key::default();
                    key.set(&text[..end], 0, len, 0);
                    heads.insert(key.head);
                }
                count += 1;
            }
        }
        assert_eq!(heads.len(), count);
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
            let known = get(&mut surfaces, word.as_bytes(), (0, word.len()), |numbers| {
                numbers.push(number);
                Known { words: 1, ..Known::default() }
            });
            assert_eq!(surfaces.words(known), [number]);
        }
        assert!(surfaces.table.len() * SET <= 2 * MAX_SURFACES && surfaces.numbers.len() <= 1_200_000);
    }
}
