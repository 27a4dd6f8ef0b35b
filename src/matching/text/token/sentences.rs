//! Where sentences and paragraphs begin.

use super::{Token, Tokeniser};
use crate::matching::text::class::Class;

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

impl Tokeniser<'_> {
    /// A full stop and the like, with those that follow it.
    pub(super) fn stop(&mut self, c: char, mut always: bool) {
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

    pub(super) fn newline(&mut self) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::text::token::{Tokens, tokenise};

    #[test]
    fn no_abbreviation_is_longer_than_the_longest() {
        let longest =
            |ascii| ABBREVIATIONS.iter().filter(|word| word.is_ascii() == ascii).map(|word| word.len()).max();
        assert_eq!([longest(true), longest(false)], [Some(LONGEST_IN_ASCII), Some(LONGEST_ABBREVIATION)]);
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
