//! Full-text search: what of a text goes into the index, what a search asks for, and where it stands in a text.
//!
//! The index knows terms in one spelling (folded as for matching). Scripts without spaces, and Hangul, whose words
//! carry their particles, go in as pairs of characters, the last one also alone: so that any two characters find every
//! place where they stand together, which an index of words or of trigrams does not.

use std::ops::Range;

use super::text::class::Script;
use super::text::fold::{fold, lower, plain};
use super::text::token::{Token, Tokens, tokenise};

/// Words and characters of a search; what is longer is cut by nobody, but refused.
const MAX_TERMS: usize = 64;

/// Stands between the text and the compounds behind it, so that no phrase reaches across.
const FILLER: &str = "\u{2e3b}";

/// A term of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// As it stands in the index.
    text: String,
    /// Where it stands in the text, in bytes.
    place: Range<usize>,
    /// Where its first character ends, for pairs of characters.
    head: usize,
    /// Part of a run of characters, and not the one that stands alone at its end.
    paired: bool,
    /// Part of a run of characters.
    in_run: bool,
}

/// A text as the index takes it: its terms, separated by spaces.
pub fn index_text(text: &str) -> String {
    let (terms, compounds) = terms(text);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for term in &terms {
        push(&mut out, &term.text);
    }
    if !compounds.is_empty() {
        push(&mut out, FILLER);
    }
    for compound in &compounds {
        push(&mut out, &compound.text);
    }
    out
}

fn push(out: &mut String, term: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(term);
}

/// One spelling for all ways to write a word; letters and digits only.
fn spelling(surface: &str) -> String {
    if surface.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return surface.to_owned();
    }
    let mut folded = fold(&lower(&plain(surface)));
    folded.retain(|c| !c.is_ascii() || c.is_ascii_alphanumeric());
    folded
}

/// The terms of a text in their order, and its compounds, which stand over several of them.
fn terms(text: &str) -> (Vec<Term>, Vec<Term>) {
    let mut tokens = Tokens::default();
    tokenise(text, 0, &mut tokens);
    let (mut terms, mut compounds) = (Vec::with_capacity(tokens.tokens.len()), Vec::new());
    let mut run: Vec<(String, Range<usize>)> = Vec::new();
    for token in &tokens.tokens {
        let place = token.start as usize..token.end as usize;
        let continues = run.last().is_some_and(|(_, last)| last.end == place.start);
        if token.width > 1 || !is_run(token) || !continues {
            end_run(&mut run, &mut terms);
        }
        let surface = &text[place.clone()];
        if token.width > 1 {
            let text = spelling(surface);
            if !text.is_empty() {
                compounds.push(Term { text, head: place.end, place, paired: false, in_run: false });
            }
        } else if is_run(token) {
            characters(surface, place.start, token.script, &mut run);
        } else {
            let text = spelling(surface);
            if !text.is_empty() {
                terms.push(Term { text, head: place.end, place, paired: false, in_run: false });
            }
        }
    }
    end_run(&mut run, &mut terms);
    (terms, compounds)
}

const fn is_run(token: &Token) -> bool {
    matches!(token.script, Script::Unspaced | Script::Hangul)
}

/// The characters of a token, each in its one spelling.
fn characters(surface: &str, start: usize, script: Script, run: &mut Vec<(String, Range<usize>)>) {
    if script == Script::Unspaced {
        // One character, with its marks.
        run.push((spelling(surface), start..start + surface.len()));
        return;
    }
    let mut at = start;
    for c in surface.chars() {
        let end = at + c.len_utf8();
        // A whole syllable has no other spelling.
        let text =
            if matches!(c, '가'..='힣') { c.to_string() } else { spelling(c.encode_utf8(&mut [0; 4])) };
        run.push((text, at..end));
        at = end;
    }
}

