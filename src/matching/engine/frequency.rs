//! How often words are to be expected, from a sample of articles or, without one, from their looks.

use rustc_hash::FxHashMap;

use super::words::{Compare, WordId, Words};
use crate::domain::article::Document;
use crate::matching::text::class::Script;
use crate::matching::text::forms::MAX_WORD;
use crate::matching::text::lang::{Stemmers, stemmers};
use crate::matching::text::token::{Tokens, tokenise};

/// How many different words of a sample are counted at most; those that come later are rare.
const MAX_COUNTED: usize = 1 << 17;
/// How many articles the guess from a word's looks is worth.
const GUESS: f32 = 5.0;

/// In how many articles of a sample each word stands. Only what topics cost depends on it, never what they find.
#[derive(Debug, Default)]
pub struct Frequencies {
    articles: u32,
    words: FxHashMap<(Box<str>, Stemmers), Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    script: Script,
    articles: u32,
    /// The number of the last article it was in.
    last: u32,
}

impl Frequencies {
    /// Counts the words of articles.
    pub fn of<'d>(articles: impl IntoIterator<Item = Document<'d>>) -> Self {
        let mut all = Self::default();
        let mut tokens = Tokens::default();
        for article in articles {
            all.articles += 1;
            let stemmers = stemmers(article.lang, article.title, article.text);
            for text in [article.title, article.text] {
                tokens.clear();
                tokenise(text, 0, &mut tokens);
                for token in &tokens.tokens {
                    let word = &text[token.start as usize..token.end as usize];
                    if word.len() <= MAX_WORD {
                        all.count(word, stemmers, token.script);
                    }
                }
            }
        }
        all
    }

    /// How many articles were counted.
    pub fn articles(&self) -> u32 {
        self.articles
    }

    fn count(&mut self, word: &str, stemmers: Stemmers, script: Script) {
        let key = (Box::from(word), stemmers);
        if let Some(count) = self.words.get_mut(&key) {
            count.articles += u32::from(count.last != self.articles);
            count.last = self.articles;
        } else if self.words.len() < MAX_COUNTED {
            self.words.insert(key, Count { script, articles: 1, last: self.articles });
        }
    }

    /// In how many of a thousand articles each word of queries is to be expected.
    pub(super) fn costs(&self, words: &Words) -> Vec<f32> {
        let count = WordId::try_from(words.len()).unwrap_or(WordId::MAX);
        let mut costs: Vec<f32> = (0..count).map(|word| guess(words, word)).collect();
        if self.articles == 0 {
            return costs;
        }
        let mut seen = vec![0_u32; costs.len()];
        let mut found = Vec::new();
        for ((surface, stemmers), count) in &self.words {
            found.clear();
            words.find(surface, count.script, *stemmers, &mut found);
            for word in &found {
                seen[*word as usize] += count.articles;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let articles = self.articles as f32;
        for (cost, seen) in costs.iter_mut().zip(seen) {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let seen = seen.min(self.articles) as f32;
            *cost = (seen * 1000.0 + *cost * GUESS) / (articles + GUESS);
        }
        costs
    }
}

/// What to expect of a word nobody has counted: short words are frequent, names are not.
fn guess(words: &Words, word: WordId) -> f32 {
    let (text, compare) = words.text(word);
    let open = match compare {
        Compare::Regex => return 100.0,
        Compare::Glob | Compare::ExactGlob => 3.0,
        Compare::Name | Compare::Acronym => 0.3,
        Compare::Forms | Compare::Folded | Compare::Exact => 1.0,
    };
    if COMMON.binary_search(&text).is_ok() {
        return 900.0;
    }
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count().max(1);
    // A Han character or a Hangul syllable says as much as two or three letters.
    let weight = if text.is_ascii() || text.len() < letters * 3 { letters } else { letters * 5 / 2 };
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let rarity = weight as f32;
    1500.0 / (rarity * rarity * rarity) * open
}

/// Words that stand in most articles, sorted.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can",
    "first", "for", "from", "had", "has", "have", "he", "his", "if", "in", "into", "is", "it", "its", "last",
    "more", "new", "no", "not", "of", "on", "one", "or", "out", "over", "people", "said", "says", "she",
    "so", "than", "that", "the", "their", "there", "they", "this", "time", "to", "two", "up", "was", "we",
    "were", "when", "which", "who", "will", "with", "would", "year", "years", "you",
];
