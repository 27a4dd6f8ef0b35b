//! What all parts of a simulated world share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;
use wirewatch::domain::Timestamp;
use wirewatch::ports::Clock as _;

use super::clock::{START, SimClock};
use super::guest::Guests;
use super::ledger::Ledger;
use super::press::Press;
use super::receivers::Receivers;
use super::scale::Scale;

/// Lines kept of what happened; the last of them are printed when a promise is broken.
const LINES_KEPT: usize = 60_000;

/// A promise that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Breach {
    /// Which one, in a few words.
    pub(crate) promise: &'static str,
    /// How.
    pub(crate) how: String,
    /// Words that pick the lines of the transcript which tell about it.
    pub(crate) about: Vec<String>,
}

/// Something planted that the checks must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    /// Alerts are lost between plan and database.
    LosesAlerts,
    /// One delivery of an alert with several is lost.
    LosesDeliveries,
    /// A retry goes out under another id.
    ChangesIds,
    /// What failed is noted as delivered.
    ClaimsSuccess,
    /// A claim is given out twice.
    ForgetsLeases,
    /// Validators are not sent.
    ForgetsValidators,
    /// `Retry-After` of servers is not heard.
    HearsNoRetryAfter,
    /// `Retry-After` of receivers is not heard.
    PesterReceivers,
    /// Articles known are taken for new under another key.
    ForgetsArticles,
    /// One feed is never polled again.
    StarvesAFeed,
    /// More requests than allowed go to a receiver at once.
    Crowds,
    /// Nothing is held.
    KnowsNoNight,
    /// What a silence mutes is not marked so.
    HearsNoSilence,
}

/// The world outside wirewatch, and the book that is kept about it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scale: Scale,
    pub(crate) clock: Arc<SimClock>,
    /// Chance for faults.
    pub(crate) rng: Rng,
    pub(crate) sabotage: Sabotage,
    /// Nothing fails any more.
    pub(crate) calm: bool,
    pub(crate) press: Press,
    pub(crate) guests: Guests,
    pub(crate) receivers: Receivers,
    pub(crate) ledger: Ledger,
    pub(crate) breach: Option<Breach>,
    /// Wakes who runs the simulation: a crash, or a breach.
    pub(crate) alarm: Arc<Notify>,
    pub(crate) crashed: bool,
    lines: VecDeque<String>,
    /// A number over all lines, to compare two runs.
    pub(crate) digest: u64,
    /// Bytes of the database in use, at each audit.
    pub(crate) used: Vec<u64>,
    /// Since when nothing has been called in question: the last jump of the clock, or the start.
    pub(crate) last_jump: Timestamp,
}

/// The world as its parts hold it.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(crate) fn new(scale: Scale, sabotage: Sabotage) -> Self {
        let clock = Arc::new(SimClock::new());
        let world = World {
            rng: Rng::with_seed(scale.seed ^ 0xfa17),
            sabotage,
            calm: false,
            press: Press::new(&scale, START),
            guests: Guests::new(&scale),
            receivers: Receivers::new(&scale),
            ledger: Ledger::new(&scale),
            breach: None,
            alarm: Arc::new(Notify::new()),
            crashed: false,
            lines: VecDeque::new(),
            digest: 0,
            used: Vec::new(),
            last_jump: START,
            clock,
            scale,
        };
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) fn truth(&self) -> Timestamp {
        self.clock.truth()
    }

    /// Notes what happened.
    pub(crate) fn say(&mut self, line: &str) {
        let at = self.truth().since(START);
        let (hours, rest) = (at.as_secs() / 3600, at.as_secs() % 3600);
        let line = format!("{hours:03}:{:02}:{:02}.{:03}  {line}", rest / 60, rest % 60, at.subsec_millis());
        for byte in line.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Notes that a promise was broken, the first one only, and ends the simulation.
    pub(crate) fn broken(&mut self, promise: &'static str, how: String, about: Vec<String>) {
        if self.breach.is_some() {
            return;
        }
        self.say(&format!("BROKEN {promise}: {how}"));
        self.breach = Some(Breach { promise, how, about });
        self.alarm.notify_one();
    }

    /// The process dies here.
    pub(crate) fn crash(&mut self, place: &str) {
        self.say(&format!("---- crash {place}"));
        self.crashed = true;
        self.alarm.notify_one();
    }

    /// Whether the clock has been let alone since. A jump is noticed within fifteen seconds; what is recorded until
    /// then may be taken for written before it, and be due early once.
    pub(crate) fn steady_since(&self, at: Timestamp) -> bool {
        self.last_jump == START || self.last_jump.plus(Duration::from_secs(20)) < at
    }

    /// What the machine shows.
    pub(crate) fn shown(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn chance(&mut self, of: f64) -> bool {
        !self.calm && of > 0.0 && self.rng.f64() < of
    }

    /// The lines that tell about a breach: those with its words, and what befell all.
    pub(crate) fn story_of(&self, breach: &Breach) -> String {
        let tells = |line: &&String| {
            line.contains("----")
                || line.contains("BROKEN")
                || breach.about.iter().any(|word| {
                    line.match_indices(word.as_str()).any(|(at, _)| {
                        let next = line[at + word.len()..].chars().next();
                        !next.is_some_and(|next| next.is_ascii_alphanumeric())
                    })
                })
        };
        let lines: Vec<&str> = self.lines.iter().filter(tells).map(String::as_str).collect();
        lines[lines.len().saturating_sub(80)..].join("\n")
    }
}

/// Whether a server or receiver is in a bad mood at an instant: time is cut into moods, each drawn anew.
pub(crate) fn mood(seed: u64, who: u64, length: Duration, at: Timestamp, bad: f64) -> Option<Rng> {
    let number = at.since(START).as_millis() / length.as_millis().max(1);
    let number = u64::try_from(number).unwrap();
    let mut rng =
        Rng::with_seed(seed ^ who.wrapping_mul(0x00d1_ce5e) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (rng.f64() < bad).then_some(rng)
}
