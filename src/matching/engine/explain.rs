//! Why a topic matched an article, or did not.

use serde::Serialize;

use super::compile::Compiler;
use super::eval::{EVERYWHERE, Evaluation};
use super::program::{Node, NodeId};
use super::set::TopicSet;
use crate::domain::article::Document;
use crate::domain::boilerplate::{Mark, in_any_feed};
use crate::domain::topic::{ConceptSpec, Match, Span, TopicSpec};

/// A topic's answer to one article, clause by clause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether the topic matches.
    pub matched: bool,
    /// The score from 0 to 100, for scored topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// What score it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u8>,
    /// The topic's rule.
    pub clause: Clause,
    /// The parts of the text that were passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boilerplate: Vec<PassedOver>,
    /// What an alert would say, where it matches.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub found: Option<Match>,
}

/// A part of the text that neither matches nor scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// First code point of the article's plain text.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What stands there.
    pub text: String,
    /// Why.
    pub why: Why,
}

/// Why a part of a text is boilerplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It is what publishers say of themselves: an appeal, a sign-up, a notice.
    Notice,
    /// Its feed shows it in several articles.
    Repeated,
}

impl PassedOver {
    /// What is marked in a document.
    pub fn of(document: &Document<'_>) -> Vec<Self> {
        if document.boilerplate.is_empty() {
            return vec![];
        }
        let notices = in_any_feed(document.text);
        let part = |(start, end): &Mark| {
            let text = document.text.get(*start..*end)?.to_owned();
            let from = document.text[..*start].chars().count();
            let within = notices.iter().any(|notice| notice.0 <= *start && *end <= notice.1);
            let why = if within { Why::Notice } else { Why::Repeated };
            Some(Self { start: from, end: from + text.chars().count(), text, why })
        };
        document.boilerplate.iter().filter_map(part).collect()
    }
}

/// One part of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clause {
    /// The part, as a query; empty where a topic's rule only lists its parts.
    pub query: String,
    /// Whether it holds.
    pub holds: bool,
    /// Where it is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// What it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// Explains what `topic` makes of `document`; nothing where the topic has errors.
pub(crate) fn explain(
    concepts: &[ConceptSpec],
    topic: &TopicSpec,
    document: &Document<'_>,
) -> Option<Explanation> {
    let mut compiler = Compiler::new(concepts, true);
    compiler.topic(topic);
    let labels = compiler.labels.take()?;
    let set = TopicSet::new(compiler);
    let own = set.program.topics.first()?;
    set.with_scratch(|scratch| {
        let run = set.run_on(scratch, document, &[0]);
        let found = run.topic(own);
        run.rest();
        let holds = run.is_true(own.root, EVERYWHERE);
        let score = own.scored.as_ref().map(|scored| if holds { run.score(scored).0 } else { 0 });
        let threshold = own.scored.as_ref().map(|scored| scored.threshold);
        let label = |node: NodeId| labels.get(&node).cloned().unwrap_or_default();
        run.rest();
        let clause = run.clause(own.root, &label);
        let boilerplate = PassedOver::of(document);
        Some(Explanation { matched: found.is_some(), score, threshold, clause, boilerplate, found })
    })
}

impl Evaluation<'_> {
    fn clause(&self, node: NodeId, label: &dyn Fn(NodeId) -> String) -> Clause {
        let parts: Vec<NodeId> = match self.program.node(node) {
            Node::And(list) | Node::Or(list) => self.program.list(list).to_vec(),
            Node::AtLeast(group) => self.program.list(self.program.group(group).of).to_vec(),
            Node::Near(near) => {
                let near = self.program.near(near);
                vec![near.left, near.right]
            }
            Node::Not(inner)
            | Node::In(_, inner)
            | Node::Mentions { of: inner, .. }
            | Node::First { of: inner, .. } => vec![inner],
            Node::NotIn(left, right) => vec![left, right],
            // A concept is a word to its user; `topics list` shows what it holds.
            Node::Leaf(_) | Node::About(_) | Node::Concept(..) => vec![],
        };
        let holds = self.is_true(node, EVERYWHERE);
        let spans = if holds { self.places(&self.best_marks(node)) } else { vec![] };
        let parts = parts.into_iter().map(|part| self.clause(part, label)).collect();
        Clause { query: label(node), holds, spans, parts }
    }
}
