//! Conditions on what is known about an article: `author: url: site: feed: tag: lang:`.

use super::compile::Compiler;
use super::globs::glob;
use super::program::{About, AboutWord, Node, NodeId};
use crate::domain::article::Document;
use crate::matching::query::ast::{Body, Expr, Kind, Mode, Part, Term};
use crate::matching::query::print;
use crate::matching::text::fold::{fold, lower, plain};
use crate::matching::text::token::{Tokens, tokenise, tokenise_term};

impl Compiler<'_> {
    pub(super) fn about(&mut self, expr: &Expr, part: Part, inner: &Expr, spans: bool) -> NodeId {
        if spans {
            let message = format!("`{}:` is no place in the text, so nothing can be near it", part.word());
            self.error("E12", &expr.span, message, "move it outside, joined by AND");
        }
        let about = self.condition(part, inner);
        let index = u32::try_from(self.program.abouts.len()).unwrap_or(u32::MAX);
        self.program.abouts.push(about);
        self.push(Node::About(index), || print(expr))
    }

    fn condition(&mut self, part: Part, expr: &Expr) -> About {
        let list = |compiler: &mut Self, parts: &[Expr]| -> Vec<About> {
            parts.iter().map(|inner| compiler.condition(part, inner)).collect()
        };
        match &expr.kind {
            Kind::Or(parts) => About::Any(list(self, parts)),
            Kind::And(parts) => About::All(list(self, parts)),
            Kind::Not(inner) => About::Not(Box::new(self.condition(part, inner))),
            Kind::Term(Term { mode, body: Body::Word(text) | Body::Phrase { text, slop: None }, .. }) => {
                self.condition_on(part, expr, text, *mode)
            }
            Kind::Broken => About::Any(vec![]),
            _ => {
                let message =
                    format!("`{}:` takes words and phrases, with AND, OR, NOT and brackets", part.word());
                self.error("E12", &expr.span, message, "move this part outside the field");
                About::Any(vec![])
            }
        }
    }

    fn condition_on(&mut self, part: Part, expr: &Expr, text: &str, mode: Mode) -> About {
        let value = fold(&plain(text.trim()).to_lowercase());
        if value.is_empty() {
            self.error(
                "E14",
                &expr.span,
                "there is no word in this term",
                "write at least one letter or digit",
            );
        }
        match part {
            Part::Author | Part::Url => {
                let text = text
                    .trim_start_matches("https://")
                    .trim_start_matches("http://")
                    .trim_start_matches("www.");
                let exact = mode == Mode::Exact;
                let words = words(&tokenise_term(text), text, exact);
                if words.is_empty() {
                    self.error(
                        "E14",
                        &expr.span,
                        "there is no word in this term",
                        "write at least one letter or digit",
                    );
                }
                About::Words(part, words)
            }
            Part::Site => {
                let host = value.split("://").last().unwrap_or_default();
                About::Value(
                    part,
                    host.split('/').next().unwrap_or_default().trim_start_matches("www.").to_owned(),
                )
            }
            _ => About::Value(part, value),
        }
    }
}

fn words(tokens: &Tokens, text: &str, exact: bool) -> Vec<AboutWord> {
    let single = tokens.tokens.iter().filter(|token| token.width == 1);
    single
        .map(|token| {
            let word = plain(&text[token.start as usize..token.end as usize]).into_owned();
            AboutWord { text: if exact { word } else { fold(&lower(&word)) }, exact }
        })
        .collect()
}

/// Whether a condition holds.
pub(crate) fn holds(about: &About, document: &Document<'_>) -> bool {
    match about {
        About::Any(parts) => parts.iter().any(|part| holds(part, document)),
        About::All(parts) => parts.iter().all(|part| holds(part, document)),
        About::Not(inner) => !holds(inner, document),
        About::Words(Part::Author, wanted) => document.authors.iter().any(|author| in_a_row(author, wanted)),
        About::Words(_, wanted) => document.url.is_some_and(|url| {
            let path = url.split_once("://").map_or(url, |(_, rest)| rest);
            in_a_row(path.trim_start_matches("www."), wanted)
        }),
        About::Value(Part::Site, site) => document.url.is_some_and(|url| is_under(url, site)),
        About::Value(Part::Feed, id) => document.feeds.iter().any(|feed| fits(id, feed)),
        About::Value(Part::Tag, tag) => document.tags.iter().any(|own| fits(tag, own)),
        About::Value(_, lang) => document.lang.is_some_and(|own| {
            let own = own.replace('_', "-").to_lowercase();
            let wanted = lang.replace('_', "-");
            glob(&wanted, &own) || own.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('-'))
        }),
    }
}

fn fits(pattern: &str, value: &str) -> bool {
    glob(pattern, &fold(&plain(value).to_lowercase()))
}

/// Whether the host of `url` is `site` or below it.
fn is_under(url: &str, site: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host =
        authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default().to_lowercase();
    let mut tail = host.as_str();
    loop {
        if glob(site, tail) {
            return true;
        }
        match tail.split_once('.') {
            Some((_, rest)) if rest.contains('.') || site == rest => tail = rest,
            _ => return false,
        }
    }
}

/// Whether `wanted` stands in `text`, word by word.
fn in_a_row(text: &str, wanted: &[AboutWord]) -> bool {
    let mut tokens = Tokens::default();
    tokenise(&text.replace('_', " "), 0, &mut tokens);
    let text = text.replace('_', " ");
    let (exact, folded) = (words(&tokens, &text, true), words(&tokens, &text, false));
    !wanted.is_empty()
        && (0..exact.len()).any(|at| {
            wanted.iter().enumerate().all(|(offset, want)| {
                let own = if want.exact { exact.get(at + offset) } else { folded.get(at + offset) };
                own.is_some_and(|own| glob(&want.text, &own.text))
            })
        })
}
