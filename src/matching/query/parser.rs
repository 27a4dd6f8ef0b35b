//! Tokens to tree, by recursive descent. A mistake is noted and parsing goes on, so that all are reported.

use std::ops::Range;

use super::ast::{Body, Expr, Kind, Mode, Reach, Term};
use super::foreign::foreign;
use super::lexer::{Lexeme, Token, lex};
use super::{Finding, MAX_CHAIN, MAX_DEPTH, MAX_NEAR, MAX_QUERY, MAX_REGEX, MAX_REGEXES, MAX_TERMS, print};
use crate::matching::Level;

/// The longest query that is shown in a message, in code points.
const MAX_SHOWN: usize = 300;

/// Reads a query. Where it has errors the tree holds [`Kind::Broken`] and must not be used.
pub fn parse(query: &str) -> (Expr, Vec<Finding>) {
    let mut findings = Vec::new();
    let length = query.chars().count();
    if let Some(expr) = too_long(length, &mut findings) {
        return (expr, findings);
    }
    let tokens = lex(query, &mut findings);
    let single_quotes =
        tokens.iter().any(|token| matches!(&token.kind, Lexeme::Word { text, .. } if text.ends_with('\'')));
    let mut parser =
        Parser { tokens, at: 0, depth: 0, terms: 0, regexes: 0, single_quotes, end: length, findings };
    let expr = parser.query();
    let mut findings = parser.findings;
    findings.sort_by_key(|finding| (finding.start, finding.end, finding.code));
    findings.dedup();
    (expr, findings)
}

fn too_long(length: usize, findings: &mut Vec<Finding>) -> Option<Expr> {
    if length <= MAX_QUERY {
        return None;
    }
    let message = format!("a query has at most {MAX_QUERY} characters");
    findings.push(
        Finding::error("E21", &(MAX_QUERY..length), message)
            .help("move lists of terms into concepts, or split the topic"),
    );
    Some(Expr { kind: Kind::Broken, span: 0..length })
}

/// Reads one term of a list: several words are a phrase, operators are errors.
pub fn parse_term(text: &str) -> (Expr, Vec<Finding>) {
    let mut findings = Vec::new();
    let length = text.chars().count();
    let whole = 0..length;
    if let Some(expr) = too_long(length, &mut findings) {
        return (expr, findings);
    }
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
    regexes: usize,
    /// Whether some word ends in a single quote.
    single_quotes: bool,
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
            let printed = print(&expr);
            let help = if printed.chars().count() <= MAX_SHOWN {
                format!("it is read as: {printed}")
            } else {
                "AND binds more tightly; put brackets around what belongs together".to_owned()
            };
            self.findings.push(
                Finding::warning("W02", &expr.span, "AND and OR are mixed without brackets").help(help),
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
                let message = format!("at most {MAX_CHAIN} of NEAR, ONEAR and NOT IN stand in a row");
                self.give_up(&operator, message, "put parts of it in brackets, or use AND");
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
        let message = format!("this query is nested deeper than {MAX_DEPTH} levels");
        let span = self.tokens[self.at - 1].span.clone();
        self.give_up(&span, message, "move parts of it into concepts of their own");
        self.depth -= 1;
        false
    }

    /// Notes what is too much, once, and passes over the rest.
    fn give_up(&mut self, span: &Range<usize>, message: String, help: &str) {
        self.findings.push(Finding::error("E18", span, message).help(help));
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

    /// An operator with nothing on one side; it is left to who comes next.
    fn missing(&mut self) -> Expr {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).cloned();
        let next = self.tokens.get(self.at).cloned();
        let finding = match (before, next) {
            (Some(Token { kind: Lexeme::Near { .. } | Lexeme::Count(..) | Lexeme::In, .. }), Some(token))
                if token.kind == Lexeme::Not =>
            {
                Finding::error("E11", &token.span, "NOT has no place in the text, so nothing can be near it")
                    .help("write … NOT IN … to leave places out, or move the NOT outside")
            }
            (Some(Token { kind: Lexeme::Field(part), .. }), Some(token)) if token.kind == Lexeme::Not => {
                let word = part.word();
                Finding::error("E04", &token.span, format!("`{word}:` needs a term right behind it"))
                    .help(format!("write NOT {word}:…, or {word}:(NOT …)"))
            }
            (Some(open), Some(close)) if open.kind == Lexeme::Open && close.kind == Lexeme::Close => {
                Finding::error("E04", &(open.span.start..close.span.end), "these brackets are empty")
                    .help("put a term between them")
            }
            (_, Some(token)) if token.kind != Lexeme::Close => Finding::error(
                "E04",
                &token.span,
                "there is no term before this operator",
            )
            .help("write a term before it, or remove it; an operator to be found as a word stands in quotes"),
            (Some(token), _) if !matches!(token.kind, Lexeme::Open | Lexeme::Close) => {
                Finding::error("E04", &token.span, "there is no term after this operator").help(
                    "write a term after it, or remove it; an operator to be found as a word stands in quotes",
                )
            }
            // A bracket that is not closed, or that closes nothing: reported as that.
            _ => return self.broken(),
        };
        self.findings.push(finding);
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
                if (boost - 1.0).abs() > f32::EPSILON {
                    self.findings.push(
                        Finding::error("E19", &span, "a concept has no weight of its own")
                            .help("give weights to the terms in it: put ^^ behind them in its `query`"),
                    );
                }
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
            Lexeme::Regex(text) => {
                self.regex(&text, &span);
                (Mode::Forms, Body::Regex(text))
            }
            Lexeme::Word { mode, text } => {
                self.suspicious(&text, &span);
                (mode, Body::Word(text))
            }
            _ => {
                self.findings.push(Finding::warning("W01", &span, "`IN` is searched as a word").help(
                    "NOT IN stands between two terms: Georgia NOT IN \"Georgia Tech\"; in quotes it is surely a word",
                ));
                (Mode::Forms, Body::Word("IN".to_owned()))
            }
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

    fn regex(&mut self, pattern: &str, span: &Range<usize>) {
        self.regexes += 1;
        if self.regexes == MAX_REGEXES + 1 {
            let message = format!("a query has at most {MAX_REGEXES} regular expressions");
            self.findings.push(
                Finding::error("E17", span, message).help("join them: /one|another/ is one expression"),
            );
        }
        if pattern.chars().count() > MAX_REGEX {
            let message = format!("a regular expression has at most {MAX_REGEX} characters");
            self.findings
                .push(Finding::error("E17", span, message).help("write the words as terms of a concept"));
        }
    }

    /// Words that look like operators of this or another language.
    fn suspicious(&mut self, text: &str, span: &Range<usize>) {
        let lower = text.to_ascii_lowercase();
        let upper = text.to_ascii_uppercase();
        let called = self.tokens.get(self.at).is_some_and(|next| next.kind == Lexeme::Open && !next.spaced);
        if let Some(help) = foreign(text, &lower, called) {
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
        } else if let Some(stem) = text.strip_suffix('!').filter(|stem| stem.starts_with(char::is_lowercase))
        {
            self.findings.push(
                Finding::warning("W08", span, "`!` behind a word means nothing here")
                    .help(format!("forms are found anyway; write {stem}* for any ending")),
            );
        } else if self.single_quotes && text.starts_with('\'') {
            self.findings.push(
                Finding::warning("W08", span, "single quotes do not make a phrase")
                    .help("put the words in double quotes"),
            );
        }
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
