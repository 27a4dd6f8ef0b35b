//! Whose database a file is, and bringing its schema up to date.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::open::{OpenError, explain};

/// Every schema so far, oldest first; forward only. Each has a sample in `tests/samples/databases`.
pub const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// The schema this program writes.
#[expect(clippy::cast_possible_truncation, reason = "a handful of migrations")]
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// Marks a file as wirewatch's: `wire` in ASCII, written by the first migration.
const APPLICATION: u32 = 0x7769_7265;

/// Asks whose a database is and which schema it has, 0 when there is nothing in it. Changes nothing.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let read = || -> rusqlite::Result<(u32, u32, bool)> {
        Ok((
            connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?,
        ))
    };
    match read().map_err(|problem| explain(path, &problem))? {
        (0, 0, false) => Ok(0),
        (found, APPLICATION, _) if found > SCHEMA => Err(OpenError::Newer { path: path.to_owned(), found }),
        (found, APPLICATION, true) if found > 0 => Ok(found),
        _ => Err(OpenError::Foreign(path.to_owned())),
    }
}

/// Applies the migrations that `connection` lacks, one transaction a step. A database that holds something
/// already (`path`) is copied aside first.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    found: u32,
    migrations: &[&str],
) -> Result<(), OpenError> {
    let missing: Vec<(u32, &&str)> = (1_u32..).zip(migrations).filter(|(step, _)| *step > found).collect();
    if found > 0 && !missing.is_empty() {
        copy_aside(connection, path, found)?;
    }
    let refine = |problem| explain(path, &problem);
    // A table that is made anew would take along all that refers to it; nor can this be said within a transaction.
    let guarded: bool =
        connection.pragma_query_value(None, "foreign_keys", |row| row.get(0)).map_err(refine)?;
    connection.pragma_update(None, "foreign_keys", false).map_err(refine)?;
    for (step, sql) in missing {
        take_step(connection, step, sql).map_err(refine)?;
    }
    connection.pragma_update(None, "foreign_keys", guarded).map_err(refine)
}

fn take_step(connection: &mut Connection, step: u32, sql: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "user_version", step)?;
    transaction.commit()
}

/// Copies the database to `NAME.schemaN`, under another name until it is whole; a copy that is there stays.
fn copy_aside(connection: &Connection, path: &Path, found: u32) -> Result<(), OpenError> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".schema{found}{suffix}"));
        PathBuf::from(name)
    };
    let (copy, unfinished) = (with(""), with(".part"));
    if copy.exists() {
        return Ok(());
    }
    // What a copy that was cut off left; when it is not there, so much the better.
    drop(std::fs::remove_file(&unfinished));
    connection
        .execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])
        .map_err(|problem| explain(path, &problem))?;
    std::fs::rename(&unfinished, &copy).map_err(|problem| OpenError::Copy(copy, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [&str; 2] = ["CREATE TABLE a (x); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN y"];

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
    }

    #[test]
    fn each_step_is_taken_once_and_what_was_there_is_copied_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("w.db");
        let mut connection = Connection::open(&path).expect("a file");
        migrate(&mut connection, &path, 0, &STEPS[..1]).expect("the first step");
        let copy = dir.path().join("w.db.schema1");
        assert!(!copy.exists(), "nothing was there before the first step");
        std::fs::write(dir.path().join("w.db.schema1.part"), "cut off").expect("written");

        migrate(&mut connection, &path, 1, &STEPS).expect("the second step");
        assert_eq!(version(&connection), 2);
        let copy = Connection::open(copy).expect("the copy");
        assert_eq!(version(&copy), 1);
        let rows: u32 = copy.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).expect("a count");
        assert_eq!(rows, 1);
        migrate(&mut connection, &path, 2, &STEPS).expect("nothing to do");
    }

    #[test]
    fn a_step_that_fails_leaves_the_schema_before_it() {
        let mut connection = Connection::open_in_memory().expect("memory");
        let path = Path::new(":memory:");
        let steps = [STEPS[0], "ALTER TABLE a ADD COLUMN y; ALTER TABLE nowhere ADD COLUMN z"];
        migrate(&mut connection, path, 0, &steps).expect_err("a broken step");
        assert_eq!(version(&connection), 1);
        connection.execute("INSERT INTO a (y) VALUES (1)", []).expect_err("no half of a step");
    }
}
