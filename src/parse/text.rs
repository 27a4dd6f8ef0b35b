//! HTML to the plain text a reader sees.
//!
//! Blocks become paragraphs, separated by a blank line; `<br>` becomes a line. Scripts, styles and hidden
//! parts are dropped, references decoded, runs of space become one, soft hyphens and control characters go.
//! Everything else stays: bidirectional marks, joiners, every script's letters. Time is linear in the
//! source, memory is bounded by it and by [`limits::TEXT_BYTES`], and there is no recursion.

use memchr::memchr;

use super::html::{Role, role};
use super::limits;
use super::markup::{Markup, Tag, Token};
use super::title::is_code;

/// Turns HTML into plain text, at most [`limits::TEXT_BYTES`] of it.
pub fn html_to_text(html: &str) -> String {
    if memchr(b'<', html.as_bytes()).is_none() {
        let mut prose = Prose::new(Layout::Paragraphs, limits::TEXT_BYTES, html.len());
        prose.push_references(html);
        return prose.out;
    }
    let mut prose = Prose::new(Layout::Flow, limits::TEXT_BYTES, html.len());
    render(html, &mut prose);
    if prose.out.is_empty() {
        describe_pictures(html, &mut prose);
    }
    prose.out
}

/// Gives what is said of the pictures and videos, each its own paragraph: all there is to read where
/// a text consists of nothing else.
fn describe_pictures(html: &str, prose: &mut Prose) {
    // Inside a drawing: whether its title or description is being read.
    let mut drawing = None;
    for token in Markup::html(html) {
        match token {
            Token::Open(tag) if is_named(tag.name, "svg") => drawing = Some(false),
            Token::Close(name) if is_named(name, "svg") => drawing = None,
            Token::Open(tag) if drawing.is_some_and(|told| !(told && role(tag.name) == Role::Inline)) => {
                drawing = Some(tells(tag.name));
            }
            Token::Close(name) if drawing.is_some() && tells(name) => {
                drawing = Some(false);
                prose.mark(Role::Block);
            }
            Token::Text(text) if drawing == Some(true) => prose.push_references(text),
            Token::Open(tag)
                if ["img", "iframe", "video", "area"].iter().any(|name| is_named(tag.name, name)) =>
            {
                describe_picture(&tag, prose);
            }
            Token::Open(_)
            | Token::Close(_)
            | Token::Text(_)
            | Token::Cdata(_)
            | Token::Doctype(_)
            | Token::Other => {}
        }
        if prose.full {
            return;
        }
    }
}

/// Whether an element of a drawing holds words.
fn tells(name: &str) -> bool {
    ["title", "desc", "text", "tspan"].iter().any(|word| is_named(name, word))
}

/// Whether an element has this name, whatever its case and prefix.
fn is_named(element: &str, name: &str) -> bool {
    element.rsplit(':').next().is_some_and(|local| local.eq_ignore_ascii_case(name))
}

fn describe_picture(tag: &Tag<'_>, prose: &mut Prose) {
    let alternative = tag.attribute("alt").unwrap_or_default();
    prose.push_references(alternative);
    prose.mark(Role::Block);
    if let Some(title) = tag.attribute("title").filter(|title| *title != alternative) {
        prose.push_references(title);
        prose.mark(Role::Block);
    }
}

/// Turns plain text into clean plain text: blank lines stay, other runs of space become one.
pub(super) fn plain_to_text(text: &str) -> String {
    let mut prose = Prose::new(Layout::Paragraphs, limits::TEXT_BYTES, text.len());
    prose.push(text);
    prose.out
}

/// Turns plain text into one line.
pub(super) fn plain_to_line(text: &str, limit: usize) -> String {
    let mut prose = Prose::new(Layout::Line, limit, text.len());
    prose.push(text);
    prose.out
}

/// A part that is not shown: the element's name and how many of that name are open.
struct Skipped<'a> {
    name: &'a str,
    open: u32,
}

impl Skipped<'_> {
    /// Whether this token, inside the part, is its end.
    fn ends_with(&mut self, token: Token<'_>) -> bool {
        if let Token::Open(tag) = token {
            self.open += u32::from(!tag.empty && tag.name.eq_ignore_ascii_case(self.name));
        }
        if let Token::Close(name) = token {
            self.open -= u32::from(name.eq_ignore_ascii_case(self.name));
            if is_gloss(self.name) && is_named(name, "ruby") {
                return true;
            }
        }
        self.open == 0
    }
}

