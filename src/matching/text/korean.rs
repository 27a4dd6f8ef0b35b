//! Korean nouns carry particles; taking a closed list of them off finds the noun.

/// What the syllable before a particle has to end in.
#[derive(Clone, Copy, PartialEq)]
enum After {
    Any,
    Consonant,
    Vowel,
    /// A vowel or ㄹ.
    Liquid,
}

use After::{Any, Consonant, Liquid, Vowel};

/// Case markers and the auxiliary particles that follow them, with what they follow.
const PARTICLES: &[(&str, After)] = &[
    ("이", Consonant),
    ("가", Vowel),
    ("은", Consonant),
    ("는", Vowel),
    ("을", Consonant),
    ("를", Vowel),
    ("과", Consonant),
    ("와", Vowel),
    ("의", Any),
    ("에", Any),
    ("도", Any),
    ("만", Any),
    ("로", Liquid),
    ("으로", Consonant),
    ("에서", Any),
    ("에게", Any),
    ("께", Any),
    ("께서", Any),
    ("한테", Any),
    ("에게서", Any),
    ("한테서", Any),
    ("까지", Any),
    ("부터", Any),
    ("에서부터", Any),
    ("으로부터", Consonant),
    ("로부터", Liquid),
    ("보다", Any),
    ("처럼", Any),
    ("같이", Any),
    ("만큼", Any),
    ("마다", Any),
    ("조차", Any),
    ("마저", Any),
    ("밖에", Any),
    ("뿐", Any),
    ("뿐만", Any),
    ("대로", Any),
    ("커녕", Any),
    ("하고", Any),
    ("이랑", Consonant),
    ("랑", Vowel),
    ("이나", Consonant),
    ("나", Vowel),
    ("이라도", Consonant),
    ("라도", Vowel),
    ("이든", Consonant),
    ("든", Vowel),
    ("이든지", Consonant),
    ("든지", Vowel),
    ("이야", Consonant),
    ("야", Vowel),
    ("이란", Consonant),
    ("란", Vowel),
    ("이라는", Consonant),
    ("라는", Vowel),
    ("이라고", Consonant),
    ("라고", Vowel),
    ("이며", Consonant),
    ("며", Vowel),
    ("이자", Consonant),
    ("자", Vowel),
    ("이다", Consonant),
    ("다", Vowel),
    ("이라", Consonant),
    ("라", Vowel),
    ("이고", Consonant),
    ("고", Vowel),
    ("인", Any),
    ("일", Any),
    ("이었다", Consonant),
    ("였다", Vowel),
    ("이었던", Consonant),
    ("였던", Vowel),
    ("입니다", Any),
    ("이지만", Consonant),
    ("지만", Vowel),
    ("이면", Consonant),
    ("면", Vowel),
    ("로서", Liquid),
    ("으로서", Consonant),
    ("로써", Liquid),
    ("으로써", Consonant),
    ("에는", Any),
    ("에도", Any),
    ("에만", Any),
    ("에의", Any),
    ("에선", Any),
    ("에서는", Any),
    ("에서도", Any),
    ("에서만", Any),
    ("에서의", Any),
    ("에게는", Any),
    ("에게도", Any),
    ("로는", Liquid),
    ("으로는", Consonant),
    ("로도", Liquid),
    ("으로도", Consonant),
    ("로의", Liquid),
    ("으로의", Consonant),
    ("과의", Consonant),
    ("와의", Vowel),
    ("과는", Consonant),
    ("와는", Vowel),
    ("과도", Consonant),
    ("와도", Vowel),
    ("까지는", Any),
    ("까지도", Any),
    ("까지의", Any),
    ("부터는", Any),
    ("부터의", Any),
    ("만의", Any),
    ("만은", Any),
    ("만을", Any),
    ("만이", Any),
    ("보다는", Any),
    ("보다도", Any),
    ("처럼은", Any),
    ("으로까지", Consonant),
    ("로까지", Liquid),
    ("에까지", Any),
    ("들", Any),
    ("들이", Any),
    ("들은", Any),
    ("들을", Any),
    ("들의", Any),
    ("들에", Any),
    ("들에게", Any),
    ("들과", Any),
    ("들도", Any),
    ("들로", Any),
    ("들이나", Any),
    ("들만", Any),
    ("들에게는", Any),
    ("들에게서", Any),
    ("들로부터", Any),
    ("씨", Any),
    ("측", Any),
    ("측은", Any),
    ("측이", Any),
    ("측의", Any),
];

/// The longest particle, in bytes.
const LONGEST: usize = 12;

/// Calls `found` with every noun that `word` may be, its particle taken off.
pub(super) fn nouns(word: &str, mut found: impl FnMut(&str)) {
    let from = word.len().saturating_sub(LONGEST);
    for (at, _) in word.char_indices().skip(1).filter(|(at, _)| *at >= from) {
        let (noun, particle) = word.split_at(at);
        let agrees = PARTICLES.iter().any(|(text, after)| *text == particle && follows(noun, *after));
        if agrees {
            found(noun);
        }
    }
}

/// Whether the last syllable of `noun` is one `after` asks for.
fn follows(noun: &str, after: After) -> bool {
    let Some(last) = noun.chars().next_back() else { return false };
    let syllable = (last as u32).wrapping_sub(0xac00);
    if syllable >= 11_172 {
        return true; // a digit or a foreign letter: read aloud in ways we do not know
    }
    // Syllables are laid out by final consonant, none first; ㄹ is the eighth.
    let last_consonant = syllable % 28;
    match after {
        Any => true,
        Consonant => last_consonant != 0,
        Vowel => last_consonant == 0,
        Liquid => last_consonant == 0 || last_consonant == 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(word: &str) -> Vec<String> {
        let mut out = Vec::new();
        nouns(word, |noun| out.push(noun.to_owned()));
        out
    }

    #[test]
    fn particles_come_off_where_they_agree() {
        assert_eq!(all("북한군이"), ["북한군"]);
        assert_eq!(all("러시아에서는"), ["러시아", "러시아에서"]);
        assert_eq!(all("이유로"), ["이유"]);
        assert_eq!(all("서울로"), ["서울"]);
        assert!(all("북한가").is_empty(), "a consonant takes 이");
        assert!(all("이").is_empty());
        assert_eq!(all("병력을"), ["병력"]);
    }
}
