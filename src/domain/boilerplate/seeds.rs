//! Sentences that are boilerplate in any feed.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

use super::read::{Sentence, fold};

/// What a sentence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seed {
    /// It asks for money, or thanks for it.
    Appeal,
    /// The publisher speaks of itself: boilerplate where it stands within an appeal or beside one.
    Voice,
    /// Anything else: sign-ups, cookies, rights, links to more.
    Notice,
}

/// All patterns, compiled.
#[derive(Debug)]
pub(super) struct Seeds {
    parts: AhoCorasick,
    /// What each part of a pattern belongs to.
    of_part: Vec<PartOf>,
    rules: Vec<Rule>,
    /// Of each rule that ASCII can fit its longest word, by its first letters: a line without any fits none.
    words: FxHashMap<[u8; HEAD], Vec<String>>,
    /// The same first letters as bits by their hash: most words are told by these.
    heads: Heads,
    /// Whether each of them has such a word.
    all_have_words: bool,
}

/// Letters that a word is looked up by.
const HEAD: usize = 4;

/// Bytes that spaces are looked for in at a time.
const CHUNK: usize = 16;

/// First letters of words: a bit for each hash of sixteen bits.
#[derive(Debug)]
struct Heads(Box<[u64; 1 << 10]>);

impl Heads {
    fn of<'a>(heads: impl Iterator<Item = &'a [u8; HEAD]>) -> Self {
        let mut bits = Box::new([0; 1 << 10]);
        for head in heads {
            let (word, bit) = Self::place(*head);
            bits[word] |= bit;
        }
        Self(bits)
    }

    fn may_have(&self, head: [u8; HEAD]) -> bool {
        let (word, bit) = Self::place(head);
        self.0[word] & bit != 0
    }

    /// Which bit of which word.
    const fn place(head: [u8; HEAD]) -> (usize, u64) {
        let hash = u32::from_le_bytes(head).wrapping_mul(0x9e37_79b1) >> 16;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }
}

#[derive(Clone, Copy, Debug)]
struct PartOf {
    rule: usize,
    /// Which of its parts, as a bit.
    bit: u8,
    at_start: bool,
    at_end: bool,
    /// Bytes of the enclosing space at its start.
    lead: usize,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    seed: Seed,
    /// All bits of its parts.
    all: u8,
}

/// The patterns that ship.
///
/// # Panics
/// Never: they are part of the program, and every test that reads a text reads them.
pub(super) fn seeds() -> &'static Seeds {
    static SEEDS: LazyLock<Seeds> =
        LazyLock::new(|| Seeds::read(include_str!("seeds.txt")).expect("patterns that were tested"));
    &SEEDS
}

