//! Concepts, read where they are first used.

use super::compile::Compiler;
use super::program::{NOTHING, Node, NodeId};
use crate::domain::ConceptId;
use crate::domain::topic::{ConceptSource, ConceptSpec};
use crate::matching::Place;
use crate::matching::query::ast::Expr;
use crate::matching::query::{MAX_DEPTH, near_to, parse, parse_term};

/// The most steps that lie within each other, concepts included: programs are run step within step.
const MAX_NESTED: usize = 4 * MAX_DEPTH;

/// A concept without mistakes.
#[derive(Clone, Copy)]
pub(super) struct Concept {
    node: NodeId,
    /// What keeps it out of `NEAR`.
    obstacle: Option<&'static str>,
    /// How many steps it stands for.
    size: usize,
    /// How many of them lie within each other.
    height: usize,
}

/// How far a concept has been read.
pub(super) enum Progress<'s> {
    Unread(&'s ConceptSpec),
    Reading,
    Read(Concept),
    /// It has errors of its own, which are reported where it stands.
    Wrong,
}

impl Compiler<'_> {
    pub(super) fn use_concept(&mut self, expr: &Expr, name: &str, spans: bool) -> NodeId {
        if !name.is_empty() && !self.concepts.contains_key(name) {
            let near = self.concepts.keys().min_by_key(|known| (near_to(known, name), **known));
            let help = near.map_or_else(
                || {
                    format!(
                        "add a table [concepts.{name}] with `any = [\"…\"]`; `topics match` knows those of the file that --config names"
                    )
                },
                |near| format!("did you mean @{near}? else add a table [concepts.{name}]"),
            );
            self.error("E08", &expr.span, format!("there is no concept `{name}`"), help);
        }
        if let Some(Concept { node, obstacle, height, .. }) = self.concept(name) {
            self.deepest = self.deepest.max(self.depth + height);
            if self.depth + height > MAX_NESTED {
                self.too_deep(expr);
            }
            if let Some(obstacle) = obstacle.filter(|_| spans) {
                let message = format!("the concept `{name}` holds {obstacle}, so nothing can be near it");
                self.error(
                    "E11",
                    &expr.span,
                    message,
                    "use a concept that is a list of terms, or move it outside",
                );
            }
            return node;
        }
        if self.depth > MAX_NESTED {
            self.too_deep(expr);
        }
        if matches!(self.concepts.get(name), Some(Progress::Reading)) {
            let message = format!("the concept `{name}` uses itself");
            self.error("E09", &expr.span, message, "take it out of what it is made of");
        }
        // Its own mistakes are reported where it stands, and once.
        self.errors += 1;
        self.push(Node::Or(NOTHING), String::new)
    }

    fn too_deep(&mut self, expr: &Expr) {
        let message = format!("with its concepts this is nested deeper than {MAX_NESTED} levels");
        self.error("E18", &expr.span, message, "use fewer concepts within concepts");
    }

    pub(super) fn concept(&mut self, name: &str) -> Option<Concept> {
        let (key, spec) = match self.concepts.get_key_value(name)? {
            (_, Progress::Read(concept)) => {
                self.size += concept.size;
                return Some(*concept);
            }
            (_, Progress::Unread(_)) if self.depth > MAX_NESTED => return None,
            (_, Progress::Reading | Progress::Wrong) => return None,
            (key, Progress::Unread(spec)) => (*key, *spec),
        };
        self.concepts.insert(key, Progress::Reading);
        let before = self.errors;
        let scored = std::mem::replace(&mut self.scored, true);
        let outer = std::mem::take(&mut self.size);
        let deepest = std::mem::replace(&mut self.deepest, self.depth);
        let at = |index| Place::Concept { id: spec.id.clone(), index };
        let inner = match &spec.source {
            ConceptSource::Query(query) => self.source(query, at(None), parse),
            ConceptSource::Any(terms) => {
                let nodes: Vec<_> = terms
                    .iter()
                    .enumerate()
                    .map(|(index, term)| self.source(term, at(Some(index)), parse_term))
                    .collect();
                self.list(&nodes, Node::Or)
            }
        };
        self.scored = scored;
        let height = std::mem::replace(&mut self.deepest, deepest) - self.depth;
        if self.errors > before {
            self.size = outer;
            self.concepts.insert(key, Progress::Wrong);
            return None;
        }
        let id = self.concept_number(&spec.id);
        let node = self.push(Node::Concept(id, inner), || format!("@{name}"));
        let obstacle = self.obstacle(node, 0);
        let concept = Concept { node, obstacle, size: self.size, height };
        self.concepts.insert(key, Progress::Read(concept));
        self.size += outer;
        Some(concept)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are fewer concepts than characters of configuration"
    )]
    fn concept_number(&mut self, id: &ConceptId) -> u32 {
        self.program.concepts.push(id.clone());
        self.program.concepts.len() as u32 - 1
    }

    /// What keeps a concept out of `NEAR`, if anything.
    fn obstacle(&self, node: NodeId, depth: usize) -> Option<&'static str> {
        if depth > 4 * MAX_DEPTH {
            return Some("too many concepts within each other");
        }
        let within = |list| self.program.list(list).iter().find_map(|child| self.obstacle(*child, depth + 1));
        match self.program.node(node) {
            Node::And(_) => Some("AND"),
            Node::Not(_) => Some("NOT"),
            Node::About(_) => Some("a field that is not text"),
            Node::Or(list) => within(list),
            Node::AtLeast(group) => within(self.program.group(group).of),
            Node::In(_, inner) | Node::Concept(_, inner) => self.obstacle(inner, depth + 1),
            Node::Leaf(_) | Node::Near(_) | Node::NotIn(..) | Node::Mentions { .. } | Node::First { .. } => {
                None
            }
        }
    }
}