/// Whether an element stands above the characters it explains; its end tag may be left out.
fn is_gloss(name: &str) -> bool {
    ["rt", "rp", "rtc"].iter().any(|gloss| is_named(name, gloss))
}

/// The most names of elements that are remembered to have no end.
const ENDLESS: usize = 32;

/// HTML on its way to text.
struct Rendering<'a> {
    markup: Markup<'a>,
    /// Elements whose end was looked for and not found.
    endless: Vec<&'a str>,
}

fn render(html: &str, prose: &mut Prose) {
    let mut rendering = Rendering { markup: Markup::html(html), endless: Vec::new() };
    let mut skipped: Option<Skipped<'_>> = None;
    while let Some(token) = rendering.markup.next() {
        if let Some(part) = &mut skipped {
            if part.ends_with(token) {
                skipped = None;
            }
            continue;
        }
        match token {
            Token::Text(text) => prose.push_references(text),
            Token::Open(tag) => skipped = rendering.open(&tag, prose),
            Token::Close(name) => {
                prose.mark(role(name));
                prose.preformatted &= !name.eq_ignore_ascii_case("pre");
            }
            Token::Cdata(_) | Token::Doctype(_) | Token::Other => {}
        }
        if prose.full {
            return;
        }
    }
}

impl<'a> Rendering<'a> {
    /// Handles a start tag; gives the part to skip where it begins one.
    fn open(&mut self, tag: &Tag<'a>, prose: &mut Prose) -> Option<Skipped<'a>> {
        let role = role(tag.name);
        prose.mark(role);
        if tag.empty || matches!(role, Role::Void | Role::Break) {
            return None;
        }
        if role == Role::RawText {
            // Without its end a script would hide all that follows; a text about scripts has none.
            if self.has_end(tag.name) || begins_code(self.markup.rest()) {
                self.markup.skip_raw_text(tag.name);
            }
            return None;
        }
        prose.preformatted |= tag.name.eq_ignore_ascii_case("pre");
        let hidden = (role == Role::Hidden || is_hidden(tag)) && self.has_end(tag.name);
        hidden.then_some(Skipped { name: tag.name, open: 1 })
    }

    /// Whether an end tag of this name is still to come.
    fn has_end(&mut self, name: &'a str) -> bool {
        if self.endless.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return false;
        }
        if self.endless.len() == ENDLESS {
            return true;
        }
        let found = self.markup.has_end_tag(name) || is_gloss(name) && self.markup.has_end_tag("ruby");
        if !found {
            self.endless.push(name);
        }
        found
    }
}

/// Whether the text of a script or style without end begins like one.
fn begins_code(rest: &str) -> bool {
    rest.trim_start().starts_with("<!--") || rest.split('<').next().is_some_and(is_code)
}

/// Whether the element says that it is not shown.
fn is_hidden(tag: &Tag<'_>) -> bool {
    if tag.is_bare() || matches!(tag.name, "a" | "A") {
        return false;
    }
    tag.attributes().any(|(name, value)| {
        name.eq_ignore_ascii_case("hidden") && !value.eq_ignore_ascii_case("until-found")
            || name.eq_ignore_ascii_case("style") && hides(value)
    })
}

fn hides(style: &str) -> bool {
    style.split(';').filter_map(|rule| rule.split_once(':')).any(|(property, value)| {
        let is = |text: &str, word: &str| text.trim().eq_ignore_ascii_case(word);
        let value = value.split('!').next().unwrap_or(value);
        is(property, "display") && is(value, "none") || is(property, "visibility") && is(value, "hidden")
    })
}

/// What separates the next word from the text so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
    Paragraph,
}

/// How white space of the source is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As HTML does: all of it is a space.
    Flow,
    /// A blank line ends a paragraph.
    Paragraphs,
    /// Everything goes into one line.
    Line,
}

/// Plain text in the making.
pub(super) struct Prose {
    pub(super) out: String,
    gap: Gap,
    limit: usize,
    layout: Layout,
    /// Inside `<pre>`, where line ends are seen.
    preformatted: bool,
    full: bool,
}

impl Prose {
    pub(super) fn new(layout: Layout, limit: usize, source_bytes: usize) -> Self {
        let out = String::with_capacity(source_bytes.min(limit));
        Self { out, layout, gap: Gap::None, limit, preformatted: false, full: false }
    }

