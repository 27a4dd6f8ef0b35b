//! What alerts wait for besides other alerts: quiet hours, digests, and rates; and what mutes them: silences.
//!
//! The checks know when an alert was written and when it arrived, and nothing of how wirewatch decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;
use wirewatch::domain::silence::{Silence, SilenceMatcher};
use wirewatch::domain::{SilenceId, Timestamp};
use wirewatch::ports::hand::ByHand as _;
use wirewatch::ports::reads::{AlertRow, AlertState};

use super::clock::START;
use super::house::House;
use super::receivers::groups;
use super::world::World;

/// A decision may be this much older than what is seen of it: calls stall, twice at most.
const SLACK: Duration = Duration::from_secs(40);

const MINUTE: Duration = Duration::from_secs(60);

/// Minutes of a day.
const DAY: u64 = 1440;

/// What holds and mutes in a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds {
    /// A webhook with quiet hours, and their first and last minute of every day, in UTC.
    pub(crate) quiet: Option<(usize, u64, u64)>,
    /// A webhook that is sent digests, every so many minutes of the day.
    pub(crate) digest: Option<(usize, u64)>,
    /// A topic that may make so many messages an hour.
    pub(crate) rated: Option<(usize, u32)>,
    /// The mean time between silences.
    pub(crate) silence_every: Option<Duration>,
}

impl Holds {
    /// Each is there or is not. Times are such that a small world meets them, and is long enough afterwards.
    pub(crate) fn drawn(seed: u64, topics: usize, webhooks: usize) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x401d);
        let begin = minute_of_day(START) + rng.u64(5..90);
        let quiet = (rng.usize(0..webhooks), begin, begin + rng.u64(10..50));
        // What goes with a digest is not grouped besides.
        let digest =
            (Some(rng.usize(0..webhooks)).filter(|hook| !groups(*hook)).unwrap_or(0), rng.u64(20..50));
        let rated = (rng.usize(0..topics), rng.u32(1..6));
        let silence_every = Duration::from_secs(rng.u64(600..3600));
        let mut some = || rng.f64() < 0.4;
        Self {
            quiet: some().then_some(quiet),
            digest: some().then_some(digest),
            rated: some().then_some(rated),
            silence_every: some().then_some(silence_every),
        }
    }

    /// What a webhook's section says of it.
    pub(crate) fn of_webhook(&self, hook: usize) -> String {
        let time = |minute: u64| format!("{:02}:{:02}", minute / 60, minute % 60);
        let mut text = String::new();
        if let Some((_, from, to)) = self.quiet.filter(|quiet| quiet.0 == hook) {
            writeln!(text, "quiet_hours = \"{}-{}\"\nquiet_pass = \"none\"", time(from), time(to)).unwrap();
        }
        if let Some((_, step)) = self.digest.filter(|digest| digest.0 == hook) {
            let times: Vec<String> = (0..DAY).filter(|minute| minute % step == 0).map(time).collect();
            writeln!(text, "digest = \"daily {}\"", times.join(",")).unwrap();
        }
        text
    }

    /// What a topic's section says of it.
    pub(crate) fn of_topic(&self, topic: usize) -> String {
        let rated = self.rated.filter(|rated| rated.0 == topic);
        rated.map_or_else(String::new, |(_, most)| format!("alert_rate = \"{most}/h\"\n"))
    }

    /// When these quiet hours end for who is within them.
    fn quiet_end(&self, hook: usize, at: Timestamp) -> Option<Timestamp> {
        let (_, from, to) = self.quiet.filter(|quiet| quiet.0 == hook)?;
        let minute = minute_of_day(at);
        let left = match (from < to, minute) {
            (true, now) if from <= now && now < to => to - now,
            (false, now) if now < to => to - now,
            (false, now) if from <= now => to + DAY - now,
            _ => return None,
        };
        let within = u64::try_from(at.as_millis()).unwrap() % 60_000;
        Some(at.plus(MINUTE * u32::try_from(left).unwrap()).minus(Duration::from_millis(within)))
    }

    /// The first digest after an instant.
    fn next_digest(&self, hook: usize, at: Timestamp) -> Option<Timestamp> {
        let (_, step) = self.digest.filter(|digest| digest.0 == hook)?;
        let midnight = at.as_millis() / 86_400_000 * 86_400_000;
        let next = minute_of_day(at) / step * step + step;
        let next = if next >= DAY { DAY } else { next };
        Some(Timestamp::from_millis(midnight + i64::try_from(next).unwrap() * 60_000))
    }
}

fn minute_of_day(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap() / 60_000 % DAY
}

/// A silence that somebody wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Muted {
    topic: usize,
    /// When it was added, in truth.
    since: Timestamp,
    /// Until when, in truth, unless the clock is set.
    until: Timestamp,
}

