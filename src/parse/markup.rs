//! Reads tags out of anything: XML, HTML, and what lies between.
//!
//! One forgiving reader serves feeds, HTML inside feeds, pages and OPML. It never fails and never looks
//! back: every byte is passed once, except that an unclosed quote, comment or tag is searched for its end
//! once per document. What is no tag is text.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem, memrchr};

/// A piece of markup, borrowed from the source. References (`&amp;`) are left as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Characters between tags.
    Text(&'a str),
    /// The inside of a CDATA section.
    Cdata(&'a str),
    /// A start tag, or an empty-element tag.
    Open(Tag<'a>),
    /// An end tag, by its name.
    Close(&'a str),
    /// A document type declaration, without `<!` and `>`.
    Doctype(&'a str),
    /// A comment, a processing instruction or another declaration.
    Other,
}

/// A start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The name as written, prefix included.
    pub name: &'a str,
    /// What stands between name and `>`.
    raw: &'a str,
    /// Whether it ends in `/>`.
    pub empty: bool,
}

impl<'a> Tag<'a> {
    /// The attributes as written, in order: names and undecoded values.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.raw }
    }

    /// Whether there is any attribute.
    pub fn is_bare(&self) -> bool {
        self.raw.is_empty()
    }

    /// The undecoded value of the first attribute of this name, whatever its case.
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The attributes of a tag.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest.as_bytes();
        let start = bytes.iter().position(|b| !b.is_ascii_whitespace() && !b"/\"'=".contains(b))?;
        let name_end = start
            + bytes[start..]
                .iter()
                .position(|b| b.is_ascii_whitespace() || matches!(b, b'=' | b'/'))
                .unwrap_or(bytes.len() - start);
        let name = &self.rest[start..name_end];
        let mut at = skip_space(bytes, name_end);
        if bytes.get(at) != Some(&b'=') {
            self.rest = &self.rest[name_end..];
            return Some((name, ""));
        }
        at = skip_space(bytes, at + 1);
        let (value, end) = if let Some(&quote @ (b'"' | b'\'')) = bytes.get(at) {
            let end = memchr(quote, &bytes[at + 1..]).map_or(bytes.len(), |n| at + 1 + n);
            (&self.rest[at + 1..end], (end + 1).min(bytes.len()))
        } else {
            let end = bytes[at..].iter().position(u8::is_ascii_whitespace).map_or(bytes.len(), |n| at + n);
            (&self.rest[at..end], end)
        };
        self.rest = &self.rest[end..];
        Some((name, value))
    }
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| !b.is_ascii_whitespace()).map_or(bytes.len(), |n| from + n)
}

/// An end that is searched for at most once when it is missing.
#[derive(Clone, Copy, Debug)]
enum End {
    DoubleQuote,
    SingleQuote,
    Comment,
    Section,
    Bracket,
}

/// The ends that were searched for and not found.
#[derive(Clone, Copy, Debug, Default)]
struct Missing(u8);

impl Missing {
    fn has(self, end: End) -> bool {
        self.0 & (1 << end as u8) != 0
    }

    fn add(&mut self, end: End) {
        self.0 |= 1 << end as u8;
    }
}

/// The reader.
#[derive(Clone, Debug)]
pub struct Markup<'a> {
    source: &'a str,
    start: usize,
    at: usize,
    missing: Missing,
    /// Whether sections are passed over, as HTML has none.
    html: bool,
    /// The place of the last `>`; behind it no search for one can succeed.
    last_end: usize,
    ragged: bool,
}

impl<'a> Markup<'a> {
    /// Reads `source` from its beginning.
    pub fn new(source: &'a str) -> Self {
        Self::with_sections(source, false)
    }

    /// Reads `source` as HTML: what opens or closes a CDATA section is passed over.
    pub fn html(source: &'a str) -> Self {
        Self::with_sections(source, true)
    }

    fn with_sections(source: &'a str, html: bool) -> Self {
        let last_end = memrchr(b'>', source.as_bytes()).map_or(0, |n| n + 1);
        Self { source, start: 0, at: 0, missing: Missing::default(), html, last_end, ragged: false }
    }

    /// What is read.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// Where the last token stood in the source.
    pub fn span(&self) -> Range<usize> {
        self.start..self.at
    }

    /// Whether the source broke the rules of markup so far: a bare `<`, or a tag, comment or section without end.
    pub fn is_ragged(&self) -> bool {
        self.ragged
    }

