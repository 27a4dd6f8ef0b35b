//! Which topics an article could match at all, from the words that stand in it.
//!
//! Every topic is brought to facets: sets of keys of which at least one has to be seen. A key is a word, or two
//! words in a row for phrases. One facet, the one expected to be rarest, gives access to the topic; the others are
//! tested once it was seen. (The plan of Lucene Monitor's presearcher, without Lucene.) Topics with the same access
//! facet stand together in one record, with what else each of them needs.

use std::hint::black_box;

use super::surfaces::Surfaces;
use super::words::WordId;

/// What a word is good for; beside its id in the upper bits of a `u32`.
pub(crate) const FIRST: u32 = 1 << 31;
pub(crate) const SECOND: u32 = 1 << 30;
pub(crate) const KEY: u32 = 1 << 29;
pub(crate) const ACCESS: u32 = 1 << 28;
pub(crate) const WORD: u32 = ACCESS - 1;

/// In a record, instead of a number of keys: the place where they stand, shared with other topics.
pub(super) const SHARED: u32 = 1 << 31;

/// Lists of numbers, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub(super) fn new(lists: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; lists + 1];
        for (list, _) in &pairs {
            starts[*list as usize + 1] += 1;
        }
        for at in 0..lists {
            starts[at + 1] += starts[at];
        }
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    fn get(&self, list: u32) -> &[u32] {
        let list = list as usize;
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }
}

/// Two words in a row, as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// With [`ACCESS`]; [`NOBODY`] for a free place.
    pub(super) first: u32,
    pub(super) second: WordId,
}

const NOBODY: u32 = u32::MAX;

/// Pairs by the families of their words, behind a filter: most of an article's neighbours are in no topic. Those of the
/// same families stand one after the other, from a place that follows from their tag up to the next free one.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    filter: Vec<u64>,
    table: Vec<Pair>,
}

/// What two families in a row are looked up by; different ones may share it, the words themselves decide.
pub(super) const fn tag(first: u32, second: u32) -> u32 {
    let both = (first as u64) << 32 | second as u64;
    let hash = (both ^ both >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as u32
}

impl Pairs {
    /// From pairs with their tags; and the place that each of them got.
    pub(super) fn new(pairs: &[(u32, Pair)]) -> (Self, Vec<u32>) {
        let mut own = Self::default();
        if pairs.is_empty() {
            return (own, vec![]);
        }
        // Four to eight bits a pair, and a table that is never full.
        own.filter = vec![0; (pairs.len() / 16).next_power_of_two()];
        let free = Pair { first: NOBODY, second: 0 };
        own.table = vec![free; (pairs.len() + pairs.len() / 4 + 1).next_power_of_two()];
        let places = pairs.iter().map(|(tag, pair)| {
            let (word, bits) = own.bits(*tag);
            own.filter[word] |= bits;
            let mut place = own.place(*tag);
            while own.table[place].first != NOBODY {
                place = own.after(place);
            }
            own.table[place] = *pair;
            u32::try_from(place).unwrap_or(u32::MAX)
        });
        let places = places.collect();
        (own, places)
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.table.len()
    }

    /// Marks the pair at a place as one that gives access.
    pub(super) fn open(&mut self, place: u32) {
        self.table[place as usize].first |= ACCESS;
    }

    /// The word of the filter and the bits in it.
    fn bits(&self, tag: u32) -> (usize, u64) {
        let mixed = u64::from(tag).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let word = (mixed >> 32) as usize & (self.filter.len() - 1);
        (word, 1 << (mixed >> 20 & 63) | 1 << (mixed >> 26 & 63))
    }

    /// Whether there may be pairs of this tag.
    fn may_have(&self, tag: u32) -> bool {
        if self.filter.is_empty() {
            return false;
        }
        let (word, bits) = self.bits(tag);
        self.filter[word] & bits == bits
    }

    fn place(&self, tag: u32) -> usize {
        tag as usize & (self.table.len() - 1)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.table.len() - 1)
    }

    /// The pairs that may have this tag, with their places.
    fn of(&self, tag: u32) -> impl Iterator<Item = (usize, Pair)> + '_ {
        let mut place = self.place(tag);
        std::iter::from_fn(move || {
            let found = (place, self.table[place]);
            place = self.after(place);
            (found.1.first != NOBODY).then_some(found)
        })
    }
}

/// The way from words to topics.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// For each word what a hit on it is good for, see [`FIRST`] and the others; the upper four bits of an id.
    pub(super) flags: Vec<u8>,
    pub(super) pairs: Pairs,
    /// How many keys there are: all words, then the pairs.
    pub(super) keys: u32,
    /// From a key to the records it opens.
    pub(super) opens: Lists,
    /// For each access facet its number, how many topics it opens, then for each of them its number, how many facets
    /// it needs besides, and for each of those how many keys it has and the keys, or where they stand, see [`SHARED`].
    pub(super) records: Vec<u32>,
    /// How many records there are.
    pub(super) facets: u32,
    /// Topics that any article may match.
    pub(crate) always: Vec<u32>,
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

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

