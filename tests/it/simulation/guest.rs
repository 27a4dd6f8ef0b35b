//! Feeds as wirewatch visits them: servers with moods, and judges of its manners.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use wirewatch::domain::Timestamp;
use wirewatch::domain::feed::Validators;
use wirewatch::domain::fetch::{AnswerMeta, FailureKind, FetchFailure, FetchOutcome, Fetched};
use wirewatch::ports::{Fetch, FetchRequest};

use super::pages::Page;
use super::press::Server;
use super::scale::Scale;
use super::world::{Sabotage, Shared, World, mood};

/// What a visit brought, as the book-keeper needs it once the visit is recorded.
#[derive(Clone, Debug)]
pub(crate) enum Served {
    /// A document; `whole` unless it broke off.
    Page { page: Page, meta: AnswerMeta, whole: bool, moved: Option<String> },
    /// 304.
    Unchanged(AnswerMeta),
    /// 429 or 503.
    Throttled(u16, Option<Duration>),
    /// 410.
    Gone,
    /// Nothing.
    Failed,
}

/// Requests under way.
#[derive(Debug)]
pub(crate) struct Guests {
    feeds: Vec<usize>,
    hosts: Vec<usize>,
    all: usize,
    most: usize,
    /// What visits brought, by the task that made them, until they are recorded.
    pub(crate) served: HashMap<tokio::task::Id, (usize, Served)>,
    pub(crate) visits: u64,
}

impl Guests {
    pub(crate) fn new(scale: &Scale) -> Self {
        Self {
            feeds: vec![0; scale.feeds],
            hosts: vec![0; scale.hosts],
            all: 0,
            most: CONCURRENCY,
            served: HashMap::new(),
            visits: 0,
        }
    }

    pub(crate) fn under_way(&self) -> usize {
        self.all
    }
}

/// `fetch.concurrency` of simulated installations.
pub(crate) const CONCURRENCY: usize = 16;

/// `fetch.timeout` of simulated installations.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// All servers of feeds.
#[derive(Debug)]
pub(crate) struct Web(pub(crate) Shared);

/// A request under way; it ends when this is dropped, answered or not.
struct UnderWay<'a> {
    web: &'a Web,
    feed: usize,
    host: usize,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut world = self.web.0.lock();
        world.guests.feeds[self.feed] -= 1;
        world.guests.hosts[self.host] -= 1;
        world.guests.all -= 1;
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, request: FetchRequest) -> FetchOutcome {
        let (under_way, delay, outcome) = {
            let mut world = self.0.lock();
            let feed = feed_of(&request.url);
            let host = world.press.feeds[feed].host;
            knock(&mut world, feed, host, &request);
            let outcome = decide(&mut world, feed, &request);
            let slow =
                matches!(&outcome, FetchOutcome::Failed(failure) if failure.kind == FailureKind::Timeout);
            let delay = if slow { TIMEOUT } else { Duration::from_millis(world.rng.u64(5..900)) };
            (UnderWay { web: self, feed, host }, delay, outcome)
        };
        tokio::time::sleep(delay).await;
        drop(under_way);
        outcome
    }
}

/// The feed behind an address: `https://hHOST.example/fNUMBER/…`.
fn feed_of(url: &str) -> usize {
    url.split('/')
        .nth(3)
        .and_then(|slug| slug.strip_prefix('f'))
        .and_then(|number| number.parse().ok())
        .unwrap()
}

