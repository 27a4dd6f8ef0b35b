//! Runs a topic's program on an article's hits. Operators work on spans of positions, after the interval algebra
//! of Clarke, Cormack and Burkowski (1995), but with all pairs instead of minimal ones.

use std::cell::Cell;

use super::about::holds;
use super::loose;
use super::program::{Group, Leaf, List, Near, Node, NodeId, Program, Topic};
use super::scan::{Hit, Scratch};
use super::words::WordId;
use crate::domain::article::Document;
use crate::domain::topic::Match;
use crate::matching::query::ast::{Part, Reach};

/// How many words the lead has.
pub(crate) const LEAD: u32 = 40;
/// The most spans one operator works with; texts that have more are spam.
const MAX_SPANS: usize = 20_000;
/// The most places that are kept of all terms together.
const MAX_MARKS: usize = 50_000;
/// The most steps one topic may take on one article: hits and pairs looked at. Beyond them nothing more is found.
const MAX_WORK: usize = 10_000_000;

/// Positions from the first one to one past the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    const fn within(self, outer: Self) -> bool {
        outer.start <= self.start && self.end <= outer.end
    }
}

/// A place that made a topic match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) span: Span,
    pub(crate) leaf: u32,
    /// The concept the query named.
    pub(crate) concept: Option<u32>,
}

/// One article, ready to run programs on.
#[derive(Debug)]
pub(crate) struct Evaluation<'e> {
    pub(crate) program: &'e Program,
    pub(crate) scratch: &'e Scratch,
    pub(crate) document: &'e Document<'e>,
    /// How many steps the topic at hand has taken.
    work: Cell<usize>,
}

/// The whole article.
pub(crate) const EVERYWHERE: Span = Span { start: 0, end: u32::MAX };

impl<'e> Evaluation<'e> {
    pub(crate) const fn new(program: &'e Program, scratch: &'e Scratch, document: &'e Document<'e>) -> Self {
        Self { program, scratch, document, work: Cell::new(0) }
    }

    /// What made `topic` match; nothing where it does not.
    pub(crate) fn topic(&self, topic: &Topic) -> Option<Match> {
        self.rest();
        if self.is_true(topic.root, EVERYWHERE) { self.report(topic) } else { None }
    }

    /// Forgets the steps taken so far.
    pub(crate) fn rest(&self) {
        self.work.set(0);
    }

    /// Whether so many steps more may be taken.
    fn may(&self, steps: usize) -> bool {
        self.work.set(self.work.get().saturating_add(steps));
        self.work.get() <= MAX_WORK
    }

    /// Whether a step holds within `scope`.
    pub(crate) fn is_true(&self, id: NodeId, scope: Span) -> bool {
        match self.program.node(id) {
            Node::And(list) => self.program.list(list).iter().all(|child| self.is_true(*child, scope)),
            Node::Or(list) => self.program.list(list).iter().any(|child| self.is_true(*child, scope)),
            Node::Not(inner) => !self.is_true(inner, scope),
            Node::In(part, inner) => self.is_true(inner, self.part(part, scope)),
            Node::Concept(_, inner) => self.is_true(inner, scope),
            Node::About(about) => holds(&self.program.abouts[about as usize], self.document),
            Node::AtLeast(group) => {
                let Group { number: mut left, of } = self.program.group(group);
                let holds = |child: &NodeId| self.is_true(*child, scope);
                self.program.list(of).iter().any(|child| {
                    left -= u32::from(holds(child));
                    left == 0
                })
            }
            Node::Leaf(leaf) => self.leaf_is_true(self.program.leaf(leaf), scope),
            Node::Near(near) => {
                let Near { reach, ordered, left, right } = self.program.near(near);
                let (left, right) = (self.spans(left, scope), self.spans(right, scope));
                let mut found = false;
                self.pairs(&left, &right, reach, ordered, |_, _| {
                    found = true;
                    false
                });
                found
            }
            Node::NotIn(..) | Node::Mentions { .. } | Node::First { .. } => !self.spans(id, scope).is_empty(),
        }
    }

    fn leaf_is_true(&self, leaf: &Leaf, scope: Span) -> bool {
        self.program.spellings(leaf).any(|row| match row {
            [word] => self
                .scratch
                .of_word(*word)
                .iter()
                .any(|hit| Span { start: hit.start, end: hit.end }.within(scope)),
            _ => !self.row(row, leaf.slop, scope).is_empty(),
        })
    }

    /// The part of `scope` that is in a part of the article; it may be empty.
    pub(crate) fn part(&self, part: Part, scope: Span) -> Span {
        let body = self.scratch.body;
        let (start, end) = match part {
            Part::Title => (0, body.min(self.scratch.title_words)),
            Part::Lead => (body, body + LEAD),
            Part::Body => (body, u32::MAX),
            _ => (0, u32::MAX),
        };
        Span { start: start.max(scope.start), end: end.min(scope.end) }
    }

