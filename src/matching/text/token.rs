//! Running text to words with positions.
//!
//! Every word takes one position. A compound (`counter-terrorism`, `AT&T`, `#NorthKorea`) gives its parts and,
//! over the same positions, the joined form, so that either way of writing finds the other.

use super::class::{Class, Joiner, Script, class};

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

/// The most parts a compound is joined from.
const MAX_PARTS: usize = 8;
/// The most parts that are read together; what goes on longer is no compound, and is read from there anew.
const MAX_CHAIN: usize = 64;
/// The most letters of an acronym with dots.
const MAX_ACRONYM: usize = 16;
/// The most separators in a number.
const MAX_THOUSANDS: usize = 12;

/// Articles cut off before their vowel: l'armée, dell'Ucraina.
const ELISIONS: &[&str] = &[
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "dell", "all",
    "nell", "sull", "dall", "coll", "un", "quest", "quell",
];

/// Words that end in a full stop without ending a sentence.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "lt", "sgt", "capt", "maj", "sen", "rep", "gov",
    "pres", "no", "vs", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    "inc", "ltd", "co", "corp", "jr", "sr", "ca", "bzw", "usw", "им", "гг", "ул", "тыс", "млн", "млрд",
    "руб", "см", "стр",
];
/// How many bytes the longest of them has, and the longest in ASCII.
const LONGEST_ABBREVIATION: usize = 8;
const LONGEST_IN_ASCII: usize = 4;

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