/// Turns a run of characters into pairs, and the last one alone.
fn end_run(run: &mut Vec<(String, Range<usize>)>, terms: &mut Vec<Term>) {
    run.retain(|(text, _)| !text.is_empty());
    for pair in run.windows(2) {
        let [(first, from), (second, to)] = pair else { continue };
        terms.push(Term {
            text: format!("{first}{second}"),
            place: from.start..to.end,
            head: from.end,
            paired: true,
            in_run: true,
        });
    }
    if let Some((text, place)) = run.pop() {
        terms.push(Term { text, head: place.end, place, paired: false, in_run: true });
    }
    run.clear();
}

/// What is searched for: texts in which every clause holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    clauses: Vec<Clause>,
}

/// Terms that stand one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    terms: Vec<String>,
    /// The last term is only the beginning of one.
    open: bool,
    /// Where a lone character is looked for, it is the head of a pair that counts.
    head_only: bool,
    excluded: bool,
}

impl Search {
    /// Reads what a person typed: words, all of which must occur; "phrases"; beginnings*; -words that must not occur.
    /// Nothing else has a meaning, so nothing else can be wrong.
    ///
    /// # Errors
    /// When there is nothing to look for, or more than a search can hold.
    pub fn parse(words: &str) -> Result<Self, String> {
        let mut clauses = Vec::new();
        let mut rest = words.trim_start();
        while !rest.is_empty() {
            let excluded = rest.strip_prefix('-').filter(|rest| !rest.starts_with([' ', '-']));
            rest = excluded.unwrap_or(rest);
            let (chunk, after) = if let Some(quoted) = rest.strip_prefix('"') {
                quoted.split_once('"').unwrap_or((quoted, ""))
            } else {
                rest.split_at(rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len()))
            };
            let open = after.starts_with('*') || chunk.ends_with('*');
            rest = after.trim_start_matches('*').trim_start();
            if let Some(clause) = clause(chunk, open, excluded.is_some()) {
                clauses.push(clause);
            }
        }
        if clauses.iter().all(|clause| clause.excluded) {
            return Err(
                "there is no word to look for: letters, digits or characters of any script".to_owned()
            );
        }
        if clauses.iter().map(|clause| clause.terms.len()).sum::<usize>() > MAX_TERMS {
            return Err(format!("these are more than {MAX_TERMS} words; look for fewer"));
        }
        Ok(Self { clauses })
    }

    /// The search in the language of SQLite's FTS5. Terms are letters, digits and what is not ASCII, in quotes:
    /// nothing in them can be taken for an operator.
    pub fn expression(&self) -> String {
        let quoted = |clause: &Clause| {
            format!("\"{}\"{}", clause.terms.join(" "), if clause.open { " *" } else { "" })
        };
        let of = |excluded| self.clauses.iter().filter(move |clause| clause.excluded == excluded).map(quoted);
        let wanted = of(false).collect::<Vec<_>>().join(" AND ");
        of(true).fold(format!("({wanted})"), |text, clause| format!("{text} NOT {clause}"))
    }

    /// Where it stands in a text: byte ranges in order, none overlapping another.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let (terms, compounds) = terms(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for clause in self.clauses.iter().filter(|clause| !clause.excluded) {
            for sequence in [&terms, &compounds] {
                found.extend(sequence.windows(clause.terms.len()).filter_map(|window| clause.place(window)));
            }
        }
        found.sort_by_key(|place| (place.start, place.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for place in found {
            match merged.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                Some(_) | None => merged.push(place),
            }
        }
        merged
    }
}

/// The terms of what was written without a space, or in quotes.
fn clause(chunk: &str, open: bool, excluded: bool) -> Option<Clause> {
    let (mut terms, _) = terms(chunk);
    let last = terms.last()?;
    let mut head_only = false;
    let mut open = open;
    if last.in_run {
        if terms.len() > 1
            && terms[terms.len() - 2].paired
            && last.place.start < terms[terms.len() - 2].place.end
        {
            // The run may go on in the text: its pairs say all.
            terms.pop();
            open = false;
        } else {
            // A lone character: the first of a pair, or the last of a run.
            open = true;
            head_only = true;
        }
    }
    let terms = terms.into_iter().map(|term| term.text).collect();
    Some(Clause { terms, open, head_only, excluded })
}

