//! Which stemmers a text calls for.

use frostem::Algorithm;
use whichlang::Lang;

use super::class::{Class, Script, class};

/// How much of a text is looked at to tell its language, in characters.
const SAMPLE: usize = 600;

/// The stemmers for a text: up to two for each script that several languages share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stemmers {
    latin: [Option<Algorithm>; 2],
    cyrillic: [Option<Algorithm>; 2],
    arabic: Option<Algorithm>,
    devanagari: Option<Algorithm>,
}

impl Default for Stemmers {
    fn default() -> Self {
        Self {
            latin: [Some(Algorithm::English), None],
            cyrillic: [Some(Algorithm::Russian), Some(Algorithm::Ukrainian)],
            arabic: Some(Algorithm::Arabic),
            devanagari: Some(Algorithm::Hindi),
        }
    }
}

impl Stemmers {
    /// The stemmers for words of `script`.
    pub fn of(self, script: Script) -> [Option<Algorithm>; 2] {
        match script {
            Script::Latin => self.latin,
            Script::Cyrillic => self.cyrillic,
            Script::Arabic => [self.arabic, None],
            Script::Devanagari => [self.devanagari, None],
            Script::Greek => [Some(Algorithm::Greek), None],
            Script::Other(block) => [other(block), None],
            Script::Digits | Script::Hebrew | Script::Hangul | Script::Unspaced => [None, None],
        }
    }
}

fn other(block: u16) -> Option<Algorithm> {
    match block {
        // Tamil and Armenian blocks.
        0x17 => Some(Algorithm::Tamil),
        0x0a | 0x0b => Some(Algorithm::Armenian),
        _ => None,
    }
}

/// The stemmers for a text in the language `tag` (BCP 47), or in the language it seems to be in.
pub fn stemmers(tag: Option<&str>, title: &str, text: &str) -> Stemmers {
    tag.and_then(declared).unwrap_or_else(|| detected(title, text))
}

/// The stemmers for a declared language; nothing where the tag says nothing.
fn declared(tag: &str) -> Option<Stemmers> {
    let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let known = |change: &dyn Fn(&mut Stemmers)| {
        let mut stemmers = Stemmers::default();
        change(&mut stemmers);
        Some(stemmers)
    };
    match primary.as_str() {
        "" | "und" | "mul" | "zxx" => None,
        "ru" => known(&|s| s.cyrillic = [Some(Algorithm::Russian), None]),
        "uk" => known(&|s| s.cyrillic = [Some(Algorithm::Ukrainian), None]),
        "sr" => known(&|s| {
            s.cyrillic = [Some(Algorithm::Serbian), None];
            s.latin = [Some(Algorithm::Serbian), Some(Algorithm::English)];
        }),
        "bg" | "be" | "mk" | "kk" | "ky" | "tg" | "mn" | "tt" => known(&|s| s.cyrillic = [None, None]),
        "fa" => known(&|s| s.arabic = Some(Algorithm::Persian)),
        "ur" | "ps" | "ckb" | "ug" | "sd" => known(&|s| s.arabic = None),
        "ne" => known(&|s| s.devanagari = Some(Algorithm::Nepali)),
        "mr" => known(&|s| s.devanagari = None),
        "ar" | "hi" | "ko" | "zh" | "ja" | "el" | "he" | "th" | "ta" | "hy" | "yi" | "ka" | "bn" | "te"
        | "my" | "km" | "lo" | "am" => known(&|_| ()),
        // A language without a stemmer is matched by spelling.
        code => known(&|s| s.latin = [latin(code), None]),
    }
}

fn latin(code: &str) -> Option<Algorithm> {
    Some(match code {
        "en" => Algorithm::English,
        "de" | "gsw" => Algorithm::German,
        "fr" => Algorithm::French,
        "es" => Algorithm::Spanish,
        "pt" => Algorithm::Portuguese,
        "it" => Algorithm::Italian,
        "nl" => Algorithm::Dutch,
        "sv" => Algorithm::Swedish,
        "da" => Algorithm::Danish,
        "no" | "nb" | "nn" => Algorithm::Norwegian,
        "fi" => Algorithm::Finnish,
        "et" => Algorithm::Estonian,
        "lt" => Algorithm::Lithuanian,
        "pl" => Algorithm::Polish,
        "cs" | "sk" => Algorithm::Czech,
        "hu" => Algorithm::Hungarian,
        "ro" | "mo" => Algorithm::Romanian,
        "ca" => Algorithm::Catalan,
        "eu" => Algorithm::Basque,
        "ga" => Algorithm::Irish,
        "id" | "ms" => Algorithm::Indonesian,
        "tr" | "az" => Algorithm::Turkish,
        "hr" | "bs" | "sh" => Algorithm::Serbian,
        "eo" => Algorithm::Esperanto,
        "st" => Algorithm::Sesotho,
        _ => return None,
    })
}

