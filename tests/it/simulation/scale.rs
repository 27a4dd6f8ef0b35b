//! How large a simulated world is, how fast it lives and what goes wrong in it.

use std::time::Duration;

use fastrand::Rng;

use super::holds::Holds;

/// What goes wrong, and how often. Which of it happens at all is drawn by the seed, so that rare
/// combinations are met undisturbed by everything else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The share of time in which a feed's server misbehaves.
    pub(crate) servers: f64,
    /// Whether servers lie: 304 without reason, validators of another document, bodies cut short or stale.
    pub(crate) liars: bool,
    /// The share of time in which a receiver misbehaves.
    pub(crate) receivers: f64,
    /// The chance that a store call fails: before, or after it was committed.
    pub(crate) store: f64,
    /// The chance that a store call takes seconds.
    pub(crate) stalls: f64,
    /// The chance that the process dies in a store call: before, or after it was committed.
    pub(crate) crash_in_store: f64,
    /// The mean time between crashes at any instant.
    pub(crate) crash_every: Option<Duration>,
    /// The mean time between orderly restarts.
    pub(crate) restart_every: Option<Duration>,
    /// The mean time between jumps of the clock.
    pub(crate) jump_every: Option<Duration>,
    /// The furthest the clock is set forward or back.
    pub(crate) jump: Duration,
    /// The mean time between full disks.
    pub(crate) disk_full_every: Option<Duration>,
    /// The mean time between changes of the configuration.
    pub(crate) reload_every: Option<Duration>,
}

/// A world to be.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    pub(crate) feeds: usize,
    pub(crate) hosts: usize,
    pub(crate) topics: usize,
    pub(crate) webhooks: usize,
    /// Mean time between two events of a feed of average pace.
    pub(crate) event_every: Duration,
    /// How long servers and receivers stay in one mood.
    pub(crate) mood: Duration,
    pub(crate) interval: Duration,
    pub(crate) min_interval: Duration,
    pub(crate) max_interval: Duration,
    pub(crate) host_delay: Duration,
    pub(crate) max_age: Duration,
    /// Waits between attempts.
    pub(crate) retries: Vec<Duration>,
    pub(crate) give_up_after: Duration,
    pub(crate) probe_interval: Duration,
    pub(crate) disable_after: Duration,
    /// The longest `Retry-After` that servers and receivers ask for.
    pub(crate) retry_after: Duration,
    /// How long alerts and articles are kept; for ever where absent.
    pub(crate) keep: Option<Duration>,
    pub(crate) audit_every: Duration,
    pub(crate) faults: Faults,
    /// What holds alerts back, and what mutes them.
    pub(crate) holds: Holds,
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const DAY: u64 = 86_400;

impl Scale {
    /// A few feeds, some hours, everything sped up: what a seed of the many is.
    pub(crate) fn small(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5ca1e);
        let feeds = rng.usize(2..9);
        let length = secs(rng.u64(1..4) * 3600);
        let (hosts, topics, webhooks) = (rng.usize(1..=feeds), rng.usize(2..8), rng.usize(1..4));
        Self {
            seed,
            length,
            feeds,
            hosts,
            topics,
            webhooks,
            event_every: secs(rng.u64(60..400)),
            mood: secs(rng.u64(60..900)),
            interval: secs(rng.u64(40..240)),
            min_interval: secs(20),
            max_interval: secs(1200),
            host_delay: secs(rng.u64(0..3)),
            max_age: secs(3600),
            retries: [5, 10, 20, 60, 180, 600].map(secs).to_vec(),
            give_up_after: secs(3000),
            probe_interval: secs(30),
            disable_after: secs(5400),
            retry_after: secs(300),
            keep: None,
            audit_every: secs(900),
            faults: Faults::drawn(&mut rng),
            holds: Holds::drawn(seed, topics, webhooks),
        }
    }

    /// Many feeds over days, with the program's own defaults.
    pub(crate) fn large(seed: u64, days: u64, feeds: usize) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x1a26e);
        Self {
            seed,
            length: secs(days * DAY),
            feeds,
            hosts: feeds / 3 + 1,
            topics: 60,
            webhooks: 8,
            event_every: secs(6 * 3600),
            mood: secs(4 * 3600),
            interval: secs(2 * 3600),
            min_interval: secs(600),
            max_interval: secs(DAY),
            host_delay: secs(1),
            max_age: secs(2 * DAY),
            retries: [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(secs).to_vec(),
            give_up_after: secs(4 * DAY),
            probe_interval: secs(60),
            disable_after: secs(5 * DAY),
            retry_after: secs(3600),
            keep: Some(secs(10 * DAY)),
            audit_every: secs(6 * 3600),
            faults: Faults {
                servers: 0.08,
                liars: true,
                receivers: 0.08,
                store: 0.0005,
                stalls: 0.0005,
                crash_in_store: 0.000_02,
                crash_every: Some(secs(8 * 3600)),
                restart_every: Some(secs(DAY)),
                jump_every: Some(secs(rng.u64(2..4) * DAY)),
                jump: secs(2 * 3600),
                disk_full_every: Some(secs(5 * DAY)),
                reload_every: Some(secs(7 * 3600)),
            },
            holds: Holds {
                quiet: Some((1, 22 * 60, 7 * 60)),
                digest: Some((4, 720)),
                rated: Some((5, 10)),
                silence_every: Some(secs(DAY)),
            },
        }
    }
}

impl Scale {
    /// What repeats a simulation of this scale.
    pub(crate) fn command(&self) -> String {
        let test = if self.keep.is_none() { "hundreds" } else { "a_month" };
        format!("WIREWATCH_SEEDS={} cargo test --test it simulation::{test} -- --include-ignored", self.seed)
    }
}

impl Faults {
    fn drawn(rng: &mut Rng) -> Self {
        let mut some = |most: f64| if rng.f64() < 0.6 { rng.f64() * most } else { 0.0 };
        let (servers, receivers) = (some(0.5), some(0.7));
        let (store, stalls, crash_in_store) = (some(0.02), some(0.02), some(0.003));
        let mut every = |least: u64, most: u64| (rng.f64() < 0.5).then(|| secs(rng.u64(least..most)));
        Self {
            servers,
            receivers,
            store,
            stalls,
            crash_in_store,
            crash_every: every(300, 3600),
            restart_every: every(900, 5400),
            jump_every: every(1200, 7200),
            disk_full_every: every(1800, 7200),
            reload_every: every(600, 3600),
            jump: secs(rng.u64(5..1800)),
            liars: rng.bool(),
        }
    }
}

/// A time drawn so that events come at random with this mean time between them.
pub(crate) fn wait(rng: &mut Rng, mean: Duration) -> Duration {
    // Never twice in one instant, and no tail that outlives the simulation.
    mean.mul_f64((-(1.0 - rng.f64()).ln()).clamp(0.001, 8.0))
}
