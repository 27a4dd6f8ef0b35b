//! Which blocks a feed showed lately, and in how many articles: a bounded memory, one small value per feed.

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::read::{Block, Blocks, fingerprint, fold};
use crate::domain::Timestamp;

/// In so many articles a block must have been seen.
const ARTICLES: usize = 3;
/// The most blocks remembered of one feed: some 15 KB, what one page of the database holds.
const MAX_BLOCKS: usize = 768;
/// Of an article's blocks so many from either end may be remembered; within one document all are counted.
const EDGE: usize = 12;
/// After so many days without being seen a block is forgotten.
const DAYS: u16 = 30;
/// How often it is looked for repeated blocks anew, so that those found do not pass for an article's own text.
const ROUNDS: usize = 4;
/// Says how the bytes of a stored memory are laid out.
const VERSION: u8 = 1;

/// The blocks a feed showed lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Least lately seen first.
    blocks: Vec<Remembered>,
    /// Those that repeat, ascending.
    repeated: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Remembered {
    hash: u64,
    /// When it was last seen, in days since the epoch.
    day: u16,
    witnesses: Witnesses,
}

/// The articles that show a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Witnesses {
    /// How many, up to [`ARTICLES`]; then it does not matter any more which.
    count: usize,
    first: [Witness; ARTICLES - 1],
}

/// An article that shows a block: fingerprints of its title and of its longest other block. Two versions of one
/// story, told under two headlines, mostly share the latter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Witness {
    title: u32,
    content: u32,
}

/// An article as a feed shows it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its headline.
    pub title: &'a str,
    /// Its text.
    pub blocks: &'a Blocks,
}

impl Memory {
    /// Whether nothing is remembered.
    pub const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn repeats(&self, hash: u64) -> bool {
        self.repeated.binary_search(&hash).is_ok()
    }

    /// Takes in articles that a feed shows for the first time.
    pub fn learn(&mut self, articles: &[Shown<'_>], now: Timestamp) {
        let day = u16::try_from(now.as_millis().max(0) / 86_400_000).unwrap_or(u16::MAX);
        self.blocks.retain(|own| own.day.saturating_add(DAYS) >= day);
        let before: FxHashMap<u64, Witnesses> =
            self.blocks.iter().map(|own| (own.hash, own.witnesses)).collect();
        let mut counted = count(articles, &before, &FxHashMap::default());
        let enough = |own: &Witnesses| own.count >= ARTICLES;
        // Where none is found to repeat that was not known to, another look finds the same.
        let found = |own: (&u64, &Witnesses)| enough(own.1) && !before.get(own.0).is_some_and(enough);
        let rounds = if counted.iter().any(found) { ROUNDS } else { 1 };
        for _ in 1..rounds {
            let again = count(articles, &before, &counted);
            let stable = again == counted;
            counted = again;
            if stable {
                break;
            }
        }
        let mut lately: Vec<Remembered> = Vec::new();
        let mut seen = FxHashSet::default();
        // The first ones of a document are the newest.
        for article in articles.iter().rev() {
            for (at, block) in article.blocks.all().iter().enumerate() {
                let Some(witnesses) = counted.get(&block.hash) else { continue };
                let near_an_end = at < EDGE || at + EDGE >= article.blocks.all().len();
                if (near_an_end || witnesses.count > 1) && seen.insert(block.hash) {
                    lately.push(Remembered { hash: block.hash, day, witnesses: *witnesses });
                }
            }
        }
        self.blocks.retain(|own| !seen.contains(&own.hash));
        self.blocks.append(&mut lately);
        self.forget();
        self.note_repeated();
    }

    fn note_repeated(&mut self) {
        let enough = self.blocks.iter().filter(|own| own.witnesses.count >= ARTICLES);
        self.repeated = enough.map(|own| own.hash).collect();
        self.repeated.sort_unstable();
    }

    /// Forgets what is too much: first what was seen in one article only, the least lately seen first.
    fn forget(&mut self) {
        for least in 2..=ARTICLES + 1 {
            let mut excess = self.blocks.len().saturating_sub(MAX_BLOCKS);
            self.blocks.retain(|own| {
                let goes = excess > 0 && own.witnesses.count < least;
                excess -= usize::from(goes);
                !goes
            });
        }
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for own in &self.blocks {
            out.extend_from_slice(&own.hash.to_le_bytes());
            out.extend_from_slice(&own.day.to_le_bytes());
            out.push(u8::try_from(own.witnesses.count).unwrap_or(0));
            for witness in own.witnesses.open() {
                out.extend_from_slice(&witness.title.to_le_bytes());
                out.extend_from_slice(&witness.content.to_le_bytes());
            }
        }
        out
    }

    /// Takes back what [`Self::to_bytes`] gave; what cannot be read is forgotten.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut memory = Self::default();
        let Some((&VERSION, mut rest)) = bytes.split_first() else { return memory };
        while let Some(own) = Remembered::read(&mut rest) {
            memory.blocks.push(own);
        }
        memory.note_repeated();
        memory
    }
}

