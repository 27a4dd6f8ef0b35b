//! The words of an article, and where a term stands among them.

use frostem::Algorithm;
use regex_automata::meta::Regex;
use wirewatch::domain::article::Document;
use wirewatch::matching::query::ast::{Body, Mode, Term};
use wirewatch::matching::text::class::Script;
use wirewatch::matching::text::fold::{fold, lower, plain};
use wirewatch::matching::text::forms::{Forms, MAX_WORD, all_stems, query_spellings, stems};
use wirewatch::matching::text::lang::{Stemmers, stemmers};
use wirewatch::matching::text::token::{Token, Tokens, script_of, tokenise, tokenise_term};

use super::{BODY, Span};

/// A term of more compounds than this is not looked for with some of them joined.
const MAX_JOINED: usize = 3;

/// A word of an article, or a compound as one.
struct Word {
    span: Span,
    script: Script,
    forms: Forms,
    stems: Vec<(Algorithm, String)>,
}

pub(super) struct Words {
    all: Vec<Word>,
    stemmers: Stemmers,
    title: Tokens,
    body: Tokens,
}

impl Words {
    pub(super) fn new(document: &Document<'_>) -> Self {
        let stemmers = stemmers(document.lang, document.title, document.text);
        let (mut title, mut body) = (Tokens::default(), Tokens::default());
        tokenise(document.title, 0, &mut title);
        tokenise(document.text, BODY, &mut body);
        let mut all = Vec::new();
        for (text, tokens) in [(document.title, &title), (document.text, &body)] {
            for token in &tokens.tokens {
                let (start, end) = (token.start as usize, token.end as usize);
                let repeated = |(from, to): &(usize, usize)| *from < end && start < *to;
                let silent = token.position >= BODY && document.boilerplate.iter().any(repeated);
                if !silent && end - start <= MAX_WORD {
                    all.push(Word::new(&text[start..end], token, stemmers));
                }
            }
        }
        Self { all, stemmers, title, body }
    }

    pub(super) fn in_body(&self) -> u32 {
        u32::try_from(self.body.places().count()).unwrap()
    }

    /// The bytes a span covers.
    pub(super) fn bytes(&self, (start, end): Span) -> (usize, usize) {
        let place = |position: u32| match position {
            BODY.. => self.body.places().nth((position - BODY) as usize).unwrap(),
            _ => self.title.places().nth(position as usize).unwrap(),
        };
        (place(start).0 as usize, place(end - 1).1 as usize)
    }

    pub(super) fn same_sentence(&self, span: Span) -> bool {
        unbroken(span, self.title.sentences.iter().chain(&self.body.sentences))
    }

    pub(super) fn same_paragraph(&self, span: Span) -> bool {
        unbroken(span, self.title.paragraphs.iter().chain(&self.body.paragraphs))
    }

    // --- terms -------------------------------------------------------------------------------------------------

    pub(super) fn spans(&self, term: &Term) -> Vec<Span> {
        let (text, slop) = match &term.body {
            Body::Word(text) => (text, None),
            Body::Phrase { text, slop } => (text, *slop),
            Body::Regex(pattern) => {
                let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).expect("a pattern");
                let fits =
                    |word: &&Word| regex.is_match(&word.forms.exact) || regex.is_match(&word.forms.folded[0]);
                return self.all.iter().filter(fits).map(|word| word.span).collect();
            }
        };
        let mut spans = Vec::new();
        for row in rows(text, term.mode) {
            let places: Vec<Vec<Span>> = row.iter().map(|word| self.places(word, term.mode)).collect();
            match slop {
                Some(slop) if places.len() > 1 => spans.extend(loose(&row, &places, slop)),
                _ => spans.extend(in_a_row(&places).into_iter().filter(|span| self.same_paragraph(*span))),
            }
        }
        spans
    }

    fn places(&self, wanted: &str, mode: Mode) -> Vec<Span> {
        self.all.iter().filter(|word| word.is(wanted, mode, self.stemmers)).map(|word| word.span).collect()
    }
}

