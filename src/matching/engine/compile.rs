//! Trees to programs, with what only shows when concepts and topics are seen together.

use std::collections::HashMap;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::concepts::Progress;
use super::doubts::doubts;
use super::program::{Group, List, NOTHING, Near, Node, NodeId, Program, Scored, Topic};
use super::words::WordsBuilder;
use crate::domain::topic::{ConceptSpec, TopicRule, TopicSpec};
use crate::matching::query::ast::{Count, Expr, Kind};
use crate::matching::query::{Finding, parse, parse_term, print};
use crate::matching::{Diagnostic, Level, Place, TopicPart};

/// The most steps a topic or a concept stands for, its concepts included.
const MAX_SIZE: usize = 100_000;
/// The most errors, and the most warnings, that are reported of one text.
const MAX_SAID: usize = 100;

/// Compiles concepts and topics.
pub(crate) struct Compiler<'s> {
    pub(crate) program: Program,
    pub(crate) words: WordsBuilder,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(super) concepts: HashMap<&'s str, Progress<'s>>,
    /// Leaves by what was written, to be used again.
    pub(super) terms: FxHashMap<Box<str>, u32>,
    /// What a term was written as, while it is looked up.
    pub(super) key: String,
    place: Place,
    /// How many errors there are, and uses of concepts that are wrong themselves.
    pub(super) errors: usize,
    /// How much has been said of the text at hand: errors and warnings.
    pub(super) said: [usize; 2],
    /// How many steps the topic or concept at hand stands for, its concepts included.
    pub(super) size: usize,
    /// How many steps the one at hand lies within, those of other concepts on the way to it included.
    pub(super) depth: usize,
    /// The deepest of the text at hand, with what its concepts add.
    pub(super) deepest: usize,
    /// Whether boosts mean something here.
    pub(super) scored: bool,
    /// The text of each step, kept for explanations.
    pub(crate) labels: Option<HashMap<NodeId, String>>,
}

impl<'s> Compiler<'s> {
    pub(crate) fn new(concepts: &'s [ConceptSpec], explained: bool) -> Self {
        Self {
            program: Program::default(),
            words: WordsBuilder::default(),
            diagnostics: Vec::new(),
            concepts: concepts.iter().map(|spec| (spec.id.as_str(), Progress::Unread(spec))).collect(),
            terms: FxHashMap::default(),
            key: String::new(),
            place: Place::Query,
            errors: 0,
            said: [0; 2],
            size: 0,
            depth: 0,
            deepest: 0,
            scored: false,
            labels: explained.then(HashMap::new),
        }
    }

    // --- whole topics ------------------------------------------------------------------------------------------

    /// Compiles a topic; one with errors is left out.
    pub(crate) fn topic(&mut self, spec: &TopicSpec) {
        let before = self.errors;
        self.size = 0;
        self.scored = matches!(spec.rule, TopicRule::Facets { .. });
        let at = |part| Place::Topic { id: spec.id.clone(), part };
        let mut scored = None;
        let mut parts = match &spec.rule {
            TopicRule::Keywords(terms) => {
                let terms: Vec<_> = terms
                    .iter()
                    .enumerate()
                    .map(|(index, term)| self.source(term, at(TopicPart::Keyword(index)), parse_term))
                    .collect();
                vec![self.list(&terms, Node::Or)]
            }
            TopicRule::Query(query) => vec![self.source(query, at(TopicPart::Query), parse)],
            TopicRule::Facets { facets, threshold } => {
                let nodes: Vec<_> = facets
                    .iter()
                    .enumerate()
                    .map(|(index, facet)| self.source(facet, at(TopicPart::Facet(index)), parse))
                    .collect();
                let facets = nodes.iter().copied().zip(facets.iter().cloned()).collect();
                scored = Some(Box::new(Scored { facets, threshold: *threshold }));
                nodes
            }
        };
        for (index, query) in spec.exclude.iter().enumerate() {
            let node = self.source(query, at(TopicPart::Exclude(index)), parse);
            parts.push(self.push(Node::Not(node), || format!("NOT {query}")));
        }
        let root = if parts.len() == 1 { parts[0] } else { self.list(&parts, Node::And) };
        if self.errors == before {
            self.program.topics.push(Topic { id: spec.id.clone(), root, scored });
        }
    }

    /// Reads every concept that no topic used, for its mistakes.
    pub(crate) fn rest(&mut self) {
        let mut names: Vec<&str> = self.concepts.keys().copied().collect();
        names.sort_unstable();
        for name in names {
            self.concept(name);
        }
    }

    pub(super) fn source(
        &mut self,
        text: &str,
        place: Place,
        read: fn(&str) -> (Expr, Vec<Finding>),
    ) -> NodeId {
        let outer = (std::mem::replace(&mut self.place, place), std::mem::take(&mut self.said));
        let (expr, findings) = read(text);
        let wrong = findings.iter().any(|finding| finding.level == Level::Error);
        let doubts = if wrong { vec![] } else { doubts(&expr) };
        for finding in findings.into_iter().chain(doubts) {
            self.report(finding);
        }
        let node = self.expr(&expr, false);
        if self.size > MAX_SIZE {
            self.size = 0;
            self.error(
                "E17",
                &expr.span,
                format!("with its concepts this stands for more than {MAX_SIZE} terms"),
                "name each concept once, or split the topic",
            );
        }
        (self.place, self.said) = outer;
        node
    }

