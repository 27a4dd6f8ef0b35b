//! `reload`, `status` and the socket they use, with the real program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::daemon::{Home, text};

const CONFIG: &str = r#"
[daemon]
database = "w.db"
listen = "off"

[feeds.wire]
url = "https://wire.invalid/feed"
interval = "24h"

[topics.troops]
keywords = ["troops"]
"#;

fn socket(home: &Home) -> PathBuf {
    home.path().join("w.db.sock")
}

/// Says something to the daemon and returns its answer.
fn say(home: &Home, words: &str) -> Value {
    let mut stream = UnixStream::connect(socket(home)).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with('\n'), "{answer}");
    serde_json::from_str(&answer).unwrap()
}

fn status(home: &Home, code: i32) -> Value {
    let output = home.run(&["status", "--json"]);
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What stands in `problems` of a status.
fn problems(status: &Value) -> String {
    let lines = status["problems"].as_array().unwrap().iter();
    lines.map(|line| line.as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn a_reload_says_what_came_of_it_and_a_mistake_changes_nothing() {
    let home = Home::new(CONFIG);
    let mut daemon = home.start();
    let same = home.run(&["reload"]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stderr));
    assert!(text(&same.stdout).starts_with("configuration read again, nothing changed: 1 feed, 1 topic"));
    daemon.wait_for_line("nothing changed");

    home.configure(&format!("{CONFIG}[topics.ships]\nkeywords = [\"frigate\"]\n"));
    assert_eq!(status(&home, 0)["daemon"]["configuration"]["differs_on_disk"], true);
    let more = home.run(&["reload"]);
    let said = text(&more.stdout);
    assert!(said.contains("reloaded: 1 feed, 2 topics, 0 webhooks (new topic: ships)"), "{said}");
    daemon.wait_for_line("new topic: ships");
    let good = status(&home, 0);
    assert_eq!(good["daemon"]["configuration"]["differs_on_disk"], false);

    home.configure(&format!(
        "{CONFIG}[topics.ships]\nkeyword = [\"frigate\"]\n[topics.x]\nquery = \"a AND\"\n"
    ));
    let refused = home.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(78));
    let said = text(&refused.stderr);
    assert!(said.contains("wirewatch.toml:13:1: "), "{said}");
    assert!(said.contains("refused: the configuration put in force"), "{said}");
    daemon.wait_for_line("wirewatch.toml:13:1");
    let quiet = text(&home.run(&["reload", "--quiet"]).stderr);
    assert_eq!(quiet.lines().count(), 2, "{quiet}");

    let bad = status(&home, 1);
    assert!(problems(&bad).contains("wirewatch.toml:13:1"), "{bad:#}");
    let (now, before) = (&bad["daemon"]["configuration"], &good["daemon"]["configuration"]);
    assert_eq!((&now["hash"], &now["loaded_at"]), (&before["hash"], &before["loaded_at"]));
    assert_eq!((&now["last_reload_ok"], &now["differs_on_disk"]), (&false.into(), &true.into()));
    let shown = text(&home.run(&["status"]).stdout);
    assert!(shown.contains("something is wrong") && shown.contains("next polls"), "{shown}");
    assert_eq!(daemon.stop(), Some(0));
    assert!(!socket(&home).exists(), "the socket goes with the daemon");
}

#[test]
fn a_topic_that_fails_its_own_test_is_refused_and_sighup_logs_it() {
    let home = Home::new(CONFIG);
    let mut daemon = home.start();
    let tests = "[[topics.troops.tests]]\ntext = \"nothing of the kind\"\nexpect = \"match\"\n";
    home.configure(&format!("{CONFIG}{tests}"));
    daemon.signal("HUP");
    daemon.wait_for_line("configuration refused");
    daemon.wait_for_line("topic troops fails its own test");
    assert_eq!(status(&home, 1)["daemon"]["configuration"]["last_reload_ok"], false);
    home.configure(CONFIG);
    daemon.signal("HUP");
    daemon.wait_for_line("nothing changed");
    assert_eq!(status(&home, 0)["daemon"]["configuration"]["last_reload_ok"], true);
}

#[test]
fn what_takes_a_restart_is_named() {
    let home = Home::new(CONFIG);
    let _daemon = home.start();
    home.configure(&CONFIG.replace("listen = \"off\"", "listen = \"127.0.0.1:1\"\nsocket = \"w.db.sock\""));
    let output = home.run(&["reload"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "daemon.listen takes effect at the next restart\n");
}

#[test]
fn without_a_daemon_reload_says_so_and_status_shows_the_database() {
    let home = Home::new(CONFIG);
    let none = home.run(&["status"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("there is no database at"), "{}", text(&none.stderr));
    home.start().kill();

    let reload = home.run(&["reload"]);
    assert_eq!(reload.status.code(), Some(1));
    assert!(text(&reload.stderr).contains("no daemon runs here"), "{}", text(&reload.stderr));
    let shown = status(&home, 1);
    assert_eq!((problems(&shown).as_str(), &shown["daemon"]), ("no daemon runs\n", &Value::Null));
    assert_eq!(shown["feeds"]["next"][0]["feed"], "wire");
    assert!(shown["database"]["disk_free"].as_u64().unwrap() > 0);

    // Also when the files have mistakes: the database is found by what is right in them.
    home.configure(&format!("{CONFIG}nonsense = 1\n"));
    assert_eq!(problems(&status(&home, 1)), "no daemon runs\n");
}

#[test]
fn a_socket_left_behind_is_replaced_and_anything_else_is_not() {
    let home = Home::new(CONFIG);
    home.start().kill();
    assert!(socket(&home).exists());
    let daemon = home.start();
    assert_eq!(fs::metadata(socket(&home)).unwrap().permissions().mode() & 0o777, 0o660);
    assert_eq!(home.run(&["reload"]).status.code(), Some(0));
    // Another database, the same socket.
    let other = Home::new(
        &CONFIG.replace("database = \"w.db\"", &format!("database = \"o.db\"\nsocket = {:?}", socket(&home))),
    );
    let output = other.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("another wirewatch answers at"), "{}", text(&output.stderr));
    assert_eq!(home.run(&["reload"]).status.code(), Some(0), "the first one keeps its socket");
    assert_eq!(daemon.stop(), Some(0));

    fs::write(socket(&home), "mine").unwrap();
    let output = home.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("is there already and is no socket"), "{}", text(&output.stderr));
    assert_eq!(fs::read(socket(&home)).unwrap(), b"mine");

    home.configure(&CONFIG.replace("listen", "socket = \"off\"\nlisten"));
    let _daemon = home.start();
    let output = home.run(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("send SIGHUP"), "{}", text(&output.stderr));
}

#[test]
fn a_long_path_is_no_hindrance() {
    let home = Home::new(&CONFIG.replace("w.db", &format!("{}/w.db", "d".repeat(150))));
    let _daemon = home.start();
    assert_eq!(home.run(&["reload"]).status.code(), Some(0));
}

#[test]
fn nonsense_on_the_socket_is_answered_and_bounded() {
    let home = Home::new(CONFIG);
    let _daemon = home.start();
    for words in ["\n", "{}\n", "hello\n", "{\"command\":\"format\"}\n", "\u{0}\n"] {
        assert_eq!(say(&home, words)["answer"], "not_understood", "{words:?}");
    }
    assert_eq!(say(&home, &"x".repeat(4096))["answer"], "not_understood", "no longer line is waited for");
    // Callers that say nothing keep nobody else waiting.
    let silent: Vec<_> = (0..10).map(|_| UnixStream::connect(socket(&home)).unwrap()).collect();
    assert_eq!(say(&home, "{\"command\":\"nudge\"}\n")["answer"], "nudged");
    drop(silent);
    assert_eq!(status(&home, 0)["ok"], true);
}
