//! Receivers of webhooks: their moods, and what they know of the messages they got.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use secrecy::ExposeSecret as _;
use wirewatch::domain::Timestamp;
use wirewatch::domain::delivery::PostOutcome;
use wirewatch::domain::fetch::FailureKind;
use wirewatch::ports::{Post, PostRequest};

use super::ledger::Floor;
use super::pages::story_of;
use super::scale::Scale;
use super::world::{Sabotage, Shared, World, mood};

/// `webhooks.*.timeout` of simulated installations.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// `webhooks.*.max_in_flight` of the webhook of this number.
pub(crate) const fn most_in_flight(hook: usize) -> usize {
    1 + hook % 3
}

/// `webhooks.*.rate` of the webhook of this number: the time between two starts.
pub(crate) const fn spacing(hook: usize) -> Option<Duration> {
    if hook % 4 == 1 { Some(Duration::from_secs(2)) } else { None }
}

/// Whether the webhook of this number has a `group_wait`.
pub(crate) const fn groups(hook: usize) -> bool {
    hook % 3 == 2
}

/// One receiver.
#[derive(Debug, Default)]
pub(crate) struct Hook {
    in_flight: usize,
    /// It said 410 and was not enabled since.
    pub(crate) closed: bool,
    floor: Option<Floor>,
    started: Option<(Timestamp, Timestamp)>,
}

impl Hook {
    /// A person brought it back.
    pub(crate) fn enabled(&mut self) {
        (self.closed, self.floor) = (false, None);
    }
}

/// A message as its receiver knows it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) hook: usize,
    pub(crate) posts: u32,
    /// The receiver has it, whatever the sender knows.
    pub(crate) accepted: bool,
    body: u64,
    text: Vec<u8>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Receivers {
    pub(crate) hooks: Vec<Hook>,
    /// By `webhook-id`.
    pub(crate) told: HashMap<String, Told>,
    /// Under which id a receiver was told of a topic and a story.
    pub(crate) ids: HashMap<(usize, usize, usize), String>,
    /// Attempts claimed and not yet recorded, by `webhook-id`.
    pub(crate) open: HashMap<String, (u32, Timestamp)>,
    /// What was answered, by the task that asked, until it is recorded.
    pub(crate) answered: HashMap<tokio::task::Id, (bool, Option<Duration>)>,
    /// What was answered last, by `webhook-id`: what could not be recorded by who asked is recorded by another task.
    last_answer: HashMap<String, (bool, Option<Duration>)>,
    pub(crate) posts: u64,
}

impl Receivers {
    pub(crate) fn new(scale: &Scale) -> Self {
        Self {
            hooks: (0..scale.webhooks).map(|_| Hook::default()).collect(),
            told: HashMap::new(),
            ids: HashMap::new(),
            open: HashMap::new(),
            answered: HashMap::new(),
            last_answer: HashMap::new(),
            posts: 0,
        }
    }

    pub(crate) fn under_way(&self) -> usize {
        self.hooks.iter().map(|hook| hook.in_flight).sum()
    }
}

/// The network to all receivers.
#[derive(Debug)]
pub(crate) struct Wire(pub(crate) Shared);

struct UnderWay<'a>(&'a Wire, usize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.0.lock().receivers.hooks[self.1].in_flight -= 1;
    }
}

#[async_trait]
impl Post for Wire {
    async fn post(&self, request: PostRequest) -> PostOutcome {
        let (under_way, outcome) = {
            let mut world = self.0.lock();
            let url = request.url.expose_secret();
            let hook: usize = url.rsplit('/').next().unwrap().parse().unwrap();
            let header = request.headers.iter().find(|(name, _)| name == "webhook-id");
            let id = header.map(|(_, value)| value.expose_secret().to_owned()).unwrap_or_default();
            (UnderWay(self, hook), receive(&mut world, hook, &id, &request.body))
        };
        let took = match &outcome {
            PostOutcome::Answered { took, .. } | PostOutcome::Failed { took, .. } => *took,
        };
        tokio::time::sleep(took).await;
        drop(under_way);
        outcome
    }
}

