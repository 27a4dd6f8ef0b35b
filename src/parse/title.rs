//! Titles: the one line that a careful reader would show.
//!
//! Some titles are mark-up and some speak of mark-up, whatever their type declares. A tag that does the work of a tag
//! goes; one that is only spoken of is text and stays: `<b>Kursk</b>` is Kursk, but `<b> is not <strong>` is what it
//! says. Where both are possible the words stay, since a title with a tag too many is read, and a lost word is not.

use std::ops::Range;

use memchr::{memchr, memchr3};

use super::html::{Role, role};
use super::limits;
use super::markup::{Markup, Tag, Token};
use super::text::{Layout, Prose};

/// The most pieces of a title that are looked at: its text is long cut by then.
const PIECES: usize = 2_048;

/// How many open tags an end tag is compared with.
const OPEN_TAGS: usize = 32;

/// Turns the source of a title into one line.
pub(super) fn html_to_line(html: &str) -> String {
    let mut prose = Prose::new(Layout::Line, limits::TITLE_BYTES, html.len());
    if memchr(b'<', html.as_bytes()).is_none() {
        prose.push_references(html);
        return prose.out;
    }
    let title = Title::new(html);
    let mut at = 0;
    while let Some(piece) = title.pieces.get(at) {
        at = title.show(at, piece, &mut prose);
    }
    prose.out
}

/// Text, or something in angle brackets.
#[derive(Debug)]
struct Piece<'a> {
    token: Token<'a>,
    span: Range<usize>,
    /// The tag that ends what this one opens, or opens what it ends.
    partner: Option<usize>,
}

#[derive(Debug)]
struct Title<'a> {
    source: &'a str,
    pieces: Vec<Piece<'a>>,
}

impl<'a> Title<'a> {
    fn new(source: &'a str) -> Self {
        let mut markup = Markup::html(source);
        let mut pieces: Vec<Piece<'a>> = Vec::new();
        let mut open: Vec<(usize, &str)> = Vec::new();
        while let Some(token) = markup.next() {
            let here = pieces.len();
            if here == PIECES {
                break;
            }
            let mut partner = None;
            match token {
                Token::Open(tag) if !tag.empty && role(tag.name) != Role::Unknown => {
                    open.push((here, tag.name));
                }
                Token::Close(name) => {
                    let near = open.len().saturating_sub(OPEN_TAGS);
                    let same = |(_, opened): &(usize, &str)| opened.eq_ignore_ascii_case(name);
                    if let Some(found) = open[near..].iter().rposition(same) {
                        let opener = open[near + found].0;
                        pieces[opener].partner = Some(here);
                        partner = Some(opener);
                        open.truncate(near + found);
                    }
                }
                Token::Open(_) | Token::Text(_) | Token::Cdata(_) | Token::Doctype(_) | Token::Other => {}
            }
            pieces.push(Piece { token, span: markup.span(), partner });
        }
        Self { source, pieces }
    }

    /// Shows a piece; gives the place of the next one.
    fn show(&self, at: usize, piece: &Piece<'a>, prose: &mut Prose) -> usize {
        let source = &self.source[piece.span.clone()];
        match piece.token {
            Token::Text(text) => prose.push_references(text),
            Token::Open(tag) => match role(tag.name) {
                Role::Unknown => prose.push(source),
                Role::Hidden => return self.show_hidden(at, piece, prose),
                Role::RawText if is_script(tag.name) => return self.show_hidden(at, piece, prose),
                role @ (Role::Inline
                | Role::Block
                | Role::Cell
                | Role::Break
                | Role::Void
                | Role::RawText) => {
                    if self.is_markup(piece, &tag, role) {
                        prose.mark(role);
                    } else {
                        prose.push(source);
                    }
                }
            },
            Token::Close(name) => {
                let opener = piece.partner.and_then(|at| self.pieces.get(at));
                let works = match opener.map(|opener| (opener, opener.token)) {
                    Some((opener, Token::Open(tag))) => self.is_markup(opener, &tag, role(name)),
                    _ => breaks(name) || role(name) != Role::Unknown && self.ends_a_word(piece),
                };
                if works {
                    prose.mark(role(name));
                } else {
                    prose.push(source);
                }
            }
            // Comments are no text. Declarations and instructions can only be spoken of.
            Token::Other if source.starts_with("<!--") || source.starts_with("<![") => {}
            Token::Cdata(_) | Token::Doctype(_) | Token::Other => prose.push(source),
        }
        at + 1
    }

