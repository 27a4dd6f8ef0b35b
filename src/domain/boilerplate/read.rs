//! A text as blocks and sentences, in the form in which they are compared.

use super::Mark;
use super::memory::Memory;
use super::seeds::{Seed, seeds};

/// A block says enough to be told from others with so many words; in scripts without spaces two characters are a word.
const TELLING_WORDS: u32 = 6;
/// The longest text that is looked at, in bytes; boilerplate behind it is not found.
const MAX_TEXT: usize = 1 << 20;

/// Sentences that are made room for beforehand: most articles have fewer.
const SENTENCES: usize = 32;

/// The blocks of one article's plain text.
#[derive(Debug, Default)]
pub struct Blocks {
    blocks: Vec<Block>,
    seeded: Vec<Mark>,
}

/// One line of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Of its words; [`fingerprint`].
    pub(super) hash: u64,
    /// Whether it says enough to be told from others.
    pub(super) telling: bool,
    /// Whether a seed covers all of it.
    pub(super) seeded: bool,
}

/// A sentence and what the seeds say of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its block.
    pub(super) block: usize,
    /// Where its folded form stands.
    pub(super) folded: (usize, usize),
    pub(super) seed: Option<Seed>,
}

impl Blocks {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        let mut reader = Reader { sentences: Vec::with_capacity(SENTENCES), ..Reader::default() };
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            reader.line(text, at, line);
            at += line.len();
        }
        let Reader { mut blocks, mut sentences, .. } = reader;
        spread(&mut sentences, blocks.len());
        let seeded =
            joined(text, sentences.iter().filter(|it| it.seed.is_some()).map(|it| (it.start, it.end)));
        for block in &mut blocks {
            block.seeded = seeded.iter().any(|mark| mark.0 <= block.start && block.end <= mark.1);
        }
        Self { blocks, seeded }
    }

    /// What of the text is boilerplate, in order and without overlap.
    pub fn marks(&self, memory: &Memory) -> Vec<Mark> {
        let repeated = self.blocks.iter().filter(|block| block.telling && memory.repeats(block.hash));
        let mut marks: Vec<Mark> = repeated.map(|block| (block.start, block.end)).collect();
        if marks.is_empty() {
            return self.seeded.clone();
        }
        marks.extend_from_slice(&self.seeded);
        marks.sort_unstable();
        let mut out: Vec<Mark> = Vec::with_capacity(marks.len());
        for (start, end) in marks {
            match out.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => out.push((start, end)),
            }
        }
        out
    }

    pub(super) fn all(&self) -> &[Block] {
        &self.blocks
    }
}

/// Ranges that only white space parts are one.
fn joined(text: &str, marks: impl Iterator<Item = Mark>) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::new();
    for (start, end) in marks {
        match out.last_mut() {
            Some(last) if text[last.1..start].trim().is_empty() => last.1 = end,
            _ => out.push((start, end)),
        }
    }
    out
}

/// The most sentences between two of an appeal that belong to it, too.
const WITHIN_APPEAL: usize = 6;

/// Lets appeals take in what belongs to them: see `seeds.txt`.
fn spread(sentences: &mut [Sentence], blocks: usize) {
    let appeals = |own: &[Sentence]| own.iter().any(|it| it.seed == Some(Seed::Appeal));
    if appeals(sentences) {
        let mut whole = vec![false; blocks];
        for own in sentences.chunk_by_mut(|one, other| one.block == other.block) {
            within(own);
            whole[own[0].block] = own.iter().all(|it| it.seed == Some(Seed::Appeal));
        }
        let mut groups: Vec<&mut [Sentence]> =
            sentences.chunk_by_mut(|one, other| one.block == other.block).collect();
        for (at, beside) in
            (1..groups.len()).map(|at| (at, at - 1)).chain((1..groups.len()).rev().map(|at| (at - 1, at)))
        {
            let beside = groups[beside][0].block;
            let own = &mut groups[at];
            if whole[beside] && own.iter().any(|it| matches!(it.seed, Some(Seed::Voice | Seed::Appeal))) {
                whole[own[0].block] = true;
                own.iter_mut().for_each(|it| it.seed = Some(Seed::Appeal));
            }
        }
    }
    for sentence in sentences {
        sentence.seed = sentence.seed.filter(|seed| *seed != Seed::Voice);
    }
}

