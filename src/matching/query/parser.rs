//! Tokens to tree, by recursive descent. A mistake is noted and parsing goes on, so that all are reported.

use std::ops::Range;

use super::ast::{Body, Expr, Kind, Mode, Reach, Term};
use super::lexer::{Lexeme, Token, lex};
use super::{Finding, MAX_DEPTH, MAX_NEAR, MAX_QUERY, MAX_TERMS, print};
use crate::matching::Level;

/// The most `NEAR` and `NOT IN` in a row without brackets.
const MAX_CHAIN: usize = 32;

/// Reads a query. Where it has errors the tree holds [`Kind::Broken`] and must not be used.
pub fn parse(query: &str) -> (Expr, Vec<Finding>) {
    let mut findings = Vec::new();
    let length = query.chars().count();
    if length > MAX_QUERY {
        findings.push(
            Finding::error(
                "E21",
                &(MAX_QUERY..length),
                format!("a query has at most {MAX_QUERY} characters"),
            )
            .help("move lists of terms into concepts, or split the topic"),
        );
        return (Expr { kind: Kind::Broken, span: 0..length }, findings);
    }
    let tokens = lex(query, &mut findings);
    let mut parser = Parser { tokens, at: 0, depth: 0, terms: 0, end: length, findings };
    let expr = parser.query();
    let mut findings = parser.findings;
    findings.sort_by_key(|finding| (finding.start, finding.end, finding.code));
    findings.dedup();
    (expr, findings)
}

/// Reads one term of a list: several words are a phrase, operators are errors.
pub fn parse_term(text: &str) -> (Expr, Vec<Finding>) {
    let mut findings = Vec::new();
    let length = text.chars().count();
    let whole = 0..length;
    let tokens = lex(text, &mut findings);
    let in_list = |finding: &Finding| finding.level == Level::Error && finding.code != "E22";
    let wrong = tokens.iter().find(|token| {
        !matches!(token.kind, Lexeme::Word { .. } | Lexeme::Quoted { .. } | Lexeme::Concept(_) | Lexeme::In)
    });
    if let Some(token) = wrong {
        let message = "a term of a list has no operators, brackets or fields";
        findings.retain(in_list);
        findings.push(
            Finding::error("E16", &token.span, message)
                .help("write this as a `query`, or put every term on its own"),
        );
        return (Expr { kind: Kind::Broken, span: whole }, findings);
    }
    findings.retain(in_list);
    let kind = match tokens.as_slice() {
        [] => {
            findings.push(Finding::error("E15", &whole, "this term is empty").help("remove it"));
            Kind::Broken
        }
        [Token { kind: Lexeme::Concept(name), .. }] => Kind::Concept(name.clone()),
        [Token { kind: Lexeme::Quoted { mode, text, slop }, .. }] => {
            term(*mode, Body::Phrase { text: text.clone(), slop: *slop })
        }
        [Token { kind: Lexeme::Word { mode, text }, .. }] => term(*mode, Body::Word(text.clone())),
        [first, ..] => {
            let mode = match &first.kind {
                Lexeme::Word { mode, .. } => *mode,
                _ => Mode::Forms,
            };
            let signs = usize::from(mode != Mode::Forms);
            let words: String = text.trim_start().chars().skip(signs).collect();
            term(mode, Body::Phrase { text: words.trim_end().replace('"', " "), slop: None })
        }
    };
    (Expr { kind, span: whole }, findings)
}

const fn term(mode: Mode, body: Body) -> Kind {
    Kind::Term(Term { mode, body, boost: 1.0 })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    terms: usize,
    /// One past the last code point.
    end: usize,
    findings: Vec<Finding>,
}

