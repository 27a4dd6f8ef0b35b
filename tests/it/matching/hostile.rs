//! Queries and texts made to be slow. Each is answered or refused in a moment, also without optimisation.

use std::time::Duration;

use wirewatch::domain::article::Document;
use wirewatch::domain::topic::{ConceptSource, ConceptSpec, Matcher as _, TopicRule, TopicSpec};
use wirewatch::domain::{ConceptId, TopicId};
use wirewatch::matching::{Level, Trial, compile, explain};

use crate::support::cpu;

/// On the processor of a slow machine.
const MOMENT: Duration = Duration::from_secs(8);

fn at_once<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let before = cpu::of_this_thread();
    let result = work();
    let taken = cpu::of_this_thread().saturating_sub(before);
    println!("{what}: {} ms", taken.as_millis());
    assert!(taken < MOMENT, "{what}: {taken:?}");
    result
}

fn on(query: &str, text: &str) -> Option<bool> {
    let shown: String = query.chars().take(40).collect();
    at_once(&shown, || {
        let trial = Trial::new(query, &[]);
        let found = trial.on(&Document { text, lang: Some("en"), ..Document::default() });
        trial.is_usable().then_some(found.is_some())
    })
}

fn codes(query: &str) -> Vec<&'static str> {
    let shown: String = query.chars().take(40).collect();
    at_once(&shown, || Trial::new(query, &[]).findings().iter().map(|finding| finding.code).collect())
}

/// The most words an article has, all alike.
fn monotone() -> String {
    "a ".repeat(65_536)
}

#[test]
fn nesting_and_length_are_limited() {
    for open in ["(", "NOT ", "title:", "ATLEAST/1 ", "MENTIONS/1 (", "NOT ("] {
        let count = 60_000 / open.len();
        assert!(codes(&open.repeat(count)).contains(&"E18"), "{open}");
    }
    assert!(codes(&format!("{}a", "a NEAR/200 ".repeat(5_000))).contains(&"E18"));
    assert!(codes(&format!("{}a", "a OR ".repeat(5_000))).contains(&"E17"));
    assert!(codes(&"a".repeat(70_000)).contains(&"E21"));
    assert!(codes(&"한".repeat(60_000)).contains(&"E17"));
    assert!(codes(&format!("^{}*", "я".repeat(60_000))).contains(&"E17"));
    assert!(codes(&format!("\"{}\"", "a ".repeat(30_000))).contains(&"E17"));
    assert!(codes(&"/a/ ".repeat(5_000)).contains(&"E17"));
}

#[test]
fn what_is_wrong_everywhere_is_said_a_hundred_times() {
    for piece in ["&", ",", "a* ", "1:", "foo:a ", "'a ", "@x ", "^ ", "a/b:/:/", "(a OR b c) "] {
        let found = codes(&piece.repeat(60_000 / piece.len()));
        assert!(found.len() <= 300, "{piece}: {}", found.len());
    }
}

#[test]
fn regular_expressions_are_limited() {
    for pattern in ["(a{1000}){1000}", "((((a{99}){99}){99}){99}){99}", "\\pL{999}", "(?i)(\\w{90}){90}"] {
        assert!(codes(&format!("/{pattern}/")).contains(&"E10"), "{pattern}");
    }
    assert!(codes(&format!("/{}/", "(".repeat(900))).contains(&"E10"));
    assert!(codes(&format!("/{}/", "a|".repeat(30_000))).contains(&"E17"));
    let words = (0..65_000).map(|number| format!("{}{number} ", "a".repeat(number % 90)));
    let text: String = words.collect();
    assert_eq!(on("/(a*)*b/ OR /(a|aa)+$/ OR /(?i).*.*.*=.*/", &text), Some(false));
}

#[test]
fn a_monotonous_text_is_no_trap() {
    let (text, threes) = (monotone(), "aaa ".repeat(65_536));
    let nested = format!("{}a{}", "(".repeat(31), " NEAR/200 a)".repeat(31));
    let counts = format!("{}a", "MENTIONS/1 ATLEAST/1 ".repeat(31));
    let wide = |joint: &str, term: &str| vec![term; 4_000].join(joint);
    let queries = [
        "a NEAR/200 a NEAR/200 a NEAR/200 a".to_owned(),
        "a NEAR/p a NEAR/p (a NEAR/200 a)".to_owned(),
        "(a NEAR/s a) NOT IN (a NEAR/p a)".to_owned(),
        "\"a a a a\"~200".to_owned(),
        "\"aa aa* *aa aa*a\"~200 OR \"*aa* aa* aa bb\"~200".replace("aa", "aaa"),
        format!("\"{}\"", "a ".repeat(64)),
        format!("\"{}b\"~200", "a ".repeat(63)),
        vec!["a"; 33].join(" NEAR/200 "),
        vec!["a"; 33].join(" ONEAR/p "),
        nested,
        counts,
        wide(" OR ", "a"),
        wide(" AND ", "a"),
        format!("({}) NEAR/200 ({})", vec!["a"; 2_000].join(" OR "), vec!["=a"; 2_000].join(" OR ")),
        format!("ATLEAST/2000 ({})", wide(" OR ", "a")),
        vec!["(a NEAR/200 a)"; 2_000].join(" AND "),
        vec!["(a NEAR/p b)"; 2_000].join(" OR "),
    ];
    for query in &queries {
        let answer = on(query, if query.contains("aaa") { &threes } else { &text });
        assert!(answer.is_some(), "{query:.60}");
    }
}

