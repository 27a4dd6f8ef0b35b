//! One simulation from its seed to its end.

use std::time::Duration;

use fastrand::Rng;
use wirewatch::domain::Timestamp;

use super::clock::START;
use super::house::House;
use super::scale::{Scale, wait};
use super::world::{Breach, Sabotage, Shared};

/// How a simulation went.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) breach: Option<Breach>,
    /// The part of the transcript that tells about the breach.
    pub(super) story: String,
    /// What repeats it.
    pub(super) command: String,
    pub(super) digest: u64,
    pub(super) polls: u64,
    pub(super) posts: u64,
    pub(super) alerts: usize,
    pub(super) starts: u64,
    /// Bytes of the database in use, at each audit.
    pub(super) used: Vec<u64>,
}

impl Report {
    /// One line of it.
    pub(super) fn summary(&self) -> String {
        let Self { seed, polls, posts, alerts, starts, .. } = self;
        format!(
            "seed {seed}: {polls} polls, {alerts} alerts due, {posts} requests to webhooks, {starts} starts"
        )
    }
}

/// What happens to an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Crash,
    Restart,
    Jump,
    DiskFull,
    Reload,
    Move,
    LookAfter,
    Silence,
    Audit,
}

/// When which of them is next.
struct Calendar {
    rng: Rng,
    next: Vec<(Timestamp, Event, Duration)>,
}

impl Calendar {
    fn new(scale: &Scale) -> Self {
        let faults = &scale.faults;
        let every = [
            (Event::Crash, faults.crash_every),
            (Event::Restart, faults.restart_every),
            (Event::Jump, faults.jump_every),
            (Event::DiskFull, faults.disk_full_every),
            (Event::Reload, faults.reload_every),
            (Event::Move, Some(scale.audit_every * 2)),
            (Event::Silence, scale.holds.silence_every),
            (Event::LookAfter, Some(scale.audit_every * 3)),
            (Event::Audit, Some(scale.audit_every)),
        ];
        let mut rng = Rng::with_seed(scale.seed ^ 0xca1e);
        let next = every
            .into_iter()
            .filter_map(|(event, every)| Some((START.plus(wait(&mut rng, every?)), event, every?)))
            .collect();
        Self { rng, next }
    }

    fn take(&mut self) -> (Timestamp, Event) {
        let first = (0..self.next.len()).min_by_key(|place| self.next[*place].0).unwrap();
        let (at, event, every) = self.next[first];
        let gap = if event == Event::Audit { every } else { wait(&mut self.rng, every) };
        self.next[first].0 = at.plus(gap);
        (at, event)
    }
}

/// Runs a world to its end or to the first broken promise.
pub(super) fn simulate(scale: &Scale, sabotage: Sabotage) -> Report {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = Shared::new(scale.clone(), sabotage);
        let mut house = House::new(world.clone());
        let mut calendar = Calendar::new(scale);
        house.start().await;
        let starts = 1 + live(&mut house, &mut calendar, scale).await;
        if !broken(&world) {
            heal(&mut house, scale).await;
        }
        house.kill().await;
        let world = world.lock();
        let story = world.breach.as_ref().map(|breach| world.story_of(breach)).unwrap_or_default();
        Report {
            seed: scale.seed,
            breach: world.breach.clone(),
            story,
            command: scale.command(),
            digest: world.digest,
            polls: world.ledger.polls,
            posts: world.receivers.posts,
            alerts: world.ledger.duties.len(),
            starts,
            used: world.used.clone(),
        }
    })
}

fn broken(world: &Shared) -> bool {
    world.lock().breach.is_some()
}

/// Lets the world go its way; answers how often the process was started anew.
async fn live(house: &mut House, calendar: &mut Calendar, scale: &Scale) -> u64 {
    let mut starts = 0;
    let end = START.plus(scale.length);
    loop {
        let (at, event) = calendar.take();
        if at > end {
            return starts;
        }
        loop {
            house.live(at).await;
            if broken(&house.world) {
                return starts;
            }
            if std::mem::take(&mut house.world.lock().crashed) {
                house.kill().await;
                house.start().await;
                starts += 1;
            }
            if house.world.lock().truth() >= at {
                break;
            }
        }
        match event {
            Event::Crash => {
                house.world.lock().say("---- crash");
                house.kill().await;
                house.start().await;
                starts += 1;
            }
            Event::Restart => {
                house.stop().await;
                house.world.lock().crashed = false;
                house.start().await;
                starts += 1;
            }
            Event::Jump => jump(house, &mut calendar.rng, scale),
            Event::DiskFull => fill_disk(house, &mut calendar.rng, scale),
            Event::Reload => change(house, &mut calendar.rng).await,
            Event::Move => moves(house, &mut calendar.rng),
            Event::LookAfter => house.look_after().await,
            Event::Silence => house.silence(&mut calendar.rng).await,
            Event::Audit => house.audit(false).await,
        }
    }
}

fn jump(house: &House, rng: &mut Rng, scale: &Scale) {
    let most = i64::try_from(scale.faults.jump.as_millis()).unwrap();
    let mut world = house.world.lock();
    let off = world.clock.off_by();
    // Somebody puts it right again in half of all cases.
    let by = if rng.bool() { -off } else { rng.i64(-most..=most) };
    world.say(&format!("---- the clock jumps by {} s", by / 1000));
    world.clock.jump(by);
    world.last_jump = world.truth();
}

fn fill_disk(house: &House, rng: &mut Rng, scale: &Scale) {
    let mut world = house.world.lock();
    let until = world.truth().plus(wait(rng, scale.interval));
    world.say(&format!("---- the disk is full until {until}"));
    house.disk.lock().unwrap().full_until = Some(until);
}

/// Changes the configuration: feeds and topics come and go, feeds that are gone get another address.
async fn change(house: &mut House, rng: &mut Rng) {
    {
        let mut wanted = house.plan.wanted.lock().unwrap();
        let mut world = house.world.lock();
        let feed = rng.usize(0..wanted.feeds.len());
        wanted.feeds[feed] = feed == 0 || !wanted.feeds[feed] || rng.bool();
        let topic = rng.usize(0..wanted.topics.len());
        wanted.topics[topic] = topic == 0 || !wanted.topics[topic] || rng.bool();
        for feed in &mut world.press.feeds {
            if feed.gone {
                feed.gone = false;
                feed.generation += 1;
                feed.moves = 0;
            }
        }
    }
    house.reload().await;
}

fn moves(house: &House, rng: &mut Rng) {
    let mut world = house.world.lock();
    let number = rng.usize(0..world.press.feeds.len());
    let feed = &mut world.press.feeds[number];
    let what = if rng.u32(0..4) == 0 {
        feed.gone = true;
        "is gone for good"
    } else {
        feed.moves += 1;
        "moves"
    };
    world.say(&format!("f{number} {what}"));
}

/// Everything works again: whatever was owed must arrive.
async fn heal(house: &mut House, scale: &Scale) {
    {
        let mut world = house.world.lock();
        world.say("---- all is well from here on");
        world.calm = true;
        world.press.stopped = true;
        house.disk.lock().unwrap().full_until = None;
    }
    let longest = scale.retries.iter().max().unwrap().mul_f64(1.3) + scale.retry_after + scale.faults.jump;
    let rounds = 12;
    for _ in 0..rounds {
        house.look_after().await;
        let at = house.world.lock().truth().plus(longest / rounds + Duration::from_secs(300));
        house.live(at).await;
        if broken(&house.world) || house.is_quiet().await {
            break;
        }
    }
    house.audit(true).await;
}
