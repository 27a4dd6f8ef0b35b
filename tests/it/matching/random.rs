//! Random topics and articles from few words, so that they meet often.

use proptest::prelude::*;
use wirewatch::domain::topic::{ConceptSource, ConceptSpec, TopicRule, TopicSpec};
use wirewatch::domain::{ConceptId, TopicId};

/// Words and ways to write them, near enough to each other to be confused.
const WORDS: &[&str] = &[
    "troop",
    "troops",
    "Troops",
    "TROOPS",
    "soldier",
    "soldiers",
    "soldier's",
    "US",
    "us",
    "U.S.",
    "UAVs",
    "uav",
    "Kim",
    "kim",
    "North",
    "Korea",
    "Korean",
    "Korea’s",
    "North-Korean",
    "north\u{2011}korea",
    "#NorthKorea",
    "@north_korea",
    "counter-terrorism",
    "counterterrorism",
    "counter",
    "AT&T",
    "O'Neill",
    "O’Neill",
    "ONeill",
    "L’armée",
    "armée",
    "armee",
    "Müller",
    "Mueller",
    "Muller",
    "10,000",
    "10000",
    "5",
    "U-5",
    "x-x",
    "x",
    "Зеленський",
    "зелений",
    "Зеленського",
    "військові",
    "военных",
    "военный",
    "П’ять",
    "об'єкт",
    "обʼєктів",
    "Королёв",
    "королев",
    "北朝鮮",
    "北朝鲜",
    "朝",
    "军队",
    "軍",
    "한국",
    "한국의",
    "북한군이",
    "북한",
    "1500명",
    "BTS가",
    "جنود",
    "والجنود",
    "الجنود",
    "हिन्दी",
    "सेना",
    "Αθήνα",
    "ΑΘΗΝΑ",
    "ทหาร",
    "https://example.com/troop-kim",
    "sol\u{ad}dier",
    "Ｋｉｍ",
    "İstanbul",
    "צה\"ל",
];

const GAPS: &[&str] = &[" ", " ", " ", " ", ", ", ". ", "! ", "\n", "\n\n", "-", "。", "’", " “", "", ") "];

const PATTERNS: &[&str] = &[
    "troop*",
    "*oop",
    "t?oop",
    "*ore*",
    "^Kor*",
    "=arm?e",
    "북한*",
    "朝*",
    "ВОЕН*",
    "\"north ko*\"",
    "/[KT].*/",
    "/\\d+/",
    "/(?i)us|kim/",
    "/x|U/",
    "*جنود",
    "10*",
];

const KNOWN: &[&str] = &[
    "lang:en",
    "lang:uk",
    "tag:wire",
    "tag:w*",
    "feed:daily-world",
    "site:daily.example",
    "site:world",
    "author:anna",
    "author:\"anna öberg\"",
    "author:^oberg",
    "url:\"port fire\"",
    "url:20*",
    "tag:(wire AND NOT north)",
];

/// An article's text.
pub(super) fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec((prop::sample::select(WORDS), prop::sample::select(GAPS)), 0..30);
    pieces.prop_map(|pieces| pieces.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

/// A language an article may declare.
pub(super) fn lang() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        None,
        Some("en"),
        Some("uk"),
        Some("ru"),
        Some("de"),
        Some("fa"),
        Some("tr"),
        Some("xx"),
    ])
}

fn word() -> impl Strategy<Value = String> {
    // A quote within a word would end a phrase.
    prop::sample::select(WORDS)
        .prop_filter("not in a query", |word| !word.contains(['"', ':', '@', '#']))
        .prop_map(str::to_owned)
}

fn term() -> impl Strategy<Value = String> {
    let plain = || word().boxed();
    let phrase = prop::collection::vec(plain(), 1..4).prop_map(|words| format!("\"{}\"", words.join(" ")));
    let phrase = phrase.boxed();
    prop_oneof![
        6 => plain(),
        1 => ("[=^]", plain()).prop_map(|(sign, word)| sign + &word),
        2 => phrase.clone(),
        1 => ("[=^]", phrase.clone()).prop_map(|(sign, phrase)| sign + &phrase),
        1 => (phrase, 0..6_u32).prop_map(|(phrase, slop)| format!("{phrase}~{slop}")),
        2 => prop::sample::select(PATTERNS).prop_map(str::to_owned),
        1 => (plain(), prop::sample::select(vec!["0", "0.5", "3"])).prop_map(|(word, boost)| format!("{word}^^{boost}")),
    ]
}

