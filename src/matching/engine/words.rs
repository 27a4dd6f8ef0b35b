//! All words that queries look for, and which of them a word of an article is.

use std::hash::{Hash as _, Hasher as _};
use std::sync::OnceLock;

use frostem::{Algorithm, Stemmer};
use regex_automata::meta::Regex;
use rustc_hash::{FxHashMap, FxHasher};

use super::globs::Globs;
use super::hashed::{HashIndex, hash};
use crate::matching::text::class::Script;
use crate::matching::text::fold::{fold, lower};
use crate::matching::text::forms::{Forms, all_stems, query_spellings, stems};
use crate::matching::text::lang::Stemmers;
use crate::matching::text::token::script_of;

/// How a word of a query is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Compare {
    /// Any form of it.
    Forms,
    /// Any form of it; another form must have a capital, too: Зеленський is not зелений.
    Name,
    /// Two to five capitals; the article must have them, too.
    Acronym,
    /// Folded, without endings.
    Folded,
    /// As written.
    Exact,
    /// With wildcards, folded.
    Glob,
    /// With wildcards, as written.
    ExactGlob,
    /// A regular expression.
    Regex,
}

/// A word queries look for.
pub(crate) type WordId = u32;

#[derive(Clone, Copy, Debug)]
struct Record {
    start: u32,
    len: u16,
    compare: Compare,
}

/// Collects the words of queries.
#[derive(Debug, Default)]
pub(crate) struct WordsBuilder {
    /// By hash of comparison and text; where two words share it the next number that is free.
    known: FxHashMap<u64, WordId>,
    records: Vec<Record>,
    texts: String,
    regexes: Vec<(WordId, Regex)>,
}

impl WordsBuilder {
    /// The id of a word; `text` is in lower case but for the exact ones, patterns folded.
    #[expect(clippy::cast_possible_truncation, reason = "queries are bounded, so is what they hold")]
    pub(crate) fn intern(&mut self, compare: Compare, text: &str) -> WordId {
        let key = match self.look(compare, text) {
            Ok(id) => return id,
            Err(key) => key,
        };
        let id = self.records.len() as WordId;
        let record = Record { start: self.texts.len() as u32, len: text.len() as u16, compare };
        self.texts.push_str(text);
        self.records.push(record);
        self.known.insert(key, id);
        id
    }

    /// The id of a word, or the key it would get.
    fn look(&self, compare: Compare, text: &str) -> Result<WordId, u64> {
        let mut hasher = FxHasher::default();
        (compare, text).hash(&mut hasher);
        let mut key = hasher.finish();
        while let Some(id) = self.known.get(&key) {
            if self.text(*id) == (text, compare) {
                return Ok(*id);
            }
            key = key.wrapping_add(1);
        }
        Err(key)
    }

    /// The id of a regular expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn intern_regex(&mut self, pattern: &str) -> Result<WordId, String> {
        if let Ok(id) = self.look(Compare::Regex, pattern) {
            return Ok(id);
        }
        let config = Regex::config().nfa_size_limit(Some(1 << 20)).hybrid_cache_capacity(1 << 17);
        let regex = Regex::builder()
            .configure(config)
            .build(&format!(r"\A(?:{pattern})\z"))
            .map_err(|error| describe(&error))?;
        let id = self.intern(Compare::Regex, pattern);
        self.regexes.push((id, regex));
        Ok(id)
    }

    fn text(&self, word: WordId) -> (&str, Compare) {
        text(&self.records, &self.texts, word)
    }

    pub(crate) fn finish(mut self) -> Words {
        self.records.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.regexes.shrink_to_fit();
        Words::new(self.records, self.texts, self.regexes)
    }
}

fn describe(error: &regex_automata::meta::BuildError) -> String {
    if let Some(syntax) = error.syntax_error() {
        let text = syntax.to_string();
        return text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    }
    if error.size_limit().is_some() { "it is too large".to_owned() } else { error.to_string() }
}

fn text<'t>(records: &[Record], texts: &'t str, word: WordId) -> (&'t str, Compare) {
    let record = records[word as usize];
    let start = record.start as usize;
    (&texts[start..start + usize::from(record.len)], record.compare)
}

/// All words that queries look for.
#[derive(Debug)]
pub(crate) struct Words {
    records: Vec<Record>,
    texts: String,
    families: Vec<u32>,
    /// By hash of a folded spelling, or of an exact one.
    spellings: HashIndex,
    exact: HashIndex,
    /// By hash of the stem, for each algorithm from its first use on.
    stems: Vec<(Algorithm, OnceLock<HashIndex>)>,
    globs: Globs,
    regexes: Vec<(WordId, Regex)>,
}

impl Words {
    fn new(records: Vec<Record>, texts: String, regexes: Vec<(WordId, Regex)>) -> Self {
        let mut spellings = Vec::new();
        let mut exact = Vec::new();
        let mut globs = Vec::new();
        let mut families = Vec::with_capacity(records.len());
        for id in 0..WordId::try_from(records.len()).unwrap_or(WordId::MAX) {
            let (text, compare) = text(&records, &texts, id);
            families.push(family(text));
            match compare {
                Compare::Forms | Compare::Name | Compare::Acronym | Compare::Folded => {
                    for spelling in query_spellings(text, script_of(text)) {
                        spellings.push((hash(&spelling), id));
                    }
                }
                Compare::Exact => exact.push((hash(text), id)),
                Compare::Glob | Compare::ExactGlob => {
                    globs.push((id, text.to_owned(), compare == Compare::ExactGlob));
                }
                Compare::Regex => {}
            }
        }
        Self {
            spellings: HashIndex::new(spellings),
            exact: HashIndex::new(exact),
            stems: Algorithm::all().iter().map(|algorithm| (*algorithm, OnceLock::new())).collect(),
            globs: Globs::new(globs),
            records,
            texts,
            families,
            regexes,
        }
    }