fn unbroken((start, end): Span, mut breaks: impl Iterator<Item = impl std::borrow::Borrow<u32>>) -> bool {
    !breaks.any(|at| start < *at.borrow() && *at.borrow() < end) && (start < BODY) == (end <= BODY)
}

/// The spellings of a term: each compound split, and each joined.
fn rows(text: &str, mode: Mode) -> Vec<Vec<String>> {
    let text = text.trim_start_matches(['\'', '-', '+']);
    let tokens = tokenise_term(text).tokens;
    let compounds = tokens.iter().filter(|token| token.width > 1).count();
    let joins = mode != Mode::Exact && compounds <= MAX_JOINED;
    let mut rows = Vec::new();
    spell(text, &tokens, 0, (mode, joins), &mut Vec::new(), &mut rows);
    rows
}

fn spell(
    text: &str,
    tokens: &[Token],
    at: u32,
    (mode, joins): (Mode, bool),
    row: &mut Vec<String>,
    rows: &mut Vec<Vec<String>>,
) {
    let mut here = tokens.iter().filter(|token| token.position == at).peekable();
    if here.peek().is_none() {
        rows.push(row.clone());
    }
    for token in here.filter(|token| token.width == 1 || joins) {
        let surface = &text[token.start as usize..token.end as usize];
        let beside = |other: &&Token| other.position.abs_diff(at) == 1 && other.script == Script::Unspaced;
        // Beside characters that are found anywhere, a `*` says nothing more.
        let open = surface.chars().all(|c| c == '*') && tokens.iter().any(|other| beside(&other));
        let number = |other: &&Token| {
            let own = &text[other.start as usize..other.end as usize];
            own.contains(|c: char| c.is_ascii_digit()) && other.width > 1
        };
        let within = |other: &&Token| other.position <= at && at < other.position + u32::from(other.width);
        // Of a compound with a number no word has to be in capitals.
        let numbered = mode == Mode::Forms && tokens.iter().filter(number).any(|other| within(&other));
        let capitals =
            surface.chars().filter(|c| c.is_lowercase() || c.is_uppercase()).all(char::is_uppercase);
        let spelt = if numbered && capitals { capitalised(surface) } else { surface.to_owned() };
        row.extend((!open).then_some(spelt));
        spell(text, tokens, at + u32::from(token.width), (mode, joins), row, rows);
        row.truncate(row.len() - usize::from(!open));
    }
}

fn capitalised(word: &str) -> String {
    let first =
        word.find(char::is_uppercase).and_then(|at| word[at..].chars().next().map(|c| at + c.len_utf8()));
    let (head, tail) = word.split_at(first.unwrap_or(0));
    head.to_owned() + &tail.to_lowercase()
}

/// All ways to find the words one right behind the other.
fn in_a_row(places: &[Vec<Span>]) -> Vec<Span> {
    let Some((first, rest)) = places.split_first() else { return vec![] };
    let mut spans = first.clone();
    for next in rest {
        let pairs = spans.iter().flat_map(|(start, end)| {
            next.iter().filter(move |(from, _)| from == end).map(move |(_, to)| (*start, *to))
        });
        spans = pairs.collect();
    }
    spans
}