impl World {
    /// An alert arrives for the first time: may it, now?
    pub(crate) fn judge_hold(&mut self, hook: usize, id: &str, topic: usize, story: usize) {
        let duty = self.ledger.duties[&(topic, story)];
        let (truth, shown) = (self.truth(), self.shown());
        // What was written when is known of what had to be told from the beginning.
        if !duty.must || duty.first != duty.since || !self.steady_since(duty.since.minus(2 * SLACK)) {
            return;
        }
        let written = shown.minus(truth.since(duty.since));
        let decided = written.minus(SLACK);
        let holds = self.scale.holds.clone();
        let about = vec![id.to_owned(), format!("S{story}"), format!("hook{hook}")];
        if let Some(end) = holds.quiet_end(hook, written)
            && holds.quiet_end(hook, decided) == Some(end)
            && shown < end
        {
            let how = format!(
                "hook{hook} was told of t{topic} and S{story} at {shown}, written {written}, quiet until {end}"
            );
            self.broken("quiet hours", how, about.clone());
        }
        if let Some(due) = holds.next_digest(hook, decided)
            && shown < due
        {
            let how = format!("hook{hook} was told of t{topic} and S{story} at {shown}, due with {due}");
            self.broken("digests", how, about);
        }
    }

    /// Which alerts are silenced, and which are not.
    pub(crate) fn audit_silence(&mut self, row: &AlertRow, (topic, story): (usize, usize)) {
        let duty = self.ledger.duties[&(topic, story)];
        let about = vec![format!("S{story}"), format!("t{topic}")];
        let silenced = row.state == AlertState::Silenced;
        let mut muted = self.ledger.silences.iter().filter(|muted| muted.topic == topic);
        if silenced && !muted.clone().any(|muted| muted.since <= duty.since) {
            self.broken("silences", format!("nobody wanted {row:?} silenced"), about);
            return;
        }
        // A clock that was set since a silence began ends it sooner or later.
        let known = duty.must && duty.first == duty.since;
        let within = muted.any(|muted| {
            muted.since.plus(SLACK) < duty.since
                && duty.since < muted.until.minus(SLACK)
                && self.steady_since(muted.since)
        });
        if known && within && !silenced {
            self.broken("silences", format!("{row:?} was to be silenced"), about);
        }
    }

    /// How many messages a topic made for a webhook. What waits for a digest, for the end of a night or for others goes
    /// with that.
    pub(crate) fn audit_rates(&mut self) {
        let Some((topic, most)) = self.scale.holds.rated.filter(|_| self.last_jump == START) else { return };
        if self.ledger.topics[topic].left {
            return;
        }
        let mut made: BTreeMap<usize, BTreeSet<&String>> = BTreeMap::new();
        for ((hook, of, _), id) in &self.receivers.ids {
            if *of == topic {
                made.entry(*hook).or_default().insert(id);
            }
        }
        let hours = self.truth().since(START).as_secs() / 3600 + 1;
        let most = usize::try_from(hours * u64::from(most)).unwrap();
        let holds = &self.scale.holds;
        let others = [holds.digest.map(|digest| digest.0), holds.quiet.map(|quiet| quiet.0)];
        made.retain(|hook, _| !groups(*hook) && !others.contains(&Some(*hook)));
        let beyond = made.into_iter().find(|(_, ids)| ids.len() > most);
        if let Some((hook, ids)) = beyond {
            let how =
                format!("t{topic} made {} messages for hook{hook} in {hours} h, at most {most}", ids.len());
            self.broken("alert rates", how, vec![format!("t{topic}")]);
        }
    }
}

impl House {
    /// Somebody mutes a topic for some time.
    pub(super) async fn silence(&mut self, rng: &mut Rng) {
        let (topics, shown) = {
            let world = self.world.lock();
            (world.scale.topics, world.shown())
        };
        let topic = rng.usize(0..topics);
        let lasting = Duration::from_secs(rng.u64(120..2400));
        let matcher = SilenceMatcher {
            topics: vec![format!("t{topic}").parse().unwrap()],
            ..SilenceMatcher::default()
        };
        let silence = Silence {
            id: SilenceId::derive(&matcher, shown, "who looks after it"),
            matcher,
            created_at: shown,
            until: shown.plus(lasting),
            author: "who looks after it".to_owned(),
            comment: None,
        };
        {
            // First: a poll may be recorded under it before this call is answered.
            let mut world = self.world.lock();
            let since = world.truth();
            world.ledger.silences.push(Muted { topic, since, until: since.plus(lasting) });
            world.say(&format!("---- t{topic} is silenced for {} s", lasting.as_secs()));
        }
        self.database.add_silence(silence).await.unwrap();
    }
}
