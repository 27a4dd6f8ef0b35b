//! What a topic finds, worked out the slow and obvious way: every term is held against every word, every pair is
//! looked at, nothing is remembered. Only the reading of queries and the forms of words are the program's own.

mod about;
mod words;

use std::collections::BTreeSet;

use wirewatch::domain::ConceptId;
use wirewatch::domain::article::Document;
use wirewatch::domain::topic::{ConceptSource, ConceptSpec, Field, Span as Found, TopicRule, TopicSpec};
use wirewatch::matching::query::ast::{Count, Expr, Kind, Part, Reach};
use wirewatch::matching::query::{parse, parse_term};

use words::Words;

/// Where the text's words begin; far enough from the headline's for nothing to be near.
pub(super) const BODY: u32 = 1_000_000;
const LEAD: u32 = 40;
const MAX_SPANS: usize = 50;

/// Positions from the first to one past the last.
pub(super) type Span = (u32, u32);

const EVERYWHERE: Span = (0, u32::MAX);

/// What a topic says of an article.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) score: Option<u8>,
    pub(super) spans: Vec<Found>,
}

#[derive(Clone, Debug)]
struct Mark {
    span: Span,
    term: String,
    boost: f32,
    concept: Option<ConceptId>,
}

/// An article under a set of concepts.
pub(super) struct Oracle<'o> {
    concepts: &'o [ConceptSpec],
    document: &'o Document<'o>,
    words: Words,
}

impl<'o> Oracle<'o> {
    pub(super) fn new(concepts: &'o [ConceptSpec], document: &'o Document<'o>) -> Self {
        Self { concepts, document, words: Words::new(document) }
    }

    pub(super) fn judge(&self, topic: &TopicSpec) -> Option<Verdict> {
        let excluded = topic.exclude.iter().any(|query| self.holds(&parse(query).0, EVERYWHERE));
        let (rule, scored) = match &topic.rule {
            TopicRule::Keywords(terms) => {
                (Kind::Or(terms.iter().map(|term| parse_term(term).0).collect()), None)
            }
            TopicRule::Query(query) => (parse(query).0.kind, None),
            TopicRule::Facets { facets, threshold } => {
                (Kind::And(facets.iter().map(|facet| parse(facet).0).collect()), Some(*threshold))
            }
        };
        let rule = Expr { kind: rule, span: 0..0 };
        if excluded || !self.holds(&rule, EVERYWHERE) {
            return None;
        }
        let score = scored.map(|_| self.score(&rule));
        if score.zip(scored).is_some_and(|(score, threshold)| score < threshold) {
            return None;
        }
        Some(Verdict { score, spans: self.report(&rule) })
    }

    fn concept(&self, name: &str) -> (ConceptId, Expr) {
        let spec = self.concepts.iter().find(|spec| spec.id.as_str() == name).expect("a known concept");
        let expr = match &spec.source {
            ConceptSource::Query(query) => parse(query).0,
            ConceptSource::Any(terms) => {
                Expr { kind: Kind::Or(terms.iter().map(|term| parse_term(term).0).collect()), span: 0..0 }
            }
        };
        (spec.id.clone(), expr)
    }

    // --- truth -------------------------------------------------------------------------------------------------

    fn holds(&self, expr: &Expr, scope: Span) -> bool {
        match &expr.kind {
            Kind::Or(parts) => parts.iter().any(|part| self.holds(part, scope)),
            Kind::And(parts) => parts.iter().all(|part| self.holds(part, scope)),
            Kind::Not(inner) => !self.holds(inner, scope),
            Kind::In(part, inner) if part.is_text() => self.holds(inner, self.narrowed(*part, scope)),
            Kind::In(part, inner) => about::holds(*part, inner, self.document),
            Kind::Count(Count::AtLeast, number, inner) => {
                let alternatives = self.alternatives(inner);
                alternatives.iter().filter(|(_, part)| self.holds(part, scope)).count() >= *number as usize
            }
            Kind::Concept(name) => self.holds(&self.concept(name).1, scope),
            _ => !self.spans(expr, scope).is_empty(),
        }
    }

    fn narrowed(&self, part: Part, scope: Span) -> Span {
        let (start, end) = match part {
            Part::Title => (0, BODY),
            Part::Lead => (BODY, BODY + LEAD),
            Part::Body => (BODY, u32::MAX),
            _ => EVERYWHERE,
        };
        (start.max(scope.0), end.min(scope.1))
    }