    /// Where a step is found within `scope`, in order.
    pub(crate) fn spans(&self, id: NodeId, scope: Span) -> Vec<Span> {
        if !self.may(1) {
            return vec![];
        }
        let mut spans = match self.program.node(id) {
            Node::Leaf(leaf) => {
                let leaf = self.program.leaf(leaf);
                self.program.spellings(leaf).flat_map(|row| self.row(row, leaf.slop, scope)).collect()
            }
            Node::And(list) | Node::Or(list) => self.all_spans(self.program.list(list), scope).1,
            Node::Not(_) | Node::About(_) => vec![],
            Node::Near(near) => {
                let Near { reach, ordered, left, right } = self.program.near(near);
                let (left, right) = (self.spans(left, scope), self.spans(right, scope));
                let mut covers = Vec::new();
                self.pairs(&left, &right, reach, ordered, |one, other| {
                    covers.push(cover(one, other));
                    covers.len() < MAX_SPANS
                });
                covers
            }
            Node::NotIn(of, outer) => self.outside(of, outer, scope),
            Node::AtLeast(group) => {
                let Group { number, of } = self.program.group(group);
                // Asking whether they hold first would look at everything twice, and again at each level.
                let (holding, spans) = self.all_spans(self.program.list(of), scope);
                if holding >= number as usize { spans } else { vec![] }
            }
            Node::Mentions { number, of } => {
                let spans = self.spans(of, scope);
                if mentions(&spans) >= number { spans } else { vec![] }
            }
            Node::First { words, of } => {
                let limit = self.first(words);
                self.spans(of, scope).into_iter().filter(|span| span.within(limit)).collect()
            }
            Node::In(part, inner) => self.spans(inner, self.part(part, scope)),
            Node::Concept(_, inner) => self.spans(inner, scope),
        };
        tidy(&mut spans);
        spans
    }

    /// How many of the steps are found, and where.
    fn all_spans(&self, nodes: &[NodeId], scope: Span) -> (usize, Vec<Span>) {
        let mut all = Vec::new();
        let mut found = 0;
        for node in nodes {
            let spans = self.spans(*node, scope);
            found += usize::from(!spans.is_empty());
            all.extend(spans);
            if all.len() > 2 * MAX_SPANS {
                tidy(&mut all);
            }
        }
        (found, all)
    }

    const fn first(&self, words: u32) -> Span {
        Span { start: self.scratch.body, end: self.scratch.body.saturating_add(words) }
    }

    fn outside(&self, of: NodeId, outer: NodeId, scope: Span) -> Vec<Span> {
        let outer = self.spans(outer, scope);
        let widest = outer.iter().map(|span| span.end - span.start).max().unwrap_or(0);
        let covered = |span: &Span| {
            // Only those that begin at or before the span, and not too far before, can cover it.
            let to = outer.partition_point(|other| other.start <= span.start);
            let from = outer.partition_point(|other| other.start + widest < span.end);
            outer[from.min(to)..to].iter().any(|other| span.within(*other))
        };
        self.spans(of, scope).into_iter().filter(|span| !covered(span)).collect()
    }

    // --- words in a row ----------------------------------------------------------------------------------------

    fn row(&self, row: &[WordId], slop: Option<u8>, scope: Span) -> Vec<Span> {
        let fits = |span: &Span| span.within(scope);
        match (row, slop) {
            ([], _) => vec![],
            _ if !self.may(row.iter().map(|word| self.scratch.of_word(*word).len()).sum()) => vec![],
            ([word], _) => {
                let hits = self.scratch.of_word(*word).iter();
                hits.map(|hit| Span { start: hit.start, end: hit.end }).filter(fits).collect()
            }
            (_, None) => self.phrase(row).into_iter().filter(fits).collect(),
            (_, Some(slop)) => {
                let found = loose::spans(row, u32::from(slop), |word| self.scratch.of_word(word));
                found.into_iter().filter(fits).collect()
            }
        }
    }

    /// Each word right behind the one before; not across paragraphs.
    fn phrase(&self, row: &[WordId]) -> Vec<Span> {
        let lists: Vec<&[Hit]> = row.iter().map(|word| self.scratch.of_word(*word)).collect();
        if lists.iter().any(|hits| hits.is_empty()) {
            return vec![];
        }
        let mut out = Vec::new();
        let mut ends = Vec::new();
        let mut next = Vec::new();
        for hit in lists[0] {
            ends.clear();
            ends.push(hit.end);
            for hits in &lists[1..] {
                next.clear();
                for end in &ends {
                    let from = hits.partition_point(|other| other.start < *end);
                    next.extend(
                        hits[from..].iter().take_while(|other| other.start == *end).map(|other| other.end),
                    );
                }
                std::mem::swap(&mut ends, &mut next);
                if ends.is_empty() {
                    break;
                }
            }
            out.extend(ends.iter().map(|end| Span { start: hit.start, end: *end }));
        }
        out.retain(|span| same(&self.scratch.tokens.paragraphs, *span));
        out
    }

    // --- pairs -------------------------------------------------------------------------------------------------

