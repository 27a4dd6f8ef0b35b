//! What is legal in a query but surely not meant: parts that can never match, and parts that nearly always do.

use std::collections::BTreeSet;

use regex_automata::meta::Regex;

use super::alphabets::mixed;
use super::globs::glob;
use crate::domain::topic::{ConceptSource, ConceptSpec, TopicRule, TopicSpec};
use crate::matching::query::ast::{Body, Count, Expr, Kind, Mode, Part, Term};
use crate::matching::query::{Finding, parse, parse_term, print};
use crate::matching::text::fold::fold;
use crate::matching::{Diagnostic, Place, TopicPart};

/// The most alternatives that are compared with others.
const MAX_COMPARED: usize = 2_000;
/// The most doubts about one text.
const MAX_DOUBTS: usize = 20;

/// Words that stand in articles of all kinds; what finds many of them finds nearly every article.
const COMMON: &[&str] = &[
    "a",
    "the",
    "of",
    "to",
    "in",
    "and",
    "said",
    "on",
    "for",
    "that",
    "was",
    "with",
    "his",
    "their",
    "from",
    "after",
    "government",
    "people",
    "president",
    "against",
    "international",
    "minister",
    "2026",
    "3",
    "der",
    "und",
    "wurde",
    "nach",
    "regierung",
    "les",
    "dans",
    "gouvernement",
    "que",
    "los",
    "para",
    "и",
    "в",
    "что",
    "после",
    "сказал",
    "президент",
    "та",
    "що",
    "уряд",
    "이",
    "대통령은",
    "말했다",
    "있다",
    "정부",
    "في",
    "من",
    "الحكومة",
];
/// So many of them are many.
const MANY: usize = 8;

/// Collects what is doubtful about one query.
struct Doubts {
    found: Vec<Finding>,
}

/// Everything doubtful about a query without errors.
pub(crate) fn doubts(expr: &Expr) -> Vec<Finding> {
    let mut doubts = Doubts { found: Vec::new() };
    doubts.expr(expr, None);
    doubts.found.truncate(MAX_DOUBTS);
    doubts.found
}

/// Where in an article something has to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Title,
    Body,
}

impl Home {
    const fn of(part: Part) -> Option<Self> {
        match part {
            Part::Title => Some(Self::Title),
            Part::Lead | Part::Body => Some(Self::Body),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Title => "headline",
            Self::Body => "text",
        }
    }
}