    /// Passes over a script, a style or a drawing; what has no end, or only words inside, is spoken of.
    fn show_hidden(&self, at: usize, piece: &Piece<'a>, prose: &mut Prose) -> usize {
        let end = piece.partner.and_then(|partner| Some((partner, self.pieces.get(partner)?)));
        let Some((partner, end)) = end else {
            prose.push(&self.source[piece.span.clone()]);
            return at + 1;
        };
        let inside = &self.source[piece.span.end..end.span.start];
        if !is_code(inside) {
            prose.push(&self.source[piece.span.start..end.span.end]);
        }
        partner + 1
    }

    /// Whether a start tag does the work of one.
    fn is_markup(&self, piece: &Piece<'a>, tag: &Tag<'a>, role: Role) -> bool {
        let Range { start, end } = piece.span;
        if !self.source[..end].ends_with('>') || self.is_quoted(&piece.span) {
            return false;
        }
        if tag.attributes().any(|(_, value)| !value.is_empty()) || breaks(tag.name) {
            return true;
        }
        let before = self.source[..start].chars().next_back();
        let after = self.source[end..].chars().next();
        let apart = |next: Option<char>| next.is_none_or(char::is_whitespace);
        if let Some(closing) = piece.partner.and_then(|partner| self.pieces.get(partner)) {
            let inside = &self.source[end..closing.span.start];
            let beyond = self.source[closing.span.end..].chars().next();
            // `the <b> and </b> tags`
            let spoken_of =
                inside.starts_with(' ') && inside.ends_with(' ') && apart(before) && apart(beyond);
            return !spoken_of;
        }
        role != Role::Void
            && after.is_some_and(|next| next.is_alphanumeric() || matches!(next, '<' | '&' | '“' | '«' | '"'))
    }

    /// Whether an end tag that ends nothing stands right after a word, as that of a tag that was cut off does.
    fn ends_a_word(&self, piece: &Piece<'a>) -> bool {
        let before = self.source[..piece.span.start].chars().next_back();
        self.source[..piece.span.end].ends_with('>')
            && !self.is_quoted(&piece.span)
            && before.is_some_and(|last| {
                last.is_alphanumeric() || matches!(last, '.' | '!' | '?' | '…' | ')' | '>' | '”' | '»' | '"')
            })
    }

    /// Whether a tag stands between quotes or brackets.
    fn is_quoted(&self, span: &Range<usize>) -> bool {
        let before = self.source[..span.start].chars().next_back();
        let after = self.source[span.end..].chars().next();
        matches!(
            (before, after),
            (Some('`'), Some('`'))
                | (Some('\''), Some('\''))
                | (Some('"'), Some('"'))
                | (Some('('), Some(')'))
                | (Some('“' | '„'), Some('”' | '“'))
                | (Some('‘' | '‚'), Some('’' | '‘'))
                | (Some('«'), Some('»'))
        )
    }
}

/// Whether an element breaks or may break a line, and has no content.
fn breaks(name: &str) -> bool {
    ["br", "hr", "wbr"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_script(name: &str) -> bool {
    name.eq_ignore_ascii_case("script") || name.eq_ignore_ascii_case("style")
}

/// Whether what stands in a script, a style or a drawing is no prose.
pub(super) fn is_code(text: &str) -> bool {
    memchr3(b'(', b'{', b'=', text.as_bytes()).is_some()
        || memchr3(b'<', b';', b'}', text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(html_to_line(html), expected, "from {html}");
    }

    #[test]
    fn tags_that_work_go() {
        check("a <b>bold</b> claim", "a bold claim");
        check("<p>Troops</p>\n<p>in <a href='x'>Kursk</a>", "Troops in Kursk");
        check("One<br>two<BR/>three <br> four", "One two three four");
        check("<b>North Korea sends", "North Korea sends");
        check("sends troops</b>", "sends troops");
        check("<img src=x>Map<wbr>s", "Maps");
        check("<b><i>x</b></i>", "x");
        check("a<!-- b -->c", "ac");
        check("a<script>f({})</script>b<style>p {}</style>", "ab");
        check("<title>Troops</title>", "Troops");
    }

    #[test]
    fn tags_that_are_spoken_of_stay() {
        for title in [
            "<script> tag considered harmful",
            "Why <b> is not <strong>",
            "The <b> and </b> tags",
            "The <table>, 30 years on",
            "Use <script> and </script> with care",
            "What `<br>` does",
            "The end of (<blink>)",
            "No </p> needed",
            "Vec<T> and <T as U>",
            "if a <b and c",
            "<!DOCTYPE html> explained",
            "What <?php echo ?> prints",
            "The <img> element",
            "a < b > c",
        ] {
            check(title, title);
        }
    }

    #[test]
    fn long_titles_take_no_square_of_their_time() {
        for piece in ["<b>", "</b>", "<b></b>", "<script>", "<i><b></i>", "<p a=b>"] {
            let line = html_to_line(&piece.repeat(200_000));
            assert!(line.len() <= limits::TITLE_BYTES);
        }
    }
}
