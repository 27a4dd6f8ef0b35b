//! Words with wildcards.

use aho_corasick::AhoCorasick;
use rustc_hash::FxHashMap;

use super::words::WordId;
use crate::matching::text::class::Script;
use crate::matching::text::fold::{fold, lower};
use crate::matching::text::forms::Forms;

/// Words with wildcards.
#[derive(Debug)]
pub(super) struct Globs {
    /// `abc*` by `abc`.
    prefixes: FxHashMap<Box<str>, Vec<WordId>>,
    /// `*abc` by `abc`.
    suffixes: FxHashMap<Box<str>, Vec<WordId>>,
    /// The rest, with their patterns; the longest literal of each is in `literals`.
    others: Vec<(WordId, String, bool)>,
    literals: Option<AhoCorasick>,
}

impl Globs {
    pub(super) fn new(globs: Vec<(WordId, String, bool)>) -> Self {
        let mut prefixes: FxHashMap<Box<str>, Vec<WordId>> = FxHashMap::default();
        let mut suffixes: FxHashMap<Box<str>, Vec<WordId>> = FxHashMap::default();
        let mut others = Vec::new();
        let literal = |text: &str| !text.contains(['*', '?']);
        for (id, pattern, exact) in globs {
            match (
                pattern.strip_suffix('*').filter(|p| literal(p)),
                pattern.strip_prefix('*').filter(|p| literal(p)),
            ) {
                (Some(prefix), _) if !exact => prefixes.entry(prefix.into()).or_default().push(id),
                (_, Some(suffix)) if !exact => suffixes.entry(suffix.into()).or_default().push(id),
                _ => others.push((id, pattern, exact)),
            }
        }
        let longest = |pattern: &str| {
            let runs = pattern.split(['*', '?']);
            lower(runs.max_by_key(|run| run.len()).unwrap_or_default())
        };
        // A set too large to compile falls back to trying every pattern.
        let literals = (!others.is_empty())
            .then(|| AhoCorasick::new(others.iter().map(|(_, pattern, _)| fold(&longest(pattern)))).ok())
            .flatten();
        Self { prefixes, suffixes, others, literals }
    }

    pub(super) fn find(&self, forms: &Forms, script: Script, out: &mut Vec<WordId>) {
        for folded in &forms.folded {
            self.find_in(folded, &forms.exact, out);
        }
        if script == Script::Arabic {
            for loose in &forms.loose {
                self.find_in(loose, &forms.exact, out);
            }
        }
    }

    fn find_in(&self, folded: &str, exact: &str, out: &mut Vec<WordId>) {
        let ends = |map: &FxHashMap<Box<str>, Vec<WordId>>, part: &str, out: &mut Vec<WordId>| {
            if let Some(ids) = map.get(part) {
                out.extend(ids);
            }
        };
        if !self.prefixes.is_empty() || !self.suffixes.is_empty() {
            for (at, _) in folded.char_indices().chain([(folded.len(), ' ')]) {
                ends(&self.prefixes, &folded[..at], out);
                ends(&self.suffixes, &folded[at..], out);
            }
        }
        let try_one = |(id, pattern, as_written): &(WordId, String, bool), out: &mut Vec<WordId>| {
            if glob(pattern, if *as_written { exact } else { folded }) {
                out.push(*id);
            }
        };
        match &self.literals {
            Some(literals) => {
                for found in literals.find_overlapping_iter(folded) {
                    try_one(&self.others[found.pattern().as_usize()], out);
                }
            }
            None => self.others.iter().for_each(|other| try_one(other, out)),
        }
    }
}

/// Whether `text` fits `pattern`: `*` is any run of characters, `?` exactly one. Linear but for the restarts at
/// the last `*`, which words of bounded length keep small.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        if pattern.get(p).is_some_and(|c| *c != '*' && (*c == '?' || *c == text[t])) {
            p += 1;
            t += 1;
        } else if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            t = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_whole_words() {
        for (pattern, text, fits) in [
            ("troop*", "troops", true),
            ("troop*", "troop", true),
            ("*soldaten", "grenzsoldaten", true),
            ("t?rm", "term", true),
            ("t?rm", "trm", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a*b", "abc", false),
            ("파병*", "파병했다", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