impl Doubts {
    fn never(&mut self, expr: &Expr, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Finding::warning("W06", &expr.span, message).help(help));
    }

    /// Looks at a part of a query that has to stand in `home`, where one is known.
    fn expr(&mut self, expr: &Expr, home: Option<Home>) {
        match &expr.kind {
            Kind::Or(parts) => parts.iter().for_each(|part| self.expr(part, home)),
            Kind::And(parts) => {
                self.contradictions(expr, parts);
                for part in parts {
                    self.expr(part, home);
                }
            }
            Kind::Not(inner) => self.expr(inner, None),
            Kind::Near { left, right, .. } => {
                if let (Some(one), Some(other)) = (home_of(left), home_of(right))
                    && one != other
                {
                    let message = format!(
                        "one side is in the {}, the other in the {}: never near each other",
                        one.word(),
                        other.word()
                    );
                    self.never(expr, message, "write AND, or look for both in one of them");
                }
                self.expr(left, home);
                self.expr(right, home);
            }
            Kind::NotIn(left, right) => {
                let (inner, outer) = (alternatives(left, &[]), alternatives(right, &[]));
                if !inner.is_empty() && inner.is_subset(&outer) {
                    self.never(
                        expr,
                        "every place of the left side is one of the right side, so this never matches",
                        "put the longer phrase on the right: Georgia NOT IN \"Georgia Tech\"",
                    );
                }
                self.expr(left, home);
                self.expr(right, None);
            }
            Kind::In(part, inner) => self.field(expr, *part, inner, home),
            Kind::Count(Count::First, number, inner) => {
                if home == Some(Home::Title) {
                    self.never(
                        expr,
                        "FIRST counts words of the text, so nothing in the headline is among them",
                        "move it outside `title:`",
                    );
                }
                if let Kind::Term(Term { body: Body::Phrase { text, .. }, .. }) = &inner.kind {
                    let words = text.split_whitespace().count();
                    if words > *number as usize && text.is_ascii() {
                        self.never(
                            expr,
                            format!("a phrase of {words} words is never within the first {number}"),
                            "raise the number",
                        );
                    }
                }
                self.expr(inner, Some(Home::Body));
            }
            Kind::Count(_, _, inner) => self.expr(inner, home),
            Kind::Term(term) => self.term(expr, term),
            Kind::Concept(_) | Kind::Broken => {}
        }
    }

    fn field(&mut self, expr: &Expr, part: Part, inner: &Expr, home: Option<Home>) {
        if let (Some(outer), Some(own)) = (home, Home::of(part))
            && outer != own
        {
            let message = format!("nothing is in the {} and in the {} at once", outer.word(), own.word());
            self.never(expr, message, "keep one of the two fields");
            return;
        }
        if part.is_text() {
            self.expr(inner, Home::of(part).or(home));
        } else if part == Part::Lang {
            self.languages(inner);
        }
    }

    /// `lang:english`, and `lang:(ko AND ru)`.
    fn languages(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::And(parts) => {
                self.one_value(expr, parts.iter().filter_map(value), Part::Lang);
                for part in parts {
                    self.languages(part);
                }
            }
            Kind::Or(parts) => parts.iter().for_each(|part| self.languages(part)),
            Kind::Not(inner) => self.languages(inner),
            _ => {
                let value = value(expr).unwrap_or_default();
                if value.chars().count() > 3 && !value.contains(['-', '_', '*', '?']) {
                    self.never(
                        expr,
                        format!("`{value}` is no language tag, so no article has it"),
                        "write the tag: lang:en, lang:ko, lang:uk, lang:zh",
                    );
                }
            }
        }
    }

    /// Terms of one AND that leave nothing to match.
    fn contradictions(&mut self, expr: &Expr, parts: &[Expr]) {
        let negated: Vec<&Expr> = parts
            .iter()
            .filter_map(|part| match &part.kind {
                Kind::Not(inner) => Some(&**inner),
                _ => None,
            })
            .collect();
        if !negated.is_empty() && parts.len() <= MAX_COMPARED {
            let out: BTreeSet<String> = negated.iter().flat_map(|inner| alternatives(inner, &[])).collect();
            let swallowed = parts.iter().filter(|part| !matches!(part.kind, Kind::Not(_))).find(|part| {
                let own = alternatives(part, &[]);
                !own.is_empty() && own.is_subset(&out)
            });
            if let Some(part) = swallowed {
                let shown: String = print(part).chars().take(60).collect();
                self.never(
                    part,
                    format!("NOT leaves out all that {shown} finds, so this never matches"),
                    "remove one of the two",
                );
            }
        }
        for part in [Part::Lang, Part::Site] {
            let values = parts.iter().filter_map(|own| match &own.kind {
                Kind::In(field, inner) if *field == part => value(inner),
                _ => None,
            });
            self.one_value(expr, values, part);
        }
    }

    /// An article has one language and one address.
    fn one_value(&mut self, expr: &Expr, values: impl Iterator<Item = String>, part: Part) {
        let values: Vec<String> = values.take(MAX_DOUBTS).collect();
        let apart = |one: &String, other: &String| {
            let within = |short: &str, long: &str| {
                if part == Part::Site { long.ends_with(short) } else { long.starts_with(short) }
            };
            !within(one, other)
                && !within(other, one)
                && !one.contains(['*', '?'])
                && !other.contains(['*', '?'])
        };
        let clash = values.iter().enumerate().find_map(|(at, one)| {
            values[at + 1..].iter().find(|other| apart(one, other)).map(|other| (one, other))
        });
        if let Some((one, other)) = clash {
            let word = part.word();
            self.never(
                expr,
                format!("no article has {word}:{one} and {word}:{other} at once"),
                format!("write {word}:({one} OR {other})"),
            );
        }
    }

    fn term(&mut self, expr: &Expr, term: &Term) {
        if let Body::Word(text) | Body::Phrase { text, .. } = &term.body {
            self.found.extend(mixed(expr, text));
        }
        match &term.body {
            Body::Regex(pattern) => self.regex(expr, pattern),
            // One with hardly a letter is an error already.
            Body::Word(word)
                if word.contains(['*', '?'])
                    && term.mode != Mode::Exact
                    && word.chars().filter(|c| c.is_alphanumeric()).count() > 1 =>
            {
                let pattern = fold(&word.to_lowercase());
                self.broad(expr, COMMON.iter().filter(|common| glob(&pattern, common)).count());
            }
            Body::Word(_) | Body::Phrase { .. } => {}
        }
    }

    fn regex(&mut self, expr: &Expr, pattern: &str) {
        if needs_a_space(pattern) {
            self.never(
                expr,
                "a regular expression is matched against one word at a time, and no word holds a space",
                "write a phrase instead: \"…\", with * for open endings, or two terms with NEAR/0",
            );
            return;
        }
        // Bounded as the one that is run; what it cannot build is an error by then.
        let config = Regex::config().nfa_size_limit(Some(1 << 20)).hybrid_cache_capacity(1 << 17);
        if let Ok(regex) = Regex::builder().configure(config).build(&format!(r"\A(?:{pattern})\z")) {
            self.broad(expr, COMMON.iter().filter(|common| regex.is_match(common.as_bytes())).count());
        }
    }

    fn broad(&mut self, expr: &Expr, common: usize) {
        if common >= MANY {
            let message = "this finds some of the most common words, and so nearly every article";
            self.found.push(
                Finding::warning("W05", &expr.span, message)
                    .help("write more of the word, or the words it is to find"),
            );
        }
    }
}

