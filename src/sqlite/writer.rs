//! One writer with group commit.
//!
//! Callers put commands on a bounded queue. One task takes all that wait, runs them in one `IMMEDIATE`
//! transaction, commits, and only then answers: an answer means the disk has it.
//!
//! A command that fails takes back what it wrote, and nothing of the others. Hardly any does: what a claim or a plan
//! no longer holds for is found out before the first write. So a batch runs without savepoints, each of which would
//! keep a copy of every page that its command changes; where a command did fail behind its first write, the whole
//! batch is taken back and run again with them.

use std::sync::Arc;

use anyhow::Context as _;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::ballast::Ballast;
use crate::offload::offload;
use crate::ports::StoreError;

/// Commands that may wait; beyond it callers wait to put theirs.
const QUEUE: usize = 1024;

/// Commands in one transaction: bounds how long the first of them waits for its answer.
const BATCH: usize = 256;

/// Why nothing of a batch was written; several callers share it.
#[derive(Clone, Debug)]
enum Lost {
    /// No space is left.
    DiskFull,
    /// Another process held the database for longer than we wait.
    Locked,
    /// What SQLite said.
    Other(String),
}

/// What became of a batch: committed, or why not.
type Committed = Result<(), Lost>;

/// What a failure of a command takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Everything: the batch's transaction.
    Transaction,
    /// What the command wrote.
    Savepoint,
}

/// How a command went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Went {
    /// Whether it failed after it had written something.
    half_way: bool,
    disk_full: bool,
}

/// Something to run in a batch's transaction, perhaps more than once, and to answer once its fate is known.
trait Command: Send {
    fn run(&mut self, connection: &Connection, within: Within) -> Went;

    fn answer(self: Box<Self>, committed: &Committed);
}

/// A handle on the writer.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Box<dyn Command>>,
}

impl Writer {
    /// Starts the writer's task on `connection`; it ends when every handle is gone, or at `close`.
    /// When the disk is full, it gives up the ballast.
    pub(super) fn start(connection: Connection, ballast: Option<Arc<Ballast>>, tasks: &TaskTracker) -> Self {
        let (queue, commands) = mpsc::channel(QUEUE);
        tasks.spawn(run(connection, ballast, commands));
        Self { queue }
    }

    /// Runs `work` in the next transaction and answers after its commit. All of what `work` does is in the database:
    /// it may be run again after it was taken back.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (command, receiver) = command(work);
        self.queue.send(command).await.map_err(|_error| StoreError::Closed)?;
        receiver.await.map_err(|_error| StoreError::Closed)?
    }
}

/// Work, what it came to, and who waits for that.
struct Job<T, F> {
    work: F,
    done: Option<Result<T, StoreError>>,
    sender: oneshot::Sender<Result<T, StoreError>>,
}

/// What is to run, and where its answer arrives.
fn command<T, F>(work: F) -> (Box<dyn Command>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    (Box::new(Job { work, done: None, sender }), receiver)
}

impl<T, F> Command for Job<T, F>
where
    T: Send + 'static,
    F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
{
    fn run(&mut self, connection: &Connection, within: Within) -> Went {
        let before = connection.total_changes();
        let done = match within {
            Within::Transaction => (self.work)(connection),
            Within::Savepoint => in_savepoint(connection, &self.work),
        };
        let went = Went {
            half_way: within == Within::Transaction && done.is_err() && connection.total_changes() != before,
            disk_full: matches!(done, Err(StoreError::DiskFull(_))),
        };
        self.done = Some(done);
        went
    }

    fn answer(self: Box<Self>, committed: &Committed) {
        let answer = match (committed, self.done) {
            (Ok(()), Some(done)) => done,
            (Ok(()), None) => Err(StoreError::Closed),
            // Nothing was written, and it knows best why.
            (Err(_), Some(Err(own))) => Err(own),
            (Err(lost), _) => Err(lost.into()),
        };
        // A caller that no longer waits has no use for the answer.
        drop(self.sender.send(answer));
    }
}