fn reach() -> impl Strategy<Value = String> {
    prop_oneof![4 => (0..6_u32).prop_map(|n| n.to_string()), 1 => Just("s".to_owned()), 1 => Just("p".to_owned())]
}

/// A query whose places make sense everywhere.
fn places(concepts: bool) -> BoxedStrategy<String> {
    let concept = prop::sample::select(vec!["@places", "@words", "@nested"]).prop_map(str::to_owned);
    let leaf = if concepts { prop_oneof![6 => term(), 1 => concept].boxed() } else { term().boxed() };
    let field = prop::sample::select(vec!["title:", "lead:", "body:", "text:"]);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let pair = (inner.clone(), reach(), inner.clone());
        let near = (pair, any::<bool>()).prop_map(|((a, n, b), ordered)| {
            format!("({a} {}/{n} {b})", if ordered { "ONEAR" } else { "NEAR" })
        });
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            3 => near,
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} NOT IN {b})")),
            1 => (field.clone(), inner.clone()).prop_map(|(field, a)| format!("{field}{a}")),
            1 => (1..4_u32, inner.clone()).prop_map(|(n, a)| format!("(MENTIONS/{n} {a})")),
            1 => (1..8_u32, inner.clone()).prop_map(|(n, a)| format!("(FIRST/{n} {a})")),
            1 => (1..4_u32, prop::collection::vec(inner, 1..4))
                .prop_map(|(n, parts)| format!("(ATLEAST/{n} ({}))", parts.join(" OR "))),
        ]
    })
    .boxed()
}

/// Any query.
pub(super) fn query() -> BoxedStrategy<String> {
    let known = prop::sample::select(KNOWN).prop_map(str::to_owned);
    let leaf = prop_oneof![8 => places(true), 1 => known, 1 => Just("@anything".to_owned())];
    let field = prop::sample::select(vec!["title:", "lead:", "body:", "text:"]);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let list = |operator: &'static str| {
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(move |parts| format!("({})", parts.join(operator)))
        };
        prop_oneof![
            2 => list(" AND "),
            2 => list(" OR "),
            1 => list(" "),
            1 => inner.clone().prop_map(|a| format!("(NOT {a})")),
            1 => (field.clone(), inner.clone()).prop_map(|(field, a)| format!("{field}{a}")),
            1 => (1..4_u32, list(" OR ")).prop_map(|(n, group)| format!("(ATLEAST/{n} {group})")),
        ]
    })
    .boxed()
}

/// The concepts that queries name.
pub(super) fn concepts() -> impl Strategy<Value = Vec<ConceptSpec>> {
    let spec = |id: &str, source| ConceptSpec { id: ConceptId::parse(id).unwrap(), source };
    let list = || prop::collection::vec(keyword(), 1..4);
    let anything = prop_oneof![
        (places(false), places(false)).prop_map(|(a, b)| format!("{a} AND {b}")),
        places(false).prop_map(|a| format!("@words AND NOT {a}")),
    ];
    (list(), list(), places(false), anything).prop_map(move |(words, mut nested, places, anything)| {
        nested.push("@words".to_owned());
        vec![
            spec("words", ConceptSource::Any(words)),
            spec("nested", ConceptSource::Any(nested)),
            spec("places", ConceptSource::Query(places)),
            spec("anything", ConceptSource::Query(anything)),
        ]
    })
}

fn keyword() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => word(),
        1 => (word(), word()).prop_map(|(a, b)| format!("{a} {b}")),
        1 => (word(), word()).prop_map(|(a, b)| format!("=\"{a} {b}\"")),
        1 => ("[=^]", word()).prop_map(|(sign, word)| sign + &word),
    ]
}

fn rule() -> impl Strategy<Value = TopicRule> {
    prop_oneof![
        1 => prop::collection::vec(keyword(), 1..4).prop_map(TopicRule::Keywords),
        4 => query().prop_map(TopicRule::Query),
        2 => (prop::collection::vec(query(), 1..4), 0..70_u8)
            .prop_map(|(facets, threshold)| TopicRule::Facets { facets, threshold }),
    ]
}

/// Topics of all kinds.
pub(super) fn topics() -> impl Strategy<Value = Vec<TopicSpec>> {
    let one = (rule(), prop::collection::vec(query(), 0..2));
    prop::collection::vec(one, 1..6).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let spec = |(number, (rule, exclude))| TopicSpec {
            id: TopicId::parse(&format!("topic-{number}")).unwrap(),
            rule,
            exclude,
        };
        numbered.map(spec).collect()
    })
}
