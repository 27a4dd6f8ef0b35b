//! Where the texts of topics and concepts were written, down to the code point.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::source::Place;
use crate::domain::{ConceptId, FeedId, TopicId};

/// One text that the matcher compiles, or the example of a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextPlace {
    /// In a concept.
    Concept(ConceptId, ConceptPart),
    /// In a topic.
    Topic(TopicId, TopicPart),
}

/// A text of a concept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConceptPart {
    /// The name of its table.
    Name,
    /// A term of `any`, from 0.
    Term(usize),
    /// `query`.
    Query,
}

/// A text of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicPart {
    /// The name of its table.
    Name,
    /// A term of `keywords`, from 0.
    Keyword(usize),
    /// `query`.
    Query,
    /// One of `facets`, from 0.
    Facet(usize),
    /// One of `exclude`, from 0.
    Exclude(usize),
    /// One of `tests`, from 0: its `expect`.
    Test(usize),
}

/// Where every text of topics and concepts was written.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    places: BTreeMap<TextPlace, Place>,
    /// The interval of each feed that has its own.
    intervals: BTreeMap<FeedId, Place>,
}

impl SourceMap {
    pub(super) fn insert(&mut self, text: TextPlace, place: Place) {
        self.places.insert(text, place);
    }

    pub(super) fn insert_interval(&mut self, feed: FeedId, place: Place) {
        self.intervals.insert(feed, place);
    }

    /// Where the interval of a feed was written.
    pub fn interval(&self, feed: &FeedId) -> Place {
        self.intervals.get(feed).cloned().unwrap_or(Place::Nowhere)
    }

    /// Where a whole text was written, quotes included; [`Place::Nowhere`] for texts not loaded from here.
    pub fn place(&self, text: &TextPlace) -> Place {
        self.places.get(text).cloned().unwrap_or(Place::Nowhere)
    }

    /// Where the code points `start..end` of a text were written. Positions beyond its end mean its
    /// end; names and texts from the environment have no positions inside.
    pub fn locate(&self, text: &TextPlace, start: usize, end: usize) -> Place {
        let place = self.place(text);
        let is_name = matches!(
            text,
            TextPlace::Concept(_, ConceptPart::Name)
                | TextPlace::Topic(_, TopicPart::Name | TopicPart::Test(_))
        );
        match place {
            Place::File { file, span } if !is_name => {
                let inner = within(&file.text()[span.clone()], start, end);
                let span = span.start + inner.start..span.start + inner.end;
                Place::File { file: Arc::clone(&file), span }
            }
            Place::File { .. } | Place::Variable(_) | Place::Nowhere => place,
        }
    }
}

/// The bytes of a TOML string, as written, that hold the code points `start..end` of what it means.
fn within(written: &str, start: usize, end: usize) -> Range<usize> {
    let mut chars = Decoded::new(written);
    let Some(from) = chars.nth(start) else {
        // Past the end: just behind the last character.
        let end = Decoded::new(written).last().map_or(written.len(), |(_, range)| range.end);
        return end..end;
    };
    let from = from.1;
    let to = match end.checked_sub(start + 1) {
        None => return from.start..from.start,
        Some(0) => from.end,
        Some(more) => chars.take(more).last().map_or(from.end, |(_, range)| range.end),
    };
    from.start..to
}

/// The characters of a TOML string with the bytes that mean them.
struct Decoded<'a> {
    written: &'a str,
    at: usize,
    end: usize,
    escapes: bool,
}