    /// Takes note of a tag.
    pub(super) fn mark(&mut self, role: Role) {
        let gap = match role {
            Role::Block => Gap::Paragraph,
            Role::Cell => Gap::Space,
            Role::Break if self.gap >= Gap::Line => Gap::Paragraph,
            Role::Break => Gap::Line,
            Role::Inline | Role::Void | Role::Hidden | Role::RawText | Role::Unknown => Gap::None,
        };
        self.gap = self.gap.max(gap);
    }

    /// Appends text whose references are still to be decoded.
    pub(super) fn push_references(&mut self, text: &str) {
        if memchr(b'&', text.as_bytes()).is_none() {
            self.push(text);
        } else {
            self.push(&htmlize::unescape(text));
        }
    }

    /// Appends text, its white space normalised.
    pub(super) fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() && !self.full {
            let run = at + plain_run(&bytes[at..]);
            if run > at {
                self.append(&text[at..run]);
                at = run;
                continue;
            }
            at += self.special(&text[at..]);
        }
    }

    /// Handles the white space, control or formatting character at the start; says how many bytes it took.
    fn special(&mut self, text: &str) -> usize {
        let character = text.chars().next().expect("a run ends before a character");
        if character.is_whitespace() {
            let end = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
            let gap = self.gap_of(&text[..end]);
            self.gap = self.gap.max(gap);
            return end;
        }
        let size = character.len_utf8();
        if !is_dropped(character) {
            self.append(&text[..size]);
        }
        size
    }

    fn gap_of(&self, space: &str) -> Gap {
        if !self.preformatted && self.layout != Layout::Paragraphs {
            return Gap::Space;
        }
        match space.bytes().filter(|&b| b == b'\n').count() {
            1 if self.preformatted => Gap::Line,
            0 | 1 => Gap::Space,
            _ => Gap::Paragraph,
        }
    }

    fn append(&mut self, run: &str) {
        if !self.out.is_empty() {
            match self.gap {
                Gap::None => {}
                Gap::Space => self.out.push(' '),
                _ if self.layout == Layout::Line => self.out.push(' '),
                Gap::Line => self.out.push('\n'),
                Gap::Paragraph => self.out.push_str("\n\n"),
            }
        }
        self.gap = Gap::None;
        let room = self.limit.saturating_sub(self.out.len());
        if run.len() <= room {
            self.out.push_str(run);
            return;
        }
        self.full = true;
        self.out.push_str(&run[..run.floor_char_boundary(room)]);
        self.out.truncate(self.out.trim_end().len());
    }
}

/// How many bytes from the start can be copied as they are: no control character, no white space but
/// single spaces between words, and nothing that begins a character to look at.
fn plain_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    // Most text is words of ASCII with single spaces between them: many bytes are looked at at once.
    while let Some(chunk) = bytes.get(at..at + CHUNK) {
        let space = |byte: u8| u8::from(byte == b' ');
        let doubled = chunk.windows(2).fold(0, |found, pair| found | (space(pair[0]) & space(pair[1]))) > 0;
        let strange = chunk.iter().fold(false, |found, byte| found | !matches!(byte, b' '..=b'~'));
        if doubled || strange || (at == 0 && chunk[0] == b' ') {
            let (next, ended) = plain_bytes(bytes, at, at + CHUNK / 2);
            at = next;
            if ended {
                return at;
            }
        } else {
            // A space at its end depends on what follows.
            at += CHUNK - usize::from(chunk[CHUNK - 1] == b' ');
        }
    }
    plain_bytes(bytes, at, bytes.len()).0
}

/// Bytes that are looked at at once.
const CHUNK: usize = 32;

/// Goes from `at` to `to`, byte by byte; says how far it came, and whether a byte stopped it.
fn plain_bytes(bytes: &[u8], mut at: usize, to: usize) -> (usize, bool) {
    while at < to {
        let byte = bytes[at];
        if SPECIAL[byte as usize] {
            let between_words =
                byte == b' ' && at > 0 && bytes.get(at + 1).is_some_and(|&b| !SPECIAL[b as usize]);
            if !between_words {
                return (at, true);
            }
        }
        at += 1;
    }
    (at, false)
}

/// First bytes of characters that are white space, dropped, or possibly so.
static SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte <= 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[0x7f] = true;
    // U+0080 to U+00AD; U+1680; U+2000 to U+205F; U+3000; U+FEFF.
    table[0xc2] = true;
    table[0xe1] = true;
    table[0xe2] = true;
    table[0xe3] = true;
    table[0xef] = true;
    table
};

