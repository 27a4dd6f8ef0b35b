//! What lies between an answer and its webhook: documents that have arrived and are not recorded yet.
//!
//! Reading takes the machine's time, not the network's. Were all that arrive in a burst read at once, each would
//! be done when the last one is. So a few are read at a time, in the order they came, and while enough of them
//! wait no further feeds are asked: what has arrived is carried through to its webhook first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Documents read at the same time. Writing what they say takes a third of the time that reading does, and is done
/// one after the other: more readers would only wait for the writer.
const READERS: usize = 4;

/// Documents that may have arrived and not be recorded before no more are asked for. Enough that many share a
/// commit while the next are read.
const BACKLOG: usize = 16;

/// The documents in hand.
#[derive(Debug)]
pub(super) struct Digest {
    readers: Arc<Semaphore>,
    backlog: Arc<AtomicUsize>,
}

/// A document that has arrived; forgetting it says that it is recorded.
#[derive(Debug)]
pub(super) struct Arrived {
    readers: Arc<Semaphore>,
    backlog: Arc<AtomicUsize>,
}

impl Digest {
    pub(super) fn new() -> Self {
        Self { readers: Arc::new(Semaphore::new(READERS)), backlog: Arc::default() }
    }

    /// How many more feeds may be asked now.
    pub(super) fn room(&self) -> usize {
        BACKLOG.saturating_sub(self.backlog.load(Ordering::Acquire))
    }

    /// Notes that a document has arrived.
    pub(super) fn arrived(&self) -> Arrived {
        self.backlog.fetch_add(1, Ordering::AcqRel);
        Arrived { readers: Arc::clone(&self.readers), backlog: Arc::clone(&self.backlog) }
    }
}

impl Arrived {
    /// Waits for its turn to be read; the turn ends when the answer is forgotten.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(&self.readers).acquire_owned().await.ok()
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        self.backlog.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_are_asked_for_than_can_be_read() {
        let digest = Digest::new();
        let mut arrived: Vec<Arrived> = (0..BACKLOG).map(|_| digest.arrived()).collect();
        assert_eq!(digest.room(), 0);
        let turns = async {
            let mut turns = Vec::new();
            for one in &arrived[..READERS] {
                turns.push(one.turn().await);
            }
            turns
        };
        let turns = turns.await;
        let waits = tokio::time::timeout(std::time::Duration::ZERO, arrived[READERS].turn()).await;
        assert!(waits.is_err(), "all readers are taken");
        drop(turns);
        assert!(arrived[READERS].turn().await.is_some());
        arrived.truncate(1);
        assert_eq!(digest.room(), BACKLOG - 1);
    }
}
