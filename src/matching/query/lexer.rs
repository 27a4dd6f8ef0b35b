//! Splits a query into its tokens. Typographic signs that people paste are read as the plain ones.

use std::ops::Range;

use super::Finding;
use super::ast::{Count, Mode, Part, Reach};

/// A token and where it stands, in code points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Lexeme,
    pub(super) span: Range<usize>,
    /// Whether white space stands before it.
    pub(super) spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lexeme {
    Open,
    Close,
    And,
    Or,
    Not,
    In,
    Near { ordered: bool, reach: Option<Reach> },
    Count(Count, Option<u32>),
    Field(Part),
    Quoted { mode: Mode, text: String, slop: Option<u32> },
    Word { mode: Mode, text: String },
    Regex(String),
    Concept(String),
    Boost(f32),
}

/// One plain sign for each of its typographic variants; always one code point for one.
fn plain(c: char) -> char {
    match c {
        '“' | '”' | '„' | '‟' | '«' | '»' | '＂' | '〝' | '〞' | '「' | '」' | '『' | '』' => {
            '"'
        }
        '（' | '⟮' => '(',
        '）' | '⟯' => ')',
        '’' | '‘' | 'ʼ' | '＇' | '´' | '`' => '\'',
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '－' | '﹣' => '-',
        '：' => ':',
        '\u{3000}' | '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

pub(super) struct Lexer<'f> {
    chars: Vec<char>,
    at: usize,
    spaced: bool,
    tokens: Vec<Token>,
    findings: &'f mut Vec<Finding>,
}

/// Splits `query` into tokens.
pub(super) fn lex(query: &str, findings: &mut Vec<Finding>) -> Vec<Token> {
    let chars = query.chars().map(plain).collect();
    let mut lexer = Lexer { chars, at: 0, spaced: true, tokens: Vec::new(), findings };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.tokens
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn push(&mut self, kind: Lexeme, from: usize) {
        let token = Token { kind, span: from..self.at, spaced: self.spaced };
        self.spaced = false;
        self.tokens.push(token);
    }

    fn step(&mut self) {
        let from = self.at;
        let Some(c) = self.peek(0) else { return };
        match c {
            c if c.is_whitespace() => {
                self.at += 1;
                self.spaced = true;
            }
            ',' | ';' => {
                self.at += 1;
                self.spaced = true;
                self.findings.push(
                    Finding::warning(
                        "W09",
                        &(from..self.at),
                        format!("`{c}` is no operator and is passed over"),
                    )
                    .help(
                        "write OR between terms of which any will do, AND between terms that are all needed",
                    ),
                );
            }
            '{' | '}' | '[' | ']' | '<' | '>' => {
                self.at += 1;
                self.findings.push(
                    Finding::warning(
                        "W09",
                        &(from..self.at),
                        format!("`{c}` is no bracket and is passed over"),
                    )
                    .help("group terms with ( and ); in quotes they are surely words"),
                );
            }
            '(' => {
                self.at += 1;
                self.push(Lexeme::Open, from);
            }
            ')' => {
                self.at += 1;
                self.push(Lexeme::Close, from);
            }
            '"' => self.quoted(Mode::Forms, from),
            '=' | '^' if self.peek(1) == Some('"') => {
                self.at += 1;
                self.quoted(mode_of(c), from);
            }
            '^' if self.peek(1) == Some('^') => self.boost(from),
            '^' if self.is_weight() => self.single_boost(from),
            '@' => self.concept(from),
            '/' if self.is_distance() => self.distance(from),
            '/' => self.regex(from),
            '&' | '|' | '!' => self.foreign_sign(c, from),
            _ => self.word(from),
        }
    }

    fn quoted(&mut self, mode: Mode, from: usize) {
        self.at += 1;
        let start = self.at;
        while self.peek(0).is_some_and(|c| c != '"') {
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        if self.peek(0).is_none() {
            self.findings.push(
                Finding::error("E01", &(from..self.at), "this quote is never closed")
                    .help("put a \" after the last word of the phrase"),
            );
        }
        self.at = (self.at + 1).min(self.chars.len());
        let slop = (self.peek(0) == Some('~')).then(|| {
            self.at += 1;
            self.number().unwrap_or_else(|| {
                self.findings.push(
                    Finding::error("E05", &(from..self.at), "`~` needs a number")
                        .help("write \"…\"~5 for any order with at most 5 other words among them"),
                );
                0
            })
        });
        self.push(Lexeme::Quoted { mode, text, slop }, from);
    }

    /// Reads digits; a number out of range is as large as can be, for the parser to refuse.
    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.chars[start..self.at].iter().collect();
        (!digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
    }

    fn boost(&mut self, from: usize) {
        self.at += 2;
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '.') {
            self.at += 1;
        }
        let number: String = self.chars[start..self.at].iter().collect();
        // Not a weight of 1 and then a word: `a^^1e9`.
        let digits = self.at;
        while self.peek(0).is_some_and(char::is_alphanumeric) {
            self.at += 1;
        }
        let boost = number.parse::<f32>().ok().filter(|n| self.at == digits && (0.0..=100.0).contains(n));
        if boost.is_none() {
            self.findings.push(
                Finding::error("E19", &(from..self.at), "`^^` needs a number from 0 to 100")
                    .help("write term^^2 to let a term weigh twice as much in the score"),
            );
        }
        self.push(Lexeme::Boost(boost.unwrap_or(1.0)), from);
    }

    /// Whether `^2` stands right behind a phrase or a bracket.
    fn is_weight(&self) -> bool {
        let behind = self.tokens.last().is_some_and(|token| {
            matches!(
                token.kind,
                Lexeme::Close | Lexeme::Quoted { .. } | Lexeme::Regex(_) | Lexeme::Concept(_)
            )
        });
        !self.spaced && behind && self.peek(1).is_some_and(|c| c.is_ascii_digit())
    }

    fn single_boost(&mut self, from: usize) {
        self.at += 1;
        while self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '.') {
            self.at += 1;
        }
        self.findings.push(
            Finding::error("E19", &(from..self.at), "a weight is written with two `^`")
                .help("write \"…\"^^2 behind a word or a phrase of a scored topic"),
        );
    }

    /// Whether `/s`, `/p` or `/5` stands by itself, as other tools write distances.
    fn is_distance(&self) -> bool {
        let letters = usize::from(matches!(self.peek(1), Some('s' | 'p' | 'S' | 'P')));
        let digits = (1..5).take_while(|at| self.peek(*at).is_some_and(|c| c.is_ascii_digit())).count();
        let length = letters.max(digits);
        length > 0 && !self.tokens.is_empty() && self.peek(1 + length).is_some_and(char::is_whitespace)
    }

    fn distance(&mut self, from: usize) {
        self.at += 1;
        while self.peek(0).is_some_and(|c| !c.is_whitespace()) {
            self.at += 1;
        }
        let reach: String = self.chars[from + 1..self.at].iter().collect();
        let reach = reach.to_lowercase();
        self.findings.push(
            Finding::error(
                "E22",
                &(from..self.at),
                format!("`/{reach}` is an operator of other tools, not of this one"),
            )
            .help(format!(
                "write NEAR/{reach}; a regular expression that begins so has a slash at its end, too"
            )),
        );
        let reach = if reach == "s" { Reach::Sentence } else { Reach::Paragraph };
        self.push(Lexeme::Near { ordered: false, reach: Some(reach) }, from);
    }

    fn concept(&mut self, from: usize) {
        self.at += 1;
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        if name.is_empty() {
            self.findings.push(
                Finding::error("E08", &(from..self.at), "`@` needs the name of a concept")
                    .help("write @name for the concept of [concepts.name]"),
            );
        }
        self.push(Lexeme::Concept(name), from);
    }

    fn regex(&mut self, from: usize) {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek(0) {
                None => {
                    self.findings.push(
                        Finding::error("E10", &(from..self.at), "this regular expression is never closed")
                            .help("put a / after it; for a plain slash put the words in quotes"),
                    );
                    break;
                }
                Some('/') => {
                    self.at += 1;
                    break;
                }
                Some('\\') => {
                    // `\/` is a slash; any other pair is the pattern's own, `\\` too.
                    let pair = self.peek(1);
                    text.extend((pair != Some('/')).then_some('\\').into_iter().chain(pair));
                    self.at += 1 + usize::from(pair.is_some());
                }
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.push(Lexeme::Regex(text), from);
    }

    fn foreign_sign(&mut self, c: char, from: usize) {
        while self.peek(0) == Some(c) {
            self.at += 1;
        }
        let (sign, word, kind) = match c {
            '&' => ("&", "AND", Lexeme::And),
            '|' => ("|", "OR", Lexeme::Or),
            _ => ("!", "NOT", Lexeme::Not),
        };
        self.findings.push(
            Finding::error("E22", &(from..self.at), format!("`{sign}` is not an operator here"))
                .help(format!("write {word}")),
        );
        self.push(kind, from);
    }

    fn word(&mut self, from: usize) {
        let mut mode = Mode::Forms;
        let mut start = self.at;
        if let Some(sign @ ('=' | '^')) = self.peek(0) {
            mode = mode_of(sign);
            self.at += 1;
            start = self.at;
        }
        let mut colons = 0;
        while self.in_word() {
            self.at += 1;
            if self.peek(0) == Some(':') {
                colons += 1;
                // Behind the first one there is no name any more.
                if colons == 1 && self.field(start, mode, from) {
                    return;
                }
            }
        }
        let text: String = self.chars[start..self.at].iter().collect();
        if text.is_empty() {
            self.findings.push(
                Finding::error("E14", &(from..self.at), format!("`{}` needs a word", self.chars[from]))
                    .help("write it right before a word or a quoted phrase"),
            );
        }
        let kind = if mode == Mode::Forms { keyword(&text) } else { None };
        self.push(kind.unwrap_or(Lexeme::Word { mode, text }), from);
    }

    fn in_word(&self) -> bool {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        match self.peek(0) {
            None => false,
            Some('^') => self.peek(1) != Some('^'),
            Some(',') => self.at > 0 && digit(self.chars.get(self.at - 1).copied()) && digit(self.peek(1)),
            Some(c) => !(c.is_whitespace() || matches!(c, '(' | ')' | '"' | ';' | '|')),
        }
    }

    /// `name:` before an operand. Anything else with a colon inside (`10:30`) stays a word.
    fn field(&mut self, start: usize, mode: Mode, from: usize) -> bool {
        let name: String = self.chars[start..self.at].iter().collect();
        if mode != Mode::Forms || name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic()) {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        let known = Part::ALL.into_iter().find(|part| part.word() == lower);
        // `https://…` is an address and "Note:" a word; both stay words.
        let operand = self.peek(1).is_some_and(|c| !c.is_whitespace() && !matches!(c, ')' | '/'));
        if known.is_none() && !operand {
            return false;
        }
        self.at += 1;
        if known.is_none() {
            // Half of another word is no slip of the pen.
            let close = |word: &&str| near_to(word, &lower) * 3 <= lower.chars().count();
            let nearest = || {
                let close = Part::ALL.into_iter().map(Part::word).filter(close);
                close.min_by_key(|word| near_to(word, &lower))
            };
            let near = other_name(&lower).or_else(nearest);
            let near = near.map(|near| format!("did you mean `{near}:`? ")).unwrap_or_default();
            let all = Part::ALL.map(Part::word).join(", ");
            self.findings.push(
                Finding::error("E13", &(from..self.at), format!("there is no field `{name}:`")).help(
                    format!("{near}fields are {all}; to find a text with a colon in it, put it in quotes"),
                ),
            );
        }
        self.push(Lexeme::Field(known.unwrap_or(Part::Text)), from);
        true
    }
}

/// Names that other tools have for our fields.
fn other_name(lower: &str) -> Option<&'static str> {
    Some(match lower {
        "headline" | "hd" | "intitle" | "allintitle" | "hlead" | "subject" => "title",
        "ingress" | "intro" | "summary" | "description" => "lead",
        "content" | "intext" | "fulltext" => "body",
        "by" | "byline" | "writer" => "author",
        "inurl" | "link" | "links" => "url",
        "host" | "domain" | "publisher" => "site",
        "source" | "rst" | "channel" => "feed",
        "language" | "la" => "lang",
        "category" | "label" => "tag",
        _ => return None,
    })
}

