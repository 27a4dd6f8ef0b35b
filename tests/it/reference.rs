//! What the program says about itself: completions, manual pages, the schema of the configuration.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use wirewatch::config::keys::{Kind, TABLES};

#[track_caller]
fn stdout(args: &[&str]) -> String {
    let ended = Command::cargo_bin("wirewatch").unwrap().args(args).env_clear().output().unwrap();
    assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A configuration file as JSON, the way an editor holds it against the schema.
fn as_json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

/// The shipped file with everything that is switched off in force.
fn switched_on(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let on = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#', ':']));
        lines.push(on.unwrap_or(line));
    }
    lines.join("\n")
}

#[test]
fn every_command_is_completed_in_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&["completions", shell]);
        for word in ["feeds", "topics", "deliveries", "retry", "check", "log-format"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn the_main_page_tells_what_help_does_not() {
    let page = stdout(&["man"]);
    for section in ["COMMANDS", "EXIT STATUS", "SIGNALS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
        assert!(
            page.contains(&format!(".SH {section}")) || page.contains(&format!(".SH \"{section}\"")),
            "{section}"
        );
    }
}

#[test]
fn every_command_and_the_configuration_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("made/on/the/way");
    stdout(&["man", "--dir", pages.to_str().unwrap()]);
    for page in ["wirewatch.1", "wirewatch-feeds.1", "wirewatch-deliveries-retry.1", "wirewatch.toml.5"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
    assert_eq!(
        std::fs::read_to_string(pages.join("wirewatch-feeds-list.1")).unwrap(),
        stdout(&["man", "feeds", "list"])
    );
}

#[test]
fn the_page_of_the_configuration_has_every_key() {
    let page = stdout(&["man", "wirewatch.toml"]);
    for table in TABLES {
        let inner =
            table.keys.iter().flat_map(|key| if let Kind::Tables(keys) = key.kind { keys } else { &[] });
        for key in table.keys.iter().chain(inner) {
            assert!(page.contains(&format!("\\fB{}\\fR = ", key.name)), "{}.{}", table.name, key.name);
        }
    }
}

#[test]
fn a_page_that_is_not_there_is_wrong_use_and_the_others_are_named() {
    let ended =
        Command::cargo_bin("wirewatch").unwrap().args(["man", "feeds", "frobnicate"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.starts_with(
            "wirewatch: there is no page `feeds frobnicate`; there are wirewatch.toml, wirewatch,"
        ),
        "{said}"
    );
}

#[test]
fn the_schema_that_ships_is_the_one_that_is_printed() {
    let printed = stdout(&["schema"]);
    assert!(
        printed == shipped("config/wirewatch.schema.json"),
        "run `wirewatch schema > config/wirewatch.schema.json`"
    );
}

#[test]
fn the_configuration_that_ships_follows_the_schema() {
    let schema = jsonschema::validator_for(&serde_json::from_str(&stdout(&["schema"])).unwrap()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut texts = vec![shipped("config/wirewatch.toml"), switched_on(&shipped("config/wirewatch.toml"))];
    for file in std::fs::read_dir(root.join("conf.d")).unwrap() {
        texts.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(texts.len() > 4);
    for text in texts {
        let wrong: Vec<String> = schema
            .iter_errors(&as_json(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = jsonschema::validator_for(&serde_json::from_str(&stdout(&["schema"])).unwrap()).unwrap();
    for wrong in [
        "[fetch]\ninterval = \"5 parsecs\"",
        "[fetch]\nintervall = \"5m\"",
        "[feeds.a]\ntitle = \"no address\"",
        "[feeds.\"a b\"]\nurl = \"https://a.example/\"",
        "[topics.a]\nkeywords = [\"a\"]\nquery = \"b\"",
        "[topics.a]\nseverity = \"high\"",
        "[topics.a]\nquery = \"a\"\nseverity = \"urgent\"",
        "[webhooks.a]\nformat = \"slack\"",
    ] {
        assert!(!schema.is_valid(&as_json(wrong)), "{wrong}");
    }
}