/// How many bytes are looked at at once.
const BLOCK: usize = 64;
/// One bit of each byte of eight: the lowest, the highest.
const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// Which bytes of a block are ASCII letters and digits, as bits; behind the end there are none.
#[inline(never)]
fn plain_bytes(text: &[u8], block: usize) -> u64 {
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

    /// Reads words of ASCII letters and digits with nothing special about them, and what little stands between them: nearly
    /// all of many texts. Stops before anything else.
    fn plain_words(&mut self) {
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

    // --- positions ---------------------------------------------------------------------------------------------

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

    /// A full stop and the like, with those that follow it.
    fn stop(&mut self, c: char, mut always: bool) {
        let before = self.at;
        let mut alone = c == '.';
        self.at += c.len_utf8();
        // Closing quotes and brackets belong to the sentence.
        while let Some((c, class)) = self.look(self.at) {
            match class {
                Class::Stop { always: ends } => (always, alone) = (always || ends, false),
                _ if matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '»') => {}
                _ => break,
            }
            self.at += c.len_utf8();
        }
        let space =
            self.look(self.at).is_none_or(|(_, class)| matches!(class, Class::Space | Class::Newline));
        if always || (space && !(alone && self.abbreviates(before)) && !self.goes_on(self.at)) {
            self.sentence();
        }
    }

    /// Whether the word before the full stop at `at` is an abbreviation or an initial.
    fn abbreviates(&self, at: usize) -> bool {
        // The last of a compound's parts stands last.
        let Some(&Token { start, end, .. }) = self.out.tokens.last() else { return false };
        if self.position == self.first || end as usize != at {
            return false;
        }
        let word = &self.text[start as usize..end as usize];
        let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
        initial || is_abbreviation(word)
    }

    /// Whether the text goes on in lower case after white space.
    fn goes_on(&self, from: usize) -> bool {
        let rest = self.text[from..].trim_start_matches(' ');
        rest.chars().next().is_some_and(char::is_lowercase)
    }

    fn sentence(&mut self) {
        if self.position > self.first && self.out.sentences.last() != Some(&self.position) {
            self.out.sentences.push(self.position);
        }
    }

    fn newline(&mut self) {
        let start = self.at;
        let mut lines = 0;
        while let Some((c, class @ (Class::Newline | Class::Space))) = self.look(self.at) {
            lines += usize::from(class == Class::Newline);
            self.at += c.len_utf8();
        }
        debug_assert!(self.at > start);
        self.sentence();
        if lines > 1 && self.position > self.first && self.out.paragraphs.last() != Some(&self.position) {
            self.out.paragraphs.push(self.position);
        }
    }

    // --- words -------------------------------------------------------------------------------------------------

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

    /// Words joined by hyphens, apostrophes and the like.
    fn chain(&mut self) {
        if self.skip_address() {
            return;
        }
        self.units.clear();
        let first = self.unit(self.at);
        self.at = first.end;
        self.units.push(first);
        while self.units.len() < MAX_CHAIN
            && let Some((joiner, next)) = self.joined()
        {
            let unit = self.unit(next);
            self.at = unit.end;
            self.attach(joiner, unit);
        }
        self.emit();
    }

    /// A joining sign with a letter or digit right behind it.
    fn joined(&self) -> Option<(Joiner, usize)> {
        let (c, Class::Joiner(joiner)) = self.look(self.at)? else { return None };
        let next = self.at + c.len_utf8();
        let (_, class) = self.look(next)?;
        let hebrew = |script| script == Script::Hebrew;
        let fits = match class {
            Class::Letter(script) if joiner == Joiner::Gershayim => {
                hebrew(script) && self.units.last().is_some_and(|unit| hebrew(unit.script))
            }
            Class::Letter(script) => script != Script::Unspaced,
            Class::Digit => joiner != Joiner::Gershayim,
            _ => false,
        };
        fits.then_some((joiner, next))
    }

    fn attach(&mut self, joiner: Joiner, mut unit: Unit) {
        let Some(last) = self.units.last_mut() else { return };
        if matches!(joiner, Joiner::Apostrophe | Joiner::Gershayim) {
            let word = &self.text[unit.start..unit.end];
            if last.script == unit.script && !matches!(unit.script, Script::Latin | Script::Digits) {
                last.end = unit.end; // об'єкт, צה״ל: one word
                return;
            }
            if matches!(word, "s" | "S") {
                unit.counts = false; // Korea's
            } else if is_elided(&self.text[last.start..last.end], word) {
                last.counts = false; // l'armée
            }
        }
        self.units.push(unit);
    }

    fn emit(&mut self) {
        let units = std::mem::take(&mut self.units);
        let kept = || units.iter().filter(|unit| unit.counts);
        let count = kept().count();
        if (2..=MAX_PARTS).contains(&count)
            && let (Some(first), Some(last)) = (kept().next(), kept().next_back())
        {
            #[expect(clippy::cast_possible_truncation, reason = "at most MAX_PARTS")]
            self.token(first.start, last.end, count as u16, last.script);
        }
        for unit in kept() {
            self.word(unit.start, unit.end, unit.script);
        }
        self.units = units;
    }

    /// A run of letters and digits of one script, a dotted acronym, or a number with its separators.
    fn unit(&self, start: usize) -> Unit {
        if let Some(end) = self.acronym(start) {
            let script = self.look(start).map_or(Script::Latin, |(_, class)| match class {
                Class::Letter(script) => script,
                _ => Script::Latin,
            });
            return Unit { start, end, script, counts: true };
        }
        if let Some(end) = self.number(start) {
            return Unit { start, end, script: Script::Digits, counts: true };
        }
        let mut script = Script::Digits;
        let mut digits = false;
        let mut at = start;
        let mut end = start;
        while let Some((c, class)) = self.look(at) {
            match class {
                Class::Letter(Script::Unspaced) => break,
                Class::Letter(new) if script == Script::Digits => {
                    // Digits go with the letters they touch, but Korean counters are words of their own.
                    if new == Script::Hangul && digits {
                        break;
                    }
                    script = new;
                }
                Class::Letter(new) if new == script || new == Script::Digits => {}
                Class::Digit if script != Script::Hangul => digits = true,
                Class::Mark | Class::Ignorable if at > start => {}
                _ => break,
            }
            at += c.len_utf8();
            if class != Class::Ignorable {
                end = at;
            }
        }
        Unit { start, end: end.max(start + 1), script, counts: true }
    }

    /// `U.S.`: single letters, each followed by a full stop; at least two.
    fn acronym(&self, start: usize) -> Option<usize> {
        let mut at = start;
        let mut letters = 0;
        loop {
            let letter = match self.look(at) {
                Some((c, Class::Letter(script))) if script != Script::Unspaced => Some(at + c.len_utf8()),
                _ => None,
            };
            let Some(behind) = letter else { break };
            let dotted = self.text.as_bytes().get(behind) == Some(&b'.');
            let alone = self.look(behind).is_none_or(|(_, class)| !continues(class));
            if dotted && letters < MAX_ACRONYM {
                letters += 1;
                at = behind + 1;
            } else if alone && letters > 0 {
                return Some(behind); // U.S
            } else {
                return None;
            }
        }
        let ends = self.look(at).is_none_or(|(_, class)| !continues(class));
        (letters >= 2 && ends).then_some(at)
    }

    /// `10,000`, `10.000`, `10 000` with a space that does not break.
    fn number(&self, start: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        // More than four are as wrong as four.
        let digits = |at: usize| {
            bytes[at.min(bytes.len())..].iter().take(4).take_while(|b| b.is_ascii_digit()).count()
        };
        let head = digits(start);
        if !(1..=3).contains(&head) {
            return None;
        }
        let separator = |at: usize| {
            let c = self.text[at..].chars().next()?;
            matches!(c, ',' | '.' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}').then_some(c)
        };
        let mut end = start + head;
        let sign = separator(end)?;
        for _ in 0..MAX_THOUSANDS {
            if separator(end) != Some(sign) || digits(end + sign.len_utf8()) != 3 {
                break;
            }
            end += sign.len_utf8() + 3;
        }
        let clean = self.look(end).is_none_or(|(_, class)| !continues(class))
            || self.look(end).is_some_and(|(_, class)| !matches!(class, Class::Letter(Script::Latin)));
        (end > start + head && clean).then_some(end)
    }

    /// Addresses are looked at by `url:` and `site:`, not as text.
    fn skip_address(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let starts =
            |prefix: &[u8]| rest.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if !(matches!(rest.first(), Some(b'h' | b'H')) && (starts(b"http://") || starts(b"https://"))
            || matches!(rest.first(), Some(b'w' | b'W')) && starts(b"www."))
        {
            return false;
        }
        let text = &self.text[self.at..];
        let length = text
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '<' | '>' | '"' | '，' | '。' | '、' | '」' | '）')
            })
            .unwrap_or(text.len());
        self.at += length;
        true
    }

    /// `#NorthKorea` and `@KyivPost`: words at capitals and underscores.
    fn tag(&mut self, sign: char) {
        let start = self.at + sign.len_utf8();
        let mut end = start;
        self.units.clear();
        let mut from = start;
        let mut before: [Option<char>; 2] = [None, None];
        let mut script = Script::Latin;
        while self.units.len() < MAX_CHAIN
            && let Some((c, class)) = self.look(end)
        {
            let underscore = class == Class::Joiner(Joiner::Underscore);
            match class {
                Class::Letter(Script::Unspaced) => break,
                Class::Letter(new) => script = new,
                Class::Digit | Class::Mark => {}
                _ if underscore && end > start => {}
                _ => break,
            }
            if end > from && (underscore || self.new_word(before, c, end)) {
                self.units.push(Unit { start: from, end, script, counts: true });
                from = end;
            }
            end += c.len_utf8();
            if underscore {
                from = end;
            }
            before = [before[1], Some(c)];
        }
        if end > from {
            self.units.push(Unit { start: from, end, script, counts: true });
        }
        self.at = end;
        self.emit();
    }

    /// Whether `c` begins a new word of a hashtag: `northK`, and the last capital of `DPRKTr`.
    fn new_word(&self, before: [Option<char>; 2], c: char, at: usize) -> bool {
        let Some(last) = before[1] else { return false };
        let next_lower = || {
            let next = self.text[at + c.len_utf8()..].chars().next();
            next.is_some_and(char::is_lowercase)
        };
        c.is_uppercase() && (last.is_lowercase() || last.is_uppercase() && next_lower())
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

fn is_abbreviation(word: &str) -> bool {
    let ascii = word.is_ascii();
    if word.len() > if ascii { LONGEST_IN_ASCII } else { LONGEST_ABBREVIATION } {
        return false;
    }
    let same = |known: &str| {
        if ascii { known.eq_ignore_ascii_case(word) } else { known == word.to_lowercase() }
    };
    ABBREVIATIONS.iter().filter(|known| known.len() == word.len()).any(|known| same(known))
}

fn continues(class: Class) -> bool {
    matches!(class, Class::Letter(_) | Class::Digit | Class::Mark)
}

fn is_elided(article: &str, word: &str) -> bool {
    let vowel = word.chars().next().is_some_and(|c| {
        let base = super::fold::fold(&c.to_lowercase().to_string());
        base.starts_with(['a', 'e', 'i', 'o', 'u', 'y', 'h'])
    });
    vowel && article.len() <= 7 && ELISIONS.contains(&article.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut out = Tokens::default();
        tokenise(text, 0, &mut out);
        out.tokens
            .iter()
            .map(|token| {
                let word = &text[token.start as usize..token.end as usize];
                format!("{}{}{word}", token.position, if token.width > 1 { "+" } else { ":" })
            })
            .collect()
    }

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
    fn no_abbreviation_is_longer_than_the_longest() {
        let longest =
            |ascii| ABBREVIATIONS.iter().filter(|word| word.is_ascii() == ascii).map(|word| word.len()).max();
        assert_eq!([longest(true), longest(false)], [Some(LONGEST_IN_ASCII), Some(LONGEST_ABBREVIATION)]);
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

    #[test]
    fn words_of_many_kinds() {
        assert_eq!(words("North Korea’s troops"), ["0:North", "1:Korea", "2:troops"]);
        assert_eq!(
            words("Counter-terrorism now"),
            ["0+Counter-terrorism", "0:Counter", "1:terrorism", "2:now"]
        );
        assert_eq!(
            words("U.S. and U.K.-led, e.g. so"),
            ["0:U.S.", "1:and", "2+U.K.-led", "2:U.K.", "3:led", "4:e.g.", "5:so"]
        );
        assert_eq!(words("10,000 men, 3.5 1500명"), ["0:10,000", "1:men", "2:3", "3:5", "4:1500", "5:명"]);
        assert_eq!(words("BTS가 COVID19"), ["0:BTS", "1:가", "2:COVID19"]);
        assert_eq!(words("朝鲜a"), ["0:朝", "1:鲜", "2:a"]);
        assert_eq!(
            words("#NorthKorea #DPRKTroops @kyiv_post"),
            [
                "0+NorthKorea",
                "0:North",
                "1:Korea",
                "2+DPRKTroops",
                "2:DPRK",
                "3:Troops",
                "4+kyiv_post",
                "4:kyiv",
                "5:post"
            ]
        );
        assert_eq!(
            words("L’armée d'Artagnan O’Neill"),
            ["0:armée", "1:Artagnan", "2+O’Neill", "2:O", "3:Neill"]
        );
        assert_eq!(words("П’ять обʼєктів"), ["0:П’ять", "1:обʼєктів"]);
        assert_eq!(words("see https://example.com/a-b?c for"), ["0:see", "1:for"]);
        assert_eq!(words("Sol\u{ad}diers AT&T"), ["0:Sol\u{ad}diers", "1+AT&T", "1:AT", "2:T"]);
        assert_eq!(words("״ צה\"ל \"a\""), ["0:צה\"ל", "1:a"]);
    }

    #[test]
    fn sentences_and_paragraphs_begin_where_a_reader_sees_them() {
        let mut out = Tokens::default();
        let text = "Mr. Kim met Gen. Lee. They spoke of 3.5 tons! \"Yes.\" said X\nNext line\n\nNew paragraph。又一句";
        tokenise(text, 0, &mut out);
        let word = |position: &u32| {
            let (start, end) = out.place(*position).unwrap();
            &text[start as usize..end as usize]
        };
        assert_eq!(out.sentences.iter().map(word).collect::<Vec<_>>(), ["They", "Yes", "Next", "New", "又"]);
        assert_eq!(out.paragraphs.iter().map(word).collect::<Vec<_>>(), ["New"]);
    }
}