impl Seeds {
    /// Reads patterns, one a line; `seeds.txt` says how they are written.
    fn read(text: &str) -> Result<Self, String> {
        let (mut needles, mut of_part, mut rules) = (Vec::new(), Vec::new(), Vec::new());
        let (mut words, mut all_have_words) = (FxHashMap::<_, Vec<String>>::default(), true);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("not a pattern: {line}");
            let (kind, pattern) = line.split_once(' ').ok_or_else(wrong)?;
            let seed = match kind {
                "appeal" => Seed::Appeal,
                "voice" => Seed::Voice,
                "notice" => Seed::Notice,
                _ => return Err(wrong()),
            };
            let mut all = 0;
            for (number, part) in pattern.split(" + ").enumerate() {
                let bit = u32::try_from(number)
                    .ok()
                    .and_then(|number| 1_u8.checked_shl(number))
                    .ok_or_else(wrong)?;
                all |= bit;
                let (part, at_start) =
                    part.trim().strip_prefix('^').map_or((part.trim(), false), |part| (part, true));
                let (part, at_end) = part.strip_suffix('$').map_or((part, false), |part| (part, true));
                let (needle, lead) = needle(part).ok_or_else(wrong)?;
                needles.push(needle);
                of_part.push(PartOf { rule: rules.len(), bit, at_start, at_end, lead });
            }
            let own = of_part.iter().rev().take_while(|part: &&PartOf| part.rule == rules.len()).count();
            let own: &[String] = &needles[needles.len() - own..];
            if own.iter().all(|needle| needle.is_ascii()) {
                let longest = own.iter().flat_map(|needle| whole_words(needle)).max_by_key(|word| word.len());
                match longest.and_then(|word| Some((*word.as_bytes().first_chunk()?, word))) {
                    Some((head, word)) => words.entry(head).or_default().push(word.to_owned()),
                    None => all_have_words = false,
                }
            }
            rules.push(Rule { seed, all });
        }
        let parts = AhoCorasick::new(&needles).map_err(|problem| problem.to_string())?;
        let heads = Heads::of(words.keys());
        Ok(Self { parts, of_part, rules, words, heads, all_have_words })
    }

    /// Whether any rule may fit a line: most have none of the words, which is told sooner than by looking for all parts.
    fn may_fit(&self, folded: &[u8]) -> bool {
        if !self.all_have_words || !folded.is_ascii() {
            return true;
        }
        let (chunks, rest) = folded.as_chunks::<CHUNK>();
        let mut last = [0; CHUNK];
        last[..rest.len()].copy_from_slice(rest);
        for (number, chunk) in chunks.iter().chain([&last]).enumerate() {
            let mut spaces = u128::from_le_bytes(chunk.map(|byte| u8::from(byte == b' ')));
            while spaces != 0 {
                let space = number * CHUNK + spaces.trailing_zeros() as usize / 8;
                spaces &= spaces - 1;
                let word = folded.get(space + 1..).unwrap_or_default();
                if word.first_chunk().is_some_and(|head| self.heads.may_have(*head))
                    && self.has_start_of(word)
                {
                    return true;
                }
            }
        }
        false
    }

    /// Whether a word begins here that one of the rules must have.
    fn has_start_of(&self, word: &[u8]) -> bool {
        let known = word.first_chunk().and_then(|head| self.words.get(head));
        known.is_some_and(|known| known.iter().any(|known| word.starts_with(known.as_bytes())))
    }

    /// Notes for each sentence of a line, folded as a whole, what it is.
    pub(super) fn find(&self, folded: &[u8], sentences: &mut [Sentence]) {
        if !self.may_fit(folded) {
            return;
        }
        let mut found: Vec<(usize, usize, u8)> = Vec::new(); // sentence, rule, parts
        for hit in self.parts.find_overlapping_iter(folded) {
            let part = self.of_part[hit.pattern().as_usize()];
            let start = hit.start() + part.lead;
            let at = sentences.partition_point(|sentence| sentence.folded.1 <= start);
            let Some(sentence) = sentences.get(at) else { continue };
            let (from, to) = sentence.folded;
            // Sentences share the space between them.
            let last = hit.end() >= to - 1;
            if hit.end() > to || part.at_start && start != from + 1 || part.at_end && !last {
                continue;
            }
            match found.iter_mut().find(|own| own.0 == at && own.1 == part.rule) {
                Some(own) => own.2 |= part.bit,
                None => found.push((at, part.rule, part.bit)),
            }
        }
        for (at, rule, parts) in found {
            let Rule { seed, all } = self.rules[rule];
            let own = &mut sentences[at].seed;
            // An appeal is more than a notice, and that more than a voice.
            let stronger = match own {
                None | Some(Seed::Voice) => true,
                Some(Seed::Notice) => seed == Seed::Appeal,
                Some(Seed::Appeal) => false,
            };
            if parts == all && stronger {
                *own = Some(seed);
            }
        }
    }
}

/// The words of a needle that begin behind a space, with the space behind them where there is one.
fn whole_words(needle: &str) -> impl Iterator<Item = &str> {
    needle.match_indices(' ').filter_map(|(space, _)| {
        let word = &needle[space + 1..];
        let end = word.find(' ').map_or(word.len(), |end| end + 1);
        (end >= HEAD).then(|| &word[..end])
    })
}

/// A part of a pattern as it is looked for in folded text, and how many bytes its leading space has: words as
/// wholes, unless a `*` leaves an end open; scripts without spaces anywhere.
fn needle(part: &str) -> Option<(String, usize)> {
    let (open_start, open_end) = (part.starts_with('*'), part.ends_with('*'));
    let mut folded = Vec::new();
    fold(part.trim_matches('*'), &mut folded, |_, _, _| ());
    let words = std::str::from_utf8(&folded).ok()?.trim();
    if words.chars().count() < 2 && words != "©" {
        return None;
    }
    let lead = usize::from(!open_start);
    let needle = format!("{}{words}{}", &" "[..lead], if open_end { "" } else { " " });
    Some((needle, lead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_rule_fits_is_looked_at() {
        assert!(seeds().all_have_words);
        let mut folded = Vec::new();
        let mut may_fit = |line: &str| {
            fold(line, &mut folded, |_, _, _| ());
            seeds().may_fit(&folded)
        };
        for line in include_str!("seeds.txt").lines().map(str::trim) {
            let Some((kind, pattern)) = line.split_once(' ').filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let sentence = pattern.replace(['*', '^', '$'], "").replace(" + ", ", and ");
            assert!(may_fit(&sentence), "{kind}: {sentence}");
            assert!(may_fit(&format!("Before all, {sentence} after it.")), "{kind}: {sentence}");
        }
        assert!(!may_fit("The ministers met in the harbour at noon, and nothing came of it."));
    }
}
