//! Times, numbers and marked text in words. Pure.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::topic::{Field, Span};
use crate::message::clean;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A stretch of time, roughly: `45 s`, `5 min`, `3 h`, `12 d`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        DAY.. => format!("{} d", seconds / DAY),
    }
}

/// How long ago, or until when.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        let ahead = at.since(now);
        return if ahead.as_secs() == 0 { "now".to_owned() } else { format!("in {}", span(ahead)) };
    }
    let past = now.since(at);
    if past.as_secs() < 5 { "just now".to_owned() } else { format!("{} ago", span(past)) }
}

/// `1 feed`, `2 feeds`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `12 345 678`, with spaces that do not break.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// `3.2 MiB`.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut unit) = (n, 0);
    let mut tenths = 0;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        tenths = (whole % 1024) * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    if unit == 0 { format!("{whole} B") } else { format!("{whole}.{tenths} {}", UNITS[unit]) }
}

/// A piece of a text, marked where a topic matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) marked: bool,
}

/// A headline in pieces. Spans count code points of the headline as it was matched.
pub(super) fn marked_title(title: &str, spans: &[Span]) -> Vec<Piece> {
    let spans = spans.iter().filter(|span| span.field == Field::Title);
    let offset = |point: u32| {
        let point = usize::try_from(point).unwrap_or(usize::MAX);
        title.char_indices().nth(point).map_or(title.len(), |(at, _)| at)
    };
    let ranges = spans.map(|span| (offset(span.start), offset(span.end))).collect();
    cut(title, ranges)
}

/// An excerpt in pieces: wherever a matched text stands in it.
pub(super) fn marked_excerpt(excerpt: &str, spans: &[Span]) -> Vec<Piece> {
    let mut ranges = Vec::new();
    for span in spans {
        // What was matched across a line break stands on one line here.
        let text = clean::line(&span.text);
        if !text.is_empty() {
            ranges.extend(excerpt.match_indices(&text).map(|(at, found)| (at, at + found.len())));
        }
    }
    cut(excerpt, ranges)
}

/// Cuts a text at ranges, which may overlap, and makes each piece a line of visible text.
fn cut(text: &str, mut ranges: Vec<(usize, usize)>) -> Vec<Piece> {
    ranges.sort_unstable();
    let mut pieces = Vec::new();
    let mut at = 0;
    for (start, end) in ranges {
        if end <= at || end <= start {
            continue;
        }
        let start = start.max(at);
        push(&mut pieces, &text[at..start], false);
        push(&mut pieces, &text[start..end], true);
        at = end;
    }
    push(&mut pieces, &text[at..], false);
    pieces
}

/// Cleans a piece, but leaves the space that separates it from its neighbours: between bars it is not at the edge.
fn push(pieces: &mut Vec<Piece>, text: &str, marked: bool) {
    let clean = clean::line(&format!("|{text}|"));
    let inner = clean.strip_prefix('|').and_then(|clean| clean.strip_suffix('|')).unwrap_or_default();
    let text = if pieces.is_empty() { inner.trim_start() } else { inner };
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.marked == marked => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), marked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: Field, start: u32, end: u32, text: &str) -> Span {
        Span { concept: None, term: text.to_owned(), field, start, end, text: text.to_owned() }
    }

    fn shown(pieces: &[Piece]) -> String {
        let mark =
            |piece: &Piece| if piece.marked { format!("[{}]", piece.text) } else { piece.text.clone() };
        pieces.iter().map(mark).collect()
    }

    #[test]
    fn times_and_numbers_read_well() {
        let now = Timestamp::from_secs(1_000_000);
        for (seconds, words) in [
            (0, "just now"),
            (-42, "42 s ago"),
            (-90, "1 min ago"),
            (-7300, "2 h ago"),
            (-200_000, "2 d ago"),
            (1, "in 1 s"),
            (3600, "in 1 h"),
        ] {
            assert_eq!(relative(Timestamp::from_secs(1_000_000 + seconds), now), words);
        }
        assert_eq!(count(1, "feed", "feeds"), "1 feed");
        assert_eq!(count(1_234_567, "feed", "feeds"), "1\u{202f}234\u{202f}567 feeds");
        for (n, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (3 << 20, "3.0 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(bytes(n), words);
        }
    }

    #[test]
    fn matched_words_are_marked_where_they_stand() {
        let spans =
            [of(Field::Title, 0, 2, "북한"), of(Field::Title, 4, 6, "병력"), of(Field::Body, 0, 3, "Kim")];
        assert_eq!(shown(&marked_title("북한, 병력 파견", &spans)), "[북한], [병력] 파견");
        assert_eq!(shown(&marked_excerpt("… Kim and Kimchi", &spans)), "… [Kim] and [Kim]chi");
        let overlap = [
            of(Field::Title, 0, 5, "North"),
            of(Field::Title, 0, 11, "North Korea"),
            of(Field::Title, 6, 99, "Korea"),
        ];
        assert_eq!(shown(&marked_title("North Korea moves", &overlap)), "[North Korea moves]");
        assert_eq!(shown(&marked_title("nothing", &[])), "nothing");
        let apart = [of(Field::Title, 0, 1, "a"), of(Field::Title, 3, 4, "b")];
        assert_eq!(shown(&marked_title("a\u{202c} b", &apart)), "[a] [b]");
    }

    #[test]
    fn a_hostile_title_is_a_line_of_text() {
        let title = "<script>alert(1)</script> \u{202e}pay\u{0}load\n\u{2066}x";
        assert_eq!(
            shown(&marked_title(title, &[of(Field::Title, 1, 7, "script")])),
            "<[script]>alert(1)</script> payload x"
        );
        assert_eq!(shown(&marked_title("\u{202e}\u{200b}", &[])), "");
        assert_eq!(
            shown(&marked_title("abc", &[of(Field::Title, 7, 9, "x"), of(Field::Title, 2, 1, "x")])),
            "abc"
        );
    }
}
