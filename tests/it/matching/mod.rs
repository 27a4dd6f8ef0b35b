//! The query language and the matcher.

#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::match_same_arms,
    clippy::unused_self,
    reason = "the oracle is to be obvious: it names the kinds it treats apart, one by one"
)]

mod agree;
mod cases;
mod guide;
mod hostile;
mod oracle;
mod random;

use wirewatch::domain::article::Document;

/// Headline and text of an article written as `headline ⏎ text`, or as its text alone.
fn document(article: &str) -> (&str, &str) {
    match article.split_once('⏎') {
        Some((title, text)) => (title.trim(), text.trim()),
        None => ("", article),
    }
}

/// An article of which everything is known, given to `look`.
fn about<T>(title: &str, text: &str, look: impl FnOnce(&Document<'_>) -> T) -> T {
    look(&Document {
        title,
        text,
        lang: Some("sv-SE"),
        url: Some("https://news.daily.example/world/port-fire_2026?a=1"),
        authors: &["Anna Öberg".to_owned()],
        feeds: &["daily-world".to_owned()],
        tags: &["Wire".to_owned(), "north".to_owned()],
        boilerplate: &[],
    })
}
