//! One writer with group commit.
//!
//! Callers put commands on a bounded queue. One thread takes all that wait, and those that come while it runs them,
//! runs them in one `IMMEDIATE` transaction, commits, and only then answers: an answer means the disk has it.
//! Where nobody waits for them in haste, it lets commands wait a moment for others: a transaction costs the same for
//! one as for many.
//!
//! A command that fails takes back what it wrote, and nothing of the others. Hardly any does: what a claim or a plan
//! no longer holds for is found out before the first write. So a batch runs without savepoints, each of which would
//! keep a copy of every page that its command changes; where a command did fail behind its first write, the whole
//! batch is taken back and run again with them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, ffi};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::ballast::Ballast;
use crate::offload::{Defect, in_place};
use crate::ports::StoreError;

/// Commands that may wait; beyond it callers wait to put theirs.
const QUEUE: usize = 1024;

/// Commands in one transaction.
const BATCH: usize = 256;

/// How long a transaction takes in commands before it commits: bounds how long the first of them waits for its
/// answer. About what a disk takes to sync, so that neither waits long for the other.
const OPEN: Duration = Duration::from_millis(4);

/// How long commands without haste wait for others at most.
const COMPANY: Duration = Duration::from_millis(10);

/// Where none has come for so long, none is on its way.
const QUIET: Duration = Duration::from_millis(2);

/// Whether somebody waits for what a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It runs as soon as it can.
    Now,
    /// It may wait for others, for [`COMPANY`] at most.
    Soon,
}

/// When in a batch a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It only reads: before all that wait with it. It is answered at once, not after the commit, where nothing
    /// was written yet: what it read cannot be taken back.
    First,
    /// In the order they came.
    InOrder,
    /// After all others: it sees what they wrote.
    Last,
}

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

/// A command that waits.
struct Queued {
    turn: Turn,
    haste: Haste,
    command: Box<dyn Command>,
}

/// A handle on the writer.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Queued>,
    /// Woken for commands in haste, where it has one of its own.
    thread: Option<Thread>,
}

impl Writer {
    /// Starts the writer on `connection`; it ends when every handle is gone, or at `close`.
    /// When the disk is full, it gives up the ballast.
    ///
    /// It is a thread of its own, so that none is woken for each batch. A runtime of one thread has none beside it, and a
    /// clock that may stand still: there it is a task, and everything happens in an order that can be repeated.
    pub(super) fn start(connection: Connection, ballast: Option<Arc<Ballast>>, tasks: &TaskTracker) -> Self {
        let (queue, commands) = mpsc::channel(QUEUE);
        if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
            tasks.spawn(run(connection, ballast, commands));
            return Self { queue, thread: None };
        }
        let running = tasks.token();
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            serve(connection, ballast.as_deref(), commands);
            drop(running);
        });
        match thread {
            Ok(thread) => Self { queue, thread: Some(thread.thread().clone()) },
            Err(problem) => {
                // Callers get `Closed`, which stops the daemon.
                tracing::error!(error = %problem, "there is no thread for the database writer");
                Self { queue, thread: None }
            }
        }
    }

    /// Runs `work` in the next transaction and answers after its commit. All of what `work` does is in the database:
    /// it may be run again after it was taken back.
    pub(super) async fn write<T, F>(&self, turn: Turn, haste: Haste, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (command, receiver) = command(work);
        self.queue.send(Queued { turn, haste, command }).await.map_err(|_error| StoreError::Closed)?;
        if let Some(thread) = self.thread.as_ref().filter(|_| haste == Haste::Now) {
            thread.unpark();
        }
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

/// Takes commands on a runtime of one thread.
async fn run(
    mut connection: Connection,
    ballast: Option<Arc<Ballast>>,
    mut commands: mpsc::Receiver<Queued>,
) {
    while let Some(first) = commands.recv().await {
        let source = Source::new(VecDeque::from([first]), &mut commands, OPEN);
        if let Err(problem) = in_place(|| run_batch(&mut connection, source, ballast.as_deref())) {
            return ended_by(&problem);
        }
    }
    finish(&connection);
}

/// Takes commands on a thread.
fn serve(mut connection: Connection, ballast: Option<&Ballast>, mut commands: mpsc::Receiver<Queued>) {
    while let Some(first) = commands.blocking_recv() {
        let ran = in_place(|| {
            let waiting = in_company(first, &mut commands, &connection);
            if !waiting.is_empty() {
                run_batch(&mut connection, Source::new(waiting, &mut commands, OPEN), ballast);
            }
        });
        if let Err(problem) = ran {
            return ended_by(&problem);
        }
    }
    finish(&connection);
}

/// The connection went with the panic; callers get `Closed`, the daemon stops and is restarted.
fn ended_by(problem: &Defect) {
    tracing::error!(error = %problem, "the database writer ended by a defect in wirewatch");
}

/// Everything is committed; this only makes the next start quicker.
fn finish(connection: &Connection) {
    drop(connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
}

/// Waits until there is haste, or no more company comes. What only reads is answered meanwhile.
fn in_company(
    first: Queued,
    commands: &mut mpsc::Receiver<Queued>,
    connection: &Connection,
) -> VecDeque<Queued> {
    let mut last = Instant::now();
    let until = last + COMPANY;
    let (mut waiting, mut next) = (VecDeque::new(), Some(first));
    loop {
        while let Some(queued) = next {
            if queued.turn == Turn::First {
                read_alone(queued.command, connection);
            } else {
                waiting.push_back(queued);
                last = Instant::now();
            }
            next = if waiting.len() < BATCH { commands.try_recv().ok() } else { None };
        }
        let hasty = waiting.iter().any(|queued| queued.haste == Haste::Now);
        if hasty || waiting.is_empty() || waiting.len() >= BATCH {
            return waiting;
        }
        let rest = (last + QUIET).min(until).saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return waiting;
        }
        std::thread::park_timeout(rest);
        next = commands.try_recv().ok();
    }
}

/// Runs what only reads, all of it on one state of the database.
fn read_alone(mut command: Box<dyn Command>, connection: &Connection) {
    let read = connection.unchecked_transaction();
    if read.is_ok() {
        command.run(connection, Within::Transaction);
    }
    // Nothing was written that could be lost; nor is there anything to keep.
    let committed = read.map(drop).map_err(|problem| Lost::from(&problem));
    command.answer(&committed);
}

/// The commands of one transaction, as they come.
struct Source<'a> {
    waiting: VecDeque<Queued>,
    queue: &'a mut mpsc::Receiver<Queued>,
    last: VecDeque<Queued>,
    taken: usize,
    until: Instant,
}

