//! Wrong and doubtful queries, as a user meets them: what is printed, and where in a file it is.

use std::fs;

use assert_cmd::Command;

use crate::support::daemon::Home;

/// What `topics match` says of a query, with the exit status.
fn said_of(query: &str) -> String {
    let mut command = Command::cargo_bin("wirewatch").unwrap();
    let output = command.args(["topics", "match", "--text", "troops", "--query", query]).output().unwrap();
    let status = output.status.code().unwrap();
    format!("=== exit status {status}\n{}", String::from_utf8(output.stderr).unwrap().trim_end())
}

#[test]
fn a_dozen_wrong_queries() {
    let said: Vec<String> = [
        "\"North Korea AND troops",
        "(DPRK OR 북한) AND (troops OR",
        "troops AND OR ships) NEAR soldiers",
        "북한군 NEAR/500 러시아 AND headline:파병",
        "a* OR ?? OR *한*",
        "(troops AND ships) NEAR/5 @nowhere NEAR/3 (NOT fog)",
        "troops && ships || !fog",
        "troops w/5 Kursk adj3 border near5 river",
        "“North Korea” and troops, soldiers -football",
        "troops OR soldiers AND Kursk",
        "/[0-9/ OR /North Korea/ OR /.*/",
        "MENTIONS troops ATLEAST/0 (a OR b) ^^3",
        "lang:english AND title:(lead:troops) AND NOT lang:english",
        "",
    ]
    .into_iter()
    .map(said_of)
    .collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

#[test]
fn what_looks_like_another_tool_is_not_passed_over_in_silence() {
    let said: Vec<String> = [
        "troops^^1e999",
        "{troops ships} OR <b>fog</b>",
        "date:[2020 TO 2021]",
        "tilte:troops",
        "*** OR ??",
        "@😀 OR it\"s",
    ]
    .into_iter()
    .map(said_of)
    .collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

const FILE: &str = r#"
[daemon]
listen = "off"

[concepts.unclosed]
any = ["fine", "a (b", 'c OR d']

[topics.lines]
query = """
troops AND (
    "North Korea" OR \
    \"Ким Чен Ын\" OR \u0023
    OR 북한 NEAR/999 러시아
)"""

[topics.raw]
query = '''
  first OR
  second)'''

[topics.escaped]
keywords = ["plain", "caf\u00e9 \"quoted\" (x"]

[topics.facets]
facets  = ["one", "two AND"]
exclude = ["three OR (four"]
threshold = 500
"#;

#[test]
fn each_is_shown_where_it_stands_in_its_file_also_beside_mistakes_of_form() {
    let home = Home::new(FILE);
    let output = home.run(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    insta::assert_snapshot!(
        String::from_utf8(output.stderr).unwrap().replace(&home.path().display().to_string(), "HOME")
    );
}

const DOUBTFUL: &str = r#"
[daemon]
listen = "off"
database = "wirewatch.db"

[feeds.wire]
url  = "http://www.wire.example/rss/?b=2&a=1"
tags = ["world"]

[feeds.again]
url = "https://wire.example/rss?a=1&b=2"

[concepts.unused]
any = ["nobody"]

[concepts.troops]
any = ["troops", "soldiers"]

[topics.never]
query    = 'troops NOT IN troops OR feed:wier OR tag:wrld'
webhooks = ["desk"]

[topics.swallowed]
keywords = ["troops", "soldiers"]
exclude  = ["football", "@troops OR ships"]
webhooks = ["desk"]

[topics.broad]
query = '/\w+/ AND Kursk'

[webhooks.desk]
url = "https://desk.example/hook"
secret = "whsec_dGhpcyBrZXkgaXMga25vd24gdG8gYWxsIHRlc3Rz"

[webhooks.idle]
url = "https://idle.example/hook"
secret = "whsec_dGhpcyBrZXkgaXMga25vd24gdG8gYWxsIHRlc3Rz"
"#;

#[test]
fn what_is_legal_but_surely_not_meant_is_said_and_passes() {
    let home = Home::new(DOUBTFUL);
    let output = home.run(&["check"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    insta::assert_snapshot!(said.replace(&home.path().display().to_string(), "HOME"));
}

#[test]
fn a_failing_test_is_reported_beside_a_mistake_in_another_file() {
    let home = Home::new("[daemon]\nlisten = \"of\"\n");
    let fragments = home.path().join("conf.d");
    fs::create_dir(&fragments).unwrap();
    let topic =
        "[topics.t]\nkeywords = [\"troops\"]\n[[topics.t.tests]]\ntext = \"ships\"\nexpect = \"match\"\n";
    fs::write(fragments.join("t.toml"), topic).unwrap();
    let said = String::from_utf8(home.run(&["check"]).stderr).unwrap();
    assert!(said.contains("fails its own test") && said.contains("no address to listen on"), "{said}");
}
