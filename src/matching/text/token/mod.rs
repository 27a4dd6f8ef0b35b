//! Running text to words with positions.
//!
//! Every word takes one position. A compound (`counter-terrorism`, `AT&T`, `#NorthKorea`) gives its parts and,
//! over the same positions, the joined form, so that either way of writing finds the other.

mod compounds;
mod sentences;
mod tags;
mod words;

use super::class::{Class, Script, class};
use words::plain_bytes;

/// A word, or a compound as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Position of its first word.
    pub position: u32,
    /// How many positions it covers.
    pub width: u16,
    /// Its writing system.
    pub script: Script,
}

/// What a text is made of.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Words and compounds by position; a compound stands before its parts.
    pub tokens: Vec<Token>,
    /// Positions at which sentences begin, the first one left out.
    pub sentences: Vec<u32>,
    /// Positions at which paragraphs begin, the first one left out.
    pub paragraphs: Vec<u32>,
}

impl Tokens {
    /// Empties it, keeping the memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.sentences.clear();
        self.paragraphs.clear();
    }

    /// First and last byte of each position, in order.
    pub fn places(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let words = self.tokens.iter().filter(|token| token.width == 1);
        words.map(|token| (token.start, token.end))
    }

    /// First and last byte of a position; nothing where no word stands there.
    pub fn place(&self, position: u32) -> Option<(u32, u32)> {
        // The last that begins there is the word; compounds stand before it.
        let behind = self.tokens.partition_point(|token| token.position <= position);
        let token = self.tokens[..behind].last().filter(|token| token.position == position)?;
        Some((token.start, token.end))
    }
}

/// The most parts that are read together; what goes on longer is no compound, and is read from there anew.
const MAX_CHAIN: usize = 64;

/// A stretch of letters and digits.
#[derive(Clone, Copy, Debug)]
struct Unit {
    start: usize,
    end: usize,
    script: Script,
    /// Whether it takes a position.
    counts: bool,
}

/// Reads `text` from position `first` on, in a query with wildcards as letters.
#[derive(Debug)]
struct Tokeniser<'t> {
    text: &'t str,
    at: usize,
    first: u32,
    position: u32,
    wildcards: bool,
    /// Which block of the text was looked at last, and which of its bytes are ASCII letters and digits, as bits.
    block: usize,
    plain: u64,
    units: Vec<Unit>,
    out: &'t mut Tokens,
}

/// The most words of a text that are looked at.
pub const MAX_WORDS: u32 = 65_536;

/// Splits an article's text into words; the first one takes position `first`. Says how many positions there are.
pub fn tokenise(text: &str, first: u32, out: &mut Tokens) -> u32 {
    Tokeniser::new(text, first, false, out).run()
}

/// Splits a term of a query into words; `*` and `?` are letters.
pub fn tokenise_term(text: &str) -> Tokens {
    let mut out = Tokens::default();
    Tokeniser::new(text, 0, true, &mut out).run();
    out
}

impl<'t> Tokeniser<'t> {
    fn new(text: &'t str, first: u32, wildcards: bool, out: &'t mut Tokens) -> Self {
        let plain = plain_bytes(text.as_bytes(), 0);
        Self { text, at: 0, first, position: first, wildcards, block: 0, plain, units: Vec::new(), out }
    }

    fn run(mut self) -> u32 {
        while self.position - self.first < MAX_WORDS {
            if !self.wildcards {
                self.plain_words();
            }
            match self.text.as_bytes().get(self.at) {
                None => break,
                Some(b' ') => self.at += 1,
                Some(_) => self.step(),
            }
        }
        self.position - self.first
    }

    fn step(&mut self) {
        let Some((c, class)) = self.look(self.at) else { return };
        match class {
            Class::Letter(Script::Unspaced) => self.character(),
            Class::Letter(_) | Class::Digit => self.chain(),
            Class::Other if matches!(c, '#' | '＃' | '@' | '＠') => self.tag(c),
            Class::Stop { always } => self.stop(c, always),
            Class::Newline => self.newline(),
            _ => self.at += c.len_utf8(),
        }
    }

    fn look(&self, at: usize) -> Option<(char, Class)> {
        let byte = *self.text.as_bytes().get(at)?;
        let c = if byte < 0x80 { char::from(byte) } else { self.text[at..].chars().next()? };
        Some((c, self.class_of(c)))
    }

    fn class_of(&self, c: char) -> Class {
        if self.wildcards && matches!(c, '*' | '?') { Class::Letter(Script::Digits) } else { class(c) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "texts are cut to 10 MiB long before")]
    fn token(&mut self, start: usize, end: usize, width: u16, script: Script) {
        let token = Token { start: start as u32, end: end as u32, position: self.position, width, script };
        self.out.tokens.push(token);
    }

    /// A word that takes the next position.
    #[inline]
    fn word(&mut self, start: usize, end: usize, script: Script) {
        self.token(start, end, 1, script);
        self.position += 1;
    }

    /// A character of a script without spaces, with the marks that belong to it.
    fn character(&mut self) {
        let start = self.at;
        let Some((c, _)) = self.look(start) else { return };
        self.at += c.len_utf8();
        while let Some((c, Class::Mark | Class::Ignorable)) = self.look(self.at) {
            self.at += c.len_utf8();
        }
        self.word(start, self.at, Script::Unspaced);
    }
}

/// The writing system of a word.
pub fn script_of(word: &str) -> Script {
    let letter = word.chars().find_map(|c| match class(c) {
        Class::Letter(script) => Some(script),
        _ => None,
    });
    letter.unwrap_or(Script::Digits)
}