/// For each first word the shortest way to find all, each at a place of its own.
fn loose(row: &[String], places: &[Vec<Span>], slop: u32) -> Vec<Span> {
    let mut ways = vec![vec![]];
    for (index, own) in places.iter().enumerate() {
        let mut longer = Vec::new();
        for way in &ways {
            for (start, end) in own {
                if way.iter().all(|(_, (from, to))| end <= from || to <= start) {
                    let mut way: Vec<(usize, Span)> = way.clone();
                    way.push((index, (*start, *end)));
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    let mut best: Vec<(&str, Span, u32)> = Vec::new();
    for mut way in ways {
        way.sort_by_key(|(_, span)| *span);
        let (index, first) = way[0];
        let end = way[way.len() - 1].1.1;
        let others = end - first.0 - way.iter().map(|(_, (from, to))| to - from).sum::<u32>();
        if others <= slop {
            best.push((&row[index], first, end));
        }
    }
    best.sort_unstable();
    best.dedup_by(|later, earlier| (later.0, later.1) == (earlier.0, earlier.1));
    best.into_iter().map(|(_, (start, _), end)| (start, end)).collect()
}

// --- one word against one word -----------------------------------------------------------------------------------

impl Word {
    fn new(surface: &str, token: &Token, stemmers: Stemmers) -> Self {
        let forms = Forms::of(surface, token.script);
        let mut stems = Vec::new();
        all_stems(&forms, token.script, stemmers, |algorithm, stem| stems.push((algorithm, stem.to_owned())));
        let span = (token.position, token.position + u32::from(token.width));
        Self { span, script: token.script, forms, stems }
    }

    fn is(&self, wanted: &str, mode: Mode, stemmers: Stemmers) -> bool {
        let exact = plain(wanted);
        let own = lower(&exact);
        if exact.contains(['*', '?']) {
            return match mode {
                Mode::Exact => glob(&exact, &self.forms.exact),
                _ => self.fits(&fold(&own)),
            };
        }
        let spellings = query_spellings(&own, script_of(&own));
        let spelt = |folded: &String| spellings.contains(folded);
        let same = self.forms.folded.iter().any(spelt);
        let letters: Vec<char> = exact.chars().filter(|c| c.is_lowercase() || c.is_uppercase()).collect();
        let acronym = (2..=5).contains(&letters.len()) && letters.iter().all(|c| c.is_uppercase());
        match mode {
            Mode::Exact => self.forms.exact == exact,
            Mode::Folded => same,
            Mode::Forms if own.chars().all(|c| c.is_ascii_digit()) => same,
            Mode::Forms if acronym => self.forms.acronym.as_ref().is_some_and(spelt),
            Mode::Forms if letters.first().is_some_and(|c| c.is_uppercase()) => {
                same || self.forms.capital && self.shares_a_stem(&own, &spellings, stemmers)
            }
            Mode::Forms => {
                same || self.forms.loose.iter().any(spelt) || self.shares_a_stem(&own, &spellings, stemmers)
            }
        }
    }

    fn shares_a_stem(&self, own: &str, spellings: &[String], stemmers: Stemmers) -> bool {
        let mut shares = false;
        for algorithm in stemmers.of(script_of(own)).into_iter().flatten() {
            for spelling in spellings {
                let word = if *spelling == spellings[0] { own } else { spelling };
                stems(word, spelling, algorithm, |stem| {
                    shares |= self.stems.iter().any(|(by, other)| *by == algorithm && other == stem);
                });
            }
        }
        shares
    }

    fn fits(&self, pattern: &str) -> bool {
        let bare = if self.script == Script::Arabic { &self.forms.loose[..] } else { &[] };
        self.forms.folded.iter().chain(bare).any(|spelling| glob(pattern, spelling))
    }
}

/// Whether all of `text` fits a pattern of `*` and `?`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut rest = text.chars();
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => glob(&pattern[1..], text) || rest.next().is_some_and(|_| glob(pattern, rest.as_str())),
        Some(c) => {
            rest.next().is_some_and(|own| c == '?' || c == own)
                && glob(&pattern[c.len_utf8()..], rest.as_str())
        }
    }
}

/// A term as reports show it.
pub(super) fn shown(term: &Term) -> String {
    match &term.body {
        Body::Word(text) => text.clone(),
        Body::Phrase { text, .. } => text.trim().to_owned(),
        Body::Regex(pattern) => format!("/{pattern}/"),
    }
}
