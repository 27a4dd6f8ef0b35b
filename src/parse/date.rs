//! Dates in every form that feeds write them.
//!
//! RFC 822 with two- or four-digit years and any zone, W3C-DTF and its ISO 8601 relatives, asctime, and the
//! numeric and spelt-out forms found in the wild. A date without zone counts as UTC; a date alone is its midnight.

use jiff::civil;
use jiff::tz::Offset;

use crate::domain::Timestamp;
use crate::parse::markup::{Markup, Tag, Token};

/// The longest text that can be a date.
const LONGEST: usize = 96;

/// Years that are believed; others are defaults of some program (`0001-01-01`) or slips of the keyboard.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// A piece of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// Digits, and how many.
    Number(i64, usize),
    /// Letters.
    Word(&'a str),
    /// Anything else but white space.
    Mark(char),
}

/// Reads a date; `None` when it is none.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = if text.starts_with('<') { in_html(text)? } else { text };
    if text.len() < 4 || text.len() > LONGEST {
        return None;
    }
    let pieces = pieces(text)?;
    let mut date = Date::default();
    let rest = date.take_time(&pieces);
    date.take_day(&rest)?;
    date.instant()
}

/// What a `<time datetime="…">` of HTML says, which some programs write where a date belongs; what it shows to people
/// has no zone.
pub(super) fn of_html<'a>(tag: &Tag<'a>) -> Option<&'a str> {
    tag.attribute("datetime").filter(|_| tag.name.eq_ignore_ascii_case("time"))
}

fn in_html(text: &str) -> Option<&str> {
    Markup::new(text).find_map(|token| match token {
        Token::Open(tag) => of_html(&tag),
        Token::Close(_) | Token::Text(_) | Token::Cdata(_) | Token::Doctype(_) | Token::Other => None,
    })
}

/// Whether a date is written in none of the forms that RFC 822, its successors and RFC 3339 allow.
pub(super) fn is_odd(text: &str) -> bool {
    let text = text.trim();
    let w3c = || text.parse::<jiff::Timestamp>().is_ok() || text.parse::<civil::Date>().is_ok();
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).is_err() && !w3c()
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::with_capacity(16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |is: fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let size = if first.is_ascii_digit() {
            let size = end(|c| c.is_ascii_digit());
            pieces.push(Piece::Number(rest[..size].parse().ok()?, size));
            size
        } else if first.is_alphabetic() {
            let size = end(char::is_alphabetic);
            pieces.push(Piece::Word(&rest[..size]));
            size
        } else {
            if !first.is_whitespace() {
                pieces.push(Piece::Mark(if first == '\u{2212}' { '-' } else { first }));
            }
            first.len_utf8()
        };
        rest = &rest[size..];
    }
    Some(pieces)
}

/// What was found of a date so far.
#[derive(Clone, Copy, Debug, Default)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    offset_minutes: i64,
}

