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

use super::bits::{Bits, Marks};
use super::pairs::{Pairs, tag};
use super::surfaces::{FIRST, FOLLOWS, Known, SECOND, Surfaces};

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
    /// For each word what it is good for, see [`FIRST`] and those behind it.
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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// First position.
    pub(crate) start: u32,
    /// One past the last.
    pub(crate) end: u32,
    pub(super) known: Known,
}

/// What is worked with while candidates are looked for; kept for the next article.
#[derive(Debug, Default)]
pub(crate) struct Search {
    marks: Marks,
    opened: Bits,
    /// Words in a row that may be a pair that gives access, with its tag.
    neighbours: Vec<(u32, Known, Known)>,
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
    pub(super) access: &'s [Known],
    /// Where among all the ones stand that may be the first of a pair that gives access.
    pub(crate) leading: &'s [u32],
}

impl Index {
    /// Fills in the topics that may match.
    pub(super) fn candidates(&self, seen: Seen<'_>, surfaces: &Surfaces, search: &mut Search) {
        search.candidates.clear();
        search.candidates.extend_from_slice(&self.always);
        search.records.clear();
        for known in seen.access {
            for range in surfaces.opens(*known) {
                search.records.extend_from_slice(self.opens.within(range));
            }
        }
        self.open_by_pairs(seen, surfaces, search);
        let Search { marks, opened, records, candidates, .. } = search;
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

    fn open_by_pairs(&self, seen: Seen<'_>, surfaces: &Surfaces, search: &mut Search) {
        let Search { neighbours, records, .. } = search;
        // First all that may be a pair, then which of them are: questions without a branch between them are answered by
        // memory at once.
        neighbours.clear();
        for at in seen.leading {
            let one = &seen.found[*at as usize];
            for other in behind(seen.found, *at as usize).filter(|other| other.known.flags & FOLLOWS != 0) {
                for first in families(one.known, surfaces) {
                    for second in families(other.known, surfaces) {
                        neighbours.push((tag(first, second), one.known, other.known));
                    }
                }
            }
        }
        for (tag, one, other) in neighbours {
            if self.pairs.may_have(*tag) {
                self.open_by(*tag, *one, *other, surfaces, records);
            }
        }
    }

    /// Opens the records of the pairs of this tag that two words are.
    fn open_by(&self, tag: u32, one: Known, other: Known, surfaces: &Surfaces, records: &mut Vec<u32>) {
        let (firsts, seconds) = (surfaces.words(one), surfaces.words(other));
        for (place, pair) in self.pairs.of(tag) {
            if firsts.contains(&pair.first) && seconds.contains(&pair.second) {
                records.extend_from_slice(self.opens.within(self.opens.range(self.pair_key(place))));
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

/// The families of a word, of which most have one.
fn families(known: Known, surfaces: &Surfaces) -> impl Iterator<Item = u32> + '_ {
    let others = if known.families > 1 { &surfaces.families(known)[1..] } else { &[] };
    std::iter::once(known.family).chain(others.iter().copied())
}

/// Marks the families of an article's words, and those of two of them in a row.
fn mark_all(found: &[Found], surfaces: &Surfaces, marks: &mut Marks) {
    for (at, word) in found.iter().enumerate() {
        families(word.known, surfaces).for_each(|family| marks.insert(family));
        if word.known.flags & FIRST == 0 {
            continue;
        }
        for next in behind(found, at).filter(|next| next.known.flags & SECOND != 0) {
            for second in families(next.known, surfaces) {
                families(word.known, surfaces).for_each(|first| marks.insert(tag(first, second)));
            }
        }
    }
}
