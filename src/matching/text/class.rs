//! What a character is to the tokeniser.

/// The writing system of a letter, as far as matching tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Script {
    /// Digits, before any letter.
    Digits,
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Hangul,
    /// Written without spaces, taken character by character: Han, kana, Thai, Lao, Khmer, Burmese.
    Unspaced,
    /// Any other; the number tells blocks apart.
    Other(u16),
}

/// What a character is to the tokeniser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Letter(Script),
    Digit,
    /// Belongs to the character before it.
    Mark,
    /// May join two words into one: apostrophes, hyphens, ampersand, middle dot.
    Joiner(Joiner),
    /// Not there, as far as words go.
    Ignorable,
    Space,
    Newline,
    /// Ends a sentence where white space follows; the CJK ones always do.
    Stop {
        always: bool,
    },
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joiner {
    Apostrophe,
    Hyphen,
    Ampersand,
    Underscore,
    /// The Hebrew abbreviation sign, also typed as a quote.
    Gershayim,
}

#[inline]
pub(super) fn class(c: char) -> Class {
    ASCII.get(c as usize).copied().unwrap_or_else(|| beyond(c))
}

static ASCII: [Class; 128] = {
    let mut all = [Class::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        all[byte as usize] = ascii(char::from_u32(byte).expect("ASCII"));
        byte += 1;
    }
    all
};

const fn ascii(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' => Class::Letter(Script::Latin),
        '0'..='9' => Class::Digit,
        '\n' => Class::Newline,
        ' ' | '\t' | '\r' | '\x0b' | '\x0c' => Class::Space,
        '.' | '!' | '?' => Class::Stop { always: false },
        '\'' | '`' => Class::Joiner(Joiner::Apostrophe),
        '-' => Class::Joiner(Joiner::Hyphen),
        '&' => Class::Joiner(Joiner::Ampersand),
        '_' => Class::Joiner(Joiner::Underscore),
        '"' => Class::Joiner(Joiner::Gershayim),
        _ => Class::Other,
    }
}

fn beyond(c: char) -> Class {
    match c {
        '’' | '‘' | 'ʼ' | 'ʹ' | '＇' | '´' | '‛' => Class::Joiner(Joiner::Apostrophe),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' | '\u{5be}' => {
            Class::Joiner(Joiner::Hyphen)
        }
        '＆' | '﹠' => Class::Joiner(Joiner::Ampersand),
        '·' | '‧' | '＿' => Class::Joiner(Joiner::Underscore),
        '״' => Class::Joiner(Joiner::Gershayim),
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{640}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{e0000}'..='\u{e0fff}' => Class::Ignorable,
        '。' | '！' | '？' | '．' | '｡' | '।' | '॥' | '؟' | '۔' | '…' => {
            Class::Stop { always: true }
        }
        '\u{2028}' | '\u{2029}' | '\u{85}' => Class::Newline,
        _ => letter(c),
    }
}

fn letter(c: char) -> Class {
    let point = c as u32;
    if is_mark(point) {
        return Class::Mark;
    }
    let script = match point {
        0xff10..=0xff19 | 0x660..=0x669 | 0x6f0..=0x6f9 | 0x966..=0x96f | 0x1d7ce..=0x1d7ff => {
            return Class::Digit;
        }
        0x3005..=0x3007
        | 0x3041..=0x309f
        | 0x30a1..=0x30fa
        | 0x30fc..=0x312f
        | 0x31a0..=0x31ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff
        | 0xff66..=0xff9f
        | 0x20000..=0x3fffd => Script::Unspaced,
        0xe01..=0xe3a | 0xe40..=0xe4e | 0xe81..=0xece | 0x1000..=0x104f | 0x1780..=0x17d3 => {
            if c.is_alphabetic() { Script::Unspaced } else { return Class::Mark }
        }
        0x900..=0xdff if !c.is_alphabetic() => {
            // Viramas and other signs of Indic scripts stay within the word.
            return if c.is_numeric() { Class::Digit } else { Class::Mark };
        }
        _ if !c.is_alphabetic() => return if c.is_whitespace() { Class::Space } else { Class::Other },
        0xaa..=0x24f
        | 0x250..=0x2af
        | 0x1d00..=0x1dbf
        | 0x1e00..=0x1eff
        | 0x2071..=0x209c
        | 0x2100..=0x218f
        | 0x24b6..=0x24e9
        | 0x2c60..=0x2c7f
        | 0xa720..=0xa7ff
        | 0xab30..=0xab6f
        | 0xfb00..=0xfb06
        | 0xff21..=0xff5a
        | 0x1d400..=0x1d7cb => Script::Latin,
        0x370..=0x3ff | 0x1f00..=0x1fff => Script::Greek,
        0x400..=0x52f | 0x1c80..=0x1c8f | 0xa640..=0xa69f => Script::Cyrillic,
        0x591..=0x5f4 | 0xfb1d..=0xfb4f => Script::Hebrew,
        0x600..=0x6ff | 0x750..=0x77f | 0x870..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfefc => Script::Arabic,
        0x900..=0x97f => Script::Devanagari,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xffa0..=0xffdc => {
            Script::Hangul
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "code points have 21 bits, 14 without the block's own"
        )]
        _ => Script::Other((point >> 7) as u16),
    };
    Class::Letter(script)
}

const fn is_mark(point: u32) -> bool {
    matches!(
        point,
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x5bf | 0x5c1 | 0x5c2 | 0x5c4 | 0x5c5 | 0x5c7
        | 0x610..=0x61a | 0x64b..=0x65f | 0x670 | 0x6d6..=0x6dc | 0x6df..=0x6e4 | 0x6e7 | 0x6e8
        | 0x6ea..=0x6ed | 0x8d3..=0x8ff | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff
        | 0x2de0..=0x2dff | 0x3099 | 0x309a | 0xff9e | 0xff9f | 0xfe20..=0xfe2f
    )
}
