//! Words of ASCII letters and digits with nothing special about them, many bytes at once.

use super::{MAX_WORDS, Token, Tokeniser};
use crate::matching::text::class::Script;

/// How many bytes are looked at at once.
const BLOCK: usize = 64;
/// One bit of each byte of eight: the lowest, the highest.
const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// Which bytes of a block are ASCII letters and digits, as bits; behind the end there are none.
#[inline(never)]
pub(super) fn plain_bytes(text: &[u8], block: usize) -> u64 {
    let rest = text.get(block * BLOCK..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk::<BLOCK>() {
        return plain_of(whole);
    }
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    plain_of(&last)
}

fn plain_of(block: &[u8; BLOCK]) -> u64 {
    // In all bytes at once: the highest bit of each that is at least `least`, which needs the other seven bits only.
    let from = |bytes: u64, least: u8| (bytes & !HIGH) + LOW * u64::from(0x80 - least);
    let mut all = 0;
    for (eight, at) in block.as_chunks::<8>().0.iter().zip((0_u32..).step_by(8)) {
        let bytes = u64::from_le_bytes(*eight);
        let lower = bytes | (LOW * 0x20);
        let letters = from(lower, b'a') & !from(lower, b'z' + 1);
        let digits = from(bytes, b'0') & !from(bytes, b'9' + 1);
        let plain = (letters | digits) & !bytes & HIGH;
        // The eight bits side by side: each is moved to its place in the highest byte.
        all |= ((plain >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << at;
    }
    all
}

/// The script of a word of ASCII letters and digits, and how much of what stands behind it separates it from the next
/// word and does nothing else; nothing if there may be more to it.
fn plain_word(word: &[u8], behind: &[u8]) -> Option<(Script, usize)> {
    let letters = word.iter().any(u8::is_ascii_alphabetic);
    let more = match behind.first() {
        None | Some(b' ' | b'\n' | b')' | b';' | b'!' | b'?') => false,
        Some(b',') => !letters,
        Some(b'.') => word.len() == 1 || !letters || word.eq_ignore_ascii_case(b"www"),
        Some(b':') => word.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'h')),
        Some(_) => true,
    };
    let space = |at: usize| usize::from(behind.get(at) == Some(&b' '));
    let passed = match behind.first() {
        Some(b' ') => 1,
        Some(b',' | b')' | b';' | b':') => 1 + space(1),
        _ => 0,
    };
    (!more).then_some((if letters { Script::Latin } else { Script::Digits }, passed))
}

impl Tokeniser<'_> {
    /// Reads words of ASCII letters and digits with nothing special about them, and what little stands between them: nearly
    /// all of many texts. Stops before anything else.
    #[inline]
    pub(super) fn plain_words(&mut self) {
        let bytes = self.text.as_bytes();
        let limit = self.first.saturating_add(MAX_WORDS);
        let Self { at, position, block, plain, .. } = *self;
        let (mut at, mut position, mut block, mut plain) = (at, position, block, plain);
        while position < limit {
            let start = at;
            let mut end = start;
            loop {
                let (own, within) = (end / BLOCK, end % BLOCK);
                if own != block {
                    (block, plain) = (own, plain_bytes(bytes, own));
                }
                let row = (!(plain >> within)).trailing_zeros() as usize;
                end += row;
                if within + row < BLOCK {
                    break;
                }
            }
            let (Some(first), true) = (bytes.get(start), end > start) else { break };
            let mut script = Script::Latin;
            at = end + 1;
            if bytes.get(end) != Some(&b' ') || first.is_ascii_digit() {
                let Some(ends) = plain_word(&bytes[start..end], &bytes[end..]) else {
                    at = start;
                    break;
                };
                script = ends.0;
                at = end + ends.1;
            }
            #[expect(clippy::cast_possible_truncation, reason = "texts are cut to 10 MiB long before")]
            self.out.tokens.push(Token { start: start as u32, end: end as u32, position, width: 1, script });
            position += 1;
        }
        (self.at, self.position, self.block, self.plain) = (at, position, block, plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::text::token::{Tokens, tokenise};

    #[test]
    fn many_bytes_at_once_are_read_as_one_by_one() {
        for byte in 0..=255_u8 {
            for around in [b'k', b'7', b'Y', b' '] {
                for at in 0..BLOCK {
                    let mut text = [around; 2 * BLOCK];
                    text[BLOCK + at] = byte;
                    for length in [2 * BLOCK, BLOCK + at + 1, BLOCK + at] {
                        let text = &text[..length];
                        let bits = (0..)
                            .zip(&text[BLOCK..])
                            .map(|(bit, byte)| u64::from(byte.is_ascii_alphanumeric()) << bit);
                        assert_eq!(plain_bytes(text, 1), bits.sum::<u64>(), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn words_end_where_they_end_wherever_they_stand() {
        for before in 0..2 * BLOCK {
            for length in [1, 2, 63, 64, 65, 127, 128, 129] {
                let text = format!("{}{} end", " ".repeat(before), "w".repeat(length));
                let mut out = Tokens::default();
                assert_eq!(tokenise(&text, 7, &mut out), 2);
                let word = (before, before + length);
                let places = [word, (word.1 + 1, word.1 + 4)];
                let places =
                    places.map(|(start, end)| (u32::try_from(start).unwrap(), u32::try_from(end).unwrap()));
                assert!(out.places().eq(places), "{text}");
                assert_eq!(
                    [7, 8, 9].map(|position| out.place(position)),
                    [Some(places[0]), Some(places[1]), None]
                );
            }
        }
    }
}
