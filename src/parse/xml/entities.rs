//! References: of XML, of HTML, and those a document declares itself.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memchr;

use crate::parse::repair::{Repair, Repairs};
use crate::parse::{ParseError, limits};

/// The longest name between `&` and `;` that is looked up.
const LONGEST: usize = 64;

/// The references of a document.
#[derive(Debug, Default)]
pub(super) struct Entities<'a> {
    declared: HashMap<&'a str, String>,
    /// How many bytes their expansions have added so far.
    expanded: usize,
    /// Whether they added more than [`limits::EXPANSION_BYTES`].
    pub(super) exhausted: bool,
}

impl<'a> Entities<'a> {
    /// Takes the internal entities of a document type declaration. External ones are passed over.
    ///
    /// # Errors
    /// [`ParseError::EntityBomb`] when there are too many, or one grows out of others beyond any use.
    pub(super) fn declare(&mut self, doctype: &'a str) -> Result<(), ParseError> {
        let mut rest = doctype;
        while let Some(at) = rest.find("<!ENTITY") {
            rest = rest[at + 8..].trim_start();
            let name = rest.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
            rest = rest[name.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
            let Some(value) = rest[1..].split(quote).next() else { continue };
            rest = &rest[1 + value.len()..];
            if self.declared.len() >= limits::ENTITIES {
                return Err(ParseError::EntityBomb);
            }
            let value = self.expand(value);
            self.expanded += value.len();
            if self.exhausted || self.expanded > limits::EXPANSION_BYTES {
                return Err(ParseError::EntityBomb);
            }
            self.declared.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Replaces the declared references of `text`, and leaves the others.
    pub(super) fn expand(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = memchr(b'&', rest.as_bytes()) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let name = name_of(rest);
            let value = name.and_then(|name| self.declared.get(name));
            if let (Some(name), Some(value)) = (name, value) {
                if self.expanded + out.len() + value.len() > limits::EXPANSION_BYTES + text.len() {
                    self.exhausted = true;
                    return out;
                }
                out.push_str(value);
                rest = &rest[name.len() + 2..];
            } else {
                out.push('&');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    /// Whether a document declares any.
    pub(super) fn are_declared(&self) -> bool {
        !self.declared.is_empty()
    }

    /// Decodes the references of `text` once. An `&` that begins none stays.
    pub(super) fn decode<'t>(&mut self, text: &'t str, repairs: &mut Repairs) -> Cow<'t, str> {
        if memchr(b'&', text.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = memchr(b'&', rest.as_bytes()) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let taken = self.reference(rest, &mut out, repairs);
            rest = &rest[taken..];
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// Appends what the reference at the start of `rest` stands for; says how many bytes it has.
    fn reference(&mut self, rest: &str, out: &mut String, repairs: &mut Repairs) -> usize {
        let Some(name) = name_of(rest) else {
            repairs.add(Repair::BareAmpersand);
            out.push('&');
            return 1;
        };
        if let Some(value) = self.declared.get(name) {
            self.expanded += value.len();
            if self.expanded > limits::EXPANSION_BYTES {
                self.exhausted = true;
            } else {
                out.push_str(value);
            }
            return name.len() + 2;
        }
        let character = match name {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => return of_html(rest, name, out, repairs),
        };
        out.push_str(character);
        name.len() + 2
    }
}

/// A numbered character, or one that only HTML names.
fn of_html(rest: &str, name: &str, out: &mut String, repairs: &mut Repairs) -> usize {
    let source = &rest[..name.len() + 2];
    let decoded = htmlize::unescape(source);
    let known = decoded != source;
    repairs.add_if(known && !name.starts_with('#'), Repair::HtmlEntity);
    repairs.add_if(!known, Repair::BareAmpersand);
    out.push_str(&decoded);
    source.len()
}

/// The name of the reference at the start, where it is whole.
fn name_of(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let window = &bytes[1..bytes.len().min(LONGEST + 2)];
    let end =
        window.iter().position(|b| !(b.is_ascii_alphanumeric() || b"#._-:".contains(b) || *b >= 0x80))?;
    (end > 0 && window[end] == b';').then(|| text.get(1..=end)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> (String, Vec<Repair>) {
        let mut repairs = Repairs::default();
        let decoded = Entities::default().decode(text, &mut repairs).into_owned();
        (decoded, repairs.list())
    }

    #[test]
    fn references_are_decoded_once() {
        assert_eq!(
            decode("&lt;b&gt; &amp;amp; &#8217;&#x1F600;"),
            ("<b> &amp; \u{2019}😀".to_owned(), vec![])
        );
        assert_eq!(decode("a&nbsp;b&alpha;"), ("a\u{a0}bα".to_owned(), vec![Repair::HtmlEntity]));
        assert_eq!(decode("AT&T & &x; &"), ("AT&T & &x; &".to_owned(), vec![Repair::BareAmpersand]));
    }

    #[test]
    fn declared_ones_expand_within_bounds() {
        let mut entities = Entities::default();
        entities
            .declare("DOCTYPE a [<!ENTITY co 'Acme &amp; Co'><!ENTITY x SYSTEM 'file:///etc/passwd'>]")
            .unwrap();
        let mut repairs = Repairs::default();
        assert_eq!(entities.decode("(&co;) &x;", &mut repairs), "(Acme &amp; Co) &x;");
    }

    #[test]
    fn bombs_are_refused_early() {
        let mut bomb = "DOCTYPE a [<!ENTITY l0 'laughs'>".to_owned();
        for level in 1..30 {
            let parts = format!("&l{};", level - 1).repeat(10);
            bomb.extend([format!("<!ENTITY l{level} '{parts}'>")]);
        }
        assert_eq!(Entities::default().declare(&bomb), Err(ParseError::EntityBomb));
    }
}
