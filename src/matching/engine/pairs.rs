//! Two words in a row, as keys.

use super::words::WordId;

/// Two words in a row by which topics are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// [`NOBODY`] for a free place.
    pub(super) first: WordId,
    pub(super) second: WordId,
}

const NOBODY: WordId = WordId::MAX;

/// Pairs by the families of their words. Those of the same families stand one after the other, from a place that
/// follows from their tag up to the next free one.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    table: Vec<Pair>,
    /// A set of their tags that may say yes too often: far smaller than the table, so that it stays near the processor.
    filter: Vec<u64>,
}

/// How many bits of the filter there are for each place of the table.
const FILTER: usize = 8;

/// What two families in a row are looked up by; different ones may share it, the words themselves decide.
pub(super) const fn tag(first: u32, second: u32) -> u32 {
    let both = (first as u64) << 32 | second as u64;
    let hash = (both ^ both >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as u32
}

impl Pairs {
    /// From pairs with their tags; and the place that each of them got.
    pub(super) fn new(pairs: &[(u32, Pair)]) -> (Self, Vec<u32>) {
        if pairs.is_empty() {
            return (Self::default(), vec![]);
        }
        let free = Pair { first: NOBODY, second: 0 };
        // It is never full, so that every search ends.
        let size = (pairs.len() + pairs.len() / 4 + 1).next_power_of_two();
        let mut own = Self { table: vec![free; size], filter: vec![0; (size * FILTER).div_ceil(64)] };
        let places = pairs.iter().map(|(tag, pair)| {
            let (word, bit) = own.filtered(*tag);
            own.filter[word] |= bit;
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

    fn place(&self, tag: u32) -> usize {
        tag as usize & (self.table.len() - 1)
    }

    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.table.len() - 1)
    }

    /// Whether there may be pairs with this tag.
    pub(super) fn may_have(&self, tag: u32) -> bool {
        let (word, bit) = self.filtered(tag);
        self.filter.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Where in the filter a tag stands.
    fn filtered(&self, tag: u32) -> (usize, u64) {
        // Other bits first than those that say the place in the table.
        let hash = tag.rotate_right(6);
        (hash as usize & self.filter.len().wrapping_sub(1), 1 << (tag & 63))
    }

    /// The pairs that may have this tag, with their places.
    pub(super) fn of(&self, tag: u32) -> impl Iterator<Item = (usize, Pair)> + '_ {
        let mut place = if self.table.is_empty() { 0 } else { self.place(tag) };
        std::iter::from_fn(move || {
            let found = (place, *self.table.get(place)?);
            place = self.after(place);
            (found.1.first != NOBODY).then_some(found)
        })
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
        assert!(pairs.iter().all(|(tag, _)| table.may_have(*tag)));
        for ((tag, pair), place) in pairs.iter().zip(places) {
            assert!(table.of(*tag).any(|found| found == (place as usize, *pair)), "{pair:?}");
        }
        let strange: usize = (0..10_000).map(|n| table.of(tag(n + 1_000_000, 5)).count()).sum();
        assert!(strange < 100_000, "{strange} looked at for 10000 that are not there");
        let (none, _) = Pairs::new(&[]);
        assert_eq!(none.of(1).count(), 0);
    }
}