/// Characters that carry no text: controls, soft hyphens, byte order marks.
fn is_dropped(character: char) -> bool {
    character.is_control() || matches!(character, '\u{ad}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(html_to_text(html), expected, "from {html}");
    }

    #[test]
    fn a_long_run_ends_where_a_short_one_does() {
        let words = "The quick brown fox jumps over the lazy dog, and so on and so forth; again and again. ";
        for strange in ["", " ", "\n", "\u{ad}", "é", "\t\t", "\u{3000}", "\u{1}"] {
            for from in 0..words.len() {
                let text = format!("{}{strange}{words}{strange}{words}", &words[from..]);
                let expected = text
                    .split_whitespace()
                    .map(|word| word.chars().filter(|c| !is_dropped(*c)).collect::<String>())
                    .filter(|word| !word.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ");
                assert_eq!(plain_to_line(&text, limits::TEXT_BYTES), expected, "{strange:?} from {from}");
            }
        }
    }

    #[test]
    fn blocks_become_paragraphs() {
        check("<p>One\n two</p><div><p>Three</p></div>", "One two\n\nThree");
        check("<ul><li>a<li>b</ul>c", "a\n\nb\n\nc");
        check("a<br>b<br/><br />c<hr>d", "a\nb\n\nc\n\nd");
        check("<table><tr><td>1</td><td>2</td></tr><tr><td>3</table>", "1 2\n\n3");
        check("<pre>a\n  b\n\nc</pre>d\ne", "a\nb\n\nc\n\nd e");
    }

    #[test]
    fn inline_elements_do_not_break_words() {
        check("<b>N</b>orth <i>Korea</i>n", "North Korean");
        check("<unknown>x</unknown>y", "xy");
    }

    #[test]
    fn what_is_not_shown_is_dropped() {
        check("a<script>if (1 < 2) { '</p>' }</script>b<style>p {}</style>c", "abc");
        check("a<div hidden>b<div>c</div>d</div>e", "a\n\ne");
        check("a<span style='color: red; display : NONE'>b</span>c", "ac");
        check("a<!-- b --><template><p>c</p></template>d<svg><text>e</text></svg>", "ad");
        check("a<script>f(b)", "a");
        check(
            "The <script> tag, an <svg> and a <div hidden> without end",
            "The tag, an and a\n\nwithout end",
        );
        check(
            "<ruby>北朝鮮<rt>きたちょうせん</ruby>の<ruby>兵<rp>(<rt>へい<rp>)</ruby>士<rt>x",
            "北朝鮮の兵士x",
        );
        check("<span aria-hidden=true>seen</span>", "seen");
    }

    #[test]
    fn references_and_spaces_are_normalised() {
        check("a&nbsp;&amp;&#8217;&hellip; \u{3000}b", "a &\u{2019}\u{2026} b");
        check("Staats\u{ad}ober&shy;haupt\u{feff}", "Staatsoberhaupt");
        check("a\u{0}\u{8}\u{85}b\u{202e}c\u{200d}d", "a b\u{202e}c\u{200d}d");
        check("1 < 2 && 3 > 2", "1 < 2 && 3 > 2");
    }

    #[test]
    fn text_without_tags_keeps_its_paragraphs() {
        check("one\ntwo\r\n\r\n three &lt;", "one two\n\nthree <");
    }

    #[test]
    fn of_pictures_alone_what_is_said_of_them_is_read() {
        check("<a><img src=x alt='A map' title='Kursk'></a><IMG alt='A map'>", "A map\n\nKursk\n\nA map");
        check(
            "<svg:svg><svg:title>Troops</svg:title><g><path/></g><text>1 &lt; 2</text></svg:svg>",
            "Troops\n\n1 < 2",
        );
        check("<svg><desc>North <abbr>Korea</abbr>n</desc><circle>x</circle></svg>", "North Korean");
        check("<svg><title>Troops</title></svg>Words", "Words");
        check("<svg><style>p {}</style><circle/></svg>", "");
    }

    #[test]
    fn hostile_nesting_costs_nothing() {
        let deep = "<div><b>".repeat(100_000) + "x";
        check(&deep, "x");
        check(&"<![CDATA[".repeat(100_000), "");
        check(&"<div hidden>".repeat(100_000), "");
        let names: Vec<String> = (0..20_000).map(|n| format!("<a{n} hidden>")).collect();
        check(&names.concat(), "");
    }

    #[test]
    fn a_text_without_end_is_cut_at_a_character() {
        let long = "ä ".repeat(limits::TEXT_BYTES);
        let text = html_to_text(&long);
        assert!(text.len() <= limits::TEXT_BYTES && text.ends_with('ä'));
    }
}
