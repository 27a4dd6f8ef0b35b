//! The book about wirewatch: what it has seen and so must tell, and what its manners allow it to do next.
//!
//! It is kept at the store's port, where work is claimed and recorded, and knows nothing of how wirewatch
//! decides. What it holds true is PRODUCT.md.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use wirewatch::domain::Timestamp;
use wirewatch::domain::feed::Validators;
use wirewatch::domain::fetch::AnswerMeta;

use super::guest::Served;
use super::holds::Muted;
use super::pages::{Page, Sight};
use super::scale::Scale;
use super::world::World;

/// A bound on what may happen, and since when it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    pub(crate) until: Timestamp,
    pub(crate) since: Timestamp,
    pub(crate) why: &'static str,
}

/// What is known of a feed.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedBook {
    pub(crate) configured: bool,
    /// The address in the configuration.
    address: String,
    /// When it got that.
    pub(crate) addressed: Timestamp,
    /// What the next request must carry.
    pub(crate) validators: Validators,
    /// Where the next request may go.
    pub(crate) url: Vec<String>,
    /// Its first document was stored.
    known: bool,
    /// So many documents broke off, one after the other.
    broke_off: u32,
    last_good: Option<Timestamp>,
    failures: u32,
    gone: bool,
    floor: Option<Floor>,
    claim: Option<(i64, Timestamp, Timestamp)>,
    /// When a poll of it was last recorded, in truth.
    pub(crate) recorded: Timestamp,
}

/// What is known of a host.
#[derive(Clone, Copy, Debug, Default)]
struct HostBook {
    started: Option<(Timestamp, Timestamp)>,
    floor: Option<Floor>,
}

/// What is known of a topic.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicBook {
    /// When the database learnt of it, in truth.
    pub(crate) created: Option<Timestamp>,
    /// When polls that begin take it into account, and until when.
    pub(crate) live_from: Option<Timestamp>,
    pub(crate) live_until: Option<Timestamp>,
    /// It left the configuration at least once; what its rate held went then.
    pub(crate) left: bool,
    pub(crate) webhooks: Vec<usize>,
}

/// What is known of a story that wirewatch has stored.
#[derive(Clone, Copy, Debug)]
struct StoryBook {
    first_seen: Timestamp,
    suppressed: bool,
    /// It was shown cut short: what was stored of it then, and when, is anybody's guess.
    blurred: bool,
}

/// An alert that must, or may, be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duty {
    pub(crate) must: bool,
    /// When it was stored under circumstances in which it must, in truth.
    pub(crate) since: Timestamp,
    /// When it was first stored.
    pub(crate) first: Timestamp,
}

/// All that is known.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) feeds: Vec<FeedBook>,
    hosts: Vec<HostBook>,
    pub(crate) topics: Vec<TopicBook>,
    stories: HashMap<usize, StoryBook>,
    /// The revision each feed showed last of each story.
    shown: HashMap<(usize, usize), u32>,
    pub(crate) duties: BTreeMap<(usize, usize), Duty>,
    pub(crate) silences: Vec<Muted>,
    /// Stories of which half was taken, since it was all their feed would show; a half is no copy of the whole.
    pub(crate) halves: BTreeSet<usize>,
    /// What the database says was silenced.
    pub(crate) silenced: BTreeSet<(usize, usize)>,
    pub(crate) polls: u64,
}

impl Ledger {
    pub(crate) fn new(scale: &Scale) -> Self {
        let topics = (0..scale.topics).map(|topic| TopicBook {
            // Every seventh tells the log only; every other has two destinations.
            webhooks: match topic % 7 {
                6 => vec![],
                _ if topic % 2 == 0 || scale.webhooks == 1 => vec![topic % scale.webhooks],
                _ => vec![topic % scale.webhooks, (topic + 1) % scale.webhooks],
            },
            ..TopicBook::default()
        });
        Self {
            feeds: vec![FeedBook::default(); scale.feeds],
            hosts: vec![HostBook::default(); scale.hosts],
            topics: topics.collect(),
            stories: HashMap::new(),
            shown: HashMap::new(),
            duties: BTreeMap::new(),
            silences: Vec::new(),
            silenced: BTreeSet::new(),
            halves: BTreeSet::new(),
            polls: 0,
        }
    }
}