async fn run(
    mut connection: Connection,
    ballast: Option<Arc<Ballast>>,
    mut commands: mpsc::Receiver<Box<dyn Command>>,
) {
    let mut waiting = Vec::with_capacity(BATCH);
    while commands.recv_many(&mut waiting, BATCH).await > 0 {
        let batch = std::mem::take(&mut waiting);
        let ballast = ballast.clone();
        let ran = offload(move || {
            run_batch(&mut connection, batch, ballast.as_deref());
            connection
        });
        match ran.await {
            Ok(back) => connection = back,
            Err(problem) => {
                // The connection went with the panic; callers get `Closed`, the daemon stops and is restarted.
                tracing::error!(error = %problem, "the database writer ended by a defect in wirewatch");
                return;
            }
        }
    }
    // Everything is committed; this only makes the next start quicker.
    drop(connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
}

fn run_batch(connection: &mut Connection, mut batch: Vec<Box<dyn Command>>, ballast: Option<&Ballast>) {
    let (committed, disk_full) = match attempt(connection, &mut batch, Within::Transaction) {
        Some(done) => done,
        None => {
            attempt(connection, &mut batch, Within::Savepoint).expect("a savepoint takes back what failed")
        }
    };
    if let Some(ballast) = ballast.filter(|_| disk_full) {
        // Before the answers: whoever tries again at once finds room.
        ballast.give_up();
    }
    for command in batch {
        command.answer(&committed);
    }
    if ballast.is_some_and(Ballast::is_given_up) {
        // The log is the largest thing that can be given back at once. In vain when readers hold it.
        drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    }
}

/// Runs a batch in one transaction; answers what became of it, and whether the disk was full. `None` when it was taken
/// back because a command failed half-way.
fn attempt(
    connection: &mut Connection,
    batch: &mut [Box<dyn Command>],
    within: Within,
) -> Option<(Committed, bool)> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(problem) => {
            let lost = Lost::from(&problem);
            let full = matches!(lost, Lost::DiskFull);
            return Some((Err(lost), full));
        }
    };
    let mut full = false;
    for command in batch {
        if transaction.is_autocommit() {
            // When the disk is full or fails, SQLite takes the whole transaction back by itself. What
            // follows must not run then: every statement would be committed on its own.
            break;
        }
        let went = command.run(&transaction, within);
        full |= went.disk_full;
        if went.half_way && !transaction.is_autocommit() {
            // Dropped, it is taken back.
            return None;
        }
    }
    let committed = commit(transaction, full);
    let full = full || matches!(committed, Err(Lost::DiskFull));
    Some((committed, full))
}

fn commit(transaction: Transaction<'_>, disk_full: bool) -> Committed {
    if !transaction.is_autocommit() {
        return transaction.commit().map_err(|problem| Lost::from(&problem));
    }
    Err(if disk_full { Lost::DiskFull } else { Lost::Other("the transaction was taken back".to_owned()) })
}

impl From<&rusqlite::Error> for Lost {
    fn from(problem: &rusqlite::Error) -> Self {
        match problem.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Other(problem.to_string()),
        }
    }
}

impl From<&Lost> for StoreError {
    fn from(lost: &Lost) -> Self {
        match lost {
            Lost::DiskFull => Self::DiskFull(anyhow::anyhow!("nothing of this batch was written")),
            Lost::Locked => Self::Failed(anyhow::anyhow!("another process has locked it; end that process")),
            Lost::Other(why) => Self::Failed(anyhow::anyhow!("committing: {why}")),
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Prepared: they run with every command, and to read them costs more than to do what they say.
    let run = |sql| connection.prepare_cached(sql)?.execute([]);
    run("SAVEPOINT command").context("opening a savepoint").map_err(StoreError::Failed)?;
    let done = work(connection);
    if done.is_err() && connection.is_autocommit() {
        // The savepoint went with its transaction.
        return done;
    }
    if done.is_err() {
        run("ROLLBACK TO command").map_err(StoreError::from)?;
    }
    run("RELEASE command").map_err(StoreError::from)?;
    done
}

/// Unique keys are how races show; any other broken constraint is a defect, and planning anew would not help.
const RACES: [i32; 3] =
    [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID];

impl From<rusqlite::Error> for StoreError {
    fn from(problem: rusqlite::Error) -> Self {
        if problem.sqlite_error().is_some_and(|code| RACES.contains(&code.extended_code)) {
            return Self::Conflict;
        }
        match problem.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(problem.into()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Failed(anyhow::anyhow!("{DAMAGED} ({problem})"))
            }
            // Its source says the same once more.
            _ => Self::Failed(anyhow::Error::msg(problem.to_string())),
        }
    }
}

const DAMAGED: &str = "its file is damaged; stop wirewatch, then restore a backup over it or move it away";

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(bytes: i64) -> impl Fn(&Connection) -> Result<(), StoreError> + Send {
        move |connection| {
            connection.execute("INSERT INTO t (data) VALUES (zeroblob(?1))", [bytes])?;
            Ok(())
        }
    }

