//! Topics found in articles: a first, plain matcher.
#![expect(
    clippy::many_single_char_names,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "to be replaced"
)]

use crate::domain::article::Document;
use crate::domain::topic::{
    ConceptSource, ConceptSpec, Field, Match, Matcher, Span, TopicMatch, TopicRule, TopicSpec,
};
use crate::domain::{ConceptId, TopicId};

#[derive(Debug)]
pub struct Compiled {
    pub set: TopicSet,
    pub diagnostics: Vec<Diagnostic>,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub level: Level,
    pub place: Place,
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: Option<String>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Concept { id: ConceptId, index: Option<usize> },
    Topic { id: TopicId, part: TopicPart },
    Query,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicPart {
    Keyword(usize),
    Query,
    Facet(usize),
    Exclude(usize),
}
#[derive(Debug)]
enum Node {
    Term(Option<ConceptId>, String),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}
#[derive(Debug)]
pub struct TopicSet {
    topics: Vec<(TopicId, Node)>,
}

fn parse(text: &str, concepts: &[ConceptSpec]) -> Node {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' | ')' => tokens.push(c.to_string()),
            '"' => {
                let mut w = String::from("\"");
                for c in chars.by_ref() {
                    if c == '"' {
                        break;
                    }
                    w.push(c);
                }
                tokens.push(w);
            }
            c if c.is_whitespace() => {}
            c => {
                let mut w = String::from(c);
                while let Some(n) = chars.peek() {
                    if n.is_whitespace() || *n == '(' || *n == ')' {
                        break;
                    }
                    w.push(*n);
                    chars.next();
                }
                tokens.push(w);
            }
        }
    }
    let mut at = 0;
    or(&tokens, &mut at, concepts)
}
fn or(t: &[String], at: &mut usize, c: &[ConceptSpec]) -> Node {
    let mut parts = vec![and(t, at, c)];
    while t.get(*at).is_some_and(|w| w == "OR") {
        *at += 1;
        parts.push(and(t, at, c));
    }
    Node::Or(parts)
}
fn and(t: &[String], at: &mut usize, c: &[ConceptSpec]) -> Node {
    let mut parts = vec![not(t, at, c)];
    while let Some(w) = t.get(*at) {
        if w == "OR" || w == ")" {
            break;
        }
        if w == "AND" {
            *at += 1;
        }
        parts.push(not(t, at, c));
    }
    Node::And(parts)
}
fn not(t: &[String], at: &mut usize, c: &[ConceptSpec]) -> Node {
    let Some(w) = t.get(*at) else { return Node::Or(vec![]) };
    *at += 1;
    if w == "NOT" {
        return Node::Not(Box::new(not(t, at, c)));
    }
    if w == "(" {
        let n = or(t, at, c);
        *at += 1;
        return n;
    }
    if let Some(name) = w.strip_prefix('@') {
        let spec = c.iter().find(|s| s.id.as_str() == name);
        return Node::Or(match spec.map(|s| (&s.id, &s.source)) {
            Some((id, ConceptSource::Any(terms))) => {
                terms.iter().map(|x| Node::Term(Some(id.clone()), x.clone())).collect()
            }
            _ => vec![],
        });
    }
    Node::Term(None, w.trim_start_matches('"').to_owned())
}
pub fn compile(concepts: &[ConceptSpec], topics: &[TopicSpec]) -> Compiled {
    let topics = topics
        .iter()
        .map(|t| {
            (
                t.id.clone(),
                match &t.rule {
                    TopicRule::Keywords(k) => {
                        Node::Or(k.iter().map(|x| Node::Term(None, x.clone())).collect())
                    }
                    TopicRule::Query(q) => parse(q, concepts),
                    TopicRule::Facets { facets, .. } => {
                        Node::And(facets.iter().map(|q| parse(q, concepts)).collect())
                    }
                },
            )
        })
        .collect();
    Compiled { set: TopicSet { topics }, diagnostics: vec![] }
}
fn hits(text: &str, field: Field, term: &str, concept: Option<&ConceptId>, out: &mut Vec<Span>) -> bool {
    let lower: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let plain: Vec<char> = text.chars().collect();
    if lower.len() != plain.len() {
        return false;
    }
    let prefix = term.ends_with('*');
    let needle: Vec<char> = term.trim_end_matches('*').to_lowercase().chars().collect();
    let ascii = needle.iter().all(char::is_ascii);
    let mut found = false;
    for i in 0..lower.len().saturating_sub(needle.len().saturating_sub(1)) {
        let e = i + needle.len();
        if lower[i..e] != needle[..] {
            continue;
        }
        if ascii
            && (i > 0 && lower[i - 1].is_alphanumeric()
                || !prefix && lower.get(e).is_some_and(|c| c.is_alphanumeric() && *c != 's'))
        {
            continue;
        }
        out.push(Span {
            concept: concept.cloned(),
            term: term.to_owned(),
            field,
            start: i as u32,
            end: e as u32,
            text: plain[i..e].iter().collect(),
        });
        found = true;
    }
    found
}
fn eval(n: &Node, d: &Document<'_>, out: &mut Vec<Span>) -> bool {
    match n {
        Node::Term(c, t) => {
            let a = hits(d.title, Field::Title, t, c.as_ref(), out);
            let b = hits(d.text, Field::Body, t, c.as_ref(), out);
            a || b
        }
        Node::And(p) => {
            let mut mine = vec![];
            let ok = p.iter().all(|n| eval(n, d, &mut mine));
            if ok {
                out.extend(mine);
            }
            ok
        }
        Node::Or(p) => {
            let mut any = false;
            for n in p {
                any |= eval(n, d, out);
            }
            any
        }
        Node::Not(n) => !eval(n, d, &mut vec![]),
    }
}
impl Matcher for TopicSet {
    fn matches(&self, d: &Document<'_>) -> Vec<TopicMatch> {
        self.topics
            .iter()
            .filter_map(|(id, n)| {
                let mut spans = vec![];
                eval(n, d, &mut spans).then(|| {
                    spans.sort_by_key(|s| (s.field, s.start));
                    TopicMatch {
                        topic: id.clone(),
                        found: Match { score: None, facets: None, excerpt: d.title.to_owned(), spans },
                    }
                })
            })
            .collect()
    }
}
