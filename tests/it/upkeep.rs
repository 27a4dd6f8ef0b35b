//! Copies of a database in use, whether a database is sound, and how large it may grow.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::store::bed::{Bed, T0, alerting, new};
use crate::support::daemon::{Home, text};

const CONFIG: &str = "[daemon]\ndatabase = \"wirewatch.db\"\nlisten = \"off\"\n[retention]\narticles = \"36600d\"\nalerts = \"36600d\"\n";

/// A home whose database has three hundred articles of 8 kB, two months old and not listed any more, and an alert.
async fn home() -> (Home, PathBuf) {
    let home = Home::new(CONFIG);
    let database = home.path().join("wirewatch.db");
    let bed = Bed::on_disk();
    bed.configure(&["a"], &["desk"]).await;
    let mut articles: Vec<_> = (0..300).map(|n| new(&format!("x{n}"))).collect();
    articles.push(alerting(new("alerting"), "t", &["desk"], T0));
    bed.poll(T0, articles).await.unwrap();
    bed.store.close().await;
    fs::copy(bed.path(), &database).unwrap();
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "UPDATE article SET text = hex(randomblob(4000)), first_seen_at = first_seen_at - 5000000000",
        )
        .unwrap();
    (home, database)
}

#[tokio::test]
async fn a_copy_is_made_while_the_daemon_runs_and_is_a_database_to_go_on_with() {
    let (home, _database) = home().await;
    let daemon = home.start();
    let output = home.run(&["backup", "copy.db"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("301 articles, 1 alerts, 1 deliveries; read back and sound"), "{said}");
    assert_eq!(daemon.stop(), Some(0));

    let copy = home.path().join("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!home.path().join("copy.db.part").exists());
    home.configure(&CONFIG.replace("wirewatch.db", "copy.db"));
    assert_eq!(home.json(&["articles", "list", "--limit", "0", "--json"]).as_array().unwrap().len(), 301);
    assert_eq!(home.start().stop(), Some(0));
}

#[tokio::test]
async fn a_copy_never_replaces_a_file_and_a_directory_gets_a_dated_one() {
    let (home, _database) = home().await;
    fs::write(home.path().join("notes.txt"), "mine").unwrap();
    let output = home.run(&["backup", "notes.txt"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("notes.txt is there already; name another file"));
    assert_eq!(fs::read(home.path().join("notes.txt")).unwrap(), b"mine");

    fs::create_dir(home.path().join("backups")).unwrap();
    let made = home.json(&["backup", "backups", "--json"]);
    let path = made["path"].as_str().unwrap();
    assert!(path.starts_with("backups/wirewatch-20") && path.ends_with("Z.db"), "{path}");
    assert_eq!(made["articles"], 301);
    assert!(home.path().join(path).exists());

    let output = home.run(&["backup", "nowhere/copy.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write nowhere/copy.db"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn damage_is_found_and_never_copied() {
    let (home, database) = home().await;
    let output = home.run(&["database", "check"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("It is sound."), "{}", text(&output.stdout));

    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 16_384].fill(0xa5);
    fs::write(&database, &bytes).unwrap();
    let output = home.run(&["database", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("damage: ") && said.contains("restore a backup over it"), "{said}");
    assert_eq!(home.run(&["backup", "copy.db"]).status.code(), Some(1));
    assert!(!home.path().join("copy.db").exists() && !home.path().join("copy.db.part").exists());
}

#[tokio::test]
async fn a_reference_to_nothing_is_damage() {
    let (home, database) = home().await;
    let connection = Connection::open(&database).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM article").unwrap();
    let found = home.run(&["database", "check", "wirewatch.db", "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let findings = found["findings"].as_array().unwrap();
    assert!(findings[0].as_str().unwrap().contains("that is not there"), "{findings:?}");
    assert!(findings.len() <= 20);
}

#[tokio::test]
async fn a_database_stays_below_its_bound() {
    let (home, _database) = home().await;
    home.configure(&format!("{CONFIG}max_database = \"2MiB\"\n"));
    let before = home.json(&["database", "check", "--json"]);
    let used =
        |report: &serde_json::Value| report["bytes"].as_u64().unwrap() - report["free"].as_u64().unwrap();
    assert!(used(&before) > 2 << 20, "{before}");

    let mut daemon = home.start();
    daemon.wait_for_line("removed the oldest");
    assert_eq!(daemon.stop(), Some(0));
    let after = home.json(&["database", "check", "--json"]);
    assert!(used(&after) <= 2 << 20, "{after}");
    assert_eq!(after["findings"], serde_json::json!([]));
}