    /// Calls `found` with all pairs that are close enough, until it says stop.
    fn pairs(
        &self,
        left: &[Span],
        right: &[Span],
        reach: Reach,
        ordered: bool,
        mut found: impl FnMut(Span, Span) -> bool,
    ) {
        let widest = right.iter().map(|span| span.end - span.start).max().unwrap_or(0);
        for one in left {
            let (from, to) = self.window(*one, reach, widest);
            let start = if ordered { one.end } else { from };
            let first = right.partition_point(|other| other.start < start);
            for other in right[first..].iter().take_while(|other| other.start <= to) {
                let near = self.near(*one, *other, reach, ordered);
                if !self.may(1) || near && !found(*one, *other) {
                    return;
                }
            }
        }
    }

    /// Where a partner of `span` can begin.
    fn window(&self, span: Span, reach: Reach, widest: u32) -> (u32, u32) {
        let starts = match reach {
            Reach::Words(n) => return (span.start.saturating_sub(n + widest), span.end.saturating_add(n)),
            Reach::Sentence => &self.scratch.tokens.sentences,
            Reach::Paragraph => &self.scratch.tokens.paragraphs,
        };
        let segment = starts.partition_point(|start| *start <= span.start);
        let from = segment.checked_sub(1).map_or(0, |before| starts[before]);
        (from, starts.get(segment).copied().unwrap_or(u32::MAX))
    }

    fn near(&self, one: Span, other: Span, reach: Reach, ordered: bool) -> bool {
        let (first, second) = if one.start <= other.start { (one, other) } else { (other, one) };
        let apart = first.end <= second.start;
        if !apart || ordered && first != one {
            return false;
        }
        match reach {
            Reach::Words(n) => second.start - first.end <= n,
            Reach::Sentence => same(&self.scratch.tokens.sentences, cover(one, other)),
            Reach::Paragraph => same(&self.scratch.tokens.paragraphs, cover(one, other)),
        }
    }

    // --- what made it so ---------------------------------------------------------------------------------------

    /// Collects the places that made a step true; `only` keeps those that an operator above made use of.
    pub(crate) fn marks(
        &self,
        id: NodeId,
        scope: Span,
        only: Option<&[Span]>,
        concept: Option<u32>,
        out: &mut Vec<Mark>,
    ) {
        let kept = |span: &Span| only.is_none_or(|only| only.binary_search(span).is_ok());
        match self.program.node(id) {
            Node::Leaf(leaf) => {
                let spans = self.spans(id, scope).into_iter().filter(kept).take(MAX_MARKS - out.len());
                out.extend(spans.map(|span| Mark { span, leaf, concept }));
            }
            Node::And(list) | Node::Or(list) => self.marks_of(list, scope, only, concept, out),
            Node::AtLeast(group) => {
                self.marks_of(self.program.group(group).of, scope, only, concept, out);
            }
            Node::Not(_) | Node::About(_) => {}
            Node::Near(near) => {
                let Near { reach, ordered, left, right } = self.program.near(near);
                let (lefts, rights) = (self.spans(left, scope), self.spans(right, scope));
                let (mut used_left, mut used_right) = (Vec::new(), Vec::new());
                self.pairs(&lefts, &rights, reach, ordered, |one, other| {
                    if kept(&cover(one, other)) {
                        used_left.push(one);
                        used_right.push(other);
                    }
                    used_left.len() < MAX_SPANS
                });
                for (side, mut used) in [(left, used_left), (right, used_right)] {
                    used.sort_unstable();
                    used.dedup();
                    self.marks(side, scope, Some(&used), concept, out);
                }
            }
            Node::NotIn(of, _) | Node::First { of, .. } => {
                let spans: Vec<Span> = self.spans(id, scope).into_iter().filter(kept).collect();
                self.marks(of, scope, Some(&spans), concept, out);
            }
            Node::Mentions { of, .. } => self.marks(of, scope, only, concept, out),
            Node::In(part, inner) => self.marks(inner, self.part(part, scope), only, concept, out),
            Node::Concept(own, inner) => self.marks(inner, scope, only, concept.or(Some(own)), out),
        }
    }

    fn marks_of(
        &self,
        list: List,
        scope: Span,
        only: Option<&[Span]>,
        concept: Option<u32>,
        out: &mut Vec<Mark>,
    ) {
        for child in self.program.list(list) {
            if self.is_true(*child, scope) {
                self.marks(*child, scope, only, concept, out);
            }
        }
    }
}

/// In order, each once, and no more than are worked with.
fn tidy(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    spans.dedup();
    spans.truncate(MAX_SPANS);
}

/// The span from the start of the first to the end of the last.
fn cover(one: Span, other: Span) -> Span {
    Span { start: one.start.min(other.start), end: one.end.max(other.end) }
}

/// Whether a span lies between two of `starts`.
fn same(starts: &[u32], span: Span) -> bool {
    let segment = |position: u32| starts.partition_point(|start| *start <= position);
    segment(span.start) == segment(span.end - 1)
}

/// How many times something is mentioned: spans that share a word count once.
fn mentions(spans: &[Span]) -> u32 {
    let mut count = 0;
    let mut end = 0;
    for span in spans {
        if count == 0 || span.start >= end {
            count += 1;
            end = span.end;
        } else {
            end = end.min(span.end);
        }
    }
    count
}