impl<'a> Source<'a> {
    fn new(mut waiting: VecDeque<Queued>, queue: &'a mut mpsc::Receiver<Queued>, open: Duration) -> Self {
        let until = Instant::now() + open;
        while waiting.len() < BATCH
            && let Ok(another) = queue.try_recv()
        {
            waiting.push_back(another);
        }
        // The order of those that are alike stays.
        waiting.make_contiguous().sort_by_key(|queued| queued.turn != Turn::First);
        Self { waiting, queue, last: VecDeque::new(), taken: 0, until }
    }

    /// Another that waits, while there is time.
    fn take(&mut self) -> Option<Queued> {
        if let Some(waiting) = self.waiting.pop_front() {
            return Some(waiting);
        }
        self.taken += 1;
        if self.taken < BATCH && Instant::now() < self.until { self.queue.try_recv().ok() } else { None }
    }
}

impl Iterator for Source<'_> {
    type Item = Queued;

    fn next(&mut self) -> Option<Queued> {
        while let Some(queued) = self.take() {
            match queued.turn {
                Turn::First | Turn::InOrder => return Some(queued),
                Turn::Last => self.last.push_back(queued),
            }
        }
        self.last.pop_front()
    }
}

fn run_batch(connection: &mut Connection, mut source: Source<'_>, ballast: Option<&Ballast>) {
    let mut batch = Vec::new();
    let (committed, disk_full) = match attempt(connection, &mut batch, &mut source, Within::Transaction) {
        Some(done) => done,
        None => attempt(connection, &mut batch, &mut source, Within::Savepoint)
            .expect("a savepoint takes back what failed"),
    };
    // Where it ended early, there are some whose turn did not come.
    batch.extend(source.waiting.into_iter().chain(source.last).map(|queued| queued.command));
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

/// Runs a batch, and what comes meanwhile, in one transaction; answers what became of it, and whether the disk was full.
/// `None` when it was taken back because a command failed half-way.
fn attempt(
    connection: &mut Connection,
    batch: &mut Vec<Box<dyn Command>>,
    source: &mut Source<'_>,
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
    let (mut at, before) = (0, transaction.total_changes());
    // When the disk is full or fails, SQLite takes the whole transaction back by itself. What
    // follows must not run then: every statement would be committed on its own.
    while !transaction.is_autocommit() {
        if at == batch.len() {
            match source.next() {
                Some(Queued { turn: Turn::First, mut command, .. })
                    if transaction.total_changes() == before =>
                {
                    full |= command.run(&transaction, within).disk_full;
                    command.answer(&Ok(()));
                    continue;
                }
                Some(queued) => batch.push(queued.command),
                None => {}
            }
        }
        let Some(command) = batch.get_mut(at) else { break };
        at += 1;
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
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    use super::*;

    fn insert(bytes: i64) -> impl Fn(&Connection) -> Result<(), StoreError> + Send {
        move |connection| {
            connection.execute("INSERT INTO t (data) VALUES (zeroblob(?1))", [bytes])?;
            Ok(())
        }
    }

    fn queued(turn: Turn, command: Box<dyn Command>) -> Queued {
        Queued { turn, haste: Haste::Now, command }
    }

    fn run_these(connection: &mut Connection, commands: Vec<Box<dyn Command>>, ballast: Option<&Ballast>) {
        let (queue, mut waiting) = mpsc::channel(commands.len());
        for command in commands {
            assert!(queue.try_send(queued(Turn::InOrder, command)).is_ok());
        }
        let source = Source::new(VecDeque::new(), &mut waiting, Duration::from_secs(3600));
        run_batch(connection, source, ballast);
    }

    fn run_all(connection: &mut Connection, sizes: &[i64]) -> Vec<Result<(), StoreError>> {
        let (commands, mut answers): (Vec<_>, Vec<_>) =
            sizes.iter().map(|size| command(insert(*size))).unzip();
        run_these(connection, commands, None);
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
        run_these(&mut connection, commands, None);
        let good: Vec<bool> =
            answers.iter_mut().map(|answer| answer.try_recv().expect("an answer").is_ok()).collect();
        assert_eq!(good, [true, false, true, false, true]);
        let rows: String = connection
            .query_row("SELECT group_concat(id) FROM (SELECT id FROM t ORDER BY id)", [], |row| row.get(0))
            .expect("rows");
        assert_eq!(rows, "1,3,4");
    }

    #[test]
    fn what_comes_while_a_batch_runs_runs_with_it_and_the_last_behind_all_others() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)").expect("a table");
        let (queue, mut commands) = mpsc::channel(8);
        let count = |connection: &Connection| -> Result<i64, StoreError> {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
        };
        let (counting, mut counted) = command(count);
        let late = queue.clone();
        let (inserting, _answer) = command(move |connection: &Connection| {
            let (another, _answer) = command(insert(2));
            assert!(late.try_send(queued(Turn::InOrder, another)).is_ok());
            insert(1)(connection)
        });
        assert!(queue.try_send(queued(Turn::InOrder, inserting)).is_ok());
        let first = VecDeque::from([queued(Turn::Last, counting)]);
        run_batch(&mut connection, Source::new(first, &mut commands, Duration::from_secs(3600)), None);
        assert_eq!(counted.try_recv().expect("an answer").expect("a count"), 2);
    }

    #[test]
    fn what_only_reads_is_answered_at_once_and_never_sees_what_may_be_taken_back() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)").expect("a table");
        let (queue, mut commands) = mpsc::channel(8);
        let count = |connection: &Connection| -> Result<i64, StoreError> {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
        };
        let (early, early_answer) = command(count);
        let (late, mut late_answer) = command(count);
        let (answer, late) = (std::sync::Mutex::new(early_answer), std::sync::Mutex::new(Some(late)));
        let sender = queue.clone();
        let (inserting, _answer) = command(move |connection: &Connection| {
            assert!(matches!(answer.lock().expect("a lock").try_recv(), Ok(Ok(0))), "it came first");
            insert(1)(connection)?;
            let late = late.lock().expect("a lock").take().expect("once");
            assert!(sender.try_send(queued(Turn::First, late)).is_ok());
            Ok(())
        });
        assert!(queue.try_send(queued(Turn::First, early)).is_ok());
        let first = VecDeque::from([queued(Turn::InOrder, inserting)]);
        run_batch(&mut connection, Source::new(first, &mut commands, Duration::from_secs(3600)), None);
        assert_eq!(late_answer.try_recv().expect("an answer").expect("a count"), 1, "after the commit");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_in_haste_waits_for_nobody_and_the_others_for_company() {
        let mut connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)").expect("a table");
        let commits = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&commits);
        let count = move || {
            counting.fetch_add(1, SeqCst);
            false
        };
        connection.commit_hook(Some(count)).expect("a hook");
        let tasks = TaskTracker::new();
        let writer = Writer::start(connection, None, &tasks);
        tasks.close();
        let read = writer.write(Turn::First, Haste::Now, |connection| {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?)
        });
        let (one, two, three, none) = tokio::join!(
            writer.write(Turn::InOrder, Haste::Soon, insert(1)),
            writer.write(Turn::InOrder, Haste::Soon, insert(2)),
            writer.write(Turn::InOrder, Haste::Now, insert(3)),
            read,
        );
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        assert!(none.is_ok_and(|count| [0, 3].contains(&count)), "all of them or none");
        assert!(commits.load(SeqCst) <= 2);
        assert!(
            writer.write(Turn::InOrder, Haste::Soon, insert(1)).await.is_ok(),
            "it does not wait for ever"
        );
        drop(writer);
        tasks.wait().await;
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
            run_these(&mut connection, vec![command], Some(&ballast));
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
