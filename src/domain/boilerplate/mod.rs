//! What publishers put under every article: appeals, sign-ups, notices. It neither matches nor scores.
//!
//! A block (a line of an article's plain text) is boilerplate when its feed showed it in three articles that
//! differ in title and in text; [`Memory`] counts that. A sentence is boilerplate from the first article on when
//! it says what only publishers say of themselves; `seeds.txt` knows such sentences in many languages. Headlines
//! are never looked at.

use super::Timestamp;

mod memory;
mod read;
mod seeds;

pub use memory::{Memory, Shown};
pub use read::Blocks;

/// Bytes of an article's plain text, from the first to one past the last.
pub type Mark = (usize, usize);

/// The parts of a text that are boilerplate in any feed.
pub fn in_any_feed(text: &str) -> Vec<Mark> {
    Blocks::of(text).marks(&Memory::default())
}

/// The boilerplate of texts that one document shows, each with its headline, as of a feed never seen before.
pub fn in_document<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>, now: Timestamp) -> Vec<Vec<Mark>> {
    let read: Vec<(&str, Blocks)> = texts.map(|(title, text)| (title, Blocks::of(text))).collect();
    let shown: Vec<Shown<'_>> = read.iter().map(|(title, blocks)| Shown { title, blocks }).collect();
    let mut memory = Memory::default();
    memory.learn(&shown, now);
    read.iter().map(|(_, blocks)| blocks.marks(&memory)).collect()
}

/// A text without what is marked in it, or all of it where nothing else would be left.
pub fn without<'t>(text: &'t str, marks: &[Mark]) -> std::borrow::Cow<'t, str> {
    if marks.is_empty() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end) in marks {
        out.push_str(text[at..*start].trim_end_matches(' '));
        at = *end;
    }
    out.push_str(&text[at..]);
    let left = out.trim();
    if left.is_empty() { text.into() } else { left.to_owned().into() }
}
