//! Arabic writes conjunctions, prepositions and the article together with the word that follows, and pronouns together
//! with the word before.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::fold::fold;

/// Proclitics, longest first, with the fewest letters that must remain.
const PROCLITICS: &[(&str, usize)] = &[
    ("وبال", 2),
    ("وكال", 2),
    ("فبال", 2),
    ("ولل", 2),
    ("فلل", 2),
    ("وال", 2),
    ("فال", 2),
    ("بال", 2),
    ("كال", 2),
    ("لل", 2),
    ("ال", 2),
    ("وب", 3),
    ("ول", 3),
    ("وس", 3),
    ("فب", 3),
    ("فل", 3),
    ("و", 3),
    ("ف", 3),
    ("ب", 3),
    ("ل", 3),
    ("ك", 3),
];

/// Prepositions, conjunctions, negations, interrogatives and other particles, and the pronouns that stand alone. Left out
/// are those that are nouns or verbs as well, with forms of their own (قبل, حول, كان).
const PARTICLES: &str = "من عن في مع منذ مذ كي لكي بدون دون خلال عند بين تحت فوق \
    او ام ثم بل لكن اما اذ اذا اذن لو لولا لوما حيث حيثما بينما عندما حينما طالما كلما كما مما عما فيما بما ربما انما لما \
    لان كانما لاسيما ان الا ليت لعل قد لقد سوف هل لا لم لن ما ليس ليست ليسوا لسنا لست ايضا نعم كلا اجل \
    كيف كيفما اين اينما ماذا لماذا بماذا ممن عمن بمن لمن كم مهما هكذا كذا الان هنا هناك هنالك ثمة \
    انا نحن انت انتما انتم انتن هو هي هما هم هن يا ايها ايتها";

/// Those that end in a letter that is folded to another: على (on) is not علي (Ali), إلى (to) not آلي (automatic).
const WITH_ALEF: &str = "الى على حتى لدى سوى متى بلى انى";

/// What points at something: ب, ل and ك are written together with it.
const POINTERS: &str = "هذا هذه هذان هذين هاتان هاتين هؤلاء ذا ذاك ذلك ذلكم تلك تلكم اولئك \
    الذي التي اللذان اللذين اللتان اللتين الذين اللاتي اللائي اللواتي";

/// What has pronouns written together with it, as it is spelt before them.
const BEFORE_PRONOUNS: &str = "ب ل من عن في الي علي مع لدي عند بين دون تحت فوق ان لان لكن كان ليت لعل ايا";
const PRONOUNS: &str = "ي ك ه ها نا كم كن كما هم هن هما";

/// What these make that is mostly something else: Ali, automatic, a form of كان (to be).
const AMBIGUOUS: &[&str] = &["علي", "الي", "كانا"];

/// What و (and) and ف (so) make of them that is as often something else: lost, illusion, understanding, guardian, orbit.
const AMBIGUOUS_JOINED: &[&str] = &["فقد", "وهم", "فهم", "ولي", "فلك"];

/// All words that are no form of another one, in every way they are joined, folded.
static FUNCTION_WORDS: LazyLock<FxHashSet<String>> = LazyLock::new(|| {
    let mut words: Vec<String> = list(PARTICLES).chain(list(WITH_ALEF)).chain(list(POINTERS)).collect();
    for pointer in list(POINTERS) {
        words.extend(["ب", "ل", "ك"].map(|before| format!("{before}{pointer}")));
        words.extend(pointer.strip_prefix("ال").map(|rest| format!("لل{rest}")));
    }
    for word in list(BEFORE_PRONOUNS) {
        words.extend(list(PRONOUNS).map(|pronoun| format!("{word}{pronoun}")));
    }
    words.retain(|word| !AMBIGUOUS.contains(&word.as_str()));
    let joined: Vec<String> =
        words.iter().flat_map(|word| ["و", "ف"].map(|before| format!("{before}{word}"))).collect();
    words.extend(joined.into_iter().filter(|word| !AMBIGUOUS_JOINED.contains(&word.as_str())));
    words.into_iter().collect()
});

fn list(words: &'static str) -> impl Iterator<Item = String> {
    words.split_ascii_whitespace().map(fold)
}

/// Whether a folded word is a particle, a pronoun or the like, by itself or joined with others: it has no stem, and what
/// looks like a proclitic is part of it.
pub(super) fn is_function_word(folded: &str) -> bool {
    FUNCTION_WORDS.contains(folded)
}

/// Whether a word that is folded but for the ى at its end keeps it.
pub(super) fn keeps_alef(word: &str) -> bool {
    let bare = word.strip_prefix(['و', 'ف']).unwrap_or(word);
    word.ends_with('ى') && WITH_ALEF.split(' ').any(|known| known == word || known == bare)
}

/// Calls `found` with every word that `word` may be, its proclitics taken off.
pub(super) fn words(word: &str, mut found: impl FnMut(&str)) {
    let function = is_function_word(word);
    for (proclitic, least) in PROCLITICS {
        if let Some(rest) = word.strip_prefix(proclitic)
            && rest.chars().count() >= *least
            && (!function || (!proclitic.ends_with("ال") && is_function_word(rest)))
        {
            found(rest);
        }
    }
}

/// The word without its article; for queries, which name the thing itself.
pub(super) fn without_article(word: &str) -> Option<&str> {
    let rest = word.strip_prefix("ال").filter(|rest| rest.chars().count() >= 2)?;
    (!is_function_word(word)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::text::fold::lower;

    fn bare(word: &str) -> Vec<String> {
        let mut out = Vec::new();
        words(&fold(word), |rest| out.push(rest.to_owned()));
        out
    }

    #[test]
    fn function_words_are_folded() {
        assert!(FUNCTION_WORDS.len() > 800, "{}", FUNCTION_WORDS.len());
        for word in FUNCTION_WORDS.iter() {
            assert_eq!(fold(&lower(word)), *word);
        }
        for word in AMBIGUOUS.iter().chain(AMBIGUOUS_JOINED) {
            assert_eq!(fold(word), *word);
            assert!(!is_function_word(word), "{word}");
        }
    }

    #[test]
    fn proclitics_come_off_words_and_stay_with_particles() {
        assert_eq!(bare("والجنود"), ["جنود", "الجنود"]);
        assert_eq!(bare("بالتي"), ["التي"]);
        assert_eq!(bare("والتي"), ["التي"]);
        for word in ["التي", "الذين", "الآن", "إلى", "عليها", "بينما", "لكنه"] {
            assert!(is_function_word(&fold(word)), "{word}");
            assert!(bare(word).is_empty(), "{word}: {:?}", bare(word));
        }
    }

    #[test]
    fn prepositions_are_not_spelt_like_names() {
        for (preposition, other) in [("على", "علي"), ("وعلى", "وعلي"), ("إلى", "آلي"), ("حتى", "حتي")]
        {
            assert_ne!(fold(preposition), fold(other));
        }
        assert_eq!(fold("إلى"), fold("الى"));
        assert_eq!(fold("عَلَىٰ"), fold("على"));
        assert_eq!(fold("مستشفى"), fold("مستشفي"), "any other word is written either way");
    }
}