/// Looks at the letters, then asks a classifier.
fn detected(title: &str, text: &str) -> Stemmers {
    let sample: String = title.chars().chain(" ".chars()).chain(text.chars()).take(SAMPLE).collect();
    let mut stemmers = Stemmers { cyrillic: cyrillic(&sample), ..Stemmers::default() };
    if sample.contains(['پ', 'چ', 'ژ', 'گ', 'ک', 'ی']) {
        stemmers.arabic =
            if sample.contains(['ٹ', 'ڈ', 'ڑ', 'ے', 'ں']) { None } else { Some(Algorithm::Persian) };
    }
    stemmers.latin = latin_of(&sample);
    stemmers
}

/// Letters that only one of the two has; both where none shows.
fn cyrillic(sample: &str) -> [Option<Algorithm>; 2] {
    let ukrainian =
        sample.chars().filter(|c| matches!(c, 'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ')).count();
    let russian =
        sample.chars().filter(|c| matches!(c, 'ы' | 'э' | 'ё' | 'ъ' | 'Ы' | 'Э' | 'Ё' | 'Ъ')).count();
    match (ukrainian > russian, russian > ukrainian) {
        (true, _) => [Some(Algorithm::Ukrainian), None],
        (_, true) => [Some(Algorithm::Russian), None],
        _ => [Some(Algorithm::Russian), Some(Algorithm::Ukrainian)],
    }
}

/// The likeliest language of the Latin part, and English beside it where the text is short or foreign:
/// a wrong guess must not lose English word forms.
fn latin_of(sample: &str) -> [Option<Algorithm>; 2] {
    let letters: String = sample
        .chars()
        .map(|c| {
            if matches!(class(c), Class::Letter(Script::Latin) | Class::Mark | Class::Joiner(_)) {
                c
            } else {
                ' '
            }
        })
        .collect();
    let english = [Some(Algorithm::English), None];
    let words = letters.split_whitespace().count();
    if words == 0 {
        return english;
    }
    let guess = marked(&letters).or_else(|| classified(&letters));
    match guess {
        None | Some(Algorithm::English) => english,
        Some(other) => [Some(other), Some(Algorithm::English)],
    }
}

/// Languages told by letters of their own, which the classifier does not know.
fn marked(letters: &str) -> Option<Algorithm> {
    let count = |own: &[char]| letters.chars().filter(|c| own.contains(c)).count();
    [
        (Algorithm::Polish, count(&['ł', 'ą', 'ę', 'ż', 'ź', 'ś', 'ć', 'ń', 'Ł', 'Ż', 'Ś'])),
        (Algorithm::Czech, count(&['ř', 'ě', 'ů', 'č', 'ž', 'š', 'Č', 'Ž', 'Š', 'Ř'])),
        (Algorithm::Hungarian, count(&['ő', 'ű', 'Ő', 'Ű'])),
        (Algorithm::Romanian, count(&['ț', 'ș', 'ţ', 'ş', 'ă', 'Ș', 'Ț'])),
    ]
    .into_iter()
    .filter(|(_, count)| *count >= 2)
    .max_by_key(|(_, count)| *count)
    .map(|(algorithm, _)| algorithm)
}

fn classified(letters: &str) -> Option<Algorithm> {
    Some(match whichlang::detect_language(letters) {
        Lang::Eng => Algorithm::English,
        Lang::Deu => Algorithm::German,
        Lang::Fra => Algorithm::French,
        Lang::Spa => Algorithm::Spanish,
        Lang::Por => Algorithm::Portuguese,
        Lang::Ita => Algorithm::Italian,
        Lang::Nld => Algorithm::Dutch,
        Lang::Swe => Algorithm::Swedish,
        Lang::Tur => Algorithm::Turkish,
        Lang::Ara | Lang::Cmn | Lang::Hin | Lang::Jpn | Lang::Kor | Lang::Rus | Lang::Vie => return None,
    })
}
