//! Terms to words, in every spelling they go by.

use super::compile::Compiler;
use super::program::{LEAF, Leaf, NodeId, SINGLE};
use super::words::Compare;
use crate::matching::query::ast::{Body, Expr, Kind, Mode, Term};
use crate::matching::query::{Finding, print};
use crate::matching::text::class::Script;
use crate::matching::text::fold::{fold, lower, plain};
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::token::{Token, tokenise_term};

/// The most spellings a term is tried in; a phrase of many compounds is only tried as it is written and split.
const MAX_COMPOUNDS: u32 = 3;
/// The most words of a phrase.
const MAX_PHRASE: usize = 64;

impl Compiler<'_> {
    pub(super) fn term(&mut self, expr: &Expr, term: &Term) -> NodeId {
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
        let words = tokens.places().count();
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