impl Date {
    /// Takes clock time and zone; gives back what remains.
    fn take_time<'a>(&mut self, pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
        let clock = pieces.windows(3).position(|three| {
            matches!(three, [Piece::Number(_, 1..=2), Piece::Mark(':'), Piece::Number(_, 1..=2)])
        });
        let Some(start) = clock else { return self.take_compact_time(pieces) };
        let mut at = start;
        let next_number = |at: &mut usize| match pieces.get(*at..) {
            Some([Piece::Mark(':'), Piece::Number(value, _), ..]) => {
                *at += 2;
                Some(*value)
            }
            _ => None,
        };
        if let Piece::Number(hour, _) = pieces[at] {
            self.hour = hour;
        }
        at += 1;
        self.minute = next_number(&mut at).unwrap_or_default();
        self.second = next_number(&mut at).unwrap_or_default();
        if let Some([Piece::Mark('.' | ',' | ':'), Piece::Number(value, digits), ..]) = pieces.get(at..) {
            self.millis = fraction(*value, *digits);
            at += 2;
        }
        if let Some(Piece::Word(word)) = pieces.get(at) {
            at += usize::from(self.take_half_day(word));
        }
        let mut start = start;
        if let Some(Piece::Word(word)) = start.checked_sub(1).and_then(|before| pieces.get(before)) {
            // Korean puts it first.
            start -= usize::from(self.take_half_day(word));
        }
        at += self.take_zone(&pieces[at..]);
        pieces[..start].iter().chain(&pieces[at..]).copied().collect()
    }

    /// Takes `T` and four or six digits, where the time has no colons.
    fn take_compact_time<'a>(&mut self, pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
        let found = pieces
            .windows(2)
            .position(|two| matches!(two, [Piece::Word("T" | "t"), Piece::Number(_, 2 | 4 | 6)]));
        let Some(start) = found else { return pieces.to_vec() };
        let Piece::Number(value, digits) = pieces[start + 1] else { return pieces.to_vec() };
        let value = match digits {
            2 => value * 10_000,
            4 => value * 100,
            _ => value,
        };
        (self.hour, self.minute, self.second) = (value / 10_000, value / 100 % 100, value % 100);
        let at = start + 2;
        let zone = self.take_zone(&pieces[at..]);
        pieces[..start].iter().chain(&pieces[at + zone..]).copied().collect()
    }

    fn take_half_day(&mut self, word: &str) -> bool {
        let afternoon = matches!(word, "PM" | "pm" | "Pm" | "오후");
        if afternoon && self.hour < 12 {
            self.hour += 12;
        }
        let morning = matches!(word, "AM" | "am" | "Am" | "오전");
        if morning && self.hour == 12 {
            self.hour = 0;
        }
        afternoon || morning
    }

    /// Takes a zone from the start; says how many pieces it took.
    fn take_zone(&mut self, pieces: &[Piece<'_>]) -> usize {
        let mut taken = 0;
        if let Some(Piece::Mark('(')) = pieces.first() {
            taken += 1;
        }
        if let Some(Piece::Word(word)) = pieces.get(taken) {
            let Some(minutes) = zone(word) else { return 0 };
            self.offset_minutes = minutes;
            taken += 1;
        }
        let (sign, rest) = match pieces.get(taken..) {
            Some([Piece::Mark('+'), rest @ ..]) => (1, rest),
            Some([Piece::Mark('-'), rest @ ..]) => (-1, rest),
            _ => return taken,
        };
        let (minutes, size) = match rest {
            [Piece::Number(hours, 1..=2), Piece::Mark(':'), Piece::Number(minutes, 2), ..] => {
                (hours * 60 + minutes, 3)
            }
            [Piece::Number(value, 3..=4), ..] => (value / 100 * 60 + value % 100, 1),
            [Piece::Number(hours, 1..=2), ..] => (hours * 60, 1),
            _ => return taken,
        };
        // `+3000` is +30:00, a way of writing +03:00 that exists; beyond a day there is no zone.
        let minutes = if minutes > 15 * 60 { minutes / 10 } else { minutes };
        self.offset_minutes = sign * minutes;
        taken + 1 + size
    }

    /// Takes year, month and day.
    fn take_day(&mut self, pieces: &[Piece<'_>]) -> Option<()> {
        let mut numbers: [(i64, usize); 3] = [(0, 0); 3];
        let mut count = 0;
        let mut separator = ' ';
        for piece in pieces {
            match *piece {
                Piece::Number(value, digits) if count < 3 => {
                    numbers[count] = (value, digits);
                    count += 1;
                }
                Piece::Word(word) => {
                    if self.month == 0 {
                        self.month = month(word).unwrap_or_default();
                    }
                    if word == "년" {
                        self.offset_minutes = 9 * 60;
                    }
                }
                Piece::Mark(mark) if count > 0 && separator == ' ' => separator = mark,
                Piece::Number(..) | Piece::Mark(_) => {}
            }
        }
        let numbers = &numbers[..count];
        if self.month == 0 { self.take_numeric(numbers, separator) } else { self.take_spelt(numbers) }
    }

    /// A date whose month is a word.
    fn take_spelt(&mut self, numbers: &[(i64, usize)]) -> Option<()> {
        let (day, year) = match *numbers {
            [(year, 4..), (day, _), ..] | [(day, _), (year, _), ..] => (day, year),
            [(year, 4)] => (1, year),
            _ => return None,
        };
        self.day = day;
        let digits = if numbers[0].1 == 4 { 4 } else { numbers.get(1).map_or(4, |n| n.1) };
        self.year = full_year(year, digits);
        Some(())
    }

    /// A date of numbers only.
    fn take_numeric(&mut self, numbers: &[(i64, usize)], separator: char) -> Option<()> {
        match *numbers {
            [(value, 8)] => {
                (self.year, self.month, self.day) = (value / 10_000, value / 100 % 100, value % 100);
            }
            [(value, 14), ..] => {
                (self.year, self.month, self.day) =
                    (value / 10_000_000_000, value / 100_000_000 % 100, value / 1_000_000 % 100);
                (self.hour, self.minute, self.second) =
                    (value / 10_000 % 100, value / 100 % 100, value % 100);
            }
            [(year, 4), (month, 1..=2), (day, 1..=2)] => {
                (self.year, self.month, self.day) = (year, month, day);
            }
            [(year, 4), (day, 3)] if separator == '-' => {
                (self.year, self.month, self.day) = (year, 1, 1);
                return self.add_days(day - 1);
            }
            [(year, 4), (month, 1..=2)] => (self.year, self.month, self.day) = (year, month, 1),
            [(year, 4)] => (self.year, self.month, self.day) = (year, 1, 1),
            [(first, 1..=2), (second, 1..=2), (year, digits @ (2 | 4))] => {
                // America writes the month first with slashes, the rest of the world seldom uses slashes here.
                let month_first = separator == '/' && first <= 12 || second > 12;
                let (month, day) = if month_first { (first, second) } else { (second, first) };
                (self.year, self.month, self.day) = (full_year(year, digits), month, day);
            }
            _ => return None,
        }
        Some(())
    }

    fn add_days(&mut self, days: i64) -> Option<()> {
        let first = civil::Date::new(self.year.try_into().ok()?, 1, 1).ok()?;
        let date = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        (self.month, self.day) = (date.month().into(), date.day().into());
        Some(())
    }

    fn instant(mut self) -> Option<Timestamp> {
        // A leap second, and the midnight that ends a day.
        self.second = self.second.min(59);
        let next_day = self.hour == 24 && self.minute == 0;
        self.hour = if next_day { 0 } else { self.hour };
        let part = |value: i64| i8::try_from(value).ok();
        let year = i16::try_from(self.year).ok().filter(|year| YEARS.contains(year))?;
        let date = civil::Date::new(year, part(self.month)?, part(self.day)?).ok()?;
        let time = civil::Time::new(part(self.hour)?, part(self.minute)?, part(self.second)?, 0).ok()?;
        let at = Offset::UTC.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond();
        let day = if next_day { 86_400_000 } else { 0 };
        Some(Timestamp::from_millis(at + day + self.millis - self.offset_minutes * 60_000))
    }
}

/// Milliseconds from the digits behind the point.
fn fraction(value: i64, digits: usize) -> i64 {
    match digits {
        1 => value * 100,
        2 => value * 10,
        3 => value,
        _ => value / 10_i64.pow(u32::try_from(digits - 3).unwrap_or(15).min(15)),
    }
}

fn full_year(year: i64, digits: usize) -> i64 {
    match (digits, year) {
        (2, 0..=69) => year + 2000,
        // 104 is what a C program prints for 2004.
        (2, _) | (3, 100..) => year + 1900,
        _ => year,
    }
}

/// Minutes east of Greenwich; the abbreviations that are not ambiguous, and of the others the usual meaning.
fn zone(name: &str) -> Option<i64> {
    let minutes = match name.to_ascii_uppercase().as_str() {
        "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "EST" | "CDT" | "COT" | "PET" => -300,
        "EDT" | "AST" | "ET" => -240,
        "CST" | "MDT" => -360,
        "MST" | "PDT" => -420,
        "PST" | "AKDT" => -480,
        "AKST" => -540,
        "HST" => -600,
        "ADT" | "BRT" | "ART" => -180,
        "NST" => -210,
        "NDT" => -150,
        "BST" | "CET" | "WEST" | "MET" | "WAT" => 60,
        "CEST" | "MEST" | "EET" | "SAST" | "CAT" => 120,
        "MSK" | "EEST" | "EAT" | "TRT" => 180,
        "MSD" | "GST" => 240,
        "PKT" => 300,
        "IST" => 330,
        "NPT" => 345,
        "ICT" | "WIB" => 420,
        "HKT" | "SGT" | "AWST" | "PHT" | "MYT" | "WITA" => 480,
        "JST" | "KST" => 540,
        "ACST" => 570,
        "AEST" => 600,
        "ACDT" => 630,
        "AEDT" => 660,
        "NZST" => 720,
        "NZDT" => 780,
        _ => return None,
    };
    Some(minutes)
}

/// Beginnings of the names of the months in the languages that feeds use; longer ones first where they clash.
const MONTHS: &[(&str, i64)] = &[
    ("jan", 1),
    ("ene", 1),
    ("gen", 1),
    ("янв", 1),
    ("ιαν", 1),
    ("feb", 2),
    ("fév", 2),
    ("fev", 2),
    ("фев", 2),
    ("φεβ", 2),
    ("mar", 3),
    ("mär", 3),
    ("mrt", 3),
    ("már", 3),
    ("мар", 3),
    ("μάρ", 3),
    ("μαρ", 3),
    ("apr", 4),
    ("avr", 4),
    ("abr", 4),
    ("ápr", 4),
    ("апр", 4),
    ("απρ", 4),
    ("may", 5),
    ("mai", 5),
    ("mei", 5),
    ("mag", 5),
    ("maj", 5),
    ("máj", 5),
    ("мая", 5),
    ("май", 5),
    ("μάι", 5),
    ("μαϊ", 5),
    ("μαι", 5),
    ("juil", 7),
    ("juin", 6),
    ("jun", 6),
    ("giu", 6),
    ("jún", 6),
    ("июн", 6),
    ("ιούν", 6),
    ("ιουν", 6),
    ("ιον", 6),
    ("jul", 7),
    ("lug", 7),
    ("júl", 7),
    ("июл", 7),
    ("ιούλ", 7),
    ("ιουλ", 7),
    ("ιολ", 7),
    ("aug", 8),
    ("aoû", 8),
    ("aou", 8),
    ("ago", 8),
    ("авг", 8),
    ("αύγ", 8),
    ("αυγ", 8),
    ("sep", 9),
    ("set", 9),
    ("szep", 9),
    ("сен", 9),
    ("σεπ", 9),
    ("oct", 10),
    ("okt", 10),
    ("out", 10),
    ("ott", 10),
    ("окт", 10),
    ("οκτ", 10),
    ("nov", 11),
    ("ноя", 11),
    ("νοέ", 11),
    ("νοε", 11),
    ("dec", 12),
    ("dez", 12),
    ("déc", 12),
    ("dic", 12),
    ("des", 12),
    ("дек", 12),
    ("δεκ", 12),
];

fn month(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    MONTHS.iter().find(|(start, _)| word.starts_with(start)).map(|&(_, month)| month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(parse(text).map(|at| at.to_string()).unwrap_or_default(), expected, "from {text}");
    }

    #[test]
    fn the_standards_are_read() {
        check("Tue, 10 Jun 2003 04:00:00 GMT", "2003-06-10T04:00:00Z");
        check("10 Jun 03 04:00 +0200", "2003-06-10T02:00:00Z");
        check("Sat, 7 Sep 2002 09:42:31 EST", "2002-09-07T14:42:31Z");
        check("2003-12-31T10:14:55.25-08:00", "2003-12-31T18:14:55.25Z");
        check("2003-12-31T10:14:55Z", "2003-12-31T10:14:55Z");
        check("2003-12-31T10:14Z", "2003-12-31T10:14:00Z");
        check("2003-12-31", "2003-12-31T00:00:00Z");
        check("2003-12", "2003-12-01T00:00:00Z");
        check("2003", "2003-01-01T00:00:00Z");
        check("20031231T101455Z", "2003-12-31T10:14:55Z");
        check("2003-335", "2003-12-01T00:00:00Z");
    }

    #[test]
    fn forms_of_the_wild_are_read() {
        check("2018-12-13 00:00:00", "2018-12-13T00:00:00Z");
        check("Sat Oct 06 2018 00:00:00 GMT+0200 (CEST)", "2018-10-05T22:00:00Z");
        check("Sun Jan  4 16:29:06 PST 2004", "2004-01-05T00:29:06Z");
        check("Thursday 3 March 2022 9:05 pm", "2022-03-03T21:05:00Z");
        check("December 31, 2021 12:30 AM", "2021-12-31T00:30:00Z");
        check("31.12.2021 18:00", "2021-12-31T18:00:00Z");
        check("12/31/2021", "2021-12-31T00:00:00Z");
        check("31/12/2021", "2021-12-31T00:00:00Z");
        check("mer., 05 févr. 2020 10:00:00 +0100", "2020-02-05T09:00:00Z");
        check("2004\u{b144} 05\u{c6d4} 28\u{c77c} \u{c624}\u{d6c4} 1:31:15", "2004-05-28T04:31:15Z");
        check("Mon, 01 Jan 2024 24:00:00 GMT", "2024-01-02T00:00:00Z");
        check("Wed, 31 Dec 2008 23:59:60 UTC", "2008-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in [
            "",
            "today",
            "12",
            "0001-01-01T00:00:00Z",
            "99999999999999999999",
            "30 Feb 2020",
            "::::",
            "2020-13-01",
        ] {
            check(bad, "");
        }
    }

    #[test]
    fn a_hostile_date_is_harmless() {
        check(&"1:".repeat(40), "");
        check("2020-01-01T00:00:00+9999999999", "2020-01-01T00:00:00Z");
    }
}
