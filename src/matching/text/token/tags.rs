//! Hashtags and names with an @; addresses, which are passed over.

use super::{MAX_CHAIN, Tokeniser, Unit};
use crate::matching::text::class::{Class, Joiner, Script};

impl Tokeniser<'_> {
    /// Addresses are looked at by `url:` and `site:`, not as text.
    pub(super) fn skip_address(&mut self) -> bool {
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
    pub(super) fn tag(&mut self, sign: char) {
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