impl Clause {
    /// The place of the clause, where these terms are it.
    fn place(&self, window: &[Term]) -> Option<Range<usize>> {
        let (first, last) = (window.first()?, window.last()?);
        let (wanted_last, before) = self.terms.split_last()?;
        let same = before.iter().zip(window).all(|(wanted, term)| *wanted == term.text);
        let ends =
            if self.open { last.text.starts_with(wanted_last.as_str()) } else { last.text == *wanted_last };
        let end = if self.head_only { last.head } else { last.place.end };
        (same && ends).then_some(first.place.start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_in_as_folded_words_and_pairs_of_characters() {
        for (text, expected) in [
            ("Résumé of the Straße", "resume of the strasse"),
            ("북한군이 온다", "북한 한군 군이 이 온다 다"),
            ("芯片", "芯片 片"),
            ("對韓國", "对韩 韩国 国"),
            ("ロシア語", "ロシ シア ア语 语"),
            ("counter-terrorism", "counter terrorism \u{2e3b} counterterrorism"),
            ("", ""),
            ("!? …", ""),
        ] {
            assert_eq!(index_text(text), expected, "{text}");
        }
    }

    /// The expression, and what of the text it finds.
    #[track_caller]
    fn check(words: &str, text: &str, expression: &str, found: &[&str]) {
        let search = Search::parse(words).expect("something to look for");
        assert_eq!(search.expression(), expression, "{words}");
        let places: Vec<&str> = search.places(text).into_iter().map(|place| &text[place]).collect();
        assert_eq!(places, found, "{words}");
    }

    #[test]
    fn searches_become_expressions_and_places() {
        check("Korea troops", "troops of Korea", r#"("korea" AND "troops")"#, &["troops", "Korea"]);
        check(r#""North Korea""#, "North Korea, Korea North", r#"("north korea")"#, &["North Korea"]);
        check("sold*", "soldiers sold", r#"("sold" *)"#, &["soldiers", "sold"]);
        check("resume -cafe", "Résumé", r#"("resume") NOT "cafe""#, &["Résumé"]);
        check("북한", "그 북한군이", r#"("북한")"#, &["북한"]);
        check("北朝鮮", "北朝鲜士兵", r#"("北朝 朝鲜")"#, &["北朝鲜"]);
        check("鮮", "北朝鮮", r#"("鲜" *)"#, &["鮮"]);
        check("北", "北朝鮮", r#"("北" *)"#, &["北"]);
        check("G7정상", "G7정상회의", r#"("g7 정상")"#, &["G7정상"]);
        check(r#""정상 G7""#, "정상 G7", r#"("정상 상 g7")"#, &["정상 G7"]);
        check(r#""북한 군""#, "북한 군인", r#"("북한 한 군" *)"#, &["북한 군"]);
        check("counterterrorism", "counter-terrorism", r#"("counterterrorism")"#, &["counter-terrorism"]);
    }

    #[test]
    fn nothing_that_is_typed_is_an_operator() {
        for words in [
            "a\" OR b",
            "NEAR(a b)",
            "title:x",
            "a* b^",
            "(((",
            "a AND",
            "-a \"",
            "{a}",
            "a+b",
            "\\",
            "x'y",
            "\"\" a",
            "-",
            "--a b",
        ] {
            if let Ok(search) = Search::parse(words) {
                let expression = search.expression();
                let outside: String = expression.split('"').step_by(2).collect();
                let words = outside.replace(['(', ')', '*'], " ");
                assert!(words.split_whitespace().all(|word| matches!(word, "AND" | "NOT")), "{expression}");
            }
        }
        assert!(Search::parse("!!! \"\"").is_err());
        assert!(Search::parse("-a").is_err());
        assert!(Search::parse(&"word ".repeat(65)).is_err());
    }
}
