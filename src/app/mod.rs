//! The shell: loops that wait, claim, do and record. It owns tasks and has no rules of its own.
//!
//! Each loop waits on its hint, its next due time and stop; a hint is only a hint, the table is the
//! truth. No loop claims more than it has room for, and that is all the back-pressure there is.

mod digest;
pub mod dispatcher;
pub mod envelope;
pub mod health;
pub mod indexer;
pub mod janitor;
pub mod metrics;
pub mod poller;
mod release;
pub mod reload;
pub mod render;
mod rooms;
pub mod silences;
pub mod snapshot;
mod stranded;
pub mod supervisor;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::Timestamp;
use crate::parse::Repair;
use crate::ports::{Clock, Store};
use health::Health;
use metrics::Metrics;
use reload::LastReload;
use snapshot::Snapshot;
use stranded::Stranded;

/// The longest a loop sleeps without looking: bounds what a clock set back or forward can do, and
/// lets health see that the loop lives.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// What all loops share.
#[derive(Debug)]
pub struct Context {
    /// Remembers everything.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for jitter.
    pub dice: Dice,
    /// Wakes the poller: feeds were added or changed.
    pub feeds_changed: Notify,
    /// Wakes the dispatcher: deliveries were written.
    pub deliveries_written: Arc<Notify>,
    /// Wakes the indexer: articles were stored or revised.
    pub articles_stored: Notify,
    /// Wakes the janitor: the disk is full, or something could not be recorded.
    pub room_wanted: Notify,
    /// No new work from here on.
    pub stop: CancellationToken,
    /// Whether the loops live and the database answers.
    pub health: Health,
    /// What was done so far.
    pub tally: Tally,
    /// What is counted and timed for those who watch.
    pub metrics: Metrics,
    /// When the process began its work.
    pub started_at: Timestamp,
    pub(crate) reloading: tokio::sync::Mutex<()>,
    last_reload: Mutex<LastReload>,
    stranded: Mutex<Vec<Stranded>>,
    current: RwLock<Arc<Snapshot>>,
}

impl Context {
    /// Puts together what the loops share.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        dice: Dice,
        metrics: Metrics,
        first: Snapshot,
    ) -> Self {
        metrics.configured(None, &first.settings, first.loaded_at);
        let started_at = first.loaded_at;
        Self {
            store,
            clock,
            dice,
            feeds_changed: Notify::new(),
            deliveries_written: Arc::default(),
            articles_stored: Notify::new(),
            room_wanted: Notify::new(),
            stop: CancellationToken::new(),
            health: Health::default(),
            tally: Tally::default(),
            metrics,
            started_at,
            reloading: tokio::sync::Mutex::default(),
            last_reload: Mutex::new(LastReload { at: started_at, refusal: None }),
            stranded: Mutex::default(),
            current: RwLock::new(Arc::new(first)),
        }
    }

    /// The configuration in force; a unit of work takes it once and keeps it to its end.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another configuration in force for all work that begins from now on.
    pub fn swap(&self, next: Snapshot) {
        self.metrics.configured(Some(&self.snapshot().settings), &next.settings, next.loaded_at);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.nudge();
    }

    /// What became of the last time the configuration was read; the start counts as the first.
    pub fn last_reload(&self) -> LastReload {
        self.last_reload.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note_reload(&self, last: LastReload) {
        *self.last_reload.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// Keeps work that cannot be recorded until it can. No more is begun meanwhile, since a claim would have to be
    /// written, so that it is bounded by what may be under way.
    fn strand(&self, work: Stranded) {
        self.keep_stranded(vec![work]);
        // It may be possible by now.
        self.room_wanted.notify_one();
    }

    fn keep_stranded(&self, work: Vec<Stranded>) {
        self.stranded.lock().unwrap_or_else(PoisonError::into_inner).extend(work);
    }

    fn take_stranded(&self) -> Vec<Stranded> {
        std::mem::take(&mut *self.stranded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the loops look at once for what somebody changed beside them.
    pub fn nudge(&self) {
        self.feeds_changed.notify_one();
        self.deliveries_written.notify_one();
    }

    /// How long to sleep until `due`, bounded by [`LONGEST_SLEEP`].
    pub(crate) fn nap(&self, due: Option<Timestamp>) -> Duration {
        due.map_or(LONGEST_SLEEP, |due| due.since(self.clock.now()).min(LONGEST_SLEEP))
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain(problem: &(dyn std::error::Error + 'static)) -> String {
    let mut line = problem.to_string();
    let mut cause = problem.source();
    while let Some(problem) = cause {
        line.push_str(": ");
        line.push_str(&problem.to_string());
        cause = problem.source();
    }
    line
}

/// A source of chance that a simulation can seed.
#[derive(Debug)]
pub struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    /// Seeded by the operating system.
    pub fn new() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// The same throws every time.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A number from 0 up to, not including, 1.
    pub fn throw(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts since the process started.
#[derive(Debug, Default)]
pub struct Tally {
    /// Polls that brought a document or "not modified".
    pub polls_good: Count,
    /// Polls that brought nothing.
    pub polls_failed: Count,
    /// Documents that needed each repair, in the order of [`Repair::ALL`].
    pub repairs: [Count; Repair::ALL.len()],
    /// Articles never seen before.
    pub articles: Count,
    /// Alerts raised.
    pub alerts: Count,
    /// Attempts that delivered.
    pub attempts_good: Count,
    /// Attempts that did not.
    pub attempts_failed: Count,
}

impl Tally {
    /// How many documents needed each repair, by its word.
    pub fn repaired(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Repair::ALL.into_iter().map(|repair| (repair.word(), self.repairs[repair as usize].get()))
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