    /// The members of a group, those of groups and concepts in it included.
    fn alternatives(&self, expr: &Expr) -> Vec<(Option<ConceptId>, Expr)> {
        match &expr.kind {
            Kind::Or(parts) => parts.iter().flat_map(|part| self.alternatives(part)).collect(),
            Kind::Concept(name) => {
                let (id, inner) = self.concept(name);
                let own = self.alternatives(&inner);
                own.into_iter().map(|(_, part)| (Some(id.clone()), part)).collect()
            }
            _ => vec![(None, expr.clone())],
        }
    }

    // --- places ------------------------------------------------------------------------------------------------

    fn spans(&self, expr: &Expr, scope: Span) -> BTreeSet<Span> {
        match &expr.kind {
            Kind::Or(parts) | Kind::And(parts) => {
                parts.iter().flat_map(|part| self.spans(part, scope)).collect()
            }
            Kind::Not(_) | Kind::Broken => BTreeSet::new(),
            Kind::Near { reach, ordered, left, right } => {
                let pairs = self.pairs(*reach, *ordered, left, right, scope);
                pairs.into_iter().map(|(one, other)| cover(one, other)).collect()
            }
            Kind::NotIn(of, outer) => {
                let outer = self.spans(outer, scope);
                let free = |span: &Span| !outer.iter().any(|other| within(*span, *other));
                self.spans(of, scope).into_iter().filter(free).collect()
            }
            Kind::In(part, inner) if part.is_text() => self.spans(inner, self.narrowed(*part, scope)),
            Kind::In(..) => BTreeSet::new(),
            Kind::Count(Count::First, number, inner) => {
                let first = (BODY, BODY + number);
                self.spans(inner, scope).into_iter().filter(|span| within(*span, first)).collect()
            }
            Kind::Count(Count::Mentions, number, inner) => {
                let spans = self.spans(inner, scope);
                if apart(&spans) >= *number as usize { spans } else { BTreeSet::new() }
            }
            Kind::Count(Count::AtLeast, _, inner) => {
                if self.holds(expr, scope) {
                    self.spans(inner, scope)
                } else {
                    BTreeSet::new()
                }
            }
            Kind::Term(term) => {
                self.words.spans(term).into_iter().filter(|span| within(*span, scope)).collect()
            }
            Kind::Concept(name) => self.spans(&self.concept(name).1, scope),
        }
    }

    fn pairs(
        &self,
        reach: Reach,
        ordered: bool,
        left: &Expr,
        right: &Expr,
        scope: Span,
    ) -> Vec<(Span, Span)> {
        let rights = self.spans(right, scope);
        let mut pairs = Vec::new();
        for one in self.spans(left, scope) {
            for other in &rights {
                let (first, second) = if one.0 <= other.0 { (one, *other) } else { (*other, one) };
                let close = match reach {
                    Reach::Words(n) => second.0.saturating_sub(first.1) <= n,
                    Reach::Sentence => self.words.same_sentence(cover(one, *other)),
                    Reach::Paragraph => self.words.same_paragraph(cover(one, *other)),
                };
                if first.1 <= second.0 && close && !(ordered && first != one) {
                    pairs.push((one, *other));
                }
            }
        }
        pairs
    }

    /// The places of terms that made it true; `only` are those that the operator above used.
    fn marks(
        &self,
        expr: &Expr,
        scope: Span,
        only: Option<&BTreeSet<Span>>,
        concept: Option<&ConceptId>,
    ) -> Vec<Mark> {
        let kept = |span: &Span| only.is_none_or(|only| only.contains(span));
        match &expr.kind {
            Kind::Term(term) => {
                let spans = self.spans(expr, scope).into_iter().filter(kept);
                let mark = |span| Mark {
                    span,
                    term: words::shown(term),
                    boost: term.boost,
                    concept: concept.cloned(),
                };
                spans.map(mark).collect()
            }
            Kind::And(parts) | Kind::Or(parts) => {
                let holding = parts.iter().filter(|part| self.holds(part, scope));
                holding.flat_map(|part| self.marks(part, scope, only, concept)).collect()
            }
            Kind::Count(Count::AtLeast, _, inner) => {
                let all = self.alternatives(inner).into_iter().filter(|(_, part)| self.holds(part, scope));
                all.flat_map(|(own, part)| self.marks(&part, scope, only, concept.or(own.as_ref()))).collect()
            }
            Kind::Not(_) | Kind::Broken => vec![],
            Kind::Near { reach, ordered, left, right } => {
                let pairs = self.pairs(*reach, *ordered, left, right, scope);
                let used = pairs.into_iter().filter(|(one, other)| kept(&cover(*one, *other)));
                let (lefts, rights): (BTreeSet<_>, BTreeSet<_>) = used.unzip();
                let mut marks = self.marks(left, scope, Some(&lefts), concept);
                marks.extend(self.marks(right, scope, Some(&rights), concept));
                marks
            }
            Kind::NotIn(of, _) | Kind::Count(Count::First, _, of) => {
                let own = self.spans(expr, scope).into_iter().filter(kept).collect();
                self.marks(of, scope, Some(&own), concept)
            }
            Kind::Count(Count::Mentions, _, of) => self.marks(of, scope, only, concept),
            Kind::In(part, inner) if part.is_text() => {
                self.marks(inner, self.narrowed(*part, scope), only, concept)
            }
            Kind::In(..) => vec![],
            Kind::Concept(name) => {
                let (own, inner) = self.concept(name);
                self.marks(&inner, scope, only, concept.or(Some(&own)))
            }
        }
    }

