//! Which hashes are surely in no table.
//!
//! Nearly every identity that is asked for is either in the small table or nowhere: of a new article each one would
//! read a page somewhere in the large table, only to find that it is not there. This is a Bloom filter in memory
//! (one block of 64 bytes a hash, after Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters",
//! 2007): what it does not know is nowhere, what it knows is looked up. Bits are only ever set, so that a transaction
//! that is taken back, or an article that is removed, costs a look-up in vain and nothing else.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use rusqlite::Connection;

use super::identities;
use super::open::open_reader;
use crate::domain::IdentityHash;

/// Bits of a block: one line of the processor's cache.
const BLOCK: usize = 512;

/// Bits set in a block for each hash.
const PROBES: u32 = 4;

/// Bits there are for each hash: one look-up in some fifty is in vain.
const BITS_PER_HASH: u64 = 10;

/// Hashes there is room for at least: 2.5 MiB, and 700,000 articles until the next start.
const LEAST: u64 = 1 << 21;

/// Hashes there is room for at most: 20 MiB. Beyond, more look-ups are in vain.
const MOST: u64 = 1 << 24;

/// Hashes that may be stored.
#[derive(Debug)]
pub(super) struct Sieve {
    bits: Box<[AtomicU64]>,
    /// Whether all that was stored at the start is in it.
    whole: AtomicBool,
}

impl Sieve {
    /// One that lets everything pass, for those who write no articles.
    pub(super) fn open() -> Self {
        Self::with_room(0)
    }

    /// One that knows nothing yet.
    fn with_room(hashes: u64) -> Self {
        let blocks = (hashes * BITS_PER_HASH).div_ceil(BLOCK as u64).max(1);
        let words = usize::try_from(blocks).unwrap_or(1) * (BLOCK / 64);
        Self { bits: (0..words).map(|_| AtomicU64::new(0)).collect(), whole: AtomicBool::new(false) }
    }

    /// One of a database that `connection` is open on. It learns what is stored there on a thread of its own, and lets
    /// everything pass until then; `path` is none where the database is in memory, and empty.
    pub(super) fn of(connection: &Connection, path: Option<&Path>) -> Arc<Self> {
        // Without an index of them, all would have to be read to be counted: they are as many as the articles, thrice.
        let articles = "SELECT coalesce(max(id) - min(id) + 1, 0) FROM article";
        let articles: i64 = connection.query_row(articles, [], |row| row.get(0)).unwrap_or_default();
        // As many again may come until the next start.
        let hashes = articles.unsigned_abs().saturating_mul(2 * 3).clamp(LEAST, MOST);
        let sieve = Arc::new(Self::with_room(hashes));
        match path {
            None => sieve.whole.store(true, Ordering::Release),
            Some(path) => {
                let (weak, path) = (Arc::downgrade(&sieve), path.to_owned());
                let learner = std::thread::Builder::new().name("sieve".to_owned());
                // Without it, everything is looked up.
                if let Err(problem) = learner.spawn(move || learn(&weak, &path)) {
                    tracing::warn!(error = %problem, "there is no thread that learns which articles are known");
                }
            }
        }
        sieve
    }

    /// Whether `hash` may be stored; where it says no, it is not.
    pub(super) fn may_have(&self, hash: IdentityHash) -> bool {
        !self.whole.load(Ordering::Acquire)
            || self.places(hash).all(|(word, bit)| self.bits[word].load(Ordering::Relaxed) & bit != 0)
    }

    /// Notes that `hash` is stored, or about to be.
    pub(super) fn add(&self, hash: IdentityHash) {
        for (word, bit) in self.places(hash) {
            self.bits[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Words and bits of a hash. It is a good one already: its upper half chooses the block, its lower the bits.
    fn places(&self, hash: IdentityHash) -> impl Iterator<Item = (usize, u64)> + use<> {
        let hash = hash.as_i64().cast_unsigned();
        let words = BLOCK / 64;
        let blocks = (self.bits.len() / words) as u64;
        let block = usize::try_from(((hash >> 32) * blocks) >> 32).unwrap_or_default();
        (0..PROBES).map(move |probe| {
            // Each in two words of its own.
            let bit = usize::try_from(hash >> (probe * 7) & 0x7f).unwrap_or_default();
            (block * words + probe as usize * 2 + bit / 64, 1 << (bit % 64))
        })
    }
}

/// Adds what was stored before: the small table first, for what is moved on meanwhile is found in the large one then.
/// Ends early where nobody asks any more.
fn learn(sieve: &Weak<Sieve>, path: &Path) {
    let learned = || -> Option<()> {
        let connection = open_reader(path).ok()?;
        let add = |hashes: Vec<IdentityHash>| {
            let sieve = sieve.upgrade()?;
            for hash in hashes {
                sieve.add(hash);
            }
            Some(())
        };
        add(identities::recent(&connection).ok()?)?;
        for slice in 0..identities::SLICES {
            add(identities::settled(&connection, slice).ok()?)?;
        }
        sieve.upgrade()?.whole.store(true, Ordering::Release);
        Some(())
    };
    if learned().is_none() && sieve.strong_count() > 0 {
        tracing::debug!("which articles are known could not be read: all are looked up");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> IdentityHash {
        IdentityHash::of("guid", &[&number.to_be_bytes()])
    }

    #[test]
    fn it_lets_pass_all_that_is_stored_and_little_else() {
        let room = 200_000;
        let sieve = Sieve::with_room(room);
        assert!(sieve.may_have(hash(0)), "before it has learnt what is stored");
        sieve.whole.store(true, Ordering::Release);
        for number in 0..room {
            sieve.add(hash(number));
        }
        assert!((0..room).all(|number| sieve.may_have(hash(number))));
        let others = 100_000;
        let in_vain = (room..room + others).filter(|number| sieve.may_have(hash(*number))).count();
        assert!(in_vain < 5_000, "{in_vain} of {others} in vain");
    }

    #[test]
    fn what_was_stored_before_it_started_is_learnt_from_both_tables() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("w.db");
        let connection = crate::sqlite::open::open_writer(&path).expect("a database");
        let stored = 20_000;
        connection.execute_batch("BEGIN").expect("a transaction");
        for article in 1..=stored {
            let hash = hash(article);
            let article = i64::try_from(article).expect("small");
            identities::note_new(&connection, &Sieve::open(), &[hash], article).expect("a new one");
        }
        connection.execute_batch("COMMIT").expect("a commit");
        let sieve = Arc::new(Sieve::with_room(100_000));
        learn(&Arc::downgrade(&sieve), &path);
        assert!(sieve.whole.load(Ordering::Acquire));
        assert!((1..=stored).all(|number| sieve.may_have(hash(number))));
        assert!((stored..2 * stored).filter(|number| sieve.may_have(hash(*number))).count() < 100);
    }
}