/// In one block: what stands between two sentences of an appeal, and voices beside them.
fn within(own: &mut [Sentence]) {
    let appeal = Some(Seed::Appeal);
    let places: Vec<usize> = (0..own.len()).filter(|at| own[*at].seed == appeal).collect();
    for pair in places.windows(2).filter(|pair| pair[1] - pair[0] <= WITHIN_APPEAL + 1) {
        own[pair[0]..pair[1]].iter_mut().for_each(|it| it.seed = appeal);
    }
    for (at, beside) in
        (1..own.len()).map(|at| (at, at - 1)).chain((1..own.len()).rev().map(|at| (at - 1, at)))
    {
        if own[beside].seed == appeal && own[at].seed == Some(Seed::Voice) {
            own[at].seed = appeal;
        }
    }
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    sentences: Vec<Sentence>,
    folded: Vec<u8>,
}

impl Reader {
    /// Reads the line that begins at byte `at` of the text.
    fn line(&mut self, text: &str, at: usize, line: &str) {
        let start = at + (line.len() - line.trim_start().len());
        let end = at + line.trim_end().len();
        if start >= end {
            return;
        }
        let first = self.sentences.len();
        let words = fold(&text[start..end], &mut self.folded, |from, to, folded| {
            let (block, seed) = (self.blocks.len(), None);
            self.sentences.push(Sentence { start: start + from, end: start + to, block, folded, seed });
        });
        seeds().find(&self.folded, &mut self.sentences[first..]);
        let hash = fingerprint(&self.folded);
        self.blocks.push(Block { start, end, hash, telling: words >= TELLING_WORDS, seeded: false });
    }
}

/// Bytes that are folded at a time.
const CHUNK: usize = 16;