impl FeedBook {
    /// It is polled at this address from now on. Where that is another, nothing that was learnt holds.
    pub(crate) fn configure(&mut self, address: &str, now: Timestamp) {
        if self.address != address {
            *self = Self {
                address: address.to_owned(),
                addressed: now,
                url: vec![address.to_owned()],
                ..Self::default()
            };
        }
        if !self.configured && self.recorded < now {
            self.recorded = now;
        }
        self.configured = true;
    }
}

impl Ledger {
    /// The process that held them is no more.
    pub(crate) fn forget_claims(&mut self) {
        self.feeds.iter_mut().for_each(|feed| feed.claim = None);
    }
}

impl World {
    /// A feed was claimed, by a call made at `called` (in truth) with the time `now`.
    pub(crate) fn feed_claimed(
        &mut self,
        feed: usize,
        token: i64,
        now: Timestamp,
        lease: Duration,
        called: Timestamp,
    ) {
        let host = self.press.feeds[feed].host;
        let about = vec![format!("f{feed}")];
        let book = self.ledger.feeds[feed].clone();
        if !book.configured || book.gone {
            let how = format!("f{feed} was claimed, though it left or is gone for good");
            self.broken("feeds that left or are gone", how, about.clone());
        }
        for floor in [book.floor, self.ledger.hosts[host].floor].into_iter().flatten() {
            if now < floor.until && self.steady_since(floor.since) {
                let how = format!("f{feed} was claimed at {now}, not allowed before {}", floor.until);
                self.broken(floor.why, how, about.clone());
            }
        }
        if let Some((_, until, at)) = book.claim
            && now < until
            && self.steady_since(at)
        {
            self.broken("leases", format!("f{feed} was claimed twice"), about.clone());
        }
        let delay = self.scale.host_delay;
        if let Some((before, at)) = self.ledger.hosts[host].started
            && now.since(before) < delay
            && self.steady_since(at)
        {
            let how = format!("host h{host} was visited again after {:?}", now.since(before));
            self.broken("space between visits to a host", how, about);
        }
        self.ledger.hosts[host].started = Some((now, called));
        self.ledger.feeds[feed].claim = Some((token, now.plus(lease), called));
    }

    /// A feed was given back without a poll.
    pub(crate) fn feed_released(&mut self, feed: usize) {
        self.ledger.feeds[feed].claim = None;
        self.say(&format!("f{feed} given back"));
    }

