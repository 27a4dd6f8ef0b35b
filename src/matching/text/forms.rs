//! The forms a word goes by.

use frostem::{Algorithm, Stemmer};

use super::class::Script;
use super::fold::{fold, lower, plain, spelled_out};
use super::lang::Stemmers;
use super::{arabic, korean};

/// Longer words than this (in bytes) are passed over.
pub const MAX_WORD: usize = 256;

/// How a word is capitalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Small letters, or a script without capitals.
    Lower,
    /// A capital first.
    Capital,
    /// Capitals only.
    Upper,
}

/// The capitals of `word`.
pub fn case(word: &str) -> Case {
    let mut cased = word.chars().filter(|c| c.is_uppercase() || c.is_lowercase());
    let Some(first) = cased.next() else { return Case::Lower };
    if first.is_lowercase() {
        Case::Lower
    } else if cased.all(char::is_uppercase) {
        Case::Upper
    } else {
        Case::Capital
    }
}

/// The forms a word of an article goes by.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// As written, in composed form.
    pub exact: String,
    /// In lower case.
    pub lower: String,
    /// Folded spellings; the first one is the word's own.
    pub folded: Vec<String>,
    /// Folded, without what may be a particle or a proclitic.
    pub loose: Vec<String>,
    /// Capitals only, and what they stand for without an ending: `UAVs`.
    pub acronym: Option<String>,
    /// Whether it has a capital first.
    pub capital: bool,
}

impl Forms {
    /// The forms of `surface`.
    pub fn of(surface: &str, script: Script) -> Self {
        let exact = plain(surface).into_owned();
        let lower = lower(&exact);
        let own = fold(&lower);
        let mut loose = Vec::new();
        match script {
            Script::Hangul => korean::nouns(&own, |noun| loose.push(noun.to_owned())),
            Script::Arabic => arabic::words(&own, |word| loose.push(word.to_owned())),
            _ => {}
        }
        let mut folded = vec![own];
        folded.extend(spelled_out(&lower).filter(|other| *other != folded[0]));
        folded.extend(several(&folded[0], script).map(str::to_owned));
        let case = case(&exact);
        let acronym = acronym(&exact, case, script);
        Self { exact, lower, folded, loose, acronym, capital: case != Case::Lower }
    }
}

/// A model's name without the English plural behind its number: two F-16s, three 747s; but not the 1990s.
fn several(folded: &str, script: Script) -> Option<&str> {
    let name = folded.strip_suffix('s').filter(|_| script == Script::Latin)?;
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits).then_some(name)
}

/// Capitals, with an English plural or a Slavic ending taken off.
fn acronym(exact: &str, case: Case, script: Script) -> Option<String> {
    match case {
        Case::Upper => Some(fold(&lower(exact))),
        Case::Lower => None,
        Case::Capital => {
            let stem = exact.trim_end_matches(char::is_lowercase);
            let ending = &exact[stem.len()..];
            let usual = match script {
                Script::Latin => ending == "s",
                Script::Cyrillic => ending.chars().count() <= 2,
                _ => false,
            };
            let capitals = stem.chars().count() >= 2 && stem.chars().all(|c| !c.is_lowercase());
            (usual && capitals).then(|| fold(&lower(stem)))
        }
    }
}

/// The stems of a word, as an article or a query has them: of the word as it is spelt, and of its folded spelling. A word
/// that has no forms has none, and is no form of another one.
pub fn stems(lower: &str, folded: &str, algorithm: Algorithm, mut found: impl FnMut(&str)) {
    if formless(folded, algorithm) {
        return;
    }
    let stemmer = Stemmer::new(algorithm);
    let own = stemmer.stem(lower);
    let own = if own.is_ascii() { own.into_owned() } else { fold(&own) };
    if folded != lower && !matches!(algorithm, Algorithm::Arabic | Algorithm::Persian) {
        let other = stemmer.stem(folded);
        if other != own {
            found(&other);
        }
    }
    found(&own);
}

/// Whether a word is one of those that are never inflected: prepositions, conjunctions, particles. The stemmers take
/// endings off all the same, which makes *при* (at) a form of *приём* (reception), *عليها* (on her) one of *علي* (Ali).
fn formless(folded: &str, algorithm: Algorithm) -> bool {
    let known = match algorithm {
        Algorithm::Russian => RUSSIAN,
        Algorithm::Ukrainian => UKRAINIAN,
        Algorithm::Arabic => return arabic::is_function_word(folded),
        _ => return false,
    };
    known.split(' ').any(|word| word == folded)
}

/// Russian words without forms, folded.
const RUSSIAN: &str = "без безо близ более будто бы вдруг ведь весьма вместо вне во вот вряд всегда где да даже для до если еще же \
    за зато здесь ибо из изо или именно иногда как ко когда кроме куда ли либо лишь между менее мимо можно на \
    над надо не нельзя ни никогда но об обо однако около опять от ото очень перед передо по под подо пока потому \
    почти поэтому при про против разве сейчас сквозь снова со сразу среди сюда также там теперь тогда тоже \
    только туда тут уже хотя через чтобы";

/// Ukrainian ones.
const UKRAINIAN: &str = "або адже але без би бо більш біля вві вже де для до дуже же за завжди замість зараз знову зі коли крім куди \
    лише майже менш можна між на навряд навіть над не ні ніколи об однак одразу ось перед по поки при про проте \
    проти під після раптом серед сюди та також там теж тепер тоді треба туди тут тільки хоча хіба через чи ще \
    щоб як якщо із іноді";

/// Calls `found` with every stem of `forms`. What is left of an Arabic word without its proclitics is compared by
/// spelling only: stems of it unite too much (measured on Universal Dependencies).
///
/// Every stem is one that `stemmers` give, and the algorithm it is by.
pub fn all_stems(forms: &Forms, script: Script, stemmers: Stemmers, mut found: impl FnMut(Algorithm, &str)) {
    let Some(own) = forms.folded.first() else { return };
    for algorithm in stemmers.of(script).into_iter().flatten() {
        stems(&forms.lower, own, algorithm, |stem| found(algorithm, stem));
    }
}

/// The folded spellings a word of a query is looked for under.
pub fn query_spellings(exact: &str, script: Script) -> Vec<String> {
    let lower = lower(exact);
    let mut out = vec![fold(&lower)];
    out.extend(spelled_out(&lower).filter(|other| *other != out[0]));
    if script == Script::Arabic {
        let bare = arabic::without_article(&out[0]).map(str::to_owned);
        out.extend(bare);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_forms_are_folded() {
        for word in RUSSIAN.split(' ').chain(UKRAINIAN.split(' ')) {
            assert!(!word.is_empty() && fold(&lower(word)) == word, "{word}");
        }
    }

    #[test]
    fn a_preposition_is_no_form_of_a_noun() {
        let of = |word: &str, algorithm| {
            let mut found = Vec::new();
            stems(word, word, algorithm, |stem| found.push(stem.to_owned()));
            found
        };
        assert_eq!(of("при", Algorithm::Russian), [""; 0]);
        assert!(!of("прием", Algorithm::Russian).is_empty());
        assert_eq!(of("над", Algorithm::Ukrainian), [""; 0]);
        assert!(!of("при", Algorithm::Serbian).is_empty());
    }
}
