//! The commands about topics, as a user types them.

use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

const CONFIGURATION: &str = r#"
[daemon]
database = "sample.db"

[concepts.harbour]
any = ["port", "harbour", "docker"]

[topics.strike]
title    = "Strikes in ports"
query    = "@harbour AND (strike OR walkout) NOT football"
severity = "high"

[[topics.strike.tests]]
text   = "Dockers plan a strike"
expect = "match"

[[topics.strike.tests]]
text   = "Port on the table after the football strike"
expect = "no match"

[topics.scored]
facets    = ["@harbour", "strike"]
threshold = 50

[topics.told]
keywords = ["told", "title"]
"#;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("wirewatch.toml"), CONFIGURATION).unwrap();
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/databases/v2.db");
        std::fs::copy(sample, directory.path().join("sample.db")).unwrap();
        Self(directory)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("wirewatch").unwrap();
        command.current_dir(self.0.path()).args(["--config", "wirewatch.toml", "topics"]).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[test]
fn topics_are_listed() {
    let desk = Desk::new();
    let (status, shown, _) = desk.run(&["list"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!(shown);
    let (_, json, _) = desk.run(&["list", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[2]["id"], "told");
    assert_eq!(rows[0]["threshold"], 50);
}

#[test]
fn topics_that_fired_are_listed_with_when_and_how_often() {
    let desk = Desk::new();
    let path = desk.0.path().join("wirewatch.toml");
    let renamed = CONFIGURATION.replace("[topics.told]", "[topics.t]");
    std::fs::write(path, renamed).unwrap();
    let (_, json, _) = desk.run(&["list", "--json", "--since", "2026-11-01"]);
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert_eq!((&rows[0]["id"], &rows[0]["alerts"]), (&"t".into(), &1.into()));
    assert!(rows[0]["last_fired_at"].as_str().unwrap().starts_with("2026-11-23"), "{rows}");
    let (_, shown, _) = desk.run(&["list", "--since", "2100-01-01"]);
    assert_eq!(shown, "no topic fired since then\n");
    let (_, two, _) = desk.run(&["list", "--limit", "2", "--json"]);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&two).unwrap().len(), 2);
}

#[test]
fn topics_are_listed_before_there_is_a_database() {
    let desk = Desk::new();
    std::fs::remove_file(desk.0.path().join("sample.db")).unwrap();
    let (status, shown, _) = desk.run(&["list"]);
    assert_eq!(status, 0);
    assert!(shown.contains("strike"), "{shown}");
}

#[test]
fn every_listing_takes_json_since_and_limit() {
    for (group, verb) in [
        ("feeds", "list"),
        ("topics", "list"),
        ("articles", "list"),
        ("articles", "search"),
        ("alerts", "list"),
        ("deliveries", "list"),
        ("silences", "list"),
        ("webhooks", "list"),
    ] {
        let help = Command::cargo_bin("wirewatch").unwrap().args([group, verb, "-h"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for option in ["--json", "--since", "--limit"] {
            assert!(help.contains(option), "{group} {verb} lacks {option}");
        }
    }
}

#[test]
fn a_match_and_a_miss_are_explained() {
    let desk = Desk::new();
    let (status, matched, _) = desk.run(&["test", "strike", "--title", "Dockers on strike in two ports"]);
    assert_eq!(status, 0);
    let (status, missed, _) = desk.run(&["test", "strike", "--text", "Dockers at work, footballers strike"]);
    assert_eq!(status, 1);
    let (status, scored, _) =
        desk.run(&["test", "scored", "--text", "The harbour is quiet.", "--title", "Strike"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!([matched, missed, scored].join("\n"));
}

#[test]
fn a_topic_runs_its_own_tests() {
    let (status, shown, _) = Desk::new().run(&["test", "strike"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!(shown);
}

#[test]
fn an_unknown_topic_is_wrong_use_with_a_hint() {
    let (status, _, complaint) = Desk::new().run(&["test", "strik"]);
    assert_eq!(
        (status, complaint.trim_end()),
        (2, "wirewatch: there is no topic `strik`; did you mean `strike`?")
    );
}

#[test]
fn stored_articles_are_looked_through() {
    let desk = Desk::new();
    let (status, shown, _) = desk.run(&["test", "told", "--stored"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!(shown);
    let (status, forms, _) = desk.run(&["forms", "title", "--since", "2000-01-01"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!("forms", forms);
    let (status, _, complaint) = desk.run(&["forms", "(a"]);
    assert_eq!(status, 2);
    assert!(complaint.contains("error[E16]"), "{complaint}");
}

#[test]
fn a_feed_in_a_file_is_tried_entry_by_entry() {
    let desk = Desk::new();
    let feed = "<rss version=\"2.0\"><channel><title>t</title>\
        <item><title>Dockers strike</title></item><item><title>Quiet day</title></item></channel></rss>";
    std::fs::write(desk.0.path().join("feed.xml"), feed).unwrap();
    let (status, shown, _) = desk.run(&["test", "strike", "--file", "feed.xml"]);
    assert_eq!(status, 0);
    assert!(shown.ends_with("1 of 2 match\n"), "{shown}");
}

#[test]
fn a_query_is_tried_without_configuration() {
    let query = |arguments: &[&str]| {
        let output =
            Command::cargo_bin("wirewatch").unwrap().args(["topics", "match"]).args(arguments).output();
        let output = output.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, json) = query(&["--query", "troops AND and", "--text", "Troops and men", "--json"]);
    assert_eq!(status, 0);
    insta::assert_snapshot!("match_json", json);
    assert_eq!(query(&["--query", "troops", "--text", "none"]), (1, "no match\n".to_owned()));
    assert_eq!(query(&["--query", "troops AND (", "--text", "none"]), (2, String::new()));
    assert_eq!(query(&["--query", "-troops", "--text", "troops"]).0, 0);
}

#[test]
fn a_batch_answers_line_by_line_in_order() {
    let desk = Desk::new();
    let lines = concat!(
        r#"{"query": "북한군", "lang": "ko", "title": "", "text": "북한군이 도착했다"}"#,
        "\n",
        r#"{"query": "a AND", "text": "a"}"#,
        "\n",
        r#"{"query": "@harbour", "text": "the ports"}"#,
        "\n",
        "no json\n",
        r#"{"query": "who", "text": "WHO"}"#,
        "\n",
    );
    std::fs::write(desk.0.path().join("batch.jsonl"), lines).unwrap();
    let (status, answers, _) = desk.run(&["match", "--batch", "batch.jsonl", "--json"]);
    assert_eq!(status, 1, "a line could not be answered");
    let answers: Vec<serde_json::Value> =
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let matches: Vec<_> = answers.iter().map(|answer| answer["match"].as_bool()).collect();
    assert_eq!(matches, [Some(true), None, Some(true), None, Some(true)]);
    assert_eq!(answers[1]["errors"][0]["code"], "E04");
    assert_eq!(answers[0]["spans"][0]["text"], "북한군이");
}
