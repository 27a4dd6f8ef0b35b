//! Sets of small numbers, kept from article to article.

/// A set that knows what is in it.
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

/// A set of hashes that may say yes too often, never no. It is as large as the article asks for, so it mostly stays
/// next to the processor however many topics there are.
#[derive(Debug, Default)]
pub(super) struct Marks {
    bits: Vec<u64>,
}

/// The fewest and the most bits there are.
const SIZES: std::ops::RangeInclusive<usize> = 1 << 14..=1 << 24;
/// How many bits there are for each word of an article: about one answer in a hundred is a wrong yes.
const EACH: usize = 256;

impl Marks {
    /// Empties it, and makes it fit for an article of so many words.
    pub(super) fn reset(&mut self, words: usize) {
        let bits = (words.saturating_mul(EACH)).clamp(*SIZES.start(), *SIZES.end()).next_power_of_two();
        self.bits.clear();
        self.bits.resize(bits / 64, 0);
    }

    pub(super) fn insert(&mut self, hash: u32) {
        let at = self.at(hash);
        self.bits[at] |= 1 << (hash & 63);
    }

    pub(super) fn contains(&self, hash: u32) -> bool {
        self.bits[self.at(hash)] & 1 << (hash & 63) != 0
    }

    fn at(&self, hash: u32) -> usize {
        (hash >> 6) as usize & (self.bits.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(word: u32) -> u32 {
        let mixed = word.wrapping_mul(0x9e37_79b1);
        mixed ^ mixed >> 15
    }

    #[test]
    fn marks_never_forget_and_seldom_invent() {
        let mut marks = Marks::default();
        for words in [0, 200, 800, 100_000] {
            marks.reset(words);
            let count = u32::try_from(words).unwrap() * 3;
            (0..count).for_each(|word| marks.insert(mark(word * 7)));
            assert!((0..count).all(|word| marks.contains(mark(word * 7))));
            let invented = (0..10_000).filter(|word| marks.contains(mark(word + 100_000_000))).count();
            assert!(invented < 300, "{invented} of 10000 with {words} words");
        }
    }
}
