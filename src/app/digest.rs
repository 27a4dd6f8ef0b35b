//! What lies between an answer and its webhook: documents that have arrived and are not recorded yet.
//!
//! Reading takes the machine's time, not the network's. Were all that arrive in a burst read at once, each would
//! be done when the last one is. So a few are read at a time, in the order they came, and while enough of them
//! wait no further feeds are asked: what has arrived is carried through to its webhook first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Documents read at the same time. Writing what they say takes a third of the time that reading does, and is done
/// one after the other: more readers would only wait for the writer.
const READERS: usize = 4;

/// Documents that may have arrived and not be recorded before no more are asked for. Enough that many share a
/// commit while the next are read.
const BACKLOG: usize = 16;

/// Of answers without a document so many may come for each of [`BACKLOG`]: only documents take time.
const WITHOUT_DOCUMENT: u32 = 4;

/// What [`Digest::documents`] counts in: all of the answers lately were documents.
const ALL: u32 = 256;

/// Answers that "lately" means.
const LATELY: u32 = 16;

/// The visits under way and the documents in hand.
#[derive(Debug)]
pub(super) struct Digest {
    readers: Arc<Semaphore>,
    backlog: Arc<AtomicUsize>,
    visits: AtomicUsize,
    /// How many of the answers were documents lately, of [`ALL`].
    documents: AtomicU32,
    over: Notify,
}

/// A document that has arrived; forgetting it says that it is recorded.
#[derive(Debug)]
pub(super) struct Arrived {
    readers: Arc<Semaphore>,
    backlog: Arc<AtomicUsize>,
}

/// A visit under way: until what it came to is before the writer, or it is forgotten.
#[derive(Debug)]
pub(super) struct Visiting {
    digest: Arc<Digest>,
    over: AtomicBool,
}

impl Digest {
    pub(super) fn new() -> Self {
        Self {
            readers: Arc::new(Semaphore::new(READERS)),
            backlog: Arc::default(),
            visits: AtomicUsize::new(0),
            documents: AtomicU32::new(ALL),
            over: Notify::new(),
        }
    }

    /// How many more feeds may be asked now, with at most so many visits under way.
    pub(super) fn room(&self, at_most: usize) -> usize {
        let documents = self.documents.load(Ordering::Relaxed).max(ALL / WITHOUT_DOCUMENT);
        let backlog = BACKLOG.saturating_sub(self.backlog.load(Ordering::Acquire));
        let digestible = backlog * (ALL as usize) / (documents as usize);
        at_most.saturating_sub(self.visits.load(Ordering::Acquire)).min(digestible)
    }

    /// Notes that a visit begins.
    pub(super) fn visit(self: &Arc<Self>) -> Visiting {
        self.visits.fetch_add(1, Ordering::AcqRel);
        Visiting { digest: Arc::clone(self), over: AtomicBool::new(false) }
    }

    /// Waits until another visit is over than those it told of before.
    pub(super) async fn visit_over(&self) {
        self.over.notified().await;
    }

    /// Notes that an answer came without a document.
    pub(super) fn none_arrived(&self) {
        self.note(0);
    }

    /// Notes that a document has arrived.
    pub(super) fn arrived(&self) -> Arrived {
        self.note(ALL);
        self.backlog.fetch_add(1, Ordering::AcqRel);
        Arrived { readers: Arc::clone(&self.readers), backlog: Arc::clone(&self.backlog) }
    }

    /// Two that note at the same time may count as one: it is a guess at what comes.
    fn note(&self, own: u32) {
        let before = self.documents.load(Ordering::Relaxed);
        self.documents.store((before * (LATELY - 1) + own) / LATELY, Ordering::Relaxed);
    }
}

impl Visiting {
    /// What it is part of.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Gives its place to another.
    pub(super) fn over(&self) {
        if !self.over.swap(true, Ordering::AcqRel) {
            self.digest.visits.fetch_sub(1, Ordering::AcqRel);
            self.digest.over.notify_one();
        }
    }
}

impl Drop for Visiting {
    fn drop(&mut self) {
        self.over();
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
        assert_eq!(digest.room(64), 0);
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
        assert_eq!(digest.room(64), BACKLOG - 1);
    }

    #[tokio::test]
    async fn more_are_asked_for_while_they_bring_nothing() {
        let digest = Arc::new(Digest::new());
        let visits = [digest.visit(), digest.visit()];
        assert_eq!(digest.room(4), 2);
        visits[0].over();
        visits[0].over();
        assert_eq!(digest.room(4), 3);
        digest.visit_over().await;
        (0..100).for_each(|_| digest.none_arrived());
        assert_eq!(digest.room(1000), BACKLOG * 4);
        let documents: Vec<Arrived> = (0..BACKLOG).map(|_| digest.arrived()).collect();
        assert_eq!(digest.room(1000), 0);
        drop(documents);
        assert!(digest.room(1000) < BACKLOG * 2);
    }
}
