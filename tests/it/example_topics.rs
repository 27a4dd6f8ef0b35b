//! The topics that ship: each passes its own tests in the real program, and together they show the whole query language.

use std::path::{Path, PathBuf};
use std::process::Command;

use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::topic::{ConceptSource, TopicRule};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/wirewatch.toml")
}

fn settings() -> config::Settings {
    let request = LoadRequest { path: Some(shipped()), ..LoadRequest::default() };
    config::load(&request).unwrap_or_else(|report| panic!("{}", report.render(false))).settings
}

#[test]
fn every_topic_passes_its_own_tests_without_a_warning() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirewatch"));
    let output = command.arg("check").env_clear().env("WIREWATCH_CONFIG", shipped()).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaints}");
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn every_topic_has_tests_of_both_kinds() {
    let settings = settings();
    for (id, topic) in &settings.topics {
        let matching = topic.tests.iter().filter(|test| test.expect_match).count();
        let others = topic.tests.len() - matching;
        assert!(matching >= 4 && others >= 4, "topic {id}: {matching} that match, {others} that do not");
    }
    let worked_example =
        settings.topics.values().find(|topic| topic.spec.id.as_str() == "dprk-troops-in-russia");
    assert!(worked_example.is_some_and(|topic| topic.tests.len() >= 60));
}

#[test]
fn every_construct_of_the_language_is_shown() {
    let settings = settings();
    let mut queries: Vec<&str> = Vec::new();
    for topic in settings.topics.values() {
        match &topic.spec.rule {
            TopicRule::Query(query) => queries.push(query),
            TopicRule::Facets { facets, .. } => queries.extend(facets.iter().map(String::as_str)),
            TopicRule::Keywords(_) => {}
        }
        queries.extend(topic.spec.exclude.iter().map(String::as_str));
    }
    for concept in &settings.concepts {
        match &concept.source {
            ConceptSource::Query(query) => queries.push(query),
            ConceptSource::Any(terms) => queries.extend(terms.iter().map(String::as_str)),
        }
    }
    let shown = queries.join("\n");
    for construct in [
        " AND ",
        " OR ",
        "NOT (",
        " NOT IN ",
        " NEAR/12 ",
        " NEAR/s ",
        " NEAR/p ",
        " ONEAR/8 ",
        "ATLEAST/2 ",
        "MENTIONS/3 ",
        "FIRST/50 ",
        "title:",
        "lead:",
        "body:",
        "text:",
        "author:",
        "url:",
        "site:",
        "feed:",
        "lang:",
        "tag:",
        "=fibre",
        "=\"",
        "^Orange",
        "\"~2",
        "^^2",
        "telecom*",
        "*klinik",
        "Plahotn?uc",
        "/[45][Gg]/",
        "@hospital",
    ] {
        assert!(shown.contains(construct), "no topic shows `{construct}`");
    }
}