/// Takes a message, judges it, answers as the mood is.
fn receive(world: &mut World, hook: usize, id: &str, body: &[u8]) -> PostOutcome {
    let receivers = &mut world.receivers;
    receivers.posts += 1;
    let it = &mut receivers.hooks[hook];
    it.in_flight += 1;
    let (under_way, open) = (it.in_flight, receivers.open.get(id).map_or(0, |open| open.0));
    let about = || vec![id.to_owned(), format!("hook{hook}")];
    if under_way > most_in_flight(hook) && world.steady_since(world.truth().minus(10 * TIMEOUT)) {
        world.broken("bounded in flight", format!("{under_way} requests to hook{hook} at once"), about());
    }
    if open == 0 {
        world.broken(
            "an attempt is written before its request",
            format!("{id} was sent without one"),
            about(),
        );
    }
    let now = world.truth();
    let bad = if world.calm { 0.0 } else { world.scale.faults.receivers };
    let mood = mood(world.scale.seed, 0xb00c ^ hook as u64, world.scale.mood, now, bad);
    let (outcome, accepted) = answer(world, mood);
    judge(world, hook, id, body, accepted);
    let retry_after = match &outcome {
        PostOutcome::Answered { status: 429 | 503, retry_after, .. } => *retry_after,
        _ => None,
    };
    let good = matches!(outcome, PostOutcome::Answered { status: 200..300, .. });
    world.receivers.answered.insert(tokio::task::id(), (good, retry_after));
    world.receivers.last_answer.insert(id.to_owned(), (good, retry_after));
    let told = match &outcome {
        PostOutcome::Answered { status, retry_after, .. } => format!("{status} {retry_after:?}"),
        PostOutcome::Failed { kind, .. } => format!("{kind:?}"),
    };
    let known = if accepted { ", has it" } else { "" };
    let what = String::from_utf8_lossy(body);
    let what: Vec<&str> = what.split('"').filter(|word| story_of(word).is_some()).collect();
    let what: Vec<&str> = what.iter().filter_map(|title| title.split(' ').next()).collect();
    world.say(&format!("POST {id} ({}) to hook{hook} -> {told}{known}", what.join(" ")));
    match outcome {
        PostOutcome::Answered { status, excerpt, took, .. }
            if world.sabotage == Sabotage::PesterReceivers =>
        {
            PostOutcome::Answered { status, retry_after: None, excerpt, took }
        }
        other => other,
    }
}

/// What comes back, and whether the receiver has the message.
fn answer(world: &mut World, mood: Option<Rng>) -> (PostOutcome, bool) {
    let took = Duration::from_millis(world.rng.u64(5..600));
    let status =
        |status, retry_after| PostOutcome::Answered { status, retry_after, excerpt: Vec::new(), took };
    let Some(mut mood) = mood else { return (status(204, None), true) };
    let flaps = mood.f64() < 0.3;
    if flaps && world.rng.bool() {
        return (status(200, None), true);
    }
    let most = u64::try_from(world.scale.retry_after.as_millis()).unwrap();
    let retry_after = mood.bool().then(|| Duration::from_millis(mood.u64(0..most)));
    let kind = if flaps { world.rng.u32(0..40) } else { mood.u32(0..40) };
    let failed = |kind, took| PostOutcome::Failed { kind, message: format!("{kind:?}"), took };
    match kind {
        0..6 => (failed(FailureKind::Connect, took), false),
        6..10 => (failed(FailureKind::Timeout, TIMEOUT), false),
        // The answer came too late: the receiver has it, and the sender does not know.
        10..16 => (failed(FailureKind::Timeout, TIMEOUT), true),
        16..20 => (failed(FailureKind::Broken, took), true),
        20..25 => (status(500, None), world.rng.bool()),
        25..29 => (status(503, retry_after), false),
        29..34 => (status(429, retry_after), false),
        34 => (status(410, None), false),
        35 => (status(400, None), false),
        36 => (status(401, None), false),
        37 => (status(301, None), false),
        _ => (status(404, None), false),
    }
}

