//! Every schema that was ever released can be opened by the present program: samples of each are kept.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use wirewatch::domain::delivery::{DeliveryState, Settlement};
use wirewatch::domain::poll::ArticleChange;
use wirewatch::ports::Store as _;
use wirewatch::ports::reads::{AlertState, FeedHealth, Page};
use wirewatch::sqlite::{MIGRATIONS, SCHEMA, SqliteStore};

use super::bed::{
    Bed, HOUR, LEASE, T0, alerting, article, at, attempted, feed_id, identity, key, new, plan, room, silent,
    text, webhook,
};

const ALL: Page = Page { since: None, limit: 0 };

fn sample(schema: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/samples/databases/v{schema}.db"))
}

/// Writes the sample of the present schema anew. Until that schema is released only: afterwards its sample
/// is what others have on their disks.
///
/// `cargo test --test it rewrite_the_sample -- --ignored`
#[tokio::test]
#[ignore = "rewrites a file of the repository"]
async fn rewrite_the_sample_of_the_present_schema() {
    let bed = Bed::on_disk();
    bed.configure(&["a", "b", "gone"], &["broken", "desk", "left", "phone"]).await;
    let claims = bed.claim(T0).await;
    for claim in &claims {
        let mut planned = plan(claim, T0, Vec::new());
        match claim.work().id.as_str() {
            "a" => {
                let told = alerting(new("told"), "t", &["broken", "desk", "left", "phone"], T0);
                planned.articles = vec![silent("old"), told, alerting(new("logged"), "u", &[], T0)];
                planned.feed.title = Some("The Wire".to_owned());
                planned.feed.validators.etag = Some(b"\"1\"".to_vec());
            }
            "b" => {
                planned.feed.failures = 3;
                planned.feed.last_error = Some("the name does not resolve".to_owned());
            }
            _ => planned.feed.status = wirewatch::domain::feed::FeedStatus::Gone,
        }
        bed.store.record_poll(claim, planned, T0).await.unwrap();
    }
    let claims = bed.claim(at(HOUR)).await;
    for claim in &claims {
        let mut planned = plan(claim, at(HOUR), Vec::new());
        if claim.work().id == feed_id("a") {
            let mut changed = text("told");
            changed.entry.title = "Told again".to_owned();
            planned.articles = vec![article("told", ArticleChange::Revised(Box::new(changed)))];
        } else {
            planned.articles = vec![article("told", ArticleChange::Sighted)];
        }
        bed.store.record_poll(claim, planned, at(HOUR)).await.unwrap();
    }
    let permits = room(&[("desk", 1), ("phone", 1)]);
    for claim in bed.store.claim_due_deliveries(at(HOUR), LEASE, permits).await.unwrap().claims {
        let (status, settlement) = if claim.work().webhook == webhook("desk") {
            (204, Settlement::Delivered)
        } else {
            (503, Settlement::RetryAt { at: at(HOUR * 2), pause_webhook: true })
        };
        bed.store.record_attempt(&claim, attempted(status, &settlement), at(HOUR)).await.unwrap();
    }
    bed.configure(&["a", "b", "gone"], &["broken", "desk", "phone"]).await;
    bed.store.close().await;
    let path = sample(MIGRATIONS.len());
    // The same rows in the smallest pages: what a schema is does not depend on their size.
    drop(fs::remove_file(&path));
    let source = bed.raw();
    source.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM").unwrap();
    drop(source);
    fs::copy(bed.path(), path).unwrap();
}

#[test]
fn every_schema_has_its_sample() {
    for schema in 1..=MIGRATIONS.len() {
        let path = sample(schema);
        assert!(
            path.exists(),
            "schema {schema} has no sample: make {} with the program before the next migration is added, \
             see rewrite_the_sample_of_the_present_schema",
            path.display()
        );
        let connection = Connection::open(&path).unwrap();
        let version: usize =
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).unwrap() as usize;
        assert_eq!(version, schema, "{}", path.display());
    }
    assert!(!sample(MIGRATIONS.len() + 1).exists(), "a sample of a schema this program does not know");
}