#[test]
fn an_explanation_is_no_trap_either() {
    let query = vec!["(a NEAR/200 (a NEAR/p a))"; 1_000].join(" AND ");
    let topic =
        TopicSpec { id: TopicId::parse("t").unwrap(), rule: TopicRule::Query(query), exclude: vec![] };
    let text = monotone();
    let document = Document { text: &text, ..Document::default() };
    let explanation = at_once("explain", || explain(&[], &topic, &document));
    assert!(explanation.is_some());
}

#[test]
fn odd_texts_are_read_in_one_go() {
    let megabytes = |piece: &str| piece.repeat(3_000_000 / piece.len());
    for piece in [
        "a",
        ".",
        "…",
        ".\"",
        "a.",
        "a.b.cc",
        "1,000",
        "1,",
        "1'111'",
        "a-",
        "a'",
        "я'",
        "#",
        "#aB",
        "@a_",
        "-",
        "'",
        "\n",
        " ",
        ". ",
        "\u{301}",
        "\u{200b}",
        "\u{ad}a",
        "朝",
        "한",
        "ا",
        "http://",
        "www.",
        "(",
        "Ａ",
        "a\u{0}",
        "\u{1f600}",
    ] {
        let text = megabytes(piece);
        on("soldier OR \"red a\" OR *abc* OR /[bc]+/", &text);
        on("xyz", &format!("{text}x"));
    }
}

#[test]
fn ten_megabytes_without_a_space_are_one_word_too_long() {
    assert_eq!(on("aa*", &"a".repeat(10_000_000)), Some(false));
    assert_eq!(on("x", &format!("{} x", "a".repeat(10_000_000))), Some(true));
}

#[test]
fn concepts_in_concepts_do_not_explode() {
    for query in ["@C OR @C", "@C AND NOT @C", "ATLEAST/1 (@C OR @C OR b)", "MENTIONS/1 @C NEAR/3 @C"] {
        let concepts: Vec<ConceptSpec> = (0..60)
            .map(|number| ConceptSpec {
                id: ConceptId::parse(&format!("c{number}")).unwrap(),
                source: match number {
                    0 => ConceptSource::Any(vec!["a".to_owned()]),
                    _ => ConceptSource::Query(query.replace("@C", &format!("@c{}", number - 1))),
                },
            })
            .collect();
        let compiled = at_once(query, || compile(&concepts, &[]));
        let errors = compiled.diagnostics.iter().filter(|it| it.level == Level::Error);
        let codes: Vec<_> = errors.map(|it| it.code).collect();
        assert_eq!(codes, ["E17"], "{query}");
    }
}

/// Each concept uses the next one: read from the first on they would lie within each other.
#[test]
fn a_long_chain_of_concepts_is_refused() {
    for forwards in [true, false] {
        let count = 20_000_usize;
        let name = |number: usize| format!("c{number:05}");
        let concepts: Vec<ConceptSpec> = (0..count)
            .map(|number| ConceptSpec {
                id: ConceptId::parse(&name(number)).unwrap(),
                source: match if forwards { number + 1 } else { number.wrapping_sub(1) } {
                    next if next < count => ConceptSource::Any(vec![format!("@{}", name(next))]),
                    _ => ConceptSource::Any(vec!["a".to_owned()]),
                },
            })
            .collect();
        let compiled = at_once("chain", || compile(&concepts, &[]));
        let errors: Vec<_> = compiled.diagnostics.iter().filter(|it| it.level == Level::Error).collect();
        assert!(!errors.is_empty() && errors.iter().all(|it| it.code == "E18"), "{:?}", errors.first());
    }
}

