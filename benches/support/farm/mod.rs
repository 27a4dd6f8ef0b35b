//! A farm of synthetic feeds and a webhook sink on loopback, to measure pollers with.
//!
//! It answers `GET /feed/N` with validators and honours them, notes when an article was first served whole and when a
//! webhook call that names it begins to arrive. One thread, answers made beforehand: it must cost less than who asks.

mod serve;
mod text;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wirewatch::clock::SystemClock;
use wirewatch::domain::Timestamp;
use wirewatch::ports::Clock as _;

pub(crate) use serve::serve;
use text::Author;

/// What the farm is like.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Port on every address; 0 takes a free one
    #[arg(long, default_value_t = 8700)]
    pub(crate) port: u16,
    /// Feeds
    #[arg(long, default_value_t = 1000)]
    pub(crate) feeds: u32,
    /// Addresses listened on, from 127.0.0.1 on; feed N belongs to 1 + N mod HOSTS
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=254))]
    pub(crate) hosts: u8,
    /// Articles in a feed
    #[arg(long, default_value_t = 20)]
    pub(crate) items: u32,
    /// Words in a description
    #[arg(long, default_value_t = 60)]
    pub(crate) description_words: usize,
    /// Words in the content; 0 leaves it out
    #[arg(long, default_value_t = 200)]
    pub(crate) content_words: usize,
    /// Seed of all texts
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Milliseconds in which each feed gains an article, the feeds spread over them; 0: only when asked to publish
    #[arg(long, default_value_t = 0)]
    pub(crate) publish_every_ms: u64,
    /// Milliseconds before the first of them
    #[arg(long, default_value_t = 0)]
    pub(crate) publish_after_ms: u64,
    /// A word for topics to find
    #[arg(long, default_value = "Zebrafish")]
    pub(crate) keyword: String,
    /// Part of the articles whose title begins with it, 0 to 1
    #[arg(long, default_value_t = 0.0)]
    pub(crate) keyword_rate: f64,
    /// Milliseconds before each answer for a feed
    #[arg(long, default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Milliseconds by which that varies, up and down
    #[arg(long, default_value_t = 0)]
    pub(crate) jitter_ms: u64,
    /// Milliseconds before the sink answers
    #[arg(long, default_value_t = 0)]
    pub(crate) hook_latency_ms: u64,
    /// Compress for those who accept gzip
    #[arg(long)]
    pub(crate) gzip: bool,
    /// Send no validators, and never 304
    #[arg(long)]
    pub(crate) no_validators: bool,
    /// Close the connection after each answer, as when each feed has a host of its own
    #[arg(long)]
    pub(crate) close: bool,
}

impl Options {
    /// The last part of the address a feed is on.
    pub(crate) fn host(&self, feed: u32) -> u32 {
        1 + feed % u32::from(self.hosts)
    }
}

/// A body, as it goes out.
#[derive(Clone, Debug)]
struct Body {
    plain: Arc<[u8]>,
    gzipped: Option<Arc<[u8]>>,
}

/// One feed.
#[derive(Debug, Default)]
struct Feed {
    /// Articles published, those from before the start included.
    published: u32,
    body: Option<Body>,
    /// Articles that nobody was served yet.
    unserved: Vec<u32>,
}

/// The moments of an article that came out after the start.
#[derive(Clone, Copy, Debug)]
struct Moments {
    published: Instant,
    served: Option<Instant>,
    told: bool,
}

/// What happened so far, as `GET /_stats` answers it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) requests: u64,
    pub(crate) whole: u64,
    pub(crate) unchanged: u64,
    pub(crate) conditional: u64,
    pub(crate) bytes_out: u64,
    pub(crate) connections: u64,
    pub(crate) in_flight_max: u64,
    pub(crate) in_flight_per_host_max: u64,
    pub(crate) hooks: u64,
    /// Calls that named an article told of before.
    pub(crate) hooks_again: u64,
    /// Of each article, microseconds from the last byte of the first answer that carried it until the first byte of the
    /// webhook call that names it.
    pub(crate) since_served: Vec<u64>,
    /// The same from its publication, the wait for the next poll included.
    pub(crate) since_published: Vec<u64>,
}

