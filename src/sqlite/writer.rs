//! One writer with group commit.
//!
//! Callers put commands on a bounded queue. One task takes all that wait, runs them in one `IMMEDIATE`
//! transaction with a savepoint each, commits, and only then answers: an answer means the disk has it.

use anyhow::Context as _;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::ports::StoreError;

/// Commands that may wait; beyond it callers wait to put theirs.
const QUEUE: usize = 1024;

/// Commands in one transaction: bounds how long the first of them waits for its answer.
const BATCH: usize = 256;

/// What became of a batch: committed, or why not.
type Committed = Result<(), String>;

/// Answers a caller once the fate of the batch is known.
type Answer = Box<dyn FnOnce(&Committed) + Send>;

/// Runs inside the batch's transaction; without one (it could not begin) only answers.
type Command = Box<dyn FnOnce(Option<&Connection>) -> Answer + Send>;

/// A handle on the writer.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the writer's task on `connection`; it ends when every handle is gone, or at `close`.
    pub(super) fn start(connection: Connection, tasks: &TaskTracker) -> Self {
        let (queue, commands) = mpsc::channel(QUEUE);
        tasks.spawn(run(connection, commands));
        Self { queue }
    }

    /// Runs `work` in a savepoint of the next transaction and answers after its commit.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let command: Command = Box::new(move |connection| {
            let done = connection.map(|connection| in_savepoint(connection, work));
            Box::new(move |committed| {
                let answer = match (committed, done) {
                    (Ok(()), Some(done)) => done,
                    (Ok(()), None) => Err(StoreError::Closed),
                    (Err(why), _) => Err(failed_commit(why)),
                };
                // A caller that no longer waits has no use for the answer.
                drop(sender.send(answer));
            })
        });
        self.queue.send(command).await.map_err(|_error| StoreError::Closed)?;
        receiver.await.map_err(|_error| StoreError::Closed)?
    }
}

async fn run(mut connection: Connection, mut commands: mpsc::Receiver<Command>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while commands.recv_many(&mut waiting, BATCH).await > 0 {
        let batch = std::mem::take(&mut waiting);
        let ran = tokio::task::spawn_blocking(move || {
            run_batch(&mut connection, batch);
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

fn run_batch(connection: &mut Connection, batch: Vec<Command>) {
    let mut answers = Vec::with_capacity(batch.len());
    let committed = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => {
            answers.extend(batch.into_iter().map(|command| command(Some(&transaction))));
            transaction.commit()
        }
        Err(problem) => {
            answers.extend(batch.into_iter().map(|command| command(None)));
            Err(problem)
        }
    };
    let committed =
        committed.map_err(|problem| if is_full(&problem) { FULL.to_owned() } else { problem.to_string() });
    for answer in answers {
        answer(&committed);
    }
}

/// Stands for a full disk in [`Committed`], whose text several callers share.
const FULL: &str = "disk full";

fn failed_commit(why: &str) -> StoreError {
    let cause = anyhow::anyhow!("committing: {why}");
    if why == FULL { StoreError::DiskFull(cause) } else { StoreError::Failed(cause) }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection
        .execute_batch("SAVEPOINT command")
        .context("opening a savepoint")
        .map_err(StoreError::Failed)?;
    let done = work(connection);
    let end = if done.is_ok() { "RELEASE command" } else { "ROLLBACK TO command; RELEASE command" };
    connection.execute_batch(end).map_err(StoreError::from)?;
    done
}

fn is_full(problem: &rusqlite::Error) -> bool {
    problem.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

impl From<rusqlite::Error> for StoreError {
    fn from(problem: rusqlite::Error) -> Self {
        match problem.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(problem.into()),
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Failed(problem.into()),
        }
    }
}