impl Parser {
    fn peek(&self) -> Option<&Lexeme> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next_is(&self, ahead: usize, kind: &Lexeme) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.kind == *kind)
    }

    /// Where the token at hand stands, or the end of the query.
    fn here(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.end..self.end, |token| token.span.clone())
    }

    fn query(&mut self) -> Expr {
        if self.tokens.is_empty() {
            self.findings.push(
                Finding::error("E15", &(0..self.end), "this query is empty")
                    .help("write at least one term, such as \"North Korea\""),
            );
            return Expr { kind: Kind::Broken, span: 0..self.end };
        }
        let mut expr = self.or();
        while self.at < self.tokens.len() {
            // Only a closing bracket too many ends a query early.
            let span = self.here();
            self.findings.push(
                Finding::error("E03", &span, "this bracket closes nothing")
                    .help("remove it, or open one before it"),
            );
            self.at += 1;
            if self.at < self.tokens.len() {
                let rest = self.or();
                let span = expr.span.start..rest.span.end;
                expr = Expr { kind: Kind::And(vec![expr, rest]), span };
            }
        }
        expr
    }

    fn or(&mut self) -> Expr {
        let mut mixed = false;
        let mut parts = vec![self.and(&mut mixed)];
        while self.next_is(0, &Lexeme::Or) {
            self.at += 1;
            parts.push(self.and(&mut mixed));
        }
        let expr = joined(parts, Kind::Or);
        if mixed && matches!(expr.kind, Kind::Or(_)) {
            self.findings.push(
                Finding::warning("W02", &expr.span, "AND and OR are mixed without brackets")
                    .help(format!("it is read as: {}", print(&expr))),
            );
        }
        expr
    }

    fn and(&mut self, mixed: &mut bool) -> Expr {
        let mut parts = vec![self.not()];
        loop {
            match self.peek() {
                Some(Lexeme::And) => self.at += 1,
                None | Some(Lexeme::Or | Lexeme::Close) => break,
                Some(_) => {}
            }
            parts.push(self.not());
        }
        *mixed |= parts.len() > 1;
        joined(parts, Kind::And)
    }

    fn not(&mut self) -> Expr {
        let start = self.here().start;
        if !self.next_is(0, &Lexeme::Not) {
            return self.near();
        }
        self.at += 1;
        if !self.enter() {
            return self.broken();
        }
        let inner = self.not();
        self.depth -= 1;
        let span = start..inner.span.end;
        Expr { kind: Kind::Not(Box::new(inner)), span }
    }

    fn near(&mut self) -> Expr {
        let mut left = self.primary();
        for links in 0.. {
            let operator = self.here();
            let near = match self.peek() {
                Some(Lexeme::Near { ordered, reach }) => Some((*ordered, *reach)),
                Some(Lexeme::Not) if self.next_is(1, &Lexeme::In) => None,
                _ => break,
            };
            if links == MAX_CHAIN {
                self.too_deep(&operator);
                break;
            }
            self.at += if near.is_some() { 1 } else { 2 };
            let reach = near.map(|(ordered, reach)| (ordered, self.reach(reach, &operator)));
            let right = Box::new(self.primary());
            let span = left.span.start..right.span.end;
            let kind = match reach {
                Some((ordered, reach)) => Kind::Near { reach, ordered, left: Box::new(left), right },
                None => Kind::NotIn(Box::new(left), right),
            };
            left = Expr { kind, span };
        }
        left
    }

    fn reach(&mut self, reach: Option<Reach>, operator: &Range<usize>) -> Reach {
        match reach {
            Some(Reach::Words(n)) if n > MAX_NEAR => self.findings.push(
                Finding::error("E06", operator, format!("NEAR reaches at most {MAX_NEAR} words"))
                    .help("use NEAR/p for one paragraph, or AND for the whole article"),
            ),
            Some(_) => {}
            None => self.findings.push(
                Finding::error("E05", operator, "NEAR needs a reach")
                    .help("write NEAR/5 for at most 5 words between, NEAR/s for one sentence, NEAR/p for one paragraph; put \"NEAR\" in quotes to find the word"),
            ),
        }
        reach.unwrap_or(Reach::Words(0))
    }

    fn enter(&mut self) -> bool {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return true;
        }
        let span = self.here();
        self.too_deep(&span);
        self.depth -= 1;
        false
    }

    /// Notes it once and gives up on the rest.
    fn too_deep(&mut self, span: &Range<usize>) {
        let message = format!("this query is nested deeper than {MAX_DEPTH} levels");
        self.findings
            .push(Finding::error("E18", span, message).help("move parts of it into concepts of their own"));
        self.at = self.tokens.len();
    }

    fn broken(&self) -> Expr {
        Expr { kind: Kind::Broken, span: self.here() }
    }

    fn primary(&mut self) -> Expr {
        let Some(token) = self.tokens.get(self.at).cloned() else { return self.missing() };
        match token.kind {
            Lexeme::Open => self.group(&token),
            Lexeme::Field(part) => self.prefixed(&token, |inner| Kind::In(part, inner)),
            Lexeme::Count(count, number) => {
                if number.is_none_or(|n| n == 0 || n > 10_000) {
                    let word = count.word();
                    self.findings.push(
                        Finding::error("E20", &token.span, format!("{word} needs a number from 1 to 10000"))
                            .help(format!("write {word}/2; put \"{word}\" in quotes to find the word")),
                    );
                }
                self.prefixed(&token, |inner| Kind::Count(count, number.unwrap_or(1), inner))
            }
            Lexeme::Close | Lexeme::And | Lexeme::Or | Lexeme::Near { .. } | Lexeme::Not => self.missing(),
            Lexeme::Boost(_) => {
                self.at += 1;
                self.findings.push(
                    Finding::error("E19", &token.span, "`^^` stands right behind a word or a phrase")
                        .help("write term^^2, without a space"),
                );
                Expr { kind: Kind::Broken, span: token.span }
            }
            Lexeme::In
            | Lexeme::Quoted { .. }
            | Lexeme::Word { .. }
            | Lexeme::Regex(_)
            | Lexeme::Concept(_) => self.operand(token),
        }
    }

    /// An operator with nothing on one side.
    fn missing(&mut self) -> Expr {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).cloned();
        let operator = before.filter(|token| !matches!(token.kind, Lexeme::Close));
        match (operator, self.tokens.get(self.at)) {
            (Some(token), Some(Token { kind: Lexeme::Close, .. })) if token.kind == Lexeme::Open => {
                let span = token.span.start..self.here().end;
                self.findings.push(
                    Finding::error("E04", &span, "these brackets are empty").help("put a term between them"),
                );
            }
            (Some(token), _) if token.kind != Lexeme::Open => {
                self.findings
                    .push(Finding::error("E04", &token.span, "there is no term after this operator").help(
                    "write a term after it, or remove it; an operator to be found as a word stands in quotes",
                ));
            }
            (_, Some(Token { kind: Lexeme::Close, .. })) => {}
            _ => {
                let span = self.here();
                self.findings.push(
                    Finding::error("E04", &span, "there is no term before this operator")
                        .help("write a term before it, or remove it; an operator to be found as a word stands in quotes"),
                );
                // `OR x` and `AND x`: go on behind the operator.
                if matches!(self.peek(), Some(Lexeme::Near { .. })) {
                    self.at += 1;
                }
            }
        }
        self.broken()
    }

    fn group(&mut self, open: &Token) -> Expr {
        self.at += 1;
        if !self.enter() {
            return self.broken();
        }
        let inner = self.or();
        self.depth -= 1;
        let end = self.here().end;
        if self.next_is(0, &Lexeme::Close) {
            self.at += 1;
        } else if !self.findings.iter().any(|finding| finding.code == "E18") {
            self.findings.push(
                Finding::error("E02", &open.span, "this bracket is never closed")
                    .help("put a ) after the last term of the group"),
            );
        }
        Expr { kind: inner.kind, span: open.span.start..end.max(open.span.end) }
    }

    fn prefixed(&mut self, token: &Token, kind: impl FnOnce(Box<Expr>) -> Kind) -> Expr {
        self.at += 1;
        if !self.enter() {
            return self.broken();
        }
        let inner = self.primary();
        self.depth -= 1;
        let span = token.span.start..inner.span.end.max(token.span.end);
        Expr { kind: kind(Box::new(inner)), span }
    }

    fn operand(&mut self, token: Token) -> Expr {
        self.at += 1;
        self.terms += 1;
        if self.terms == MAX_TERMS + 1 {
            self.findings.push(
                Finding::error("E17", &token.span, format!("a query has at most {MAX_TERMS} terms"))
                    .help("move lists of terms into concepts, or split the topic"),
            );
            self.at = self.tokens.len();
        }
        let mut span = token.span;
        let boost = self.boost(&mut span);
        let (mode, body) = match token.kind {
            Lexeme::Concept(name) => {
                return Expr { kind: Kind::Concept(name), span };
            }
            Lexeme::Quoted { mode, text, slop } => {
                if slop.is_some_and(|n| n > MAX_NEAR) {
                    let message = format!("`~` reaches at most {MAX_NEAR} words");
                    self.findings
                        .push(Finding::error("E06", &span, message).help("use AND for the whole article"));
                }
                (mode, Body::Phrase { text, slop })
            }
            Lexeme::Regex(text) => (Mode::Forms, Body::Regex(text)),
            Lexeme::Word { mode, text } => {
                self.suspicious(&text, &span);
                (mode, Body::Word(text))
            }
            _ => (Mode::Forms, Body::Word("IN".to_owned())),
        };
        Expr { kind: Kind::Term(Term { mode, body, boost }), span }
    }

    fn boost(&mut self, span: &mut Range<usize>) -> f32 {
        match self.tokens.get(self.at) {
            Some(Token { kind: Lexeme::Boost(boost), span: place, spaced: false }) => {
                span.end = place.end;
                self.at += 1;
                *boost
            }
            _ => 1.0,
        }
    }

    /// Words that look like operators of this or another language.
    fn suspicious(&mut self, text: &str, span: &Range<usize>) {
        let lower = text.to_ascii_lowercase();
        let upper = text.to_ascii_uppercase();
        if let Some(help) = foreign(&lower) {
            let message = format!("`{text}` is an operator of other tools, not of this one");
            self.findings.push(Finding::error("E22", span, message).help(help));
        } else if matches!(lower.as_str(), "and" | "or" | "not" | "near")
            || lower.split_once('/').is_some_and(|(name, n)| {
                matches!(name, "near" | "onear" | "atleast" | "mentions" | "first")
                    && (n == "s" || n == "p" || n.parse::<u32>().is_ok())
            })
        {
            self.findings.push(
                Finding::warning("W01", span, format!("`{text}` is searched as a word"))
                    .help(format!("operators are upper-case: {upper}; in quotes it is surely a word")),
            );
        } else if let Some(word) = text.strip_prefix(['-', '+']).filter(|word| !word.is_empty()) {
            let (sign, help) = if text.starts_with('-') {
                ("-", format!("write NOT {word} to leave articles out"))
            } else {
                ("+", format!("write AND {word}"))
            };
            let message = format!("`{sign}` before a word means nothing here");
            self.findings.push(Finding::warning("W08", span, message).help(help));
        } else if text.starts_with('\'')
            && self
                .tokens
                .iter()
                .any(|token| matches!(&token.kind, Lexeme::Word { text, .. } if text.ends_with('\'')))
        {
            self.findings.push(
                Finding::warning("W08", span, "single quotes do not make a phrase")
                    .help("put the words in double quotes"),
            );
        }
    }
}

/// Proximity operators of other tools, with what to write instead.
fn foreign(lower: &str) -> Option<String> {
    let name = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/' || c == 'f');
    let number: String = lower[name.len()..].chars().filter(char::is_ascii_digit).collect();
    let rest = &lower[name.len()..];
    if number.is_empty() || !(rest.contains('/') || matches!(name, "near" | "adj")) {
        return None;
    }
    match name {
        "near" if rest.ends_with('f') => Some(format!("write ONEAR/{number}")),
        "near" if !rest.contains('/') => Some(format!("write NEAR/{number}")),
        "w" | "within" => Some(format!("write NEAR/{number}")),
        "pre" | "adj" => Some(format!("write ONEAR/{number}")),
        _ => None,
    }
}

/// One part stands for itself, several for their combination; inner groups of the same kind are kept.
fn joined(mut parts: Vec<Expr>, kind: impl FnOnce(Vec<Expr>) -> Kind) -> Expr {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let span = parts.first().map_or(0, |part| part.span.start)..parts.last().map_or(0, |part| part.span.end);
    Expr { kind: kind(parts), span }
}