    /// Puts the last token back; the next call of `next` gives it again.
    pub fn put_back(&mut self) {
        self.at = self.start;
    }

    /// Passes over everything up to the end tag `</name`, whatever its case, as HTML does for scripts.
    /// Without one, everything is passed over.
    pub fn skip_raw_text(&mut self, name: &str) {
        self.at = self.end_tag(name).unwrap_or(self.source.len());
    }

    /// Whether an end tag `</name`, whatever its case, is still to come.
    pub fn has_end_tag(&self, name: &str) -> bool {
        self.end_tag(name).is_some()
    }

    /// What is still to come.
    pub fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn end_tag(&self, name: &str) -> Option<usize> {
        let bytes = self.source.as_bytes();
        let mut at = self.at;
        while let Some(found) = memmem::find(&bytes[at..], b"</") {
            at += found + 2;
            let follows = bytes.get(at..at + name.len());
            if follows.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes())) {
                return Some(at - 2);
            }
        }
        None
    }

    fn bytes(&self) -> &'a [u8] {
        self.source.as_bytes()
    }

    fn markup(&mut self) -> Option<Token<'a>> {
        let rest = &self.bytes()[self.at..];
        match rest.get(1)? {
            b'/' => self.close(),
            b'!' => self.declaration(),
            b'?' if self.at < self.last_end => {
                let end = memchr(b'>', rest)?;
                self.at += end + 1;
                Some(Token::Other)
            }
            b if is_name_start(*b) => Some(self.open()),
            _ => None,
        }
    }

    fn close(&mut self) -> Option<Token<'a>> {
        let rest = &self.source[self.at + 2..];
        if !rest.as_bytes().first().copied().is_some_and(is_name_start) {
            return None;
        }
        // An end tag without `>` ends where the next tag begins.
        let end = memchr2(b'>', b'<', rest.as_bytes())?;
        let name = rest[..end].trim_ascii();
        let closed = rest.as_bytes()[end] == b'>';
        self.ragged |= !closed;
        self.at += 2 + end + usize::from(closed);
        Some(Token::Close(name.split_ascii_whitespace().next().unwrap_or(name)))
    }

    fn declaration(&mut self) -> Option<Token<'a>> {
        let rest = &self.source[self.at..];
        let bytes = rest.as_bytes();
        if bytes.starts_with(b"<!--") {
            let end = if self.missing.has(End::Comment) { None } else { memmem::find(&bytes[4..], b"-->") };
            let Some(end) = end else {
                // Without its end a comment hides nothing but its own opening.
                self.missing.add(End::Comment);
                self.ragged = true;
                self.at += 4;
                return Some(Token::Other);
            };
            self.at += 4 + end + 3;
            return Some(Token::Other);
        }
        if bytes.len() >= 9 && bytes[..9].eq_ignore_ascii_case(b"<![CDATA[") {
            if self.html {
                self.at += 9;
                return Some(Token::Other);
            }
            let end = if self.missing.has(End::Section) { None } else { memmem::find(&bytes[9..], b"]]>") };
            let Some(end) = end else {
                self.missing.add(End::Section);
                self.ragged = true;
                self.at = self.source.len();
                return Some(Token::Cdata(&rest[9..]));
            };
            self.at += 9 + end + 3;
            return Some(Token::Cdata(&rest[9..9 + end]));
        }
        if self.at >= self.last_end {
            return None;
        }
        let end = self.declaration_end(bytes)?;
        self.at += end + 1;
        if bytes.len() >= 9 && bytes[2..9].eq_ignore_ascii_case(b"DOCTYPE") {
            return Some(Token::Doctype(&rest[2..end]));
        }
        Some(Token::Other)
    }

    /// The place of the `>` that ends a declaration; one with an internal subset ends after its `]`.
    fn declaration_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = memchr2(b'>', b'[', bytes)?;
        if bytes[end] == b'>' || self.missing.has(End::Bracket) {
            return memchr(b'>', bytes);
        }
        let Some(close) = memchr(b']', &bytes[end..]) else {
            self.missing.add(End::Bracket);
            self.ragged = true;
            return memchr(b'>', bytes);
        };
        if self.at + end + close >= self.last_end {
            return memchr(b'>', bytes);
        }
        memchr(b'>', &bytes[end + close..]).map(|n| end + close + n)
    }

    fn open(&mut self) -> Token<'a> {
        let rest = &self.source[self.at + 1..];
        let bytes = rest.as_bytes();
        let name_end = bytes.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'<'));
        let name_end = name_end.unwrap_or(bytes.len());
        let (end, closed) = self.tag_end(bytes, name_end);
        let inside = rest[name_end..end].trim_ascii();
        // Where the document breaks off the slash may be one of an address.
        let empty = inside.ends_with('/') && (closed || end < bytes.len());
        let raw = if empty { inside[..inside.len() - 1].trim_ascii_end() } else { inside };
        self.ragged |= !closed;
        self.at += 1 + end + usize::from(closed);
        Token::Open(Tag { name: &rest[..name_end], raw, empty })
    }

    /// Where the tag ends, and whether with a `>`: quoted values may hold `>`, and a tag without end stops
    /// where the next one begins, or with the document.
    fn tag_end(&mut self, bytes: &[u8], name_end: usize) -> (usize, bool) {
        let mut at = name_end;
        let mut after_equals = false;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'>' => return (at, true),
                b'<' => return (at, false),
                b'=' => after_equals = true,
                b'"' | b'\'' if after_equals => {
                    after_equals = false;
                    if let Some(end) = self.quote_end(byte, &bytes[at + 1..]) {
                        at += end + 1;
                    }
                }
                _ if byte.is_ascii_whitespace() => {}
                _ => after_equals = false,
            }
            at += 1;
        }
        (bytes.len(), false)
    }

    fn quote_end(&mut self, quote: u8, bytes: &[u8]) -> Option<usize> {
        let end = if quote == b'"' { End::DoubleQuote } else { End::SingleQuote };
        if self.missing.has(end) {
            return None;
        }
        let found = memchr(quote, bytes);
        if found.is_none() {
            self.missing.add(end);
        }
        found
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || byte >= 0x80
}

