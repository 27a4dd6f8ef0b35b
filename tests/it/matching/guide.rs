//! docs/QUERIES.md says what is so: every example in it is tried, every code is in it.

use std::collections::BTreeSet;

use wirewatch::domain::article::Document;
use wirewatch::matching::{Level, Trial};

use super::{about, document};

fn guide() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/QUERIES.md")).unwrap()
}

/// The rows of all tables with this heading, cell by cell; a cell's code comes without its backticks.
fn rows(guide: &str, first: &[&str]) -> Vec<(usize, Vec<String>)> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
        Some(inner.split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
    };
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in guide.lines().enumerate() {
        match cells(line) {
            None => inside = false,
            Some(row)
                if row.len() >= first.len() && row.iter().zip(first).all(|(cell, want)| cell == want) =>
            {
                inside = true;
            }
            Some(row) if inside && !row[0].starts_with("---") => found.push((number + 1, row)),
            Some(_) => {}
        }
    }
    found
}

#[test]
fn every_example_is_so() {
    let guide = guide();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for heading in ["article", "that article"] {
        for (line, row) in rows(&guide, &["query", heading, "finds it"]) {
            let (query, article, expected) = (&row[0], &row[1], &row[2]);
            let lang = row.get(3).filter(|cell| cell.len() == 2);
            let trial = Trial::new(query, &[]);
            let (title, text) = document(article);
            let found = if heading == "article" {
                trial.on(&Document { title, text, lang: lang.map(String::as_str), ..Document::default() })
            } else {
                about(title, text, |document| trial.on(document))
            };
            let errors = trial.findings().iter().any(|finding| finding.level == Level::Error);
            let answer = if found.is_some() { "yes" } else { "no" };
            if errors || answer != expected {
                wrong.push(format!("line {line}: {query} on {article}: {answer} {:?}", trial.findings()));
            }
            tried += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 100, "only {tried} examples were found");
}

#[test]
fn every_code_is_explained_and_every_example_of_one_shows_it() {
    let guide = guide();
    let rows = rows(&guide, &["code", "example"]);
    let explained: BTreeSet<&str> = rows.iter().map(|(_, row)| row[0].as_str()).collect();
    for (line, row) in &rows {
        let (code, example) = (&row[0], &row[1]);
        let trial = Trial::new(example, &[]);
        let codes: Vec<&str> = trial.findings().iter().map(|finding| finding.code).collect();
        assert!(example == "–" || codes.contains(&code.as_str()), "line {line}: {example} has {codes:?}");
    }
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/matching"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for word in source.split('"').filter(|word| is_code(word)) {
                assert!(explained.contains(word), "{word} in {} is not in docs/QUERIES.md", path.display());
            }
        }
    }
}

fn is_code(word: &str) -> bool {
    word.len() == 3 && word.starts_with(['E', 'W']) && word[1..].bytes().all(|digit| digit.is_ascii_digit())
}

#[test]
fn what_it_says_can_never_match_is_warned_of() {
    for query in [
        "lang:english",
        "lang:ko AND lang:ru",
        "lang:(ko AND ru)",
        "site:a.example AND site:b.example AND fire",
        "Georgia NOT IN Georgia",
        "Georgia NOT IN (Georgia OR Atlanta)",
        "troops AND NOT (troops OR soldiers)",
        "(troops OR ships) AND NOT (ships OR soldiers OR troops)",
        "title:a NEAR/5 body:b",
        "title:(b AND body:a)",
        "title:(FIRST/3 a)",
        "FIRST/2 \"one two three\"",
        "/North Korea/",
        "/North\\sKorea/",
        "ATLEAST/3 (a OR b)",
    ] {
        let trial = Trial::new(query, &[]);
        let codes: Vec<&str> = trial.findings().iter().map(|finding| finding.code).collect();
        assert!(trial.is_usable() && codes.contains(&"W06"), "{query}: {codes:?}");
    }
    for query in [
        "lang:zh-Hant AND lang:zh",
        "lang:(ko OR ru)",
        "lang:e*",
        "site:news.a.example AND site:a.example",
        "Georgia NOT IN \"Georgia Tech\"",
        "troops AND NOT (football OR soldiers)",
        "(troops OR ships) AND NOT ships",
        "title:a NEAR/5 title:b",
        "title:a AND body:b",
        "/North ?Korea/",
        "/[a b]/",
        "/(North Korea|DPRK)/",
        "feed:a AND feed:b",
    ] {
        let trial = Trial::new(query, &[]);
        let codes: Vec<&str> = trial.findings().iter().map(|finding| finding.code).collect();
        assert!(trial.is_usable() && !codes.contains(&"W06"), "{query}: {codes:?}");
    }
}

