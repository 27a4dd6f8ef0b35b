//! Words joined by hyphens, apostrophes and the like, acronyms with dots and numbers with separators.

use super::{MAX_CHAIN, Tokeniser, Unit};
use crate::matching::text::class::{Class, Joiner, Script};
use crate::matching::text::fold::fold;

/// The most parts a compound is joined from.
const MAX_PARTS: usize = 8;
/// The most letters of an acronym with dots.
const MAX_ACRONYM: usize = 16;
/// The most separators in a number.
const MAX_THOUSANDS: usize = 12;

/// Articles cut off before their vowel: l'armée, dell'Ucraina.
const ELISIONS: &[&str] = &[
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "dell", "all",
    "nell", "sull", "dall", "coll", "un", "quest", "quell",
];

impl Tokeniser<'_> {
    /// Words joined by hyphens, apostrophes and the like.
    pub(super) fn chain(&mut self) {
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

    pub(super) fn emit(&mut self) {
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
}

fn continues(class: Class) -> bool {
    matches!(class, Class::Letter(_) | Class::Digit | Class::Mark)
}

fn is_elided(article: &str, word: &str) -> bool {
    let vowel = word.chars().next().is_some_and(|c| {
        let base = fold(&c.to_lowercase().to_string());
        base.starts_with(['a', 'e', 'i', 'o', 'u', 'y', 'h'])
    });
    vowel && article.len() <= 7 && ELISIONS.contains(&article.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use crate::matching::text::token::{Tokens, tokenise};

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
}