/// A copy of a sample, opened as the daemon opens it.
fn opened(schema: usize) -> (TempDir, PathBuf, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wirewatch.db");
    fs::copy(sample(schema), &path).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    (dir, path, store)
}

fn lines(path: &Path, query: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_content_of_every_sample_is_there() {
    for schema in 1..=MIGRATIONS.len() {
        let (_dir, _path, store) = opened(schema);
        let feeds = store.list_feeds().await.unwrap();
        let states: Vec<_> = feeds.iter().map(|row| (row.id.as_str(), row.state, row.articles)).collect();
        let expected =
            [("a", FeedHealth::Ok, 3), ("b", FeedHealth::Failing, 1), ("gone", FeedHealth::Gone, 0)];
        assert_eq!(states, expected, "schema {schema}");
        assert_eq!(feeds[0].title.as_deref(), Some("The Wire"));

        let articles = store.list_articles(ALL).await.unwrap();
        let told = articles.iter().find(|row| row.id == key("told")).unwrap();
        assert_eq!((told.title.as_str(), told.revision, told.feeds.len()), ("Told again", 2, 2));
        assert_eq!(articles.iter().filter(|row| row.suppressed.is_some()).count(), 1);

        let mut alerts: Vec<_> = store
            .list_alerts(ALL)
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.topic.to_string(), row.state))
            .collect();
        alerts.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [("t".to_owned(), AlertState::Pending), ("u".to_owned(), AlertState::Logged)];
        assert_eq!(alerts, expected, "schema {schema}");

        let deliveries = store.list_deliveries(ALL, None).await.unwrap();
        let state = |name: &str| deliveries.iter().find(|row| row.webhook == webhook(name)).unwrap().state;
        assert_eq!(state("broken"), DeliveryState::Dead);
        assert_eq!(state("desk"), DeliveryState::Delivered);
        assert_eq!(state("left"), DeliveryState::Held);
        assert_eq!(state("phone"), DeliveryState::Pending);
    }
}

#[tokio::test]
async fn work_goes_on_where_the_sample_stopped() {
    for schema in 1..=MIGRATIONS.len() {
        let (_dir, path, store) = opened(schema);
        store.recover(at(HOUR * 3)).await.unwrap();
        let known =
            store.known(&feed_id("a"), vec![identity("told"), identity("never")], T0).await.unwrap().articles;
        assert_eq!((known[0].is_some(), known[1].is_some()), (true, false), "schema {schema}");
        let permits = room(&[("phone", 1)]);
        let claims = store.claim_due_deliveries(at(HOUR * 3), LEASE, permits).await.unwrap().claims;
        assert_eq!(claims[0].work().attempt, 2, "schema {schema}");
        store.record_attempt(&claims[0], attempted(200, &Settlement::Delivered), at(HOUR * 3)).await.unwrap();
        store.close().await;
        assert_eq!(lines(&path, "SELECT \"table\" FROM pragma_foreign_key_check"), [""; 0]);
        assert_eq!(lines(&path, "PRAGMA integrity_check"), ["ok"]);
    }
}

/// Also fails when a migration was edited after its sample was made.
#[tokio::test]
async fn a_database_that_was_migrated_has_the_schema_of_a_new_one() {
    const TEXT: &str = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema
                        WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
    let new = Bed::on_disk();
    let expected = lines(&new.path(), TEXT);
    for schema in 1..=MIGRATIONS.len() {
        let (_dir, path, _store) = opened(schema);
        let found = lines(&path, TEXT);
        let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
        let surplus: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "schema {schema}: {missing:#?} {surplus:#?}");
        let copy = path.with_file_name(format!("wirewatch.db.schema{schema}"));
        assert_eq!(copy.exists(), schema < SCHEMA as usize, "what is migrated is copied aside first");
    }
}
