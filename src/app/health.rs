//! Whether the loops live.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::LONGEST_SLEEP;
use crate::domain::Timestamp;

/// When each loop last looked for work.
#[derive(Debug, Default)]
pub struct Health {
    poller: AtomicI64,
    dispatcher: AtomicI64,
}

/// The loops health watches over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// Polls feeds.
    Poller,
    /// Sends deliveries.
    Dispatcher,
}

impl Loop {
    const ALL: [Self; 2] = [Self::Poller, Self::Dispatcher];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poller => "poller",
            Self::Dispatcher => "dispatcher",
        }
    }
}

/// A loop that has not looked for this long is stuck. Must exceed twice [`LONGEST_SLEEP`] and leave
/// room for one slow commit.
pub const STUCK_AFTER: Duration = Duration::from_secs(LONGEST_SLEEP.as_secs() * 4);

impl Health {
    /// Notes that a loop looks for work.
    pub fn tick(&self, which: Loop, now: Timestamp) {
        self.slot(which).store(now.as_millis(), Ordering::Relaxed);
    }

    /// The first loop that has not looked for [`STUCK_AFTER`], if any.
    pub fn stuck(&self, now: Timestamp) -> Option<Loop> {
        Loop::ALL.into_iter().find(|which| {
            let last = Timestamp::from_millis(self.slot(*which).load(Ordering::Relaxed));
            last != Timestamp::EPOCH && now.since(last) > STUCK_AFTER
        })
    }

    const fn slot(&self, which: Loop) -> &AtomicI64 {
        match which {
            Loop::Poller => &self.poller,
            Loop::Dispatcher => &self.dispatcher,
        }
    }
}