/// Judges that a request may be made now.
fn knock(world: &mut World, feed: usize, host: usize, request: &FetchRequest) {
    let guests = &mut world.guests;
    guests.feeds[feed] += 1;
    guests.hosts[host] += 1;
    guests.all += 1;
    guests.visits += 1;
    let (of_feed, of_host, all, most) = (guests.feeds[feed], guests.hosts[host], guests.all, guests.most);
    let slug = format!("f{feed}");
    if all > most {
        world.broken("bounded in flight", format!("{all} polls under way"), vec![]);
    }
    // A clock that jumps forward ends leases early.
    let calm = world.truth().minus(2 * TIMEOUT);
    let settled = world.ledger.feeds[feed].addressed < calm;
    if (of_feed > 1 || of_host > 1) && world.steady_since(calm) && settled {
        let how = format!("{of_feed} requests to {slug} and {of_host} to its host at once");
        world.broken("one request at a time", how, vec![slug.clone()]);
    }
    let expected = world.ledger.feeds[feed].validators.clone();
    if request.validators != expected {
        let how = format!("{slug} was asked with {:?} instead of {expected:?}", request.validators);
        world.broken("conditional requests", how, vec![slug.clone()]);
    }
    let expected = &world.ledger.feeds[feed].url;
    if !expected.contains(&request.url) {
        let how = format!("{slug} was asked at {} instead of {expected:?}", request.url);
        world.broken("permanent redirects", how, vec![slug]);
    }
}

/// What the server answers, and notes it for the book.
fn decide(world: &mut World, feed: usize, request: &FetchRequest) -> FetchOutcome {
    let now = world.truth();
    let page = world.press.page(feed, now);
    let scale = &world.scale;
    let bad = if world.calm { 0.0 } else { scale.faults.servers };
    let mood = mood(scale.seed, feed as u64, scale.mood, now, bad);
    let outcome = if world.press.feeds[feed].gone {
        FetchOutcome::Gone
    } else if let Some(mut mood) = mood {
        misbehave(world, feed, request, &page, &mut mood)
    } else {
        serve(world, feed, request, &page)
    };
    let served = match &outcome {
        FetchOutcome::Unchanged(meta) => Served::Unchanged(meta.clone()),
        FetchOutcome::Fetched(fetched) => served_page(world, feed, &page, fetched),
        FetchOutcome::Throttled { status, retry_after } => Served::Throttled(*status, *retry_after),
        FetchOutcome::Gone => Served::Gone,
        FetchOutcome::Failed(_) | FetchOutcome::Crowded { .. } => Served::Failed,
    };
    let (asked, answer) =
        (if request.validators.is_empty() { "GET" } else { "GET if changed" }, tell(&served));
    world.say(&format!("f{feed} {asked} -> {answer}"));
    world.guests.served.insert(tokio::task::id(), (feed, served));
    match outcome {
        FetchOutcome::Throttled { status, .. } if world.sabotage == Sabotage::HearsNoRetryAfter => {
            FetchOutcome::Throttled { status, retry_after: None }
        }
        other => other,
    }
}

/// What a document shows, told by its bytes.
fn served_page(world: &World, feed: usize, page: &Page, fetched: &Fetched) -> Served {
    let (meta, moved) = (fetched.meta.clone(), fetched.permanent_url.clone());
    let stale = world.press.feeds[feed].stale.as_ref();
    // One that lacks its last line break is whole.
    let lacks = page.body.strip_prefix(&*fetched.body).is_some_and(|rest| !rest.trim_ascii().is_empty());
    if lacks {
        return Served::Page { page: page.cut(fetched.body.len()), meta, whole: false, moved };
    }
    let body = fetched.body.trim_ascii_end();
    match [Some(page), stale].into_iter().flatten().find(|page| page.body.trim_ascii_end() == body) {
        Some(page) => Served::Page { page: page.clone(), meta, whole: true, moved },
        None => Served::Failed,
    }
}

fn tell(served: &Served) -> String {
    match served {
        Served::Page { page, whole, moved, .. } => {
            let stories: Vec<String> = page.sights.iter().map(|sight| format!("S{}", sight.story)).collect();
            let cut = if *whole { "" } else { ", cut short" };
            let moved = if moved.is_some() { ", moved" } else { "" };
            format!("200{cut}{moved}: {}", stories.join(" "))
        }
        Served::Unchanged(_) => "304".to_owned(),
        Served::Throttled(status, after) => format!("{status}, retry after {after:?}"),
        Served::Gone => "410".to_owned(),
        Served::Failed => "failed".to_owned(),
    }
}