    fn run_all(connection: &mut Connection, sizes: &[i64]) -> Vec<Result<(), StoreError>> {
        let (commands, mut answers): (Vec<_>, Vec<_>) =
            sizes.iter().map(|size| command(insert(*size))).unzip();
        run_batch(connection, commands, None);
        answers.iter_mut().map(|answer| answer.try_recv().expect("an answer")).collect()
    }

    #[test]
    fn an_answer_says_what_is_written_also_when_the_disk_is_full() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection
            .execute_batch(
                "PRAGMA max_page_count = 20; CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
            )
            .expect("a table");
        let answers = run_all(&mut connection, &[100, 1_000_000, 100]);
        let good = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(matches!(answers[1], Err(StoreError::DiskFull(_))), "{answers:?}");
        let rows: i64 =
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a count");
        assert_eq!(rows, i64::try_from(good).expect("few"), "{answers:?}");
        assert!(run_all(&mut connection, &[100]).remove(0).is_ok(), "it goes on when there is room");
    }

    #[test]
    fn what_fails_takes_back_what_it_wrote_and_nothing_of_the_others() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY)").expect("a table");
        let keep = |ids: &'static [i64]| {
            move |connection: &Connection| {
                for id in ids {
                    connection.execute("INSERT INTO t VALUES (?1)", [id])?;
                }
                Ok(())
            }
        };
        let (commands, mut answers): (Vec<_>, Vec<_>) =
            [&[1][..], &[2, 1], &[3], &[1, 2], &[4]].into_iter().map(|ids| command(keep(ids))).unzip();
        run_batch(&mut connection, commands, None);
        let good: Vec<bool> =
            answers.iter_mut().map(|answer| answer.try_recv().expect("an answer").is_ok()).collect();
        assert_eq!(good, [true, false, true, false, true]);
        let rows: String = connection
            .query_row("SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)", [], |row| row.get(0))
            .expect("rows");
        assert_eq!(rows, "1,3,4");
    }

    #[test]
    fn a_full_disk_costs_the_ballast() {
        let dir = tempfile::tempdir().expect("a directory");
        let ballast = Ballast::beside(&dir.path().join("w.db"));
        let mut connection = Connection::open_in_memory().expect("memory");
        connection
            .execute_batch("PRAGMA max_page_count = 20; CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")
            .expect("a table");
        for (bytes, given_up) in [(100, false), (1_000_000, true)] {
            let (command, _answer) = command(insert(bytes));
            run_batch(&mut connection, vec![command], Some(&ballast));
            assert_eq!(ballast.is_given_up(), given_up, "{bytes} bytes");
        }
    }

    #[test]
    fn only_a_key_that_is_taken_is_a_conflict() {
        let connection = Connection::open_in_memory().expect("memory");
        connection
            .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
            .expect("a table");
        let problem = |sql| StoreError::from(connection.execute_batch(sql).expect_err("a broken constraint"));
        assert!(matches!(problem("INSERT INTO t VALUES (1, 'a'), (1, 'b')"), StoreError::Conflict));
        assert!(matches!(problem("INSERT INTO t VALUES (2, NULL)"), StoreError::Failed(_)));
    }
}