/// Judges a message by all that was told before.
fn judge(world: &mut World, hook: usize, id: &str, body: &[u8], accepted: bool) {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let hash = hasher.finish();
    let about = vec![id.to_owned()];
    let told = world.receivers.told.entry(id.to_owned());
    let told = told.or_insert(Told { hook, posts: 0, accepted: false, body: hash, text: body.to_vec() });
    told.posts += 1;
    let first = told.posts == 1;
    told.accepted |= accepted;
    if told.hook != hook || told.body != hash {
        let how = format!(
            "{id} went to hook{} and hook{hook} as\n  {}\n  {}",
            told.hook,
            String::from_utf8_lossy(&told.text),
            String::from_utf8_lossy(body),
        );
        let what = String::from_utf8_lossy(body).into_owned();
        let what = what.split('"').filter_map(story_of);
        let about = about.into_iter().chain(what.map(|story| format!("S{story}"))).collect();
        world.broken("a repeat is the same message", how, about);
        return;
    }
    let message: serde_json::Value = serde_json::from_slice(body).unwrap();
    for data in alerts(&message) {
        let topic =
            data["topic"]["id"].as_str().and_then(|id| id.strip_prefix('t')).and_then(|n| n.parse().ok());
        let story = data["article"]["title"].as_str().and_then(story_of);
        let Some((topic, story)) = topic.zip(story) else {
            world.broken("told once, with the reason", format!("{id} tells of no story: {data}"), about);
            return;
        };
        if !world.ledger.duties.contains_key(&(topic, story)) {
            let how = format!("{id} tells topic t{topic} of S{story}, which it must not");
            world.broken("nothing is told without reason", how, vec![id.to_owned(), format!("S{story}")]);
            return;
        }
        let before = world.receivers.ids.entry((hook, topic, story)).or_insert_with(|| id.to_owned());
        if before != id && !world.ledger.halves.contains(&story) {
            let how = format!("hook{hook} was told of t{topic} and S{story} as {before} and as {id}");
            let about = vec![id.to_owned(), before.clone(), format!("S{story}")];
            world.broken("told once", how, about);
            return;
        }
        if first {
            world.judge_hold(hook, id, topic, story);
        }
    }
}

/// The alerts a message carries: one, several, or none where it tells of operations.
fn alerts(message: &serde_json::Value) -> Vec<&serde_json::Value> {
    match message["type"].as_str().unwrap() {
        "alert.opened" => vec![&message["data"]],
        "alerts.grouped" => message["data"]["alerts"].as_array().unwrap().iter().collect(),
        _ => vec![],
    }
}

impl World {
    /// A delivery was claimed, its attempt written.
    pub(crate) fn delivery_claimed(
        &mut self,
        hook: usize,
        id: &str,
        now: Timestamp,
        lease: Duration,
        entered: Timestamp,
    ) {
        let about = vec![id.to_owned(), format!("hook{hook}")];
        let truth = self.truth();
        if self.receivers.hooks[hook].closed {
            self.broken("410 is obeyed", format!("{id} was claimed for hook{hook}"), about.clone());
        }
        if let Some(floor) = self.receivers.hooks[hook].floor
            && now < floor.until
            && self.steady_since(floor.since)
        {
            let how = format!("{id} was claimed for hook{hook} at {now}, not allowed before {}", floor.until);
            self.broken(floor.why, how, about.clone());
        }
        if let Some((before, at)) = self.receivers.hooks[hook].started
            && spacing(hook).is_some_and(|spacing| now.since(before) < spacing)
            && self.steady_since(at)
        {
            let how = format!("hook{hook} got another message after {:?}", now.since(before));
            self.broken("rates of receivers", how, about.clone());
        }
        self.receivers.hooks[hook].started = Some((now, entered));
        let open = self.receivers.open.entry(id.to_owned()).or_insert((0, now));
        // One whose lease ended is another's.
        *open = (if open.1 <= now { 1 } else { open.0 + 1 }, now.plus(lease));
        if open.0 > 1 && self.steady_since(truth.minus(20 * TIMEOUT)) {
            self.broken("leases", format!("{id} is sent twice at once"), about);
        }
    }

    /// What an attempt came to was recorded.
    pub(crate) fn attempt_recorded(
        &mut self,
        hook: usize,
        id: &str,
        as_delivered: bool,
        gone: bool,
        (now, since): (Timestamp, Timestamp),
    ) {
        self.receivers.open.remove(id);
        let last = self.receivers.last_answer.remove(id);
        let (good, retry_after) =
            self.receivers.answered.remove(&tokio::task::id()).or(last).unwrap_or_default();
        if as_delivered && !good {
            let how = format!("{id} was noted as delivered to hook{hook}, which did not accept it");
            self.broken("delivered means accepted", how, vec![id.to_owned()]);
        }
        // What was asked for before the clock was set is another instant now.
        let before = self.receivers.hooks[hook].floor.filter(|floor| self.steady_since(floor.since));
        let it = &mut self.receivers.hooks[hook];
        it.closed |= gone;
        if let Some(after) = retry_after {
            let until = before.map_or(now, |floor| floor.until).max(now.plus(after));
            it.floor = Some(Floor { until, since, why: "Retry-After of receivers" });
        }
    }
}