/// What an honest server answers.
fn serve(world: &mut World, feed: usize, request: &FetchRequest, page: &Page) -> FetchOutcome {
    let drawn = world.rng.u64(..);
    let it = &world.press.feeds[feed];
    let tag = |of: u64| Validators { etag: Some(format!("\"{of:x}\"").into_bytes()), last_modified: None };
    let validators = match it.server {
        Server::Etag => tag(page.hash()),
        Server::LastModified => {
            Validators { etag: None, last_modified: Some(format!("{:x}", page.hash()).into_bytes()) }
        }
        Server::Neither => Validators::default(),
        Server::Restless => tag(drawn),
    };
    let permanent_url = it.moved_from(&request.url);
    let meta = AnswerMeta { validators, fresh_for: it.max_age, ..AnswerMeta::default() };
    // A page that moved is served whole from its new address at first.
    if permanent_url.is_none() && !meta.validators.is_empty() && request.validators == meta.validators {
        return FetchOutcome::Unchanged(meta);
    }
    fetched(request, page.body.to_vec(), meta, permanent_url)
}

fn fetched(
    request: &FetchRequest,
    body: Vec<u8>,
    meta: AnswerMeta,
    permanent_url: Option<String>,
) -> FetchOutcome {
    let final_url = permanent_url.clone().unwrap_or_else(|| request.url.clone());
    FetchOutcome::Fetched(Box::new(Fetched { body, content_type: None, final_url, permanent_url, meta }))
}

/// What a server in a bad mood answers: mostly the same for as long as the mood lasts.
fn misbehave(
    world: &mut World,
    feed: usize,
    request: &FetchRequest,
    page: &Page,
    mood: &mut Rng,
) -> FetchOutcome {
    let flaps = mood.f64() < 0.3;
    if flaps && world.rng.bool() {
        return serve(world, feed, request, page);
    }
    let most = u64::try_from(world.scale.retry_after.as_millis()).unwrap();
    let retry_after = mood.bool().then(|| Duration::from_millis(mood.u64(0..most)));
    let kinds = if world.scale.faults.liars { 15 } else { 9 };
    let kind = if flaps { world.rng.u32(0..kinds) } else { mood.u32(0..kinds) };
    let failed = |kind, status| {
        let failure = FetchFailure { kind, status, retry_after, message: format!("{kind:?}") };
        FetchOutcome::Failed(failure)
    };
    let meta = AnswerMeta::default();
    match kind {
        0 => failed(FailureKind::Connect, None),
        1 => failed(FailureKind::Dns, None),
        2 => failed(FailureKind::Timeout, None),
        4 => failed(FailureKind::NotFound, Some(404)),
        5 => failed(FailureKind::Denied, Some(403)),
        6 => FetchOutcome::Throttled { status: 429, retry_after },
        7 => FetchOutcome::Throttled { status: 503, retry_after },
        8 => failed(FailureKind::Broken, None),
        // Not modified, whatever was asked.
        9 | 10 if !request.validators.is_empty() => FetchOutcome::Unchanged(meta),
        // A page of the provider, with validators to mislead.
        11 => {
            let validators = Validators { etag: Some(b"\"parked\"".to_vec()), last_modified: None };
            let body = b"<!doctype html><html><body><h1>This domain is parked</h1></body></html>".to_vec();
            fetched(request, body, AnswerMeta { validators, fresh_for: None, ..AnswerMeta::default() }, None)
        }
        12 => fetched(request, Vec::new(), meta, None),
        13 => {
            let end = world.rng.usize(0..page.body.len());
            let validators = Validators { etag: Some(b"\"cut\"".to_vec()), last_modified: None };
            fetched(
                request,
                page.body[..end].to_vec(),
                AnswerMeta { validators, fresh_for: None, ..AnswerMeta::default() },
                None,
            )
        }
        14 => match world.press.feeds[feed].stale.clone() {
            Some(stale) => fetched(request, stale.body.to_vec(), meta, None),
            None => failed(FailureKind::Status, Some(502)),
        },
        _ => failed(FailureKind::Status, Some(500)),
    }
}

impl Served {
    /// Until when the feed, and with 429 its host, is to be left alone.
    pub(crate) fn pause(&self, now: Timestamp, most: Duration) -> Option<Timestamp> {
        match self {
            Self::Throttled(_, Some(after)) => Some(now.plus((*after).min(most))),
            _ => None,
        }
    }
}
