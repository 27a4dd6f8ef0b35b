//! Databases that are missing, locked, in the way, from the future, damaged or not databases at all.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use super::said;
use crate::store::bed::{Bed, T0, alerting, new};
use crate::support::daemon::Home;

const CONFIG: &str = r#"
[daemon]
database = "data/wirewatch.db"
listen = "off"

[feeds.wire]
url = "https://wire.example/rss"
"#;

/// Nothing to poll: a daemon that only runs.
const IDLE: &str = "[daemon]\ndatabase = \"data/wirewatch.db\"\nlisten = \"off\"\n";

/// Every command that wants a database: two that write, four that read.
const WRITERS: [&[&str]; 2] = [&["run"], &["once"]];
const READERS: [&[&str]; 4] =
    [&["feeds", "list"], &["articles", "list"], &["alerts", "list"], &["deliveries", "list"]];

fn home() -> (Home, PathBuf) {
    let home = Home::new(CONFIG);
    fs::create_dir(home.path().join("data")).unwrap();
    let database = home.path().join("data/wirewatch.db");
    (home, database)
}

/// A home whose database has three hundred articles and an alert.
async fn home_with_content() -> (Home, PathBuf) {
    let (home, database) = home();
    let bed = Bed::on_disk();
    bed.configure(&["a"], &["desk"]).await;
    let mut articles: Vec<_> = (0..300).map(|n| new(&format!("x{n}"))).collect();
    articles.push(alerting(new("alerting"), "t", &["desk"], T0));
    bed.poll(T0, articles).await.unwrap();
    bed.store.close().await;
    fs::copy(bed.path(), &database).unwrap();
    (home, database)
}

/// What all of `commands` say; they must all say the same.
#[track_caller]
fn all_say(home: &Home, commands: &[&[&str]]) -> String {
    let mut answers: Vec<String> = commands.iter().map(|args| said(home, &home.run(args))).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    answers.remove(0)
}

#[test]
fn no_database_yet() {
    let home = Home::new(CONFIG);
    insta::assert_snapshot!(all_say(&home, &READERS));
    assert!(!home.path().join("data").exists(), "reading makes nothing");
}

#[test]
fn another_daemon_runs() {
    let home = Home::new(IDLE);
    let daemon = home.start();
    let id = daemon.id().to_string();
    insta::assert_snapshot!(all_say(&home, &WRITERS).replace(&id, "PID"));
    assert_eq!(
        home.json(&["articles", "list", "--json"]),
        serde_json::json!([]),
        "reading goes on beside it"
    );
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(home.start().stop(), Some(0), "the lock went with its process");
}

#[tokio::test]
async fn another_process_holds_a_lock() {
    let (home, database) = home_with_content().await;
    let other = Connection::open(&database).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    insta::assert_snapshot!(all_say(&home, &[&["once"]]));
    assert_eq!(home.json(&["alerts", "list", "--json"]).as_array().unwrap().len(), 1, "reading goes on");
}

#[test]
fn a_directory_is_in_the_way() {
    let (home, database) = home();
    fs::create_dir(&database).unwrap();
    let (writers, readers) = (all_say(&home, &WRITERS), all_say(&home, &READERS));
    assert_eq!(writers, readers);
    insta::assert_snapshot!(writers);
}

#[test]
fn a_file_is_in_the_way_of_the_directory() {
    let home = Home::new(CONFIG);
    fs::write(home.path().join("data"), "notes").unwrap();
    insta::assert_snapshot!(all_say(&home, &WRITERS));
    assert_eq!(fs::read(home.path().join("data")).unwrap(), b"notes");
}

/// All commands must say the same and leave the file as it is.
#[track_caller]
fn refused(home: &Home, database: &PathBuf) -> String {
    let before = fs::read(database).unwrap();
    let (writers, readers) = (all_say(home, &WRITERS), all_say(home, &READERS));
    assert_eq!(writers, readers);
    assert!(fs::read(database).unwrap() == before, "the file was changed");
    writers
}

#[tokio::test]
async fn a_newer_wirewatch_wrote_it() {
    let (home, database) = home_with_content().await;
    Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    insta::assert_snapshot!(refused(&home, &database));
}

#[test]
fn another_program_wrote_it() {
    let (home, database) = home();
    let other = Connection::open(&database).unwrap();
    other.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    insta::assert_snapshot!(refused(&home, &database));
    other.pragma_update(None, "user_version", 1).unwrap();
    let with_version = refused(&home, &database);
    assert!(with_version.contains("another program"), "{with_version}");
}

#[test]
fn it_is_no_database() {
    let (home, database) = home();
    fs::write(&database, "Dear diary, ".repeat(5000)).unwrap();
    insta::assert_snapshot!(refused(&home, &database));
    for garbage in [&b"xyz"[..], b"SQLite format 3\0", &[0; 4096]] {
        fs::write(&database, garbage).unwrap();
        let said = refused(&home, &database);
        assert!(said.contains("is not a database wirewatch can read"), "{garbage:?}: {said}");
    }
}

#[tokio::test]
async fn it_was_cut_short() {
    let (home, database) = home_with_content().await;
    let whole = fs::read(&database).unwrap();
    fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    insta::assert_snapshot!(refused(&home, &database));
    for length in [100, 512, 20_000, whole.len() - 16_384] {
        fs::write(&database, &whole[..length]).unwrap();
        let said = refused(&home, &database);
        assert!(said.contains("is not a database wirewatch can read"), "{length} bytes: {said}");
    }
}

#[tokio::test]
async fn it_is_damaged_within() {
    let (home, database) = home_with_content().await;
    let mut bytes = fs::read(&database).unwrap();
    bytes[16_384..].fill(0xa5);
    fs::write(&database, &bytes).unwrap();
    insta::assert_snapshot!("damaged_once", all_say(&home, &[&["once"]]));
    insta::assert_snapshot!("damaged_listing", all_say(&home, &READERS));
}

#[test]
fn an_empty_file_is_a_new_database() {
    let (home, database) = home();
    fs::write(&database, "").unwrap();
    let before = home.run(&["articles", "list"]);
    assert_eq!(before.status.code(), Some(1));
    home.configure(IDLE);
    assert!(home.run(&["once"]).status.success());
    assert_eq!(home.json(&["articles", "list", "--json"]), serde_json::json!([]));
}
