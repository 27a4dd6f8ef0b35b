//! Cleaning, once for all services: what a feed's author wrote becomes one line of visible text, and an
//! address becomes one that is safe to show as a link. And cutting, always between graphemes.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

/// What marks a cut.
pub const ELLIPSIS: char = '…';

/// What stands where a headline is missing or has nothing visible in it.
pub const UNTITLED: &str = "(untitled)";

/// The longest address shown as a link, in characters: Discord's and ntfy's limit, and what browsers
/// and proxies take. A longer one is left out.
pub const LINK_CHARS: usize = 2048;

/// The most combining marks kept on one letter. Vietnamese needs two, pointed Hebrew with cantillation
/// four; stacks beyond are there to write over the neighbouring lines.
pub const MARKS_MAX: usize = 4;

/// One line of visible text: NFC, every kind of white space one space, without control characters,
/// direction overrides, invisible tags and stacked marks; trimmed.
///
/// Joiners (U+200C, U+200D) and direction marks (U+200E, U+200F) stay: Persian, emoji and
/// right-to-left text need them.
pub fn line(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let mut out = String::with_capacity(composed.len());
    let mut marks = 0;
    let mut space = false;
    for c in composed.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if is_dropped(c) {
            continue;
        }
        let is_mark = classes.get_u8(c) != 0 || is_variation_selector(c);
        marks = if is_mark { marks + 1 } else { 0 };
        if marks > MARKS_MAX {
            continue;
        }
        if std::mem::take(&mut space) && !out.is_empty() {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Like [`line()`], but nothing when nothing in it can be seen.
pub fn visible_line(text: &str) -> Option<String> {
    let text = line(text);
    (!text.chars().all(is_invisible)).then_some(text)
}

/// Characters that no line of text needs: they hide or reorder what others wrote.
const fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{180e}' // Mongolian vowel separator, once a space
            | '\u{200b}' // zero-width space
            | '\u{202a}'..='\u{202e}' // direction embeddings and overrides
            | '\u{2060}'..='\u{206f}' // word joiner, isolates, deprecated format characters
            | '\u{fdd0}'..='\u{fdef}' // noncharacters; XML and some JSON readers refuse them
            | '\u{feff}' // byte order mark
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}' // tags: text that is not shown
    )
}

const fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Characters that leave no mark on the screen by themselves.
const fn is_invisible(c: char) -> bool {
    is_variation_selector(c)
        || matches!(
            c,
            ' ' | '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{200b}'..='\u{200f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        )
}

/// An address that is safe to show as a link; `None` when it cannot be made one.
///
/// Absolute, http or https, without user and password, at most [`LINK_CHARS`] long, the host in ASCII
/// (punycode), and every character that means something to a chat's mark-up percent-encoded.
pub fn link(address: &str) -> Option<String> {
    let mut url = parse_link(address)?;
    // `https://bank.example@evil.example/` shows one host and leads to another.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let host_end = url[..url::Position::AfterPort].len();
    let (head, tail) = url.as_str().split_at(host_end);
    let mut out = head.to_owned();
    for c in tail.chars() {
        match c {
            '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | '\\' | '^' | '`' | '\'' | '"' | '*' => {
                out.push('%');
                out.extend([c as u32 >> 4, c as u32 & 15].map(hex_digit));
            }
            _ => out.push(c),
        }
    }
    (out.len() <= LINK_CHARS).then_some(out)
}

fn hex_digit(nibble: u32) -> char {
    char::from_digit(nibble, 16).unwrap_or('0').to_ascii_uppercase()
}

fn parse_link(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Whether `address` may stand in a message for machines as it is: absolute, http or https.
pub fn is_web_address(address: &str) -> bool {
    parse_link(address).is_some()
}

/// `text` cut to at most `max` characters, the ellipsis included, between graphemes.
pub fn cut_chars(text: &str, max: usize) -> Cow<'_, str> {
    cut(text, max, |part| part.chars().count())
}

/// `text` cut so that its cost, the ellipsis included, is at most `max`; the cost of a text must be the sum of
/// the costs of its characters. Nothing is left when not even the ellipsis fits.
pub fn cut(text: &str, max: usize, cost: impl Fn(&str) -> usize) -> Cow<'_, str> {
    if cost(text) <= max {
        return Cow::Borrowed(text);
    }
    let ellipsis = ELLIPSIS.to_string();
    let Some(room) = max.checked_sub(cost(&ellipsis)) else { return Cow::Borrowed("") };
    let kept = text[..whole_graphemes(text, room, &cost)].trim_end();
    Cow::Owned(format!("{kept}{ellipsis}"))
}

/// How many bytes of `text` fit into `room` without splitting a grapheme; a single grapheme larger than
/// all of `room` is split between characters, or a hostile one could blank a whole message.
fn whole_graphemes(text: &str, room: usize, cost: &impl Fn(&str) -> usize) -> usize {
    let fitting = |parts: &mut dyn Iterator<Item = (usize, &str)>| {
        let mut used = 0;
        let mut end = 0;
        for (at, part) in parts {
            used += cost(part);
            if used > room {
                break;
            }
            end = at + part.len();
        }
        end
    };
    let end = fitting(&mut text.grapheme_indices(true));
    if end > 0 {
        return end;
    }
    fitting(&mut text.char_indices().map(|(at, c)| (at, &text[at..at + c.len_utf8()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_clean() {
        for (dirty, clean) in [
            ("  a\r\n\tb\u{2028}c\u{a0} d ", "a b c d"),
            ("e\u{301}", "é"),
            ("pay\u{202e}gpj.exe", "paygpj.exe"),
            ("a\u{1b}[31mb\0c\u{9b}d", "a[31mbcd"),
            ("x\u{e0041}\u{e0042}y\u{feff}z", "xyz"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}👩\u{200d}👧", "👩\u{200d}👩\u{200d}👧"),
            ("\u{2066}abc\u{2069}", "abc"),
            ("@\u{200b}every\u{200b}one", "@everyone"),
            ("", ""),
        ] {
            assert_eq!(line(dirty), clean, "{dirty:?}");
        }
        let zalgo = format!("Z{}a", "\u{300}\u{316}".repeat(500));
        assert!(line(&zalgo).chars().count() <= 2 + MARKS_MAX, "{}", line(&zalgo));
    }

    #[test]
    fn what_cannot_be_seen_is_nothing() {
        for text in ["", " \u{200b}\u{200d}", "\u{3164}", "\u{2800}\u{ad}\u{fe0f}"] {
            assert_eq!(visible_line(text), None, "{text:?}");
        }
        assert_eq!(visible_line("\u{200f}א").as_deref(), Some("\u{200f}א"));
    }

    #[test]
    fn a_link_leads_where_it_says() {
        for (address, expected) in [
            ("https://example.com/a?b=c&d=e#f", Some("https://example.com/a?b=c&d=e#f")),
            ("https://bank.example:pw@evil.example/", Some("https://evil.example/")),
            ("https://example.com/a)b|c>d e", Some("https://example.com/a%29b%7Cc%3Ed%20e")),
            ("http://xn--bcher-kva.example/ü", Some("http://xn--bcher-kva.example/%C3%BC")),
            ("https://bücher.example/", Some("https://xn--bcher-kva.example/")),
            ("http://[::1]/x", Some("http://[::1]/x")),
            ("javascript:alert(1)", None),
            ("JaVaScRiPt://example.com/%0aalert(1)", None),
            ("data:text/html,x", None),
            ("//example.com/a", None),
            ("ftp://example.com/", None),
            ("not a link", None),
            ("", None),
        ] {
            assert_eq!(link(address).as_deref(), expected, "{address}");
        }
        assert_eq!(link(&format!("https://example.com/{}", "a".repeat(3000))), None);
    }

    #[test]
    fn a_cut_falls_between_graphemes() {
        assert_eq!(cut_chars("abcdef", 6), "abcdef");
        assert_eq!(cut_chars("abcdef", 4), "abc…");
        assert_eq!(cut_chars("ab cdef", 4), "ab…");
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(cut_chars(&format!("a{family}b"), 6), "a…");
        assert_eq!(cut_chars(&format!("a{family}bc"), 7), format!("a{family}…"));
        assert_eq!(cut_chars("abc", 0), "");
        assert_eq!(cut_chars(&"🧑\u{200d}".repeat(100), 5).chars().count(), 5);
    }
}
