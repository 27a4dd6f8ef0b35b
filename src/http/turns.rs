//! Turns at hosts: how many requests run at one host, and when its next may start.
//!
//! The store's claims keep apart the feeds that are polled from one host. A redirect leads to another host in the middle
//! of a visit, where there are claims and other redirected visits; so every request takes a turn, wherever it comes from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::domain::Timestamp;
use crate::ports::Clock;

/// A visit that cannot have its turn in time is put off for so long.
const PUT_OFF: Duration = Duration::from_secs(60);

/// The longest a host is let alone because of one answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Hosts that are remembered before those with nothing to remember are forgotten.
const SWEPT_FROM: usize = 1_024;

/// Who is at which host, and who comes next.
#[derive(Debug)]
pub(super) struct Turns {
    at_once: usize,
    spacing: Duration,
    /// Pauses may be long: they are told by the clock that polls are planned by.
    clock: Arc<dyn Clock>,
    hosts: Mutex<Hosts>,
}

#[derive(Debug)]
struct Hosts {
    known: HashMap<String, Arc<Host>>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Host {
    slots: Arc<Semaphore>,
    /// When the next request may start; later while the host is let alone.
    next: Mutex<Instant>,
    paused_until: Mutex<Option<Timestamp>>,
}

/// A turn; over when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _slot: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Turns under the limits of each host.
    pub(super) fn new(at_once: u32, spacing: Duration, clock: Arc<dyn Clock>) -> Self {
        let hosts = Mutex::new(Hosts { known: HashMap::new(), sweep_at: SWEPT_FROM });
        Self { at_once: usize::try_from(at_once).unwrap_or(usize::MAX).max(1), spacing, clock, hosts }
    }

    /// Waits for a turn at a host, first come, first served.
    ///
    /// # Errors
    /// When there is none for as long as `patience`, or the host is let alone: after how long to come back.
    pub(super) async fn take(&self, host: &str, patience: Duration) -> Result<Turn, Duration> {
        let host = self.host(host);
        let deadline = Instant::now() + patience;
        let slot =
            timeout_at(deadline, Arc::clone(&host.slots).acquire_owned()).await.map_err(|_late| PUT_OFF)?;
        let now = Instant::now();
        let start = {
            let today = self.clock.now();
            if let Some(until) = locked(&host.paused_until).filter(|until| *until > today) {
                return Err(until.since(today));
            }
            let mut next = locked(&host.next);
            let start = now.max(*next);
            if start > deadline {
                return Err(start - now);
            }
            *next = start + self.spacing;
            start
        };
        // A timer would take a millisecond also when it is over, and wake another thread to be told of it.
        if start > now {
            sleep_until(start).await;
        }
        Ok(Turn { _slot: slot.ok() })
    }

    /// Lets a host alone, as it asked (429).
    pub(super) fn pause(&self, host: &str, time: Duration) {
        let until = self.clock.now().plus(time.min(LONGEST_PAUSE));
        let host = self.host(host);
        let mut paused = locked(&host.paused_until);
        *paused = (*paused).max(Some(until));
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = locked(&self.hosts);
        if let Some(host) = hosts.known.get(name) {
            return Arc::clone(host);
        }
        if hosts.known.len() >= hosts.sweep_at {
            let (now, today) = (Instant::now(), self.clock.now());
            hosts.known.retain(|_, host| {
                Arc::strong_count(host) > 1
                    || host.slots.available_permits() < self.at_once
                    || *locked(&host.next) > now
                    || locked(&host.paused_until).is_some_and(|until| until > today)
            });
            hosts.sweep_at = (hosts.known.len() * 2).max(SWEPT_FROM);
        }
        let slots = Arc::new(Semaphore::new(self.at_once.min(Semaphore::MAX_PERMITS)));
        let host = Arc::new(Host { slots, next: Mutex::new(Instant::now()), paused_until: Mutex::new(None) });
        hosts.known.insert(name.to_owned(), Arc::clone(&host));
        host
    }
}

/// No code that holds these locks can panic half way.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Goes with the paused clock of the test.
    #[derive(Debug)]
    struct Tokio(Instant);

    impl Clock for Tokio {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1_795_420_800).plus(self.0.elapsed())
        }
    }

    fn turns(at_once: u32, spacing: Duration) -> Turns {
        Turns::new(at_once, spacing, Arc::new(Tokio(Instant::now())))
    }

    #[tokio::test(start_paused = true)]
    async fn one_after_another_and_not_too_soon() {
        let turns = turns(1, SECOND);
        let began = Instant::now();
        let first = turns.take("a:80", SECOND).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(turns.take("b:80", SECOND).await.is_ok(), "another host is another matter");
        assert_eq!(turns.take("a:80", 5 * SECOND).await.unwrap_err(), PUT_OFF, "the first is still there");
        drop(first);
        let again = Instant::now();
        drop(turns.take("a:80", 5 * SECOND).await.unwrap());
        assert_eq!(again.elapsed(), Duration::ZERO, "long ago");
        drop(turns.take("a:80", 5 * SECOND).await.unwrap());
        assert_eq!(again.elapsed(), SECOND);
        assert_eq!(turns.take("a:80", SECOND / 2).await.unwrap_err(), SECOND, "no turn so soon");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_asks_for_it_is_let_alone() {
        let turns = turns(2, Duration::ZERO);
        turns.pause("a:80", 90 * SECOND);
        turns.pause("a:80", 10 * SECOND);
        assert_eq!(turns.take("a:80", SECOND).await.unwrap_err(), 90 * SECOND);
        tokio::time::advance(91 * SECOND).await;
        assert!(turns.take("a:80", SECOND).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_are_forgotten() {
        let turns = turns(1, SECOND);
        for n in 0..10_000 {
            drop(turns.take(&format!("{n}:80"), SECOND).await.unwrap());
            tokio::time::advance(SECOND).await;
        }
        assert!(locked(&turns.hosts).known.len() <= SWEPT_FROM);
    }
}
