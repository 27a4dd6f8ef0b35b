//! A clock that somebody sets while the program runs.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;
use wirewatch::domain::Timestamp;
use wirewatch::ports::Clock;

/// 2026-11-23 08:00 UTC.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_795_420_800);

/// What the machine shows, and how far that is from the truth.
#[derive(Debug)]
pub(crate) struct SimClock {
    began: Instant,
    off_by: AtomicI64,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), off_by: AtomicI64::new(0) }
    }

    /// What the time really is.
    pub(crate) fn truth(&self) -> Timestamp {
        START.plus(self.began.elapsed())
    }

    /// Sets the clock forward, or back.
    pub(crate) fn jump(&self, millis: i64) {
        self.off_by.fetch_add(millis, Ordering::Relaxed);
    }

    /// By how much it is wrong, in milliseconds.
    pub(crate) fn off_by(&self) -> i64 {
        self.off_by.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.truth().as_millis() + self.off_by())
    }
}
