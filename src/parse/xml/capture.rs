//! The text of an element, however its publisher put it there.

use std::borrow::Cow;

use super::Reader;
use super::names::Element;
use crate::parse::date;
use crate::parse::markup::{Tag, Token};
use crate::parse::repair::Repair;

/// What may stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A single value: the next element known ends it.
    Value,
    /// Escaped text; tags in it are HTML that was not escaped.
    Escaped,
    /// Markup as such (`type="xhtml"`).
    Inline,
}

/// A text as found.
#[derive(Debug, Default)]
pub(super) struct Captured<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether there are elements in it.
    pub(super) markup: bool,
    /// Whether the document broke off inside.
    pub(super) cut: bool,
    /// What a `<time datetime="…">` of HTML in it says.
    pub(super) time: Option<&'a str>,
}

impl<'a> Reader<'a, '_> {
    /// Reads up to the end of the element that `tag` began.
    pub(super) fn capture(&mut self, tag: &Tag<'a>, mode: Mode) -> Captured<'a> {
        let mut found = Captured::default();
        if tag.empty {
            return found;
        }
        let mut nested = 0_usize;
        loop {
            let Some(token) = self.markup.next() else {
                self.repairs.add(Repair::Truncated);
                found.cut = true;
                return found;
            };
            match token {
                Token::Close(name) if same(name, tag.name) && nested == 0 => return found,
                Token::Close(name) if self.ends_structure(name) => break,
                Token::Open(inner) if self.ends_text(inner.name, mode) => break,
                Token::Open(inner) => {
                    found.time = found.time.or_else(|| date::of_html(&inner));
                    nested += usize::from(!inner.empty && same(inner.name, tag.name));
                    self.push_tag(&mut found, mode);
                }
                Token::Close(name) => {
                    nested -= usize::from(same(name, tag.name));
                    self.push_tag(&mut found, mode);
                }
                Token::Text(text) => self.push_text(&mut found, text, mode),
                Token::Cdata(text) if mode == Mode::Inline => {
                    push(&mut found.text, htmlize::escape_text(text));
                }
                Token::Cdata(text) => push(&mut found.text, Cow::Borrowed(text)),
                Token::Doctype(_) | Token::Other => {}
            }
        }
        self.markup.put_back();
        self.repairs.add(Repair::MismatchedTags);
        found
    }

    fn push_tag(&mut self, found: &mut Captured<'a>, mode: Mode) {
        found.markup = true;
        if mode == Mode::Value {
            return;
        }
        self.repairs.add_if(mode == Mode::Escaped, Repair::UnescapedHtml);
        let source = self.markup.source();
        push(&mut found.text, Cow::Borrowed(&source[self.markup.span()]));
    }

    fn push_text(&mut self, found: &mut Captured<'a>, text: &'a str, mode: Mode) {
        let text = match mode {
            Mode::Inline if self.entities.are_declared() => Cow::Owned(self.entities.expand(text)),
            Mode::Inline => Cow::Borrowed(text),
            Mode::Value | Mode::Escaped => self.entities.decode(text, self.repairs),
        };
        push(&mut found.text, text);
    }

    /// Whether an end tag belongs to something around the text.
    fn ends_structure(&mut self, name: &str) -> bool {
        self.element_in_text(name).is_structure() && self.frames.iter().any(|frame| same(frame.name, name))
    }

    /// What an element would be outside of the text; its prefix may be declared in the text.
    fn element_in_text(&mut self, name: &str) -> Element {
        let odd = self.names.odd;
        let element = self.names.element(name);
        self.names.odd = odd;
        element
    }

    /// Whether a start tag cannot be part of the text.
    fn ends_text(&mut self, name: &str, mode: Mode) -> bool {
        let element = self.element_in_text(name);
        // Drawings in XHTML carry RDF of their own.
        let foreign = mode == Mode::Inline && element == Element::Root;
        element.is_structure() && !foreign || mode == Mode::Value && element.is_field()
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn push<'a>(text: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if text.is_empty() {
        *text = more;
    } else if !more.is_empty() {
        text.to_mut().push_str(&more);
    }
}