#[derive(Debug, Default)]
struct State {
    feeds: Vec<Feed>,
    moments: HashMap<(u32, u32), Moments>,
    in_flight: u64,
    in_flight_per_host: HashMap<u8, u64>,
    stats: Stats,
}

/// The farm.
#[derive(Debug)]
pub(crate) struct Farm {
    options: Options,
    author: Author,
    started: Timestamp,
    state: Mutex<State>,
}

impl Farm {
    pub(crate) fn new(options: Options) -> Self {
        let author = Author::new(options.seed);
        let feeds = (0..options.feeds).map(|_| Feed { published: options.items, ..Feed::default() });
        let state = Mutex::new(State { feeds: feeds.collect(), ..State::default() });
        Self { options, author, started: SystemClock.now(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes all bodies.
    pub(crate) fn prewarm(&self) {
        let mut state = self.state();
        for feed in 0..self.options.feeds {
            self.body(&mut state.feeds[feed as usize], feed);
        }
    }

    /// The document of a feed as it is now.
    fn body(&self, feed: &mut Feed, number: u32) -> Body {
        if let Some(body) = &feed.body {
            return body.clone();
        }
        // What stood there at the start came out hour by hour before it.
        let at = |article: u32| {
            let before = self.options.items.saturating_sub(article);
            self.started.minus(Duration::from_secs(3600) * before)
        };
        let plain = self.author.document(&self.options, number, feed.published, at).into_bytes();
        let gzipped = self.options.gzip.then(|| gzip(&plain).into());
        let body = Body { plain: plain.into(), gzipped };
        feed.body = Some(body.clone());
        body
    }

    /// Publishes `items` articles on each of `count` feeds from `first` on.
    fn publish(&self, first: u32, count: u32, items: u32) {
        let mut state = self.state();
        let state = &mut *state;
        let now = Instant::now();
        for number in first..(first + count).min(self.options.feeds) {
            let feed = &mut state.feeds[number as usize];
            for _ in 0..items {
                let moments = Moments { published: now, served: None, told: false };
                state.moments.insert((number, feed.published), moments);
                feed.unserved.push(feed.published);
                feed.published += 1;
            }
            feed.body = None;
            self.body(feed, number);
        }
    }

    /// Publishes on its own, for as long as it lives.
    pub(crate) async fn publish_steadily(&self) {
        if self.options.publish_every_ms == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(self.options.publish_after_ms)).await;
        let gap = Duration::from_millis(self.options.publish_every_ms) / self.options.feeds.max(1);
        let mut ticks = tokio::time::interval(gap);
        for feed in (0..self.options.feeds).cycle() {
            ticks.tick().await;
            self.publish(feed, 1, 1);
        }
    }

    /// Notes that the last byte of a feed's document is out, for the articles that were in it.
    fn served(&self, number: u32, published: u32) {
        let now = Instant::now();
        let mut state = self.state();
        let state = &mut *state;
        let unserved = &mut state.feeds[number as usize].unserved;
        unserved.retain(|article| {
            let here = *article < published;
            if here && let Some(moments) = state.moments.get_mut(&(number, *article)) {
                moments.served = Some(now);
            }
            !here
        });
    }

    /// Notes that the first byte of a call came in at `at`, and what it is about.
    fn told(&self, body: &[u8], at: Instant) {
        let mut state = self.state();
        state.stats.hooks += 1;
        let Some(moments) = article_named(body).and_then(|article| state.moments.get_mut(&article)) else {
            return;
        };
        if std::mem::replace(&mut moments.told, true) {
            state.stats.hooks_again += 1;
            return;
        }
        let Moments { published, served, .. } = *moments;
        let micros = |from: Instant| u64::try_from(at.duration_since(from).as_micros()).unwrap_or(u64::MAX);
        state.stats.since_published.push(micros(published));
        state.stats.since_served.extend(served.map(micros));
    }
}

/// The article whose address stands in a message.
fn article_named(body: &[u8]) -> Option<(u32, u32)> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once("/item/")?;
    let (feed, rest) = rest.split_once('/')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((feed.parse().ok()?, rest[..end].parse().ok()?))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to a Vec cannot fail.
    drop(encoder.write_all(body));
    encoder.finish().unwrap_or_default()
}