/// Puts `line` into `folded` in lower case, words parted and enclosed by single spaces, signs left out; tells each
/// sentence: its bytes, and those of its folded form, in which both spaces are its own. Answers how many words there are.
pub(super) fn fold(
    line: &str,
    folded: &mut Vec<u8>,
    mut sentence: impl FnMut(usize, usize, (usize, usize)),
) -> u32 {
    folded.clear();
    folded.push(b' ');
    let mut half_words = 0;
    let (mut from, mut folded_from) = (0, 0);
    let mut between = true; // words: `folded` ends with a space
    let mut at = 0;
    while let Some(&byte) = line.as_bytes().get(at) {
        if byte.is_ascii_alphanumeric() {
            half_words += 2 * usize::from(between);
            let start = folded.len();
            at += fold_words(&line.as_bytes()[at..], folded);
            // The spaces among them begin words, but for one at the end.
            let spaces: usize = folded[start..].iter().map(|byte| usize::from(*byte == b' ')).sum();
            between = folded.ends_with(b" ");
            half_words += 2 * (spaces - usize::from(between));
            continue;
        }
        if byte == b' ' {
            if !between {
                folded.push(b' ');
                between = true;
            }
            at += 1;
            continue;
        }
        let mut chars = line[at..].chars();
        let Some(c) = chars.next() else { break };
        let end = at + c.len_utf8();
        if c.is_alphanumeric() || c == '©' {
            half_words += match (is_unspaced(c), between) {
                (true, _) => 1,
                (false, true) => 2,
                (false, false) => 0,
            };
            let small = c.to_lowercase();
            small.for_each(|c| folded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
            between = false;
        } else if !is_inside_words(c) {
            if !between {
                folded.push(b' ');
                between = true;
            }
            if ends_sentence(c, chars.next()) {
                sentence(from, end, (folded_from, folded.len()));
                from = line[end..].find(|c: char| !c.is_whitespace()).map_or(line.len(), |skip| end + skip);
                folded_from = folded.len() - 1;
            }
        }
        at = end;
    }
    if !between {
        folded.push(b' ');
    }
    if from < line.len() {
        sentence(from, line.len(), (folded_from, folded.len()));
    }
    u32::try_from(half_words / 2).unwrap_or(u32::MAX)
}

/// Folds letters and digits of ASCII and single spaces behind them, up to anything else; answers how many bytes these
/// are, one at least. Most of a text is that, and told of many bytes at once: only the case changes.
fn fold_words(bytes: &[u8], folded: &mut Vec<u8>) -> usize {
    let follows =
        |before: u8, own: u8| own.is_ascii_alphanumeric() | (own == b' ') & before.is_ascii_alphanumeric();
    // Letters get small by this bit; digits and spaces have it.
    let small = |byte: u8| byte | 0x20;
    folded.extend(bytes.first().copied().map(small));
    let mut done = 1;
    while let Some(chunk) = bytes[done - 1..].first_chunk::<{ CHUNK + 1 }>() {
        let (mut lower, mut other) = ([0; CHUNK], [0; CHUNK]);
        for place in 0..CHUNK {
            lower[place] = small(chunk[place + 1]);
            other[place] = u8::from(!follows(chunk[place], chunk[place + 1]));
        }
        let good = u128::from_le_bytes(other).trailing_zeros() as usize / 8;
        folded.extend_from_slice(&lower);
        folded.truncate(folded.len() - (CHUNK - good));
        done += good;
        if good < CHUNK {
            return done;
        }
    }
    let rest = bytes[done - 1..].windows(2).take_while(|pair| follows(pair[0], pair[1]));
    let before = folded.len();
    folded.extend(rest.map(|pair| small(pair[1])));
    done + folded.len() - before
}

/// Signs that stand within words: don’t, soft hyphens, joiners.
const fn is_inside_words(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '`' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn ends_sentence(c: char, next: Option<char>) -> bool {
    match c {
        '。' | '！' | '？' | '।' => true,
        '.' | '!' | '?' | '…' | '؟' | '»' | '→' | '|' | '•' | '·' => {
            next.is_none_or(char::is_whitespace)
        }
        _ => false,
    }
}

/// Whether words of this letter's script are written without spaces between them.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{312f}'
        | '\u{3190}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// Sixty-four bits that are the same on every day and machine: eight bytes at a time are multiplied in. A publisher who
/// makes two blocks collide only hides its own text.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for word in words.iter().chain([&last]) {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Character by character: folded form, sentences, number of words.
    fn plainly(line: &str) -> (String, Vec<(usize, usize)>, u32) {
        let (mut folded, mut sentences, mut half_words) = (" ".to_owned(), Vec::new(), 0);
        let mut from = 0;
        for (at, c) in line.char_indices() {
            let between = folded.ends_with(' ');
            if c.is_alphanumeric() || c == '©' {
                half_words += if is_unspaced(c) { 1 } else { 2 * u32::from(between) };
                folded.extend(c.to_lowercase());
            } else if !is_inside_words(c) {
                if !between {
                    folded.push(' ');
                }
                let rest = &line[at + c.len_utf8()..];
                if ends_sentence(c, rest.chars().next()) {
                    sentences.push((from, line.len() - rest.len()));
                    from = line.len() - rest.trim_start().len();
                }
            }
        }
        if !folded.ends_with(' ') {
            folded.push(' ');
        }
        if from < line.len() {
            sentences.push((from, line.len()));
        }
        (folded, sentences, half_words / 2)
    }

    proptest::proptest! {
        #[test]
        fn folding_in_chunks_is_folding(line in "([a-z ]{0,90}|[A-Za-z0-9 '.,!|-]{0,40}|[é。’Ж中©İ\\s\u{ad}]{0,3}){0,6}") {
            let (mut folded, mut sentences) = (Vec::new(), Vec::new());
            let words = fold(&line, &mut folded, |from, to, _| sentences.push((from, to)));
            let text = String::from_utf8(folded).expect("text");
            assert_eq!((text, sentences, words), plainly(&line));
        }
    }
}
