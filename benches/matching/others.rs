//! What stands beside the matcher: the least there is to do, and what one would write without an index.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::Regex;
use rustc_hash::FxBuildHasher;
use wirewatch::domain::boilerplate::{Blocks, Memory};

use super::language::Article;
use super::topics::Wanted;
use super::{Contestant, bytes_each, cpu, seconds_since};

/// Splits at what is no letter or digit, and looks each word up in a hash map of all words of the topics' terms; no forms, no
/// capitals, no phrases, no positions, no topics.
pub(super) fn floor<'c>(wanted: &[Wanted]) -> Contestant<'c> {
    let mut words: HashMap<Box<[u8]>, u32, FxBuildHasher> = HashMap::default();
    let terms = wanted.iter().flat_map(|topic| topic.facets.iter().flatten().chain(&topic.exclude));
    for word in terms.flat_map(|term| term.split(' ')) {
        let number = u32::try_from(words.len()).expect("fewer words");
        words.entry(Box::from(word.as_bytes())).or_insert(number);
    }
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut found: Vec<u32> = Vec::new();
    let one = move |article: &Article| {
        found.clear();
        for text in [article.title.as_bytes(), article.text.as_bytes()] {
            let mut at = 0;
            while at < text.len() {
                let length = text[at..].iter().take_while(|byte| inside(byte)).count();
                if length > 0 {
                    found.extend(words.get(&text[at..at + length]));
                }
                at += length + 1;
            }
        }
        found.len()
    };
    Contestant::new("words split and looked up, nothing else", usize::MAX, one)
}

/// What a new article costs besides: which of its blocks and sentences are boilerplate, in a feed that repeats none.
pub(super) fn boilerplate<'c>() -> Contestant<'c> {
    let memory = Memory::default();
    let one = move |article: &Article| Blocks::of(&article.text).marks(&memory).len();
    Contestant::new("boilerplate of a new article", usize::MAX, one)
}

pub(super) fn aho_corasick<'c>(wanted: &[Wanted], in_use: fn() -> Option<usize>) -> Contestant<'c> {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut literals: Vec<&str> = Vec::new();
    let bytes_before = in_use();
    let before = cpu();
    let mut id = |term| {
        *ids.entry(term).or_insert_with(|| {
            literals.push(term);
            u32::try_from(literals.len() - 1).expect("fewer terms")
        })
    };
    let mut topics: Vec<[Vec<u32>; 4]> = Vec::new();
    for topic in wanted {
        let mut own: [Vec<u32>; 4] = Default::default();
        for (facet, terms) in own.iter_mut().zip(&topic.facets) {
            facet.extend(terms.iter().map(|term| id(term.as_str())));
        }
        own[3].extend(topic.exclude.iter().map(|term| id(term.as_str())));
        topics.push(own);
    }
    let mut access: Vec<Vec<u32>> = vec![Vec::new(); literals.len()];
    for (number, topic) in (0..).zip(&topics) {
        for term in &topic[0] {
            access[*term as usize].push(number);
        }
    }
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(&literals)
        .expect("an automaton");
    let mut seen = vec![false; literals.len()];
    drop((ids, literals));
    let built = seconds_since(before);
    let bytes = bytes_each(bytes_before, in_use(), wanted.len());
    let mut found: Vec<u32> = Vec::new();
    let one = move |article: &Article| {
        found.clear();
        for text in [&article.title, &article.text] {
            let letter = |at: Option<usize>| {
                at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric)
            };
            for hit in automaton.find_overlapping_iter(text) {
                let term = hit.pattern().as_usize();
                if !seen[term] && !letter(hit.start().checked_sub(1)) && !letter(Some(hit.end())) {
                    seen[term] = true;
                    found.push(hit.pattern().as_u32());
                }
            }
        }
        let any = |terms: &[u32]| terms.iter().any(|term| seen[*term as usize]);
        let mut candidates: Vec<u32> =
            found.iter().flat_map(|term| access[*term as usize].iter().copied()).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let holds = |topic: &&u32| {
            let [_, two, three, not] = &topics[**topic as usize];
            any(two) && any(three) && !any(not)
        };
        let matches = candidates.iter().filter(holds).count();
        for term in &found {
            seen[*term as usize] = false;
        }
        matches
    };
    Contestant { built, bytes, ..Contestant::new("aho-corasick and Boolean", usize::MAX, one) }
}

pub(super) fn regular_expressions<'c>(wanted: &[Wanted], in_use: fn() -> Option<usize>) -> Contestant<'c> {
    let bytes_before = in_use();
    let before = cpu();
    let regex =
        |terms: &[String]| Regex::new(&format!(r"(?i)\b(?:{})\b", terms.join("|"))).expect("a pattern");
    let topics: Vec<(Vec<Regex>, Option<Regex>)> = wanted
        .iter()
        .map(|topic| {
            let not = topic.exclude.as_ref().map(|word| regex(std::slice::from_ref(word)));
            (topic.facets.iter().map(|facet| regex(facet)).collect(), not)
        })
        .collect();
    let built = seconds_since(before);
    let bytes = bytes_each(bytes_before, in_use(), wanted.len());
    let is_in =
        |regex: &Regex, article: &Article| regex.is_match(&article.title) || regex.is_match(&article.text);
    let one = move |article: &Article| {
        let holds = |(facets, not): &&(Vec<Regex>, Option<Regex>)| {
            facets.iter().all(|facet| is_in(facet, article))
                && !not.as_ref().is_some_and(|not| is_in(not, article))
        };
        topics.iter().filter(holds).count()
    };
    Contestant { built, bytes, ..Contestant::new("a regex for each facet", 100, one) }
}