#[test]
fn what_other_tools_write_is_refused_with_what_is_written_here() {
    for (query, help) in [
        ("troops^2 OR ships", "troops^^2"),
        ("\"troops\"^2", "^^2"),
        ("(troops OR ships)^2", "^^2"),
        ("troops~2", "misspellings"),
        ("(troops ships)~5", "NEAR/5"),
        ("deploy$3", "/deploy.{0,3}/"),
        ("troops /s Kursk", "NEAR/s"),
        ("troops /p Kursk", "NEAR/p"),
        ("troops /5 Kursk", "NEAR/5"),
        ("troops AROUND(5) Kursk", "NEAR/n"),
        ("ATLEAST5(troops)", "MENTIONS/5"),
        ("atleast5(troops)", "MENTIONS/5"),
        ("HEADLINE(troops)", "title:"),
        ("HLEAD(troops)", "lead:"),
        ("ALLCAPS(who)", "^"),
        ("troops near5 Kursk", "NEAR/4"),
        ("troops adj5 Kursk", "ONEAR/4"),
        ("troops NEAR5 Kursk", "NEAR/4"),
        ("troops w/5 Kursk", "NEAR/5"),
        ("troops pre/5 Kursk", "ONEAR/5"),
        ("hd:troops", "title:"),
        ("intitle:troops", "title:"),
        ("ingress:troops", "lead:"),
        ("language:en troops", "lang:"),
    ] {
        let trial = Trial::new(query, &[]);
        let helps: Vec<&str> =
            trial.findings().iter().filter_map(|finding| finding.help.as_deref()).collect();
        assert!(!trial.is_usable() && helps.iter().any(|own| own.contains(help)), "{query}: {helps:?}");
    }
    for query in [
        "around (5 OR 6)",
        "the title (b)",
        "/s[0-9]/",
        "/5.*/ AND a",
        "Ke$ha",
        "US$5",
        "Yahoo!",
        "a OR /s/",
        "^2",
        "AT&T~",
    ] {
        let trial = Trial::new(query, &[]);
        let fine = query == "AT&T~" || trial.findings().iter().all(|finding| finding.level == Level::Warning);
        assert!(fine, "{query}: {:?}", trial.findings());
    }
    let doubtful = Trial::new("deploy! AND ships", &[]);
    assert_eq!(doubtful.findings()[0].code, "W08");
}

#[test]
fn what_finds_nearly_everything_is_warned_of() {
    for (query, expected) in [
        ("/.*/", true),
        ("/\\w+/", true),
        ("/[a-z]+/", true),
        ("/su-?[0-9]+/", false),
        ("deploy*", false),
        ("*ing", false),
    ] {
        let warned = Trial::new(query, &[]).findings().iter().any(|finding| finding.code == "W05");
        assert_eq!(warned, expected, "{query}");
    }
}

#[test]
fn words_of_two_alphabets_are_warned_of() {
    let said = |query: &str| {
        let found = Trial::new(query, &[]).findings().iter().find(|finding| finding.code == "W10").cloned();
        found.map(|found| (found.start..found.end, found.message, found.help.unwrap_or_default()))
    };
    // A Latin P, a Latin o in a phrase, a Cyrillic а.
    let (span, message, help) = said("войска OR Pоссия").expect("a warning");
    assert_eq!(span, 10..16);
    assert_eq!(message, "`Pоссия` is Cyrillic but for `P`, which is Latin");
    assert_eq!(help, "no article that is written properly has it; write Россия");
    let (_, message, help) = said("title:\"Северная Кoрея\"").expect("a warning");
    assert_eq!(message, "`Кoрея` is Cyrillic but for `o`, which is Latin");
    assert!(help.ends_with("write Корея"), "{help}");
    let (_, message, help) = said("^Wаgner").expect("a warning");
    assert_eq!(message, "`Wаgner` is Latin but for `а`, which is Cyrillic");
    assert!(help.ends_with("write Wagner"), "{help}");
    // A Greek Ν, and no other Greek letter is taken for a Latin one.
    let (_, message, help) = said("\"the ΝATO\"").expect("a warning");
    assert_eq!(message, "`ΝATO` is Latin but for `Ν`, which is Greek");
    assert!(help.ends_with("write NATO"), "{help}");
    assert_eq!(said("ΝΑΤΟ OR ΔEX"), None);
    let (.., help) = said("COVIDный").expect("a warning");
    assert!(help.starts_with("articles hardly have it"), "{help}");
    for fine in [
        "Россия OR Russia",
        "IT-специалист",
        "\"VIP зал\"",
        "COVID19",
        "Су-34",
        "TNFα",
        "/Pоссия/",
        "ミサイルX",
    ] {
        assert_eq!(said(fine), None, "{fine}");
    }
}