/// Whether a space or `\s` stands in a pattern outside a class and is not optional.
fn needs_a_space(pattern: &str) -> bool {
    if pattern.contains(['|', '#']) || pattern.contains("(?") {
        return false; // another branch may do without it
    }
    let chars: Vec<char> = pattern.chars().collect();
    let (mut at, mut class, mut depth) = (0, false, 0_usize);
    while let Some(c) = chars.get(at) {
        let mut space = *c == ' ';
        match c {
            '\\' => {
                space = matches!(chars.get(at + 1), Some('s' | ' '));
                at += 1;
            }
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            _ => {}
        }
        let optional = matches!(chars.get(at + 1), Some('?' | '*' | '{'));
        if space && !class && depth == 0 && !optional {
            return true;
        }
        at += 1;
    }
    false
}

/// The part of an article in which all places of a query are.
fn home_of(expr: &Expr) -> Option<Home> {
    match &expr.kind {
        Kind::In(part, inner) => Home::of(*part).or_else(|| home_of(inner)),
        Kind::Count(Count::First, ..) => Some(Home::Body),
        Kind::Count(_, _, inner) | Kind::NotIn(inner, _) => home_of(inner),
        Kind::Near { left, right, .. } => home_of(left).or_else(|| home_of(right)),
        Kind::Or(parts) => {
            let first = home_of(parts.first()?)?;
            parts.iter().all(|part| home_of(part) == Some(first)).then_some(first)
        }
        Kind::And(_) | Kind::Not(_) | Kind::Term(_) | Kind::Concept(_) | Kind::Broken => None,
    }
}

/// The value a field asks for.
fn value(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Term(Term { body: Body::Word(text) | Body::Phrase { text, .. }, .. }) => {
            Some(text.trim().to_lowercase())
        }
        _ => None,
    }
}

/// What finds something, each way of it by itself; concepts that are lists are opened where they are given.
fn alternatives(expr: &Expr, concepts: &[ConceptSpec]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut left = vec![expr.clone()];
    while let Some(expr) = left.pop() {
        if out.len() + left.len() > MAX_COMPARED {
            return BTreeSet::new(); // too much to say anything
        }
        match expr.kind {
            Kind::Or(parts) => left.extend(parts),
            Kind::Concept(ref name) => {
                match concepts.iter().find(|own| own.id.as_str() == name).map(|own| &own.source) {
                    Some(ConceptSource::Any(terms)) if terms.len() <= MAX_COMPARED => {
                        out.extend(terms.iter().map(|term| print(&parse_term(term).0)));
                    }
                    _ => {
                        out.insert(print(&expr));
                    }
                }
            }
            _ => {
                out.insert(print(&expr));
            }
        }
    }
    out
}

/// The exclusions of a topic that leave nothing of it.
pub(crate) fn swallowing(topic: &TopicSpec, concepts: &[ConceptSpec]) -> Vec<Diagnostic> {
    if topic.exclude.is_empty() {
        return vec![];
    }
    let required: Vec<BTreeSet<String>> = match &topic.rule {
        TopicRule::Keywords(terms) => {
            let terms = terms.iter().map(|term| parse_term(term).0);
            vec![terms.flat_map(|term| alternatives(&term, concepts)).collect()]
        }
        TopicRule::Query(query) => conjuncts(query, concepts),
        TopicRule::Facets { facets, .. } => {
            facets.iter().flat_map(|facet| conjuncts(facet, concepts)).collect()
        }
    };
    let swallows = |query: &String| {
        let out = alternatives(&parse(query).0, concepts);
        required.iter().any(|own| !own.is_empty() && own.is_subset(&out))
    };
    let found = topic.exclude.iter().enumerate().filter(|(_, query)| swallows(query));
    found
        .map(|(index, query)| {
            let whole = 0..query.chars().count();
            let Finding { code, level, start, end, message, help } = Finding::warning(
                "W07",
                &whole,
                "this leaves out every article the topic finds, so it never matches",
            )
            .help("leave out what is not wanted, not what the topic needs");
            let place = Place::Topic { id: topic.id.clone(), part: TopicPart::Exclude(index) };
            Diagnostic { code, level, place, start, end, message, help }
        })
        .collect()
}

/// The parts of a query that all have to match, as their alternatives.
fn conjuncts(query: &str, concepts: &[ConceptSpec]) -> Vec<BTreeSet<String>> {
    match parse(query).0 {
        Expr { kind: Kind::And(parts), .. } => {
            parts.iter().map(|part| alternatives(part, concepts)).collect()
        }
        one => vec![alternatives(&one, concepts)],
    }
}