    /// What a visit brought was recorded, with the time `now` at which that was decided. `good`: as a good poll.
    pub(crate) fn poll_recorded(&mut self, feed: usize, token: i64, good: bool, now: Timestamp) {
        self.ledger.polls += 1;
        let called = match self.ledger.feeds[feed].claim {
            Some((open, _, called)) if open == token => called,
            _ => {
                self.broken(
                    "leases",
                    format!("a poll of f{feed} was recorded without a claim"),
                    vec![format!("f{feed}")],
                );
                return;
            }
        };
        let served = self.guests.served.remove(&tokio::task::id()).map(|(_, served)| served);
        let pause = served.as_ref().and_then(|served| served.pause(now, self.scale.max_interval));
        self.say(&format!("f{feed} recorded{}", if good { "" } else { " as failed" }));
        let mut fresh = None;
        match &served {
            Some(Served::Page { page, meta, whole, moved }) if good => {
                self.page_recorded(feed, page, meta, *whole, moved.as_deref(), called, now);
                fresh = meta.fresh_for;
            }
            Some(Served::Unchanged(meta)) => {
                let validators = &mut self.ledger.feeds[feed].validators;
                validators.etag = meta.validators.etag.clone().or(validators.etag.take());
                validators.last_modified =
                    meta.validators.last_modified.clone().or(validators.last_modified.take());
                fresh = meta.fresh_for;
            }
            Some(Served::Gone) => self.ledger.feeds[feed].gone = true,
            _ => {}
        }
        let expected_good = match &served {
            // What breaks off may be read as far as it goes, or not at all.
            Some(Served::Page { whole, .. }) => *whole || good,
            Some(Served::Unchanged(_)) => true,
            _ => false,
        };
        if good != expected_good {
            let how = format!("a visit of f{feed} that brought {served:?} was recorded with good = {good}");
            self.broken("what was fetched is recorded", how, vec![format!("f{feed}")]);
        }
        let truth = self.truth();
        let scale = &self.scale;
        let (least, most) = (scale.min_interval, scale.max_interval);
        let base = scale.interval.max(least);
        let book = &mut self.ledger.feeds[feed];
        book.claim = None;
        book.recorded = truth;
        let (wait, why) = if good {
            book.failures = 0;
            book.known = true;
            book.last_good = Some(now);
            (least.max(fresh.unwrap_or_default().min(most)), "minimum interval and cache headers")
        } else {
            book.failures += 1;
            if book.failures >= 3 && !book.gone && !book.url.contains(&book.address) {
                // A move that does not work is taken back.
                book.url = vec![book.address.clone()];
                book.validators = Validators::default();
            }
            let doubled = base.saturating_mul(1 << (book.failures - 1).min(20)).min(most.max(base));
            (doubled, "back-off")
        };
        let wait = pause
            .filter(|until| *until > now.plus(wait))
            .map_or((now.plus(wait), why), |until| (until, "Retry-After of servers"));
        // It was decided after the claim, perhaps by a clock that was set before it could be recorded.
        book.floor = Some(Floor { until: wait.0, since: called, why: wait.1 });
        if let (Some(Served::Throttled(429, _)), Some(until)) = (served, pause) {
            let host = self.press.feeds[feed].host;
            // What was asked for before the clock was set is another instant now.
            let before = self.ledger.hosts[host].floor.filter(|floor| self.steady_since(floor.since));
            let before = before.map_or(until, |floor| floor.until);
            let floor = Floor { until: until.max(before), since: called, why: "Retry-After of servers" };
            self.ledger.hosts[host].floor = Some(floor);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one caller, each a different thing")]
    fn page_recorded(
        &mut self,
        feed: usize,
        page: &Page,
        meta: &AnswerMeta,
        whole: bool,
        moved: Option<&str>,
        called: Timestamp,
        now: Timestamp,
    ) {
        let book = &mut self.ledger.feeds[feed];
        book.validators = if whole { meta.validators.clone() } else { Validators::default() };
        if let Some(url) = moved {
            book.url = vec![url.to_owned()];
        }
        book.broke_off = if whole { 0 } else { book.broke_off + 1 };
        if book.broke_off > 1 {
            let halves = page.sights.iter().filter(|sight| sight.partial).map(|sight| sight.story);
            self.ledger.halves.extend(halves);
        }
        let book = &self.ledger.feeds[feed];
        let (first, blind) = (!book.known, book.last_good.map_or(Duration::ZERO, |at| now.since(at)));
        for sight in page.sights.iter() {
            self.sight_recorded(feed, sight, first, blind, called, now);
        }
    }

    /// A feed's page with this story was stored: from here on, its topics must be told of it.
    fn sight_recorded(
        &mut self,
        feed: usize,
        sight: &Sight,
        first: bool,
        blind: Duration,
        called: Timestamp,
        now: Timestamp,
    ) {
        let truth = self.truth();
        let age = sight.dated.map_or(Duration::ZERO, |at| now.since(at));
        let suppressed = first || age.saturating_sub(blind) > self.scale.max_age;
        let story = StoryBook { first_seen: truth, suppressed, blurred: false };
        let story = self.ledger.stories.entry(sight.story).or_insert(story);
        if sight.partial {
            *story = StoryBook { suppressed: false, blurred: true, ..*story };
        }
        let story = *story;
        let shown = self.ledger.shown.insert((feed, sight.story), sight.revision());
        if (shown == Some(sight.revision()) && !story.blurred) || story.suppressed {
            return;
        }
        for topic in &sight.topics {
            let book = &self.ledger.topics[*topic];
            let Some((created, live)) = book.created.zip(book.live_from) else { continue };
            let over = |at: Timestamp| book.live_until.is_some_and(|until| until < at);
            if over(called) {
                continue;
            }
            // What was stored before a topic existed never alerts; a clock set back blurs what before is.
            let blurred = story.blurred || self.last_jump >= created.min(story.first_seen);
            if created > story.first_seen && !blurred {
                continue;
            }
            let must = live <= called && !over(truth) && !blurred;
            let duty = self.ledger.duties.entry((*topic, sight.story)).or_insert(Duty {
                must,
                since: truth,
                first: truth,
            });
            if must && !duty.must {
                *duty = Duty { must, since: truth, ..*duty };
            }
        }
    }
}
