//! A verified copy of a database in use, and whether a database is sound.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::open::{OpenError, open_reader};

/// Findings listed per check; a damaged file can have millions.
const FINDINGS: usize = 20;

/// Why no copy was made; nothing is left of one that was begun.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// A file is never written over.
    #[error("{0} is there already; name another file, or a directory to get a name with the date")]
    Exists(PathBuf),
    /// The copy's place cannot be written.
    #[error("cannot write {0}")]
    Target(PathBuf, #[source] std::io::Error),
    /// SQLite could not copy.
    #[error("cannot copy the database to {0}: {1}")]
    Copy(PathBuf, String),
    /// What was copied is not sound.
    #[error(
        "the copy is damaged, so the database is ({0}); `wirewatch database check` says more; restore an earlier backup"
    )]
    Unsound(String),
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Where the copy is.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Articles in it.
    pub articles: u64,
    /// Alerts in it.
    pub alerts: u64,
    /// Deliveries in it, of any state.
    pub deliveries: u64,
}

/// Whether a database is sound, and how large it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Soundness {
    /// The file.
    pub path: PathBuf,
    /// Its schema.
    pub schema: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// Of them, bytes that hold nothing at present.
    pub free: u64,
    /// Articles in it.
    pub articles: u64,
    /// Alerts in it.
    pub alerts: u64,
    /// Deliveries in it, of any state.
    pub deliveries: u64,
    /// What is wrong; empty when it is sound.
    pub findings: Vec<String>,
}

/// What a database takes on its disk, and what the disk has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Bytes of the database with its log.
    pub bytes: u64,
    /// Bytes of its disk that are free for it.
    pub free: u64,
}

/// Looks at the disk a database is on.
///
/// # Errors
/// When the database or its disk cannot be looked at.
pub fn disk(database: &Path) -> std::io::Result<Disk> {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    // Where nobody has it open there is no log.
    let log = std::fs::metadata(PathBuf::from(log)).map_or(0, |found| found.len());
    let bytes = std::fs::metadata(database)?.len() + log;
    let disk = rustix::fs::statvfs(database)?;
    Ok(Disk { bytes, free: disk.f_bavail.saturating_mul(disk.f_frsize) })
}

/// Copies the database as it is at this moment, also while a daemon writes it, and checks the copy.
///
/// The copy appears under its name only when it is whole, checked and on the disk; only its owner can read it.
/// Blocks: some 150 MB a second.
///
/// # Errors
/// See [`BackupError`].
pub fn backup(database: &Path, copy: &Path) -> Result<Backup, BackupError> {
    let source = open_reader(database)?;
    if copy.exists() {
        return Err(BackupError::Exists(copy.to_owned()));
    }
    let unfinished = Unfinished::make(copy)?;
    // It writes the copy only, but counts as writing.
    source
        .pragma_update(None, "query_only", false)
        .and_then(|()| source.execute("VACUUM INTO ?1", [unfinished.path.to_string_lossy()]))
        .map_err(|problem| BackupError::Copy(copy.to_owned(), problem.to_string()))?;
    let sound = check(&unfinished.path)?;
    if let Some(finding) = sound.findings.first() {
        return Err(BackupError::Unsound(finding.clone()));
    }
    unfinished.finish(copy)?;
    let Soundness { bytes, articles, alerts, deliveries, .. } = sound;
    Ok(Backup { path: copy.to_owned(), bytes, articles, alerts, deliveries })
}

/// A copy that goes away again unless it is finished.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn make(copy: &Path) -> Result<Self, BackupError> {
        let mut path = copy.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        // What a copy that was cut off left; when it is not there, so much the better.
        drop(std::fs::remove_file(&path));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|problem| BackupError::Target(path.clone(), problem))?;
        Ok(Self { path })
    }

    /// Gives it its name, once the disk has it.
    fn finish(self, copy: &Path) -> Result<(), BackupError> {
        let failed = |problem| BackupError::Target(copy.to_owned(), problem);
        File::open(&self.path).and_then(|file| file.sync_all()).map_err(failed)?;
        if copy.exists() {
            return Err(BackupError::Exists(copy.to_owned()));
        }
        std::fs::rename(&self.path, copy).map_err(failed)?;
        let directory = copy.parent().filter(|directory| !directory.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new("."))).and_then(|file| file.sync_all()).map_err(failed)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Reads every page of a database, also while a daemon writes it: structure, indexes, references.
///
/// Blocks: some 40 MB a second.
///
/// # Errors
/// [`OpenError`] when it cannot be opened at all; damage is a finding.
pub fn check(database: &Path) -> Result<Soundness, OpenError> {
    let connection = open_reader(database)?;
    let mut findings = Vec::new();
    note(&mut findings, integrity(&connection));
    note(&mut findings, references(&connection));
    let number = |sql: &str, findings: &mut Vec<String>| -> u64 {
        let found = connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or_else(|problem| {
            note(findings, Err(problem));
            0
        });
        u64::try_from(found).unwrap_or_default()
    };
    let page = number("PRAGMA page_size", &mut findings);
    Ok(Soundness {
        path: database.to_owned(),
        schema: u32::try_from(number("PRAGMA user_version", &mut findings)).unwrap_or(u32::MAX),
        bytes: page * number("PRAGMA page_count", &mut findings),
        free: page * number("PRAGMA freelist_count", &mut findings),
        articles: number("SELECT count(*) FROM article", &mut findings),
        alerts: number("SELECT count(*) FROM alert", &mut findings),
        deliveries: number("SELECT count(*) FROM delivery", &mut findings),
        findings,
    })
}

fn note(findings: &mut Vec<String>, found: rusqlite::Result<Vec<String>>) {
    match found {
        Ok(found) => findings.extend(found),
        Err(problem) => findings.push(problem.to_string()),
    }
    findings.truncate(FINDINGS);
}

fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

fn references(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    statement
        .query_map([], |row| {
            let (table, row, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(format!("row {} of {table} refers to a {parent} that is not there", row.unwrap_or_default()))
        })?
        .take(FINDINGS)
        .collect()
}
