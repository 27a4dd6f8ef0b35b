//! Words of queries that mix Latin and Cyrillic letters: they look as they should and are found nowhere. Greek letters
//! within Latin words are meant (`TNFα`) but where they are capitals that look like Latin ones (`ΝATO`).

use crate::matching::query::Finding;
use crate::matching::query::ast::Expr;
use crate::matching::text::class::Script;
use crate::matching::text::token::script_of;

/// Latin letters and the Cyrillic ones that look the same.
const ALIKE: &[(char, char)] = &[
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('j', 'ј'),
    ('o', 'о'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('x', 'х'),
    ('y', 'у'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('J', 'Ј'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Y', 'У'),
];
/// Greek capitals and the Latin ones that look the same.
const GREEK: &[(char, char)] = &[
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
];
/// How many characters of a word are shown.
const SHOWN: usize = 40;

/// A warning about the first word of `text` in which letters of two alphabets stand in a row; `expr` is the term it is of.
pub(super) fn mixed(expr: &Expr, text: &str) -> Option<Finding> {
    let mut rows = text.split(|c: char| !is_told(script_of_char(c)));
    let Some((word, [own, other])) = rows.find_map(|row| Some((row, alphabets(row)?))) else {
        return greek(expr, text);
    };
    let foreign: String = word.chars().filter(|c| script_of_char(*c) == other).collect();
    let shown: String = word.chars().take(SHOWN).collect();
    let foreign: String = foreign.chars().take(SHOWN).collect();
    let message = format!("`{shown}` is {} but for `{foreign}`, which is {}", name(own), name(other));
    let help = match rewritten(word, own).filter(|_| word.chars().count() <= SHOWN) {
        Some(word) => format!("no article that is written properly has it; write {word}"),
        None => {
            "articles hardly have it; write it in one alphabet, or two words where two are meant".to_owned()
        }
    };
    Some(Finding::warning("W10", &expr.span, message).help(help))
}

/// A warning about the first word of Latin letters and Greek capitals that look like them.
fn greek(expr: &Expr, text: &str) -> Option<Finding> {
    let latin = |c: char| GREEK.iter().find(|(own, _)| *own == c).map(|(_, latin)| *latin);
    let is_one = |word: &&str| {
        let is_latin = |c| script_of_char(c) == Script::Latin;
        word.chars().any(is_latin)
            && word.chars().any(|c| latin(c).is_some())
            && word.chars().all(|c| is_latin(c) || latin(c).is_some())
    };
    let word = text.split(|c: char| !c.is_alphabetic()).find(is_one)?;
    let foreign: String = word.chars().filter(|c| latin(*c).is_some()).take(SHOWN).collect();
    let shown: String = word.chars().take(SHOWN).collect();
    let written: String = word.chars().map(|c| latin(c).unwrap_or(c)).take(SHOWN).collect();
    let message = format!("`{shown}` is Latin but for `{foreign}`, which is Greek");
    let help = format!("no article that is written properly has it; write {written}");
    Some(Finding::warning("W10", &expr.span, message).help(help))
}

/// The alphabet of most letters and the other one, where there are two.
fn alphabets(word: &str) -> Option<[Script; 2]> {
    let count = |script| word.chars().filter(|c| script_of_char(*c) == script).count();
    let (latin, cyrillic) = (count(Script::Latin), count(Script::Cyrillic));
    let order =
        if latin > cyrillic { [Script::Latin, Script::Cyrillic] } else { [Script::Cyrillic, Script::Latin] };
    (latin > 0 && cyrillic > 0).then_some(order)
}

/// The word in the alphabet of most of its letters, where all others look like letters of it.
fn rewritten(word: &str, own: Script) -> Option<String> {
    let one = |c: char| {
        if script_of_char(c) == own {
            return Some(c);
        }
        let pair = ALIKE.iter().find(|(latin, cyrillic)| c == *latin || c == *cyrillic)?;
        [pair.0, pair.1].into_iter().find(|other| script_of_char(*other) == own)
    };
    word.chars().map(one).collect()
}

fn script_of_char(c: char) -> Script {
    script_of(c.encode_utf8(&mut [0; 4]))
}

const fn is_told(script: Script) -> bool {
    matches!(script, Script::Latin | Script::Cyrillic)
}

const fn name(script: Script) -> &'static str {
    if matches!(script, Script::Cyrillic) { "Cyrillic" } else { "Latin" }
}