    pub(super) fn report(&mut self, finding: Finding) {
        let Finding { code, level, start, end, message, help } = finding;
        self.errors += usize::from(level == Level::Error);
        let said = &mut self.said[usize::from(level == Level::Warning)];
        *said += 1;
        if *said > MAX_SAID {
            return;
        }
        let place = self.place.clone();
        self.diagnostics.push(Diagnostic { code, level, place, start, end, message, help });
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Finding::error(code, span, message).help(help));
    }

    // --- steps -------------------------------------------------------------------------------------------------

    #[expect(clippy::cast_possible_truncation, reason = "queries are bounded, so is what they hold")]
    pub(super) fn push(&mut self, node: Node, label: impl FnOnce() -> String) -> NodeId {
        self.size += 1;
        let id = self.program.nodes.len() as NodeId;
        self.program.nodes.push(node);
        if let Some(labels) = &mut self.labels {
            labels.insert(id, label());
        }
        id
    }

    #[expect(clippy::cast_possible_truncation, reason = "queries are bounded, so is what they hold")]
    fn range(&mut self, nodes: &[NodeId]) -> List {
        let start = self.program.children.len() as u32;
        self.program.children.extend_from_slice(nodes);
        List { start, len: nodes.len() as u32 }
    }

    pub(super) fn list(&mut self, nodes: &[NodeId], kind: fn(List) -> Node) -> NodeId {
        let list = self.range(nodes);
        self.push(kind(list), String::new)
    }

    /// `spans`: inside `NEAR` and the like, where only places in the text make sense.
    fn expr(&mut self, expr: &Expr, spans: bool) -> NodeId {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let node = self.step(expr, spans);
        self.depth -= 1;
        node
    }

    fn step(&mut self, expr: &Expr, spans: bool) -> NodeId {
        let label = || print(expr);
        let node = match &expr.kind {
            Kind::Or(parts) => {
                let nodes: Vec<_> = parts.iter().map(|part| self.expr(part, spans)).collect();
                Node::Or(self.range(&nodes))
            }
            Kind::And(parts) => {
                if spans {
                    self.error(
                        "E11",
                        &expr.span,
                        "terms that are all needed have no place of their own, so nothing can be near them",
                        "put the words in quotes for a phrase, or join them by NEAR/n, too",
                    );
                }
                let nodes: Vec<_> = parts.iter().map(|part| self.expr(part, spans)).collect();
                Node::And(self.range(&nodes))
            }
            Kind::Not(inner) => {
                if spans {
                    self.error(
                        "E11",
                        &expr.span,
                        "NOT has no place in the text, so nothing can be near it",
                        "write … NOT IN … to leave places out, or move the NOT outside",
                    );
                }
                Node::Not(self.expr(inner, spans))
            }
            Kind::Near { reach, ordered, left, right } => {
                let (left, right) = (self.expr(left, true), self.expr(right, true));
                self.program.nears.push(Near { reach: *reach, ordered: *ordered, left, right });
                Node::Near(index_of_last(&self.program.nears))
            }
            Kind::NotIn(left, right) => Node::NotIn(self.expr(left, true), self.expr(right, true)),
            Kind::In(part, inner) if part.is_text() => Node::In(*part, self.expr(inner, spans)),
            Kind::In(part, inner) => return self.about(expr, *part, inner, spans),
            Kind::Count(count, number, inner) => self.count(expr, *count, *number, inner, spans),
            Kind::Term(term) => return self.term(expr, term),
            Kind::Concept(name) => return self.use_concept(expr, name, spans),
            Kind::Broken => Node::Or(NOTHING),
        };
        self.push(node, label)
    }

    fn count(&mut self, expr: &Expr, count: Count, number: u32, inner: &Expr, spans: bool) -> Node {
        match count {
            Count::Mentions => Node::Mentions { number, of: self.expr(inner, true) },
            Count::First => Node::First { words: number, of: self.expr(inner, true) },
            Count::AtLeast => {
                let node = self.expr(inner, spans);
                let of = self.alternatives(node);
                if (of.len() as u64) < u64::from(number) {
                    let message = format!("there are only {} alternatives, so this never matches", of.len());
                    self.report(
                        Finding::warning("W06", &expr.span, message)
                            .help("ATLEAST counts the terms of one OR group: ATLEAST/2 (a OR b OR c)"),
                    );
                }
                let of = self.range(&of);
                self.program.groups.push(Group { number, of });
                Node::AtLeast(index_of_last(&self.program.groups))
            }
        }
    }

    /// The members of an OR group, nested groups and concepts opened; those of a concept keep its name.
    fn alternatives(&mut self, node: NodeId) -> Vec<NodeId> {
        if self.size > MAX_SIZE {
            return vec![]; // which is an error already
        }
        match self.program.node(node) {
            Node::Or(list) => {
                let members = self.program.list(list).to_vec();
                members.into_iter().flat_map(|member| self.alternatives(member)).collect()
            }
            Node::Concept(concept, inner) => {
                let members = self.alternatives(inner);
                members.into_iter().map(|member| self.named(concept, member)).collect()
            }
            _ => vec![node],
        }
    }

    /// A member of a concept as a step of its own.
    fn named(&mut self, concept: u32, member: NodeId) -> NodeId {
        let label = self.labels.as_ref().and_then(|labels| labels.get(&member)).cloned();
        self.push(Node::Concept(concept, member), || label.unwrap_or_default())
    }
}

fn index_of_last<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX) - 1
}
