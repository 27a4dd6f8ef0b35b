//! Trees to programs, with what only shows when concepts and topics are seen together.

use std::collections::HashMap;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::doubts::doubts;
use super::program::{Group, LEAF, Leaf, List, NOTHING, Near, Node, NodeId, Program, SINGLE, Scored, Topic};
use super::words::{Compare, WordsBuilder};
use crate::domain::ConceptId;
use crate::domain::topic::{ConceptSource, ConceptSpec, TopicRule, TopicSpec};
use crate::matching::query::ast::{Body, Count, Expr, Kind, Mode, Term};
use crate::matching::query::{Finding, MAX_DEPTH, near_to, parse, parse_term, print};
use crate::matching::text::class::Script;
use crate::matching::text::fold::{fold, lower, plain};
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::token::{Token, tokenise_term};
use crate::matching::{Diagnostic, Level, Place, TopicPart};

/// The most spellings a term is tried in; a phrase of many compounds is only tried as it is written and split.
const MAX_COMPOUNDS: u32 = 3;
/// The most words of a phrase.
const MAX_PHRASE: usize = 64;

/// The most steps a topic or a concept stands for, its concepts included.
const MAX_SIZE: usize = 100_000;
/// The most errors, and the most warnings, that are reported of one text.
const MAX_SAID: usize = 100;