impl<'a> Decoded<'a> {
    fn new(written: &'a str) -> Self {
        let quote = if written.starts_with('\'') { "'" } else { "\"" };
        let escapes = quote == "\"";
        let triple = quote.repeat(3);
        let is_multiline = written.len() >= 6 && written.starts_with(&triple) && written.ends_with(&triple);
        let width =
            if is_multiline { 3 } else { usize::from(written.len() >= 2 && written.starts_with(quote)) };
        let mut at = width;
        if is_multiline {
            // A line break right behind the opening quotes is not part of the text.
            let rest = &written[at..];
            at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        Self { written, at, end: written.floor_char_boundary(written.len() - width).max(at), escapes }
    }

    /// The length and meaning of the escape at the beginning of `rest`, which begins with `\`.
    fn escape(rest: &str) -> (usize, Option<char>) {
        let plain = |c| (2, Some(c));
        match rest.as_bytes().get(1) {
            Some(b'b') => plain('\u{8}'),
            Some(b't') => plain('\t'),
            Some(b'n') => plain('\n'),
            Some(b'f') => plain('\u{c}'),
            Some(b'r') => plain('\r'),
            Some(b'e') => plain('\u{1b}'),
            Some(b'"') => plain('"'),
            Some(b'\\') => plain('\\'),
            Some(b'x') => Self::hex(rest, 2),
            Some(b'u') => Self::hex(rest, 4),
            Some(b'U') => Self::hex(rest, 8),
            // A line's end in a text over several lines: it and all space after it mean nothing.
            _ => (1 + rest[1..].len() - rest[1..].trim_start_matches([' ', '\t', '\r', '\n']).len(), None),
        }
    }

    fn hex(rest: &str, digits: usize) -> (usize, Option<char>) {
        let code = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(meaning) => (2 + digits, Some(meaning)),
            None => (2, Some(char::REPLACEMENT_CHARACTER)),
        }
    }
}

impl Iterator for Decoded<'_> {
    type Item = (char, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let start = self.at;
            let rest = &self.written[start..self.end];
            let first = rest.chars().next()?;
            if first != '\\' || !self.escapes {
                self.at += first.len_utf8();
                return Some((first, start..self.at));
            }
            let (length, meaning) = Self::escape(rest);
            self.at = (start + length).min(self.end);
            if let Some(meaning) = meaning {
                return Some((meaning, start..self.at));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::DeValue;

    use super::*;

    #[track_caller]
    fn check(written: &str, start: usize, end: usize, expected: &str) {
        assert_eq!(&written[within(written, start, end)], expected, "{written}");
    }

    #[test]
    fn code_points_are_found_in_what_was_written() {
        check("\"North Korea\"", 6, 11, "Korea");
        check("'북한 병력'", 3, 5, "병력");
        check(r#""a \"b\" c""#, 2, 5, r#"\"b\""#);
        check(r#""\u00e9t\U0001F600x""#, 1, 3, r"t\U0001F600");
        check("\"\"\"\n  one\n  two\"\"\"", 8, 11, "two");
        check("\"\"\"one \\\n    two\"\"\"", 4, 7, "two");
        check("'''\r\na'b'''", 1, 2, "'");
        check("\"abc\"", 3, 3, "");
        check("\"abc\"", 9, 12, "");
        check("\"abc\"", 1, 99, "bc");
        check("\"\"", 0, 1, "");
    }

    fn strings() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[a-z é한'\\t]{0,3}",
            Just("\\n".to_owned()),
            Just("\\\"".to_owned()),
            Just("\\\\".to_owned()),
            Just("\\u00e9".to_owned()),
            Just("\\x41".to_owned()),
            Just("\\U0001F600".to_owned()),
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
            Just("\\\n  ".to_owned()),
            Just("\\  \n\n  ".to_owned()),
            Just("\"".to_owned()),
        ];
        let quotes = prop_oneof![Just("\""), Just("'"), Just("\"\"\""), Just("'''")];
        (quotes, proptest::collection::vec(part, 0..8))
            .prop_map(|(q, parts)| format!("{q}{}{q}", parts.concat()))
    }

    proptest! {
        #[test]
        fn it_decodes_as_toml_does(written in strings()) {
            if let Ok(parsed) = DeValue::parse(&written)
                && let Some(text) = parsed.get_ref().as_str()
            {
                let decoded: String = Decoded::new(&written).map(|(c, _)| c).collect();
                prop_assert_eq!(decoded, text);
            }
        }

        #[test]
        fn any_range_of_any_text_is_inside_it(written in ".{0,20}", start in 0_usize..30, length in 0_usize..30) {
            let range = within(&written, start, start + length);
            prop_assert!(range.start <= range.end && range.end <= written.len());
            prop_assert!(written.is_char_boundary(range.start) && written.is_char_boundary(range.end));
        }
    }
}
