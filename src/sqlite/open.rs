//! Opening a database: pragmas, migrations, the lock against a second daemon.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Every schema so far, oldest first; forward only. Each has a sample in `tests/samples/databases`.
pub const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql")];

/// The schema this program writes.
#[expect(clippy::cast_possible_truncation, reason = "a handful of migrations")]
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// How long a statement waits for another process (a command that reads, a backup) to let go.
const BUSY: Duration = Duration::from_secs(5);

/// Why a database could not be opened; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is there yet.
    #[error("there is no database at {0} yet; `wirewatch run` or `wirewatch once` makes it")]
    Missing(PathBuf),
    /// The directory cannot be made or written.
    #[error("cannot make the directory {0} for the database; make it, or let this user write there")]
    Directory(PathBuf, #[source] std::io::Error),
    /// No permission to write.
    #[error("cannot write the database {0}; let this user write the file and its directory")]
    ReadOnly(PathBuf),
    /// Another process holds it.
    #[error("the database {0} is locked by another process; end that process, or wait until it is done")]
    Busy(PathBuf),
    /// Not SQLite, or damaged.
    #[error("{0} is not a database wirewatch can read; move it away, or restore a backup over it")]
    NotADatabase(PathBuf),
    /// From the future.
    #[error(
        "the database {path} was written by a newer wirewatch (schema {found}, this one knows up to {SCHEMA}); \
         install that version, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// Another daemon.
    #[error("another wirewatch{} uses the database {path}; only one may", holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The database.
        path: PathBuf,
        /// The other daemon's process id.
        holder: Option<u32>,
    },
    /// Anything else.
    #[error("cannot open the database {0}")]
    Failed(PathBuf, #[source] anyhow::Error),
}

/// Opens for writing; makes the file and its directory when there are none, and migrates.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)
            .map_err(|problem| OpenError::Directory(directory.to_owned(), problem))?;
    }
    let refine = |problem| explain(path, problem);
    let mut connection = Connection::open(path).map_err(refine)?;
    prepare(&connection).map_err(refine)?;
    migrate(&mut connection, Some(path))?;
    Ok(connection)
}

/// Opens for reading only; never makes or changes anything.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refine = |problem| explain(path, problem);
    let connection = Connection::open_with_flags(path, flags).map_err(refine)?;
    connection.busy_timeout(BUSY).map_err(refine)?;
    connection.pragma_update(None, "query_only", true).map_err(refine)?;
    match schema(&connection).map_err(refine)? {
        0 => Err(OpenError::Missing(path.to_owned())),
        found if found > SCHEMA => Err(OpenError::Newer { path: path.to_owned(), found }),
        _ => Ok(connection),
    }
}

/// Opens a database that lives as long as its connection.
pub(super) fn open_memory() -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|problem| explain(path, problem))?;
    prepare(&connection).map_err(|problem| explain(path, problem))?;
    migrate(&mut connection, None)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Rows of 2 to 3 kB waste a third of a 4 KiB page, and writing pages is what an insert costs. Takes
    // effect on a new file only.
    connection.pragma_update(None, "page_size", 16_384)?;
    // Lets space be given back in small steps instead of one long VACUUM. New files only.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // Readers never wait for the writer.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // NORMAL forgets acknowledged commits in a power cut, and a forgotten receipt is a second message.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 16 MiB of pages; the working set of a poll is a few.
    connection.pragma_update(None, "cache_size", -16_384)?;
    // A log that grew in a burst is cut back to this.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // mmap stays off: an I/O error must be an error, not a signal.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn schema(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings the schema up to date, one transaction a step; an existing database is copied aside first.
fn migrate(connection: &mut Connection, path: Option<&Path>) -> Result<(), OpenError> {
    let shown = path.unwrap_or(Path::new(":memory:"));
    let refine = |problem| explain(shown, problem);
    let found = schema(connection).map_err(refine)?;
    if found > SCHEMA {
        return Err(OpenError::Newer { path: shown.to_owned(), found });
    }
    if found > 0
        && found < SCHEMA
        && let Some(path) = path
    {
        let mut copy = path.as_os_str().to_owned();
        copy.push(format!(".schema{found}"));
        let copy = PathBuf::from(copy);
        if !copy.exists() {
            connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).map_err(refine)?;
        }
    }
    for (step, sql) in (1_u32..).zip(MIGRATIONS).filter(|(step, _)| *step > found) {
        let transaction = connection.transaction().map_err(refine)?;
        transaction.execute_batch(sql).map_err(refine)?;
        transaction.pragma_update(None, "user_version", step).map_err(refine)?;
        transaction.commit().map_err(refine)?;
    }
    Ok(())
}

/// Turns SQLite's words into what is wrong and what to do.
fn explain(path: &Path, problem: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match problem.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy(path),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::ReadOnly(path)
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotADatabase(path),
        _ => OpenError::Failed(path, problem.into()),
    }
}

/// Held by the one daemon of a database, as long as it lives: the kernel lets go when the process ends.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
}

impl DaemonLock {
    /// Takes the lock beside the database.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when another process holds it.
    pub fn take(database: &Path) -> Result<Self, OpenError> {
        if let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)
                .map_err(|problem| OpenError::Directory(directory.to_owned(), problem))?;
        }
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|_error| OpenError::ReadOnly(path.clone()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                drop(file.read_to_string(&mut pid));
                return Err(OpenError::Locked { path: database.to_owned(), holder: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(problem)) => return Err(OpenError::Failed(path, problem.into())),
        }
        let note = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        // The lock holds without the note, too; it only names the holder to others.
        drop(note);
        Ok(Self { _file: file })
    }
}
