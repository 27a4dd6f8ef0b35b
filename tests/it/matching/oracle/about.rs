//! What is asked of an article's author, address, feeds, tags and language.

use wirewatch::domain::article::Document;
use wirewatch::matching::query::ast::{Body, Expr, Kind, Mode, Part, Term};
use wirewatch::matching::text::fold::{fold, lower, plain};
use wirewatch::matching::text::token::{Tokens, tokenise, tokenise_term};

use super::words::glob;

pub(super) fn holds(part: Part, expr: &Expr, document: &Document<'_>) -> bool {
    match &expr.kind {
        Kind::Or(parts) => parts.iter().any(|inner| holds(part, inner, document)),
        Kind::And(parts) => parts.iter().all(|inner| holds(part, inner, document)),
        Kind::Not(inner) => !holds(part, inner, document),
        Kind::Term(term) => is(part, term, document),
        other => unreachable!("{other:?} is refused in a field"),
    }
}

fn is(part: Part, term: &Term, document: &Document<'_>) -> bool {
    let (Body::Word(text) | Body::Phrase { text, .. }) = &term.body else {
        unreachable!("refused in a field")
    };
    let same = |own: &String| glob(&fold(&text.to_lowercase()), &fold(&own.to_lowercase()));
    match part {
        Part::Author => document.authors.iter().any(|author| speaks_of(author, text, term.mode)),
        Part::Url => document.url.is_some_and(|url| speaks_of(url, text, term.mode)),
        Part::Site => document.url.is_some_and(|url| {
            let host = url.split('/').nth(2).unwrap_or_default();
            let labels: Vec<&str> = host.split('.').collect();
            (0..labels.len()).any(|from| glob(text, &labels[from..].join(".")))
        }),
        Part::Feed => document.feeds.iter().any(same),
        Part::Tag => document.tags.iter().any(same),
        Part::Lang => document.lang.is_some_and(|own| own == text || own.starts_with(&format!("{text}-"))),
        _ => unreachable!("{part:?} is text"),
    }
}

/// Whether `wanted` stands in `text`, word for word.
fn speaks_of(text: &str, wanted: &str, mode: Mode) -> bool {
    let text = text.replace('_', " ");
    let text = text.trim_start_matches("https://");
    let mut tokens = Tokens::default();
    tokenise(text, 0, &mut tokens);
    let words = |tokens: &Tokens, text: &str| -> Vec<String> {
        let surfaces =
            tokens.places().map(|(start, end)| plain(&text[start as usize..end as usize]).into_owned());
        surfaces.map(|word| if mode == Mode::Exact { word } else { fold(&lower(&word)) }).collect()
    };
    let wanted = words(&tokenise_term(wanted), wanted);
    let own = words(&tokens, text);
    own.windows(wanted.len()).any(|row| row.iter().zip(&wanted).all(|(own, wanted)| glob(wanted, own)))
}