    // --- report ------------------------------------------------------------------------------------------------

    /// Every place once, in reading order; within a place of the same concept no smaller one.
    fn report(&self, rule: &Expr) -> Vec<Found> {
        let mut marks = self.marks(rule, EVERYWHERE, None, None);
        marks.sort_by_key(|mark| (mark.span.0, u32::MAX - mark.span.1));
        let mut kept: Vec<Mark> = Vec::new();
        for mark in marks {
            let repeated = kept.iter().any(|other| {
                other.span == mark.span || other.concept == mark.concept && within(mark.span, other.span)
            });
            if !repeated {
                kept.push(mark);
            }
        }
        kept.iter().take(MAX_SPANS).map(|mark| self.found(mark)).collect()
    }

    fn found(&self, mark: &Mark) -> Found {
        let (start, end) = self.words.bytes(mark.span);
        let (field, text) = match mark.span.0 {
            BODY.. => (Field::Body, self.document.text),
            _ => (Field::Title, self.document.title),
        };
        let points = |bytes: usize| u32::try_from(text[..bytes].chars().count()).unwrap();
        Found {
            concept: mark.concept.clone(),
            term: mark.term.clone(),
            field,
            start: points(start),
            end: points(end),
            text: text[start..end].to_owned(),
        }
    }

    fn score(&self, rule: &Expr) -> u8 {
        let Kind::And(facets) = &rule.kind else { unreachable!("facets are joined by AND") };
        let shares: Vec<f64> = facets.iter().map(|facet| self.share(facet)).collect();
        let mean = shares.iter().product::<f64>().powf(1.0 / f64::from(u32::try_from(shares.len()).unwrap()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let score = (100.0 * mean).round() as u8;
        score
    }

    fn share(&self, facet: &Expr) -> f64 {
        let mut marks = self.marks(facet, EVERYWHERE, None, None);
        if marks.is_empty() {
            return 1.0;
        }
        marks.sort_by(|a, b| {
            let key = |mark: &Mark| (mark.span.0, u32::MAX - mark.span.1);
            key(a).cmp(&key(b)).then(b.boost.total_cmp(&a.boost))
        });
        let (mut sum, mut end) = (0.0, 0);
        for mark in marks {
            if mark.span.0 >= end {
                sum += f64::from(mark.boost) * self.weight(mark.span.0);
                end = mark.span.1;
            }
        }
        sum / (sum + 2.0)
    }

    fn weight(&self, position: u32) -> f64 {
        if position < BODY {
            4.0
        } else if position < BODY + LEAD {
            2.0
        } else {
            (200.0 / f64::from(self.words.in_body())).min(1.0)
        }
    }
}

fn within((start, end): Span, outer: Span) -> bool {
    outer.0 <= start && end <= outer.1
}

fn cover(one: Span, other: Span) -> Span {
    (one.0.min(other.0), one.1.max(other.1))
}

/// The most spans of which no two share a word.
fn apart(spans: &BTreeSet<Span>) -> usize {
    let mut by_end: Vec<Span> = spans.iter().copied().collect();
    by_end.sort_by_key(|(_, end)| *end);
    let (mut count, mut free) = (0, 0);
    for (start, end) in by_end {
        if start >= free {
            (count, free) = (count + 1, end);
        }
    }
    count
}
