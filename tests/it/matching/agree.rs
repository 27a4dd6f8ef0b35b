//! The engine and the oracle give the same answers.

use proptest::prelude::*;
use wirewatch::domain::article::Document;
use wirewatch::domain::topic::{ConceptSpec, Matcher as _, TopicSpec};
use wirewatch::matching::query::ast::{Expr, Kind};
use wirewatch::matching::query::{parse, parse_term, print};
use wirewatch::matching::{Frequencies, Level, compile, explain};

use super::oracle::{Oracle, Verdict};
use super::random;

/// So many cases, or as many as `PROPTEST_CASES` asks for where these are more.
fn cases(number: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { failure_persistence: None, cases: asked.cases.max(number), ..asked }
}

/// All topics together, each alone, and the oracle say the same of an article.
fn agree(
    concepts: &[ConceptSpec],
    topics: &[TopicSpec],
    articles: &[Document<'_>],
) -> Result<usize, TestCaseError> {
    let compiled = compile(concepts, topics);
    let errors: Vec<_> = compiled.diagnostics.iter().filter(|it| it.level == Level::Error).collect();
    prop_assert!(errors.is_empty(), "{errors:?}");
    let mut matches = 0;
    // What a topic is looked for by follows from what is frequent; what it finds must not.
    let tuned = compiled.set.tuned(&Frequencies::of(articles.iter().copied()));
    for document in articles {
        let oracle = Oracle::new(concepts, document);
        let found = compiled.set.matches(document);
        prop_assert_eq!(&tuned.matches(document), &found);
        matches += found.len();
        for topic in topics {
            let engine = found.iter().find(|it| it.topic == topic.id).map(|it| it.found.clone());
            let own = engine.clone().map(|it| Verdict { score: it.score, spans: it.spans });
            prop_assert_eq!(own, oracle.judge(topic), "{:#?}\n{:#?}", topic, document);
            let explained = explain(concepts, topic, document).expect("a topic without errors");
            prop_assert_eq!(explained.matched, engine.is_some(), "{:#?}", topic);
            prop_assert_eq!(explained.found, engine, "{:#?}", topic);
        }
    }
    Ok(matches)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn topics_are_found_where_the_oracle_finds_them(
        concepts in random::concepts(),
        topics in random::topics(),
        texts in prop::collection::vec((random::text(), random::text(), random::lang()), 1..4),
        repeated in prop::option::of((0..40_usize, 1..40_usize)),
    ) {
        let authors = ["Anna Öberg".to_owned()];
        let feeds = ["daily-world".to_owned()];
        let tags = ["Wire".to_owned(), "north".to_owned()];
        let boilerplate: Vec<(usize, usize)> = repeated.map(|(start, length)| (start, start + length)).into_iter().collect();
        let articles: Vec<Document<'_>> = texts.iter().map(|(title, text, lang)| Document {
            title,
            text,
            lang: *lang,
            url: Some("https://news.daily.example/world/port-fire_2026?a=1"),
            authors: &authors,
            feeds: &feeds,
            tags: &tags,
            boilerplate: &boilerplate,
        }).collect();
        agree(&concepts, &topics, &articles)?;
    }
}

// --- the language ------------------------------------------------------------------------------------------------

/// A tree without its places.
fn bare(expr: &Expr) -> Expr {
    let all = |parts: &[Expr]| parts.iter().map(bare).collect();
    let one = |inner: &Expr| Box::new(bare(inner));
    let kind = match &expr.kind {
        Kind::Or(parts) => Kind::Or(all(parts)),
        Kind::And(parts) => Kind::And(all(parts)),
        Kind::Not(inner) => Kind::Not(one(inner)),
        Kind::Near { reach, ordered, left, right } => {
            Kind::Near { reach: *reach, ordered: *ordered, left: one(left), right: one(right) }
        }
        Kind::NotIn(left, right) => Kind::NotIn(one(left), one(right)),
        Kind::In(part, inner) => Kind::In(*part, one(inner)),
        Kind::Count(count, number, inner) => Kind::Count(*count, *number, one(inner)),
        other => other.clone(),
    };
    Expr { kind, span: 0..0 }
}

fn is_broken(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Broken => true,
        Kind::Or(parts) | Kind::And(parts) => parts.iter().any(is_broken),
        Kind::Not(inner) | Kind::In(_, inner) | Kind::Count(_, _, inner) => is_broken(inner),
        Kind::Near { left, right, .. } | Kind::NotIn(left, right) => is_broken(left) || is_broken(right),
        Kind::Term(_) | Kind::Concept(_) => false,
    }
}

/// Text that is often nearly a query.
fn scrawl() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "(", ")", "\"", " ", " ", " AND ", " OR ", " NOT ", " IN ", "NEAR", " NEAR/3 ", "ONEAR/s ", "NEAR/999 ", "ATLEAST/2 ",
            "MENTIONS/0 ", "FIRST/", "title:", "lang:", "foo:", "@", "@name", "^^", "^^2", "~3", "~", "=", "^", "/", "\\", "*",
            "?", "-", "'", ",", ";", "&", "|", "!", "#", "troops", "Kim", "朝鲜", "한국", "“", "’", "U.S.", "w/5", "adj3", "…",
            "\u{0}", "\u{301}", "\u{200b}", "1,000", "10:30", "https://a.b/c",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn whatever_is_written_is_read_or_refused(query in scrawl(), text in scrawl()) {
        let length = query.chars().count();
        for (expr, findings) in [parse(&query), parse_term(&query)] {
            let wrong = findings.iter().any(|it| it.level == Level::Error);
            prop_assert!(wrong || !is_broken(&expr), "{:?} {:?}", expr, findings);
            for finding in &findings {
                prop_assert!(finding.start <= finding.end && finding.end <= length, "{:?}", finding);
            }
            if !wrong {
                let (again, _) = parse(&print(&expr));
                if parse(&query).0 == expr {
                    prop_assert_eq!(bare(&again), bare(&expr), "{}", print(&expr));
                }
            }
        }
        let trial = wirewatch::matching::Trial::new(&query, &[]);
        for finding in trial.findings() {
            prop_assert!(finding.start <= finding.end && finding.end <= length, "{:?}", finding);
        }
        let _found = trial.on(&Document { title: &query, text: &text, ..Document::default() });
    }

    #[test]
    fn what_is_printed_reads_the_same(query in random::query()) {
        let (expr, findings) = parse(&query);
        prop_assert!(findings.iter().all(|it| it.level == Level::Warning), "{:?}", findings);
        let printed = print(&expr);
        let (again, findings) = parse(&printed);
        prop_assert!(findings.is_empty(), "{}: {:?}", printed, findings);
        prop_assert_eq!(bare(&again), bare(&expr), "{}", printed);
    }
}