impl Remembered {
    fn read(rest: &mut &[u8]) -> Option<Self> {
        fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
            let (head, tail) = rest.split_first_chunk::<N>()?;
            *rest = tail;
            Some(*head)
        }
        let hash = u64::from_le_bytes(take(rest)?);
        let day = u16::from_le_bytes(take(rest)?);
        let [count] = take::<1>(rest)?;
        let mut witnesses = Witnesses { count: usize::from(count).min(ARTICLES), ..Witnesses::default() };
        for at in 0..witnesses.open().len() {
            let (title, content) = (u32::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?));
            witnesses.first[at] = Witness { title, content };
        }
        Some(Self { hash, day, witnesses })
    }
}

impl Witnesses {
    /// Those that matter: none once there are enough.
    fn open(&self) -> &[Witness] {
        if self.count < ARTICLES { &self.first[..self.count] } else { &[] }
    }

    /// Adds one that differs from all others in title and content.
    fn add(&mut self, new: Witness) {
        let differs = |own: &Witness| own.title != new.title && own.content != new.content;
        if self.count >= ARTICLES || !self.open().iter().all(differs) {
            return;
        }
        match self.first.get_mut(self.count) {
            Some(free) => *free = new,
            None => self.first = [Witness::default(); ARTICLES - 1],
        }
        self.count += 1;
    }
}

/// The witnesses of each block of `articles`, those known `before` included; `so_far` says which repeat.
fn count(
    articles: &[Shown<'_>],
    before: &FxHashMap<u64, Witnesses>,
    so_far: &FxHashMap<u64, Witnesses>,
) -> FxHashMap<u64, Witnesses> {
    let blocks = articles.iter().map(|article| article.blocks.all().len()).sum();
    let mut counted: FxHashMap<u64, Witnesses> = FxHashMap::with_capacity_and_hasher(blocks, FxBuildHasher);
    let enough = |own: Option<&Witnesses>| own.is_some_and(|own| own.count >= ARTICLES);
    let repeats = |hash: &u64| enough(so_far.get(hash)) || enough(before.get(hash));
    for article in articles {
        let telling = || article.blocks.all().iter().filter(|block| block.telling && !block.seeded);
        // The two longest blocks of its own: whichever block is looked at, one of them is another one.
        let mut longest: [Option<&Block>; 2] = [None; 2];
        for block in telling().filter(|block| !repeats(&block.hash)) {
            let length = |block: &Block| block.end - block.start;
            if longest[0].is_none_or(|first| length(block) > length(first)) {
                longest = [Some(block), longest[0]];
            } else if longest[1].is_none_or(|second| length(block) > length(second)) {
                longest[1] = Some(block);
            }
        }
        let title = title_of(article, longest[0]);
        for block in telling() {
            let other = longest.into_iter().flatten().find(|other| other.hash != block.hash);
            let content = other.map_or(0, |other| low(other.hash));
            let own = counted
                .entry(block.hash)
                .or_insert_with(|| before.get(&block.hash).copied().unwrap_or_default());
            own.add(Witness { title, content });
        }
    }
    counted
}

/// Untitled articles are told apart by their text alone.
fn title_of(article: &Shown<'_>, longest: Option<&Block>) -> u32 {
    if article.title.trim().is_empty() {
        return longest.map_or(0, |block| low(block.hash));
    }
    let mut folded = Vec::new();
    fold(article.title, &mut folded, |_, _, _| ());
    low(fingerprint(&folded))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "half of the bits are enough to tell a feed's articles apart"
)]
const fn low(hash: u64) -> u32 {
    hash as u32
}