    /// A word and how it is compared.
    pub(crate) fn text(&self, id: WordId) -> (&str, Compare) {
        text(&self.records, &self.texts, id)
    }

    /// The hash of the family of a word: of words that one word of an article often is all at once (troop, troops,
    /// trooping). It has one or two families, but may be any number of words of queries.
    pub(crate) fn family(&self, id: WordId) -> u32 {
        self.families[id as usize]
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// All words of queries that `surface`, a word of an article, is.
    pub(crate) fn find(&self, surface: &str, script: Script, stemmers: Stemmers, out: &mut Vec<WordId>) {
        let forms = Forms::of(surface, script);
        for folded in &forms.folded {
            self.spelt(folded, out, |compare| match compare {
                Compare::Acronym => forms.acronym.as_deref() == Some(folded),
                _ => true,
            });
        }
        if let Some(acronym) = &forms.acronym
            && *acronym != forms.folded[0]
        {
            self.spelt(acronym, out, |compare| compare == Compare::Acronym);
        }
        for loose in &forms.loose {
            self.spelt(loose, out, |compare| compare == Compare::Forms);
        }
        for id in self.exact.get(hash(&forms.exact)) {
            if self.text(id).0 == forms.exact {
                out.push(id);
            }
        }
        all_stems(&forms, script, stemmers, |algorithm, stem| {
            self.stemmed(algorithm, stem, forms.capital, out);
        });
        self.globs.find(&forms, script, out);
        for (id, regex) in &self.regexes {
            if regex.is_match(&forms.exact) || regex.is_match(&forms.folded[0]) {
                out.push(*id);
            }
        }
        out.sort_unstable();
        out.dedup();
    }

    fn spelt(&self, folded: &str, out: &mut Vec<WordId>, fits: impl Fn(Compare) -> bool) {
        for id in self.spellings.get(hash(folded)) {
            let (text, compare) = self.text(id);
            // Hashes can collide; the words themselves decide.
            let same =
                text == folded || query_spellings(text, script_of(text)).iter().any(|own| own == folded);
            if same && fits(compare) {
                out.push(id);
            }
        }
    }

    fn stemmed(&self, algorithm: Algorithm, stem: &str, capital: bool, out: &mut Vec<WordId>) {
        let Some((_, table)) = self.stems.iter().find(|(known, _)| *known == algorithm) else { return };
        let table = table.get_or_init(|| self.stem_table(algorithm));
        for id in table.get(hash(stem)) {
            let (text, compare) = self.text(id);
            let mut same = false;
            query_stems(text, algorithm, |own| same |= own == stem);
            if same && (compare == Compare::Forms || capital) {
                out.push(id);
            }
        }
    }

    fn stem_table(&self, algorithm: Algorithm) -> HashIndex {
        let mut entries = Vec::new();
        for (id, record) in (0..).zip(&self.records) {
            let (text, _) = self.text(id);
            let stemmed = matches!(record.compare, Compare::Forms | Compare::Name);
            if stemmed && writes(algorithm, script_of(text)) {
                query_stems(text, algorithm, |stem| entries.push((hash(stem), id)));
            }
        }
        HashIndex::new(entries)
    }
}

fn family(text: &str) -> u32 {
    let folded = fold(&lower(text));
    let mut hasher = FxHasher::default();
    match script_of(&folded) {
        Script::Latin => Stemmer::new(Algorithm::English).stem(&folded).hash(&mut hasher),
        Script::Cyrillic => Stemmer::new(Algorithm::Russian).stem(&folded).hash(&mut hasher),
        _ => folded.hash(&mut hasher),
    }
    (hasher.finish() >> 32) as u32
}

/// Whether `algorithm` is for a language written in `script`.
fn writes(algorithm: Algorithm, script: Script) -> bool {
    match script {
        Script::Cyrillic => {
            matches!(algorithm, Algorithm::Russian | Algorithm::Ukrainian | Algorithm::Serbian)
        }
        Script::Arabic => matches!(algorithm, Algorithm::Arabic | Algorithm::Persian),
        Script::Devanagari => matches!(algorithm, Algorithm::Hindi | Algorithm::Nepali),
        Script::Greek => algorithm == Algorithm::Greek,
        Script::Latin => !matches!(
            algorithm,
            Algorithm::Russian
                | Algorithm::Ukrainian
                | Algorithm::Arabic
                | Algorithm::Persian
                | Algorithm::Hindi
                | Algorithm::Nepali
                | Algorithm::Greek
                | Algorithm::Tamil
                | Algorithm::Armenian
                | Algorithm::Yiddish
        ),
        Script::Other(_) => matches!(algorithm, Algorithm::Tamil | Algorithm::Armenian),
        Script::Digits | Script::Hangul | Script::Unspaced | Script::Hebrew => false,
    }
}

fn query_stems(text: &str, algorithm: Algorithm, mut found: impl FnMut(&str)) {
    let script = script_of(text);
    for (index, spelling) in query_spellings(text, script).into_iter().enumerate() {
        let own = if index == 0 { lower(text) } else { spelling.clone() };
        stems(&own, &spelling, algorithm, &mut found);
    }
}
