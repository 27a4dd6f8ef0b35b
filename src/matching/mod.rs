//! Finds topics in articles.
//!
//! `query` reads the language, `text` turns an article into words and their forms, `engine` compiles topics into one
//! immutable structure and runs it. Everything here is pure: no clock, no files, no network.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "characters, tokens and steps of many kinds are told apart by the few that matter"
)]

mod engine;
pub mod query;
pub mod search;
pub mod text;

use std::collections::BTreeSet;

use crate::domain::article::Document;
use crate::domain::topic::{ConceptSpec, Match, Matcher as _, Span, TopicRule, TopicSpec};
use crate::domain::{ConceptId, TopicId};

pub use engine::{Clause, Explanation, Frequencies, PassedOver, TopicSet, Why};
use engine::{Compiler, swallowing};
use query::Finding;

/// Topics, ready to match, and what is to be said about them.
#[derive(Debug)]
pub struct Compiled {
    /// All topics without errors.
    pub set: TopicSet,
    /// Every mistake and every doubt, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Something wrong, or surely not meant, in a concept or a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of the kind: `E…` for errors, `W…` for warnings.
    pub code: &'static str,
    /// Whether it can be used all the same.
    pub level: Level,
    /// The text it is about.
    pub place: Place,
    /// First code point of the text.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It cannot be used.
    Error,
    /// It can be used, but is surely not meant.
    Warning,
}

/// The text a diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A term of a concept, or its query.
    Concept {
        /// The concept.
        id: ConceptId,
        /// Which term; none for the query.
        index: Option<usize>,
    },
    /// A part of a topic.
    Topic {
        /// The topic.
        id: TopicId,
        /// Which part.
        part: TopicPart,
    },
    /// A query that stands alone.
    Query,
}

/// A part of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicPart {
    /// A keyword, by its index.
    Keyword(usize),
    /// The query.
    Query,
    /// A facet, by its index.
    Facet(usize),
    /// An exclusion, by its index.
    Exclude(usize),
}

/// Compiles concepts and topics. A topic with errors is left out of the set; a configuration that has any is not
/// to be run.
pub fn compile(concepts: &[ConceptSpec], topics: &[TopicSpec]) -> Compiled {
    let mut compiler = Compiler::new(concepts, false);
    for topic in topics {
        compiler.topic(topic);
    }
    compiler.rest();
    let mut diagnostics = std::mem::take(&mut compiler.diagnostics);
    let set = TopicSet::new(compiler);
    for spec in topics {
        diagnostics.extend(swallowing(spec, concepts));
    }
    let unbounded: BTreeSet<&TopicId> = set.unbounded().collect();
    for spec in topics.iter().filter(|spec| unbounded.contains(&spec.id)) {
        diagnostics.push(matches_anything(spec));
    }
    Compiled { set, diagnostics }
}

fn matches_anything(topic: &TopicSpec) -> Diagnostic {
    let (part, text) = match &topic.rule {
        TopicRule::Query(query) => (TopicPart::Query, query.as_str()),
        TopicRule::Keywords(words) => (TopicPart::Keyword(0), words.first().map_or("", String::as_str)),
        TopicRule::Facets { facets, .. } => (TopicPart::Facet(0), facets.first().map_or("", String::as_str)),
    };
    let place = Place::Topic { id: topic.id.clone(), part };
    let Finding { code, level, start, end, message, help } = needs_no_word(text);
    Diagnostic { code, level, place, start, end, message, help }
}

fn needs_no_word(query: &str) -> Finding {
    Finding::warning(
        "W03",
        &(0..query.chars().count()),
        "no word is needed for this to match, so it matches nearly every article",
    )
    .help("add a term that has to be there")
}

/// A single query, compiled to be tried on texts.
#[derive(Debug)]
pub struct Trial {
    set: Option<TopicSet>,
    findings: Vec<Diagnostic>,
}

impl Trial {
    /// Compiles a query.
    pub fn new(query: &str, concepts: &[ConceptSpec]) -> Self {
        let id = TopicId::parse("query").ok();
        let topic = id.map(|id| TopicSpec { id, rule: TopicRule::Query(query.to_owned()), exclude: vec![] });
        let compiled = compile(concepts, topic.as_slice());
        let mut findings = compiled.diagnostics;
        for finding in &mut findings {
            if matches!(finding.place, Place::Topic { .. }) {
                finding.place = Place::Query;
            }
        }
        findings.sort_by_key(|finding| (finding.start, finding.end));
        let wrong = findings.iter().any(|finding| finding.level == Level::Error);
        Self { set: (!wrong).then_some(compiled.set), findings }
    }

    /// What is to be said about the query itself.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Whether the query can be used.
    pub const fn is_usable(&self) -> bool {
        self.set.is_some()
    }

    /// Tries it on a text.
    pub fn on(&self, document: &Document<'_>) -> Option<Match> {
        self.set.as_ref()?.matches(document).into_iter().next().map(|found| found.found)
    }
}

/// A term of a query, to see which words of articles it matches.
#[derive(Debug)]
pub struct Term {
    set: TopicSet,
}

impl Term {
    /// Compiles a term as it may stand in a list of keywords.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(term: &str, concepts: &[ConceptSpec]) -> Result<Self, Vec<Diagnostic>> {
        let Ok(id) = TopicId::parse("term") else { return Err(vec![]) };
        let topic = TopicSpec { id, rule: TopicRule::Keywords(vec![term.to_owned()]), exclude: vec![] };
        let mut compiled = compile(concepts, &[topic]);
        compiled.diagnostics.retain(|finding| finding.level == Level::Error);
        if compiled.diagnostics.is_empty() {
            Ok(Self { set: compiled.set })
        } else {
            Err(compiled.diagnostics)
        }
    }

    /// The places of an article it matches.
    pub fn places(&self, document: &Document<'_>) -> Vec<Span> {
        self.set.places(document)
    }
}

/// Explains what a topic makes of an article, clause by clause; nothing where the topic has errors.
pub fn explain(concepts: &[ConceptSpec], topic: &TopicSpec, document: &Document<'_>) -> Option<Explanation> {
    engine::explain(concepts, topic, document)
}
