//! Which topics an article could match at all, from the words that stand in it.
//!
//! Every topic is brought to facets: sets of keys of which at least one has to be seen. A key is a word, or two
//! words in a row for phrases. One facet, the one expected to be rarest, gives access to the topic; the others are
//! tested once it was seen. (The plan of Lucene Monitor's presearcher, without Lucene.) Topics with the same access
//! facet stand together in one record, with what else each of them needs.
//!
//! Most articles open few records or none, so nothing is done for the other facets until one is: only then are the
//! article's words and neighbours marked, in a set of hashes that now and then says yes wrongly. What it lets through
//! is looked at again, exactly, by the topic's program.

use std::hint::black_box;

use super::bits::{Bits, Marks, mark};
use super::pairs::{Pairs, tag};
use super::surfaces::Surfaces;

/// What a word is good for: it may be the first of two words in a row that are a key.
pub(crate) const FIRST: u8 = 1;
/// It may be the second of them.
pub(crate) const SECOND: u8 = 2;
/// It is part of two words in a row that give access.
pub(crate) const PAIRED: u8 = 4;

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

    /// Where a list begins and ends.
    pub(super) fn range(&self, list: u32) -> (u32, u32) {
        (self.starts[list as usize], self.starts[list as usize + 1])
    }

    fn within(&self, (start, end): (u32, u32)) -> &[u32] {
        &self.items[start as usize..end as usize]
    }
}

/// The way from words to topics.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// For each word what it is good for, see [`FIRST`] and the others.
    pub(super) flags: Vec<u8>,
    /// The pairs that give access.
    pub(super) pairs: Pairs,
    /// From a word, and behind the words from a place among the pairs, to the records it opens.
    pub(super) opens: Lists,
    /// For each access facet its number, how many topics it opens, then for each of them its number, how many facets
    /// it needs besides, and for each of those how many keys it has and the keys' hashes, or where they stand, see
    /// [`SHARED`].
    pub(super) records: Vec<u32>,
    /// How many records there are.
    pub(super) facets: u32,
    /// Topics that any article may match.
    pub(crate) always: Vec<u32>,
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
    marks: Marks,
    opened: Bits,
    /// Records to look at, in the order they were opened.
    records: Vec<u32>,
    pub(crate) candidates: Vec<u32>,
}

/// An article's words that queries look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'s> {
    /// All of them, in order.
    pub(crate) found: &'s [Found],
    /// What is known of those that give access.
    pub(crate) access: &'s [u32],
    /// Where among them the ones stand that may be the first of a pair that gives access.
    pub(crate) paired: &'s [u32],
}

impl Index {
    /// Fills in the topics that may match.
    pub(super) fn candidates(&self, seen: Seen<'_>, surfaces: &Surfaces, search: &mut Search) {
        let Search { marks, opened, records, candidates } = search;
        candidates.clear();
        candidates.extend_from_slice(&self.always);
        records.clear();
        for entry in seen.access {
            for range in surfaces.opens(*entry) {
                records.extend_from_slice(self.opens.within(range));
            }
        }
        self.open_by_pairs(seen, surfaces, records);
        if records.is_empty() {
            return;
        }
        // Asked for at once, memory answers much faster than one question after the other.
        black_box(records.iter().fold(0, |all, record| all ^ self.records[*record as usize]));
        marks.reset(seen.found.len());
        mark_all(seen.found, surfaces, marks);
        opened.reset(self.facets as usize);
        for record in records.iter() {
            let record = &self.records[*record as usize..];
            if opened.insert(record[0]) {
                self.test(&record[1..], marks, candidates);
            }
        }
    }

    fn open_by_pairs(&self, seen: Seen<'_>, surfaces: &Surfaces, records: &mut Vec<u32>) {
        for at in seen.paired {
            let one = &seen.found[*at as usize];
            for other in behind(seen.found, *at as usize) {
                let counts = surfaces.counts(other.entry);
                if !counts.paired || !counts.second {
                    continue;
                }
                let (firsts, seconds) = (surfaces.words(one.entry), surfaces.words(other.entry));
                for first in surfaces.families(one.entry) {
                    for second in surfaces.families(other.entry) {
                        for (place, pair) in self.pairs.of(tag(*first, *second)) {
                            if firsts.contains(&pair.first) && seconds.contains(&pair.second) {
                                let range = self.opens.range(self.pair_key(place));
                                records.extend_from_slice(self.opens.within(range));
                            }
                        }
                    }
                }
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "pairs and words together are numbered in 32 bits")]
    fn pair_key(&self, place: usize) -> u32 {
        self.flags.len() as u32 + place as u32
    }

    /// Adds the topics of a record whose other facets were seen, too.
    fn test(&self, record: &[u32], marks: &Marks, candidates: &mut Vec<u32>) {
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
                holds = holds && keys.iter().any(|key| marks.contains(*key));
            }
            if holds {
                candidates.push(topic);
            }
        }
    }
}

/// The words right behind one: they are ordered by where they start.
fn behind(found: &[Found], at: usize) -> impl Iterator<Item = &Found> {
    let end = found[at].end;
    let near = found[at + 1..].iter().take_while(move |next| next.start <= end);
    near.filter(move |next| next.start == end)
}

/// Marks what an article's words are, and what two of them in a row are.
fn mark_all(found: &[Found], surfaces: &Surfaces, marks: &mut Marks) {
    for (at, word) in found.iter().enumerate() {
        for id in surfaces.words(word.entry) {
            marks.insert(mark(*id));
        }
        if !surfaces.counts(word.entry).first {
            continue;
        }
        let firsts = surfaces.families(word.entry);
        for next in behind(found, at).filter(|next| surfaces.counts(next.entry).second) {
            for second in surfaces.families(next.entry) {
                for first in firsts {
                    marks.insert(tag(*first, *second));
                }
            }
        }
    }
}