/// What a hand would write in a chain is no longer than this, and runs.
#[test]
fn a_short_chain_of_concepts_is_read() {
    let concepts: Vec<ConceptSpec> = (0..50)
        .map(|number| ConceptSpec {
            id: ConceptId::parse(&format!("c{number}")).unwrap(),
            source: ConceptSource::Any(vec![if number == 49 {
                "a".to_owned()
            } else {
                format!("@c{}", number + 1)
            }]),
        })
        .collect();
    let trial = Trial::new("@c0 NEAR/3 b", &concepts);
    assert!(trial.is_usable(), "{:?}", trial.findings());
    assert!(trial.on(&Document { text: "a b", ..Document::default() }).is_some());
}

/// As pasted from elsewhere, and made as bad as they come: answered or refused, and what is refused says where.
#[test]
fn what_people_paste_is_answered() {
    let names = |count: usize| {
        (0..count).map(|number| format!("\"Name{number} Surname{number}\"")).collect::<Vec<_>>()
    };
    let invisible = "\u{200b}\u{feff}\u{202e}".repeat(10_000);
    let queries = [
        names(2_000).join(" OR "),
        format!("({}) NEAR/10 ({})", names(900).join(" OR "), names(900).join(" OR ")),
        format!("({}) AND NOT ({})", names(900).join(" OR "), names(900).join(" OR ")),
        names(5_000).join(" OR "),
        (0..2_000).map(|number| format!("*x{number}y*")).collect::<Vec<_>>().join(" OR "),
        (0..2_000).map(|number| format!("ab*{number}*c?d*")).collect::<Vec<_>>().join(" OR "),
        format!("ab{}", "*a".repeat(100)),
        format!("ab{}", "?*".repeat(100)),
        format!("/{}/", "a".repeat(10_000)),
        format!("/{}/", "[a-z]*".repeat(1_600)),
        format!("/{}/", "(a?){30}a{30}".repeat(30)),
        "(".repeat(100_000),
        format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000)),
        "\u{1f600} OR \u{1f1fa}\u{1f1e6}".to_owned(),
        "\u{202e}troops\u{202c} AND \u{200f}قوات\u{200e}".to_owned(),
        format!("troops{invisible} AND Kim"),
        "trоops OR кim".to_owned(), // Cyrillic о and к
        "NOT (NOT (NOT troops))".to_owned(),
        "NOT troops NOT ships".to_owned(),
        "\"North Korea AND troops".to_owned(),
        "(((\"Acme Corp\" OR AcmeCorp) AND (lawsuit OR litigat*)) NOT (\"press release\" OR \"sponsored\"))"
            .to_owned(),
        "\"climate change\"~10 AND (title:(policy) OR intitle:policy) -sport -site:example.com".to_owned(),
        "raw:(\"Apple\") AND NOT (pie OR juice) AND country:usa".to_owned(),
        "(\"electric vehicle\" OR EV) NEAR/5 (battery OR batteries) AND lang:en AND authorGender:M"
            .to_owned(),
        "lang:en AND title:\"oil spill\" AND sourcetype:news AND published:>2024".to_owned(),
        "+troops +\"Kim Jong\" -football ^2 [2020 TO 2024] {a TO b}".to_owned(),
        "a W/5 b PRE/3 c ADJ4 d SAME e /3 f".to_owned(),
        "Trump || Biden && !Putin".to_owned(),
        "near NEAR/5 near AND and OR or".to_owned(),
    ];
    let text = format!("{} abaaaaaaaaac aaaa Name7 Surname7 troops Kim \u{1f600}", "ab".repeat(100));
    for query in &queries {
        let trial = at_once(&query.chars().take(40).collect::<String>(), || Trial::new(query, &[]));
        let errors = trial.findings().iter().filter(|it| it.level == Level::Error);
        let length = query.chars().count();
        for error in errors.clone() {
            assert!(error.start <= error.end && error.end <= length, "{error:?}");
            assert!(error.help.is_some(), "{query:.60}: {error:?}");
        }
        assert_eq!(errors.count() == 0, trial.is_usable(), "{query:.60}");
        on(query, &text);
        println!(
            "{query:.70} {:?}",
            trial.findings().iter().take(4).map(|it| (it.code, &it.message)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn many_topics_with_something_to_say_are_compiled_at_once() {
    let topic = |number| TopicSpec {
        id: TopicId::parse(&format!("t{number}")).unwrap(),
        rule: TopicRule::Query("near OR NOT b".to_owned()),
        exclude: vec![],
    };
    let topics: Vec<TopicSpec> = (0..20_000).map(topic).collect();
    let compiled = at_once("compile", || compile(&[], &topics));
    assert_eq!(compiled.set.len(), topics.len());
    let found = at_once("match", || compiled.set.matches(&Document { text: "near", ..Document::default() }));
    assert_eq!(found.len(), topics.len());
}
