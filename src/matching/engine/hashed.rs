//! Words by hash.

use std::hash::{Hash as _, Hasher as _};

use rustc_hash::FxHasher;

use super::words::WordId;

/// The hash a text is looked up by.
pub(super) fn hash(text: &str) -> u32 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

/// Ids by a 32-bit hash: sorted pairs, and where each leading value of the hash begins.
#[derive(Debug)]
pub(super) struct HashIndex {
    starts: Vec<u32>,
    shift: u32,
    entries: Vec<(u32, WordId)>,
}

impl HashIndex {
    pub(super) fn new(mut entries: Vec<(u32, WordId)>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        // About two entries to a bucket: the table is only asked about words that were never seen.
        let bits = (entries.len() / 2).next_power_of_two().trailing_zeros().clamp(1, 20);
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        let mut at = 0;
        for bucket in 0..=(1_u64 << bits) {
            while entries.get(at).is_some_and(|(hash, _)| u64::from(*hash >> shift) < bucket) {
                at += 1;
            }
            starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        Self { starts, shift, entries }
    }

    pub(super) fn get(&self, hash: u32) -> impl Iterator<Item = WordId> + '_ {
        let bucket = (hash >> self.shift) as usize;
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        self.entries[range].iter().filter(move |(own, _)| *own == hash).map(|(_, id)| *id)
    }
}
