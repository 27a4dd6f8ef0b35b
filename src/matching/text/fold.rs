//! One spelling for all that readers take for the same word.
//!
//! Marks are taken off in Latin, Greek, Arabic and Hebrew only: decomposing and stripping everywhere would
//! turn й into и, が into か, and delete the vowels of Indic scripts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::arabic;
use super::class::{Class, Joiner, class};

static NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();
static NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
static NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfd();

/// Traditional and Japanese characters to simplified ones.
static HAN: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut map = HashMap::new();
    for line in include_str!("han.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut chars = line.chars();
        while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
            map.insert(from, to);
        }
    }
    map
});

/// A word as it is written, in compatibility-composed form, with plain apostrophes and hyphens and
/// without what cannot be seen.
pub fn plain(surface: &str) -> Cow<'_, str> {
    if surface.is_ascii() {
        return Cow::Borrowed(surface);
    }
    let visible: String = surface
        .chars()
        .filter_map(|c| match class(c) {
            Class::Ignorable => None,
            Class::Joiner(Joiner::Apostrophe) => Some('\''),
            Class::Joiner(Joiner::Hyphen) => Some('-'),
            _ => Some(c),
        })
        .collect();
    Cow::Owned(NFKC.normalize(&visible).into_owned())
}

/// A plain word in lower case, joining signs left out.
pub fn lower(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '\'' | '-' | '&' | '_' | '.' | ',' | '"' | '·' | '‧' | '״' | '’' => {}
            'ẞ' => out.push('ß'),
            _ if c.is_whitespace() => {}
            _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            _ => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// A lower-case word without what folding takes off.
pub fn fold(lower: &str) -> String {
    if lower.is_ascii() {
        return lower.to_owned();
    }
    let mut out = String::with_capacity(lower.len());
    let mut strips = Strips::Nothing;
    let mut alef = false;
    for c in NFD.normalize(lower).chars() {
        if class(c) == Class::Mark && is_stripped(c, strips) {
            // A Russian ё is an е to most writers; the й and ї stay.
            continue;
        }
        alef = c == 'ى';
        if class(c) != Class::Mark {
            strips = strips_of(c);
        }
        match special(c) {
            Some(text) => out.push_str(text),
            None => out.push(HAN.get(&c).copied().unwrap_or(c)),
        }
    }
    if alef {
        out.pop();
        out.push('ى');
        if arabic::keeps_alef(&out) {
            return out;
        }
        out.pop();
        out.push('ي');
    }
    NFC.normalize(&out).into_owned()
}

/// Which marks go after a base character.
#[derive(Clone, Copy, PartialEq)]
enum Strips {
    Everything,
    /// Stress accents only, and the dots of ё.
    CyrillicE,
    CyrillicOther,
    Nothing,
}

fn strips_of(base: char) -> Strips {
    use super::class::Script;
    match class(base) {
        Class::Letter(Script::Latin | Script::Greek | Script::Arabic | Script::Hebrew) => Strips::Everything,
        Class::Letter(Script::Cyrillic) if matches!(base, 'е' | 'Е') => Strips::CyrillicE,
        Class::Letter(Script::Cyrillic) => Strips::CyrillicOther,
        _ => Strips::Nothing,
    }
}

const fn is_stripped(mark: char, strips: Strips) -> bool {
    match strips {
        Strips::Everything => true,
        Strips::CyrillicE => matches!(mark, '\u{300}' | '\u{301}' | '\u{308}'),
        Strips::CyrillicOther => matches!(mark, '\u{300}' | '\u{301}'),
        Strips::Nothing => false,
    }
}

/// Letters that do not decompose.
const fn special(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ς' => "σ",
        'ґ' => "г",
        'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ـ' => "",
        '٠' | '۰' | '०' => "0",
        '١' | '۱' | '१' => "1",
        '٢' | '۲' | '२' => "2",
        '٣' | '۳' | '३' => "3",
        '٤' | '۴' | '४' => "4",
        '٥' | '۵' | '५' => "5",
        '٦' | '۶' | '६' => "6",
        '٧' | '۷' | '७' => "7",
        '٨' | '۸' | '८' => "8",
        '٩' | '۹' | '९' => "9",
        _ => return None,
    })
}

/// The other usual spelling of a word with umlauts: Müller, Mueller.
pub fn spelled_out(lower: &str) -> Option<String> {
    if !lower.contains(['ä', 'ö', 'ü', 'ø', 'å']) {
        return None;
    }
    let mut out = String::with_capacity(lower.len() + 2);
    for c in lower.chars() {
        match c {
            'ä' => out.push_str("ae"),
            'ö' | 'ø' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'å' => out.push_str("aa"),
            _ => out.push(c),
        }
    }
    Some(fold(&out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        fold(&lower(&plain(text)))
    }

    #[test]
    fn folds_what_readers_take_for_the_same() {
        for (text, expected) in [
            ("Résumé", "resume"),
            ("Północnej", "polnocnej"),
            ("Straße", "strasse"),
            ("Королёв", "королев"),
            ("За́мок", "замок"),
            ("Край", "край"),
            ("Їжак", "їжак"),
            ("ґрунт", "грунт"),
            ("Ｎｏｒｔｈ", "north"),
            ("Sol\u{ad}diers", "soldiers"),
            ("об’єкт", "обєкт"),
            ("がくせい", "がくせい"),
            ("ｶﾞｽ", "ガス"),
            ("北朝鮮", "北朝鲜"),
            ("對韓國", "对韩国"),
            ("أإآا", "اااا"),
            ("İstanbul", "istanbul"),
            ("हिन्दी", "हिन्दी"),
            ("한국", "한국"),
            ("١٢٣", "123"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
        assert_eq!(spelled_out("müller").as_deref(), Some("mueller"));
    }
}
