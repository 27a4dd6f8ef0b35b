//! Arabic writes conjunctions, prepositions and the article together with the word that follows.

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

/// Calls `found` with every word that `word` may be, its proclitics taken off.
pub(super) fn words(word: &str, mut found: impl FnMut(&str)) {
    for (proclitic, least) in PROCLITICS {
        if let Some(rest) = word.strip_prefix(proclitic).filter(|rest| rest.chars().count() >= *least) {
            found(rest);
        }
    }
}

/// The word without its article; for queries, which name the thing itself.
pub(super) fn without_article(word: &str) -> Option<&str> {
    word.strip_prefix("ال").filter(|rest| rest.chars().count() >= 2)
}