/// A word of an article that queries look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// First position.
    pub(crate) start: u32,
    /// One past the last.
    pub(crate) end: u32,
    /// What is known of it, see [`Surfaces`].
    pub(crate) entry: u32,
}

/// What is worked with while candidates are looked for; kept for the next article.
#[derive(Debug, Default)]
pub(crate) struct Search {
    seen: Bits,
    opened: Bits,
    /// Records to look at, in the order they were opened.
    records: Vec<u32>,
    /// Neighbours that may be a pair: the tag, and the two words.
    neighbours: Vec<(u32, u32, u32)>,
    pub(crate) candidates: Vec<u32>,
}

impl Index {
    /// Fills in the topics that may match; `found` are an article's words in order.
    pub(super) fn candidates(&self, found: &[Found], surfaces: &Surfaces, search: &mut Search) {
        let Search { seen, opened, records, neighbours, candidates } = search;
        candidates.clear();
        candidates.extend_from_slice(&self.always);
        records.clear();
        seen.reset(self.keys as usize);
        for word in found {
            for key in surfaces.keys(word.entry) {
                if seen.insert(key & WORD) && key & ACCESS != 0 {
                    records.extend_from_slice(self.opens.get(key & WORD));
                }
            }
        }
        self.neighbours(found, surfaces, neighbours);
        for (tag, one, other) in neighbours.iter() {
            let (firsts, seconds) = (surfaces.words(*one), surfaces.words(*other));
            let is = |words: &[u32], id: WordId| words.iter().any(|word| word & WORD == id);
            for (place, pair) in self.pairs.of(*tag) {
                if is(firsts, pair.first & WORD) && is(seconds, pair.second) {
                    let key = self.pair_key(place);
                    if seen.insert(key) && pair.first & ACCESS != 0 {
                        records.extend_from_slice(self.opens.get(key));
                    }
                }
            }
        }
        if records.is_empty() {
            return;
        }
        opened.reset(self.facets as usize);
        for record in records.iter() {
            let record = &self.records[*record as usize..];
            if opened.insert(record[0]) {
                self.test(&record[1..], seen, candidates);
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "pairs and words together are numbered in 28 bits")]
    fn pair_key(&self, place: usize) -> u32 {
        self.flags.len() as u32 + place as u32
    }

    /// The neighbours that may be a pair: the tag, and what is known of the two.
    fn neighbours(&self, found: &[Found], surfaces: &Surfaces, out: &mut Vec<(u32, u32, u32)>) {
        out.clear();
        let mut touched = 0;
        for (at, word) in found.iter().enumerate() {
            if !surfaces.counts(word.entry).first {
                continue;
            }
            let firsts = surfaces.families(word.entry);
            // A word right behind: they are ordered by where they start.
            for next in found[at + 1..].iter().take_while(|next| next.start <= word.end) {
                if next.start < word.end || !surfaces.counts(next.entry).second {
                    continue;
                }
                for second in surfaces.families(next.entry) {
                    for first in firsts {
                        let tag = tag(*first, *second);
                        if self.pairs.may_have(tag) {
                            // Read ahead: what is asked of memory here is there when it is needed.
                            touched ^= self.pairs.table[self.pairs.place(tag)].second;
                            out.push((tag, word.entry, next.entry));
                        }
                    }
                }
            }
        }
        black_box(touched);
    }

    /// Adds the topics of a record whose other facets were seen, too.
    fn test(&self, record: &[u32], seen: &Bits, candidates: &mut Vec<u32>) {
        let mut at = 1;
        for _ in 0..record[0] {
            let (topic, facets) = (record[at], record[at + 1]);
            at += 2;
            let mut holds = true;
            for _ in 0..facets {
                let len = record[at];
                let keys = if len & SHARED == 0 {
                    let keys = &record[at + 1..=at + len as usize];
                    at += 1 + len as usize;
                    keys
                } else {
                    at += 1;
                    let shared = &self.records[(len & !SHARED) as usize..];
                    &shared[1..=shared[0] as usize]
                };
                holds = holds && keys.iter().any(|key| seen.contains(*key));
            }
            if holds {
                candidates.push(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_found_by_its_tag() {
        let pairs: Vec<(u32, Pair)> =
            (0..5000_u32).map(|n| (tag(n / 3, n % 7), Pair { first: n, second: n + 1 })).collect();
        let (table, places) = Pairs::new(&pairs);
        for ((tag, pair), place) in pairs.iter().zip(places) {
            assert!(table.may_have(*tag));
            assert!(table.of(*tag).any(|found| found == (place as usize, *pair)), "{pair:?}");
        }
        let strange = (0..10_000).map(|n| tag(n + 1_000_000, 5));
        let unlikely = strange.filter(|tag| table.may_have(*tag)).count();
        assert!(unlikely < 2500, "the filter lets {unlikely} of 10000 through");
        let (none, _) = Pairs::new(&[]);
        assert!(!none.may_have(1));
    }
}