/// How far a concept has been read.
enum Progress<'s> {
    Unread(&'s ConceptSpec),
    Reading,
    /// Its program, what keeps it out of `NEAR`, and how many steps it stands for.
    Read(NodeId, Option<&'static str>, usize),
    /// It has errors of its own, which are reported where it stands.
    Wrong,
}

/// Compiles concepts and topics.
pub(crate) struct Compiler<'s> {
    pub(crate) program: Program,
    pub(crate) words: WordsBuilder,
    pub(crate) diagnostics: Vec<Diagnostic>,
    concepts: HashMap<&'s str, Progress<'s>>,
    /// Leaves by what was written, to be used again.
    terms: FxHashMap<Box<str>, u32>,
    /// What a term was written as, while it is looked up.
    key: String,
    place: Place,
    /// How many errors there are, and uses of concepts that are wrong themselves.
    errors: usize,
    /// How much has been said of the text at hand: errors and warnings.
    said: [usize; 2],
    /// How many steps the topic or concept at hand stands for, its concepts included.
    size: usize,
    /// Whether boosts mean something here.
    scored: bool,
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

    fn source(&mut self, text: &str, place: Place, read: fn(&str) -> (Expr, Vec<Finding>)) -> NodeId {
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

    fn report(&mut self, finding: Finding) {
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

    fn list(&mut self, nodes: &[NodeId], kind: fn(List) -> Node) -> NodeId {
        let list = self.range(nodes);
        self.push(kind(list), String::new)
    }

    /// `spans`: inside `NEAR` and the like, where only places in the text make sense.
    fn expr(&mut self, expr: &Expr, spans: bool) -> NodeId {
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

    // --- concepts ----------------------------------------------------------------------------------------------

    fn use_concept(&mut self, expr: &Expr, name: &str, spans: bool) -> NodeId {
        if !name.is_empty() && !self.concepts.contains_key(name) {
            let near = self.concepts.keys().min_by_key(|known| (near_to(known, name), **known));
            let help = near.map_or_else(
                || format!("add a table [concepts.{name}] with `any = [\"…\"]`"),
                |near| format!("did you mean @{near}? else add a table [concepts.{name}]"),
            );
            self.error("E08", &expr.span, format!("there is no concept `{name}`"), help);
        }
        if let Some((node, obstacle)) = self.concept(name) {
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
        if matches!(self.concepts.get(name), Some(Progress::Reading)) {
            let message = format!("the concept `{name}` uses itself");
            self.error("E09", &expr.span, message, "take it out of what it is made of");
        }
        // Its own mistakes are reported where it stands, and once.
        self.errors += 1;
        self.push(Node::Or(NOTHING), String::new)
    }

    fn concept(&mut self, name: &str) -> Option<(NodeId, Option<&'static str>)> {
        let (key, spec) = match self.concepts.get_key_value(name)? {
            (_, Progress::Read(node, obstacle, size)) => {
                self.size += size;
                return Some((*node, *obstacle));
            }
            (_, Progress::Reading | Progress::Wrong) => return None,
            (key, Progress::Unread(spec)) => (*key, *spec),
        };
        self.concepts.insert(key, Progress::Reading);
        let before = self.errors;
        let scored = std::mem::replace(&mut self.scored, true);
        let outer = std::mem::take(&mut self.size);
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
        if self.errors > before {
            self.size = outer;
            self.concepts.insert(key, Progress::Wrong);
            return None;
        }
        let id = self.concept_number(&spec.id);
        let node = self.push(Node::Concept(id, inner), || format!("@{name}"));
        let obstacle = self.obstacle(node, 0);
        self.concepts.insert(key, Progress::Read(node, obstacle, self.size));
        self.size += outer;
        Some((node, obstacle))
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

    // --- terms -------------------------------------------------------------------------------------------------

    fn term(&mut self, expr: &Expr, term: &Term) -> NodeId {
        let (text, slop) = match &term.body {
            Body::Word(text) => (text.as_str(), None),
            Body::Phrase { text, slop } => (text.as_str(), *slop),
            Body::Regex(pattern) => return self.regex(expr, pattern, term.boost),
        };
        // Topics often ask for the same, and most of them for what is neither weighed nor wrong.
        #[expect(clippy::float_cmp, reason = "as written, or not written")]
        let plain = term.boost == 1.0 && self.labels.is_none();
        if !plain {
            let sequences = self.sequences(expr, text, term.mode);
            return self.leaf(expr, &sequences, slop, term.boost);
        }
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.push(match term.mode {
            Mode::Forms => ' ',
            Mode::Folded => '=',
            Mode::Exact => '^',
        });
        key.push(if matches!(term.body, Body::Word(_)) { ' ' } else { '"' });
        key.push(slop.map_or('\0', |slop| char::from(slop.min(254) as u8 + 1)));
        key.push_str(text);
        let node = if let Some(leaf) = self.terms.get(key.as_str()) {
            self.size += 1;
            LEAF | *leaf
        } else {
            let before = (self.errors, self.said);
            let sequences = self.sequences(expr, text, term.mode);
            let node = self.leaf(expr, &sequences, slop, term.boost);
            if before == (self.errors, self.said) {
                self.terms.insert(Box::from(key.as_str()), node & !LEAF);
            }
            node
        };
        self.key = key;
        node
    }

    fn regex(&mut self, expr: &Expr, pattern: &str, boost: f32) -> NodeId {
        let sequences = if pattern.is_empty() {
            self.error(
                "E10",
                &expr.span,
                "this regular expression is empty",
                "write a pattern between the slashes",
            );
            vec![]
        } else {
            match self.words.intern_regex(pattern) {
                Ok(word) => vec![vec![word]],
                Err(why) => {
                    self.error("E10", &expr.span, format!("this is no regular expression: {why}"), "it is matched against one word at a time; a literal . * + ? ( ) [ ] { } | \\ needs a \\ before it");
                    vec![]
                }
            }
        };
        self.leaf(expr, &sequences, None, boost)
    }

    #[expect(clippy::cast_possible_truncation, reason = "queries are bounded, so is what they hold")]
    fn leaf(&mut self, expr: &Expr, sequences: &[Vec<u32>], slop: Option<u32>, boost: f32) -> NodeId {
        let (start, count) = match sequences {
            [row] if row.len() == 1 => (row[0], SINGLE),
            rows => {
                let start = self.program.sequences.len() as u32;
                for words in rows {
                    self.program.sequences.push(words.len() as u32);
                    self.program.sequences.extend_from_slice(words);
                }
                (start, rows.len() as u16)
            }
        };
        let shown = shown(expr);
        let term = (self.program.terms.len() as u32, shown.len() as u16);
        self.program.terms.push_str(&shown);
        let leaf = Leaf { sequences: start, count, slop: slop.map(|n| n.min(255) as u8), term };
        let index = self.program.leaves.len() as u32;
        self.program.leaves.push(leaf);
        if (boost - 1.0).abs() > f32::EPSILON {
            self.program.boosts.insert(index, boost);
            if !self.scored {
                self.report(
                    Finding::warning("W04", &expr.span, "a weight has no effect outside a scored topic")
                        .help("use `facets` with a `threshold`, or remove the ^^"),
                );
            }
        }
        self.size += 1;
        let node = LEAF | index;
        if let Some(labels) = &mut self.labels {
            labels.insert(node, print(expr));
        }
        node
    }

    /// The rows of words a term stands for: compounds both split and joined.
    fn sequences(&mut self, expr: &Expr, text: &str, mode: Mode) -> Vec<Vec<u32>> {
        let text = text.trim_start_matches(['\'', '-', '+']);
        let tokens = tokenise_term(text);
        let words = tokens.places.len();
        if words == 0 {
            let address = text.contains("://") || text.starts_with("www.");
            let help = if address {
                "addresses are no words of a text; write url:\"…\" or site:example.org"
            } else {
                "write at least one letter or digit"
            };
            self.error("E14", &expr.span, "there is no word in this term", help);
            return vec![];
        }
        if words > MAX_PHRASE {
            self.error(
                "E17",
                &expr.span,
                format!("a phrase has at most {MAX_PHRASE} words"),
                "take the words that tell it apart",
            );
            return vec![];
        }
        let compounds = tokens.tokens.iter().filter(|token| token.width > 1).count();
        let joins = if mode == Mode::Exact { 0 } else { u32::try_from(compounds).unwrap_or(u32::MAX) };
        let combinations = if joins > MAX_COMPOUNDS { 1 } else { 1_u32 << joins };
        (0..combinations)
            .filter_map(|chosen| self.sequence(expr, text, &tokens.tokens, mode, chosen))
            .collect()
    }

    /// One row: compound `n` is joined where bit `n` of `joined` is set.
    fn sequence(
        &mut self,
        expr: &Expr,
        text: &str,
        tokens: &[Token],
        mode: Mode,
        joined: u32,
    ) -> Option<Vec<u32>> {
        let mut row = Vec::new();
        let mut compound = 0;
        let mut skip_to = 0;
        let mut numbered_to = 0;
        let unspaced = |index: Option<usize>| {
            index.and_then(|index| tokens.get(index)).is_some_and(|token| token.script == Script::Unspaced)
        };
        for (index, token) in tokens.iter().enumerate() {
            let surface = &text[token.start as usize..token.end as usize];
            if token.width > 1 {
                if surface.bytes().any(|byte| byte.is_ascii_digit()) {
                    numbered_to = token.position + u32::from(token.width);
                }
                if joined & (1 << compound) != 0 {
                    row.push(self.word(expr, surface, mode, token.position < numbered_to)?);
                    skip_to = token.position + u32::from(token.width);
                }
                compound += 1;
            } else if token.position >= skip_to {
                let wild = surface.chars().all(|c| c == '*');
                if wild && (unspaced(index.checked_sub(1)) || unspaced(Some(index + 1))) {
                    // Characters of these scripts match anywhere in a text, so a `*` at either end says nothing more.
                    let inner = index > 0 && index + 1 < tokens.len();
                    if inner {
                        self.error(
                            "E07",
                            &expr.span,
                            "`*` has no meaning within Chinese or Japanese text",
                            "write the two parts with ONEAR/n between them, which counts characters here",
                        );
                        return None;
                    }
                    continue;
                }
                row.push(self.word(expr, surface, mode, token.position < numbered_to)?);
            }
        }
        Some(row)
    }

    /// One word of a term; `numbered`: of a compound with a number, which needs no capitals to be told from other words
    /// (Covid-19, MiG-29).
    fn word(&mut self, expr: &Expr, surface: &str, mode: Mode, numbered: bool) -> Option<u32> {
        if surface.len() > MAX_WORD {
            self.error(
                "E17",
                &expr.span,
                format!("a word has at most {MAX_WORD} bytes"),
                "longer words of a text are passed over; write its beginning and a *",
            );
            return None;
        }
        let exact = plain(surface);
        if exact.contains(['*', '?']) {
            return self.wildcard(expr, &exact, mode);
        }
        if mode == Mode::Exact {
            return Some(self.words.intern(Compare::Exact, &exact));
        }
        let lower = lower(&exact);
        let digits = lower.chars().all(|c| c.is_ascii_digit());
        let compare = match by_capitals(&exact) {
            _ if mode == Mode::Folded || digits => Compare::Folded,
            Compare::Acronym if numbered => Compare::Name,
            compare => compare,
        };
        Some(self.words.intern(compare, &lower))
    }

    fn wildcard(&mut self, expr: &Expr, exact: &str, mode: Mode) -> Option<u32> {
        let literals = exact.chars().filter(|c| c.is_alphanumeric()).count();
        let infix = exact.starts_with('*') && exact.ends_with('*');
        let least = if infix { 3 } else { 2 };
        if literals < least {
            let message = format!(
                "a word with wildcards needs at least {least} letters, or it matches nearly everything"
            );
            self.error(
                "E07",
                &expr.span,
                message,
                "write more of the word; to leave a word of a phrase open use \"…\"~1 or ONEAR/1",
            );
            return None;
        }
        Some(match mode {
            Mode::Exact => self.words.intern(Compare::ExactGlob, exact),
            Mode::Forms | Mode::Folded => self.words.intern(Compare::Glob, &fold(&lower(exact))),
        })
    }
}

fn index_of_last<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX) - 1
}

/// How a word is compared, by its capitals.
fn by_capitals(exact: &str) -> Compare {
    let cased = || exact.chars().filter(|c| c.is_lowercase() || c.is_uppercase());
    let capitals = cased().count();
    let first = cased().next().is_some_and(char::is_uppercase);
    if (2..=5).contains(&capitals) && cased().all(char::is_uppercase) {
        Compare::Acronym
    } else if first {
        Compare::Name
    } else {
        Compare::Forms
    }
}

/// A term as messages show it: without quotes and signs.
fn shown(expr: &Expr) -> String {
    let Kind::Term(term) = &expr.kind else { return String::new() };
    match &term.body {
        Body::Word(text) => text.chars().take(200).collect(),
        Body::Phrase { text, .. } => text.trim().chars().take(200).collect(),
        Body::Regex(pattern) => format!("/{}/", pattern.chars().take(200).collect::<String>()),
    }
}