impl<'a> Iterator for Markup<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.start = self.at;
        let rest = &self.bytes()[self.at..];
        let first = *rest.first()?;
        let mut from = 0;
        if first == b'<' {
            if let Some(token) = self.markup() {
                return Some(token);
            }
            self.ragged = true;
            from = 1;
        }
        // Text goes on until something that is a tag; a bare `<` is checked again as the next token.
        let end = memchr(b'<', &rest[from..]).map_or(rest.len(), |n| from + n);
        self.at += end;
        Some(Token::Text(&self.source[self.start..self.at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let shown: Vec<String> = Markup::new(source)
            .map(|token| match token {
                Token::Text(text) => format!("text {text}"),
                Token::Cdata(text) => format!("cdata {text}"),
                Token::Open(tag) => {
                    let attributes: Vec<_> = tag.attributes().map(|(n, v)| format!(" {n}={v}")).collect();
                    format!("open {}{}{}", tag.name, attributes.concat(), if tag.empty { " /" } else { "" })
                }
                Token::Close(name) => format!("close {name}"),
                Token::Doctype(text) => format!("doctype {text}"),
                Token::Other => "other".to_owned(),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn well_formed_markup_is_read_as_written() {
        check(
            "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b \"c>\">]><a b=\"1>0\" c='d'>x<e/><![CDATA[<y>]]></a >",
            &[
                "other",
                "doctype DOCTYPE a [<!ENTITY b \"c>\">]",
                "open a b=1>0 c=d",
                "text x",
                "open e /",
                "cdata <y>",
                "close a",
            ],
        );
    }

    #[test]
    fn what_is_no_tag_is_text() {
        check("1 < 2 <3 <", &["text 1 ", "text < 2 ", "text <3 ", "text <"]);
    }

    #[test]
    fn a_tag_without_end_stops_at_the_next() {
        check("<a <b>x</b</a>", &["open a", "open b", "text x", "close b", "close a"]);
        check("<a href=\"x>y</a>", &["open a href=x", "text y", "close a"]);
    }

    #[test]
    fn attributes_are_taken_in_any_style() {
        check("<a b c=d e = 'f' g=\"h\"i=/j/>", &["open a b= c=d e=f g=h i=/j /"]);
    }

    #[test]
    fn an_open_section_ends_with_the_document() {
        check("<a><![CDATA[x", &["open a", "cdata x"]);
        check("a<!-- b", &["text a", "other", "text  b"]);
    }
}