/// How unlike two names are; a long one is like none.
pub(in crate::matching) fn near_to(known: &str, name: &str) -> usize {
    if name.len() > 64 { usize::MAX } else { strsim::damerau_levenshtein(known, name) }
}

const fn mode_of(sign: char) -> Mode {
    if sign == '=' { Mode::Folded } else { Mode::Exact }
}

/// Operators are upper-case.
fn keyword(text: &str) -> Option<Lexeme> {
    Some(match text {
        "AND" => Lexeme::And,
        "OR" => Lexeme::Or,
        "NOT" => Lexeme::Not,
        "IN" => Lexeme::In,
        _ => {
            let (name, number) = match text.split_once('/') {
                Some((name, number)) => (name, Some(number)),
                None => (text, None),
            };
            let count = |kind| Lexeme::Count(kind, number.and_then(digits));
            match name {
                "NEAR" | "ONEAR" => Lexeme::Near { ordered: name == "ONEAR", reach: number.and_then(reach) },
                "ATLEAST" => count(Count::AtLeast),
                "MENTIONS" => count(Count::Mentions),
                "FIRST" => count(Count::First),
                _ => return None,
            }
        }
    })
}

fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(u32::MAX))
}

fn reach(text: &str) -> Option<Reach> {
    match text {
        "s" | "S" => Some(Reach::Sentence),
        "p" | "P" => Some(Reach::Paragraph),
        _ => digits(text).map(Reach::Words),
    }
}
