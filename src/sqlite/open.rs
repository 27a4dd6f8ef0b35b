//! Opening a database: whose it is, pragmas, the lock against a second daemon.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::migrate::{MIGRATIONS, SCHEMA, identify, migrate};

/// How long a statement waits for another process (a command that reads, a backup) to let go.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept ready per connection: more than there are.
const STATEMENTS: usize = 128;

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
    /// Something else has its name.
    #[error("{0} is not a file; let `daemon.database` name a file, or move what is there away")]
    NotAFile(PathBuf),
    /// Another process holds it.
    #[error("the database {0} is locked by another process; end that process, or wait until it is done")]
    Busy(PathBuf),
    /// Not SQLite, or damaged.
    #[error("{0} is not a database wirewatch can read; move it away, or restore a backup over it")]
    NotADatabase(PathBuf),
    /// SQLite, but not ours.
    #[error("{0} is the database of another program; let `daemon.database` name another file")]
    Foreign(PathBuf),
    /// From the past, and only the daemon may change it.
    #[error(
        "the database {path} was written by an older wirewatch (schema {found}, this one reads {SCHEMA}); \
         `wirewatch run` or `wirewatch once` brings it up to date"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// The copy from before an upgrade.
    #[error(
        "cannot keep a copy of the database at {0} before its upgrade; make room, or let this user write there"
    )]
    Copy(PathBuf, #[source] std::io::Error),
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
    #[error("another wirewatch{} uses the database {path}; end that one, or let `daemon.database` name another file", holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
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
    make_directory(path)?;
    let refine = |problem| explain(path, &problem);
    let mut connection = Connection::open(path).map_err(refine)?;
    connection.busy_timeout(BUSY).map_err(refine)?;
    // Nothing is changed before it is known to be ours.
    let found = identify(&connection, path)?;
    prepare(&connection).map_err(refine)?;
    migrate(&mut connection, path, found, MIGRATIONS)?;
    // A database that cannot be written now is found out here, with words that say why.
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .and_then(rusqlite::Transaction::rollback)
        .map_err(refine)?;
    Ok(connection)
}

/// Opens an existing database of the present schema for a short write.
pub(super) fn open_visitor(path: &Path) -> Result<Connection, OpenError> {
    let refine = |problem| explain(path, &problem);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refine)?;
    connection.busy_timeout(BUSY).map_err(refine)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(refine)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(refine)?;
    Ok(connection)
}

/// Opens for reading only; never makes or changes anything.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    if matches!(path.try_exists(), Ok(false)) {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refine = |problem| explain(path, &problem);
    let connection = Connection::open_with_flags(path, flags).map_err(refine)?;
    connection.busy_timeout(BUSY).map_err(refine)?;
    connection.pragma_update(None, "query_only", true).map_err(refine)?;
    keep_statements(&connection).map_err(refine)?;
    match identify(&connection, path)? {
        0 => Err(OpenError::Missing(path.to_owned())),
        found if found < SCHEMA => Err(OpenError::Older { path: path.to_owned(), found }),
        _ => Ok(connection),
    }
}

/// Opens a database that lives as long as its connection.
pub(super) fn open_memory() -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|problem| explain(path, &problem))?;
    prepare(&connection).map_err(|problem| explain(path, &problem))?;
    migrate(&mut connection, path, 0, MIGRATIONS)?;
    Ok(connection)
}

fn make_directory(database: &Path) -> Result<(), OpenError> {
    match database.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        Some(directory) => std::fs::create_dir_all(directory)
            .map_err(|problem| OpenError::Directory(directory.to_owned(), problem)),
        None => Ok(()),
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
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
    // What a command may take back is copied before it is changed: in memory, not in a file of the system's.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // mmap stays off: an I/O error must be an error, not a signal.
    connection.pragma_update(None, "mmap_size", 0)?;
    keep_statements(connection)
}

/// Statements are read and planned once: as many are kept as there are, and none is planned anew for another value
/// bound to it, which SQLite's statistics would else make it do again and again.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Turns SQLite's words into what is wrong and what to do.
pub(super) fn explain(path: &Path, problem: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    if path.exists() && !path.is_file() {
        return OpenError::NotAFile(path);
    }
    match problem.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Busy(path),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::ReadOnly(path)
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::NotADatabase(path),
        // Its source says the same once more.
        _ => OpenError::Failed(path, anyhow::Error::msg(problem.to_string())),
    }
}

/// The process that holds a database's lock; none when nobody does. Zero when it cannot be told who.
pub fn holder(database: &Path) -> Option<u32> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let mut file = File::open(PathBuf::from(path)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            drop(file.read_to_string(&mut pid));
            Some(pid.trim().parse().unwrap_or_default())
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
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
        make_directory(database)?;
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
