//! The press: stories, and the feeds that list, edit, copy, re-date, re-order and forget them.
//!
//! A story is one article by construction: whatever its feeds do to it, a link, a guid or its text goes on to
//! recognise it, as PRODUCT.md promises. Its number stands in its title, so that everybody can tell.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use wirewatch::domain::Timestamp;

use super::pages::{self, Dialect, Page, Sight};
use super::scale::{Scale, wait};

/// Something that happened, as it stands now.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) topics: Vec<usize>,
    pub(crate) revision: u32,
    pub(crate) link: String,
    pub(crate) published: Timestamp,
    /// Its text never changes: copies may be recognised by it alone.
    frozen: bool,
    /// Nobody else has it: its feed may change what it is known by.
    private: bool,
}

/// A story in a feed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) story: usize,
    pub(crate) guid: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) dated: Option<Timestamp>,
}

/// What a feed does to the identities of what it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quirk {
    None,
    /// Single guids change.
    Reguids,
    /// All guids change with every event.
    Renews,
    /// Links change, guids stay.
    Relinks,
    /// No guids.
    Unguided,
    /// No links.
    Unlinked,
}

/// How a feed's server tells versions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Etag,
    LastModified,
    Neither,
    /// Another tag with every answer.
    Restless,
}

/// A feed as its publisher keeps it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) slug: String,
    pub(crate) host: usize,
    /// Which of its addresses is configured: it gets a new one after 410.
    pub(crate) generation: u32,
    /// How often it has moved, with permanent redirects from each address to the next.
    pub(crate) moves: u32,
    pub(crate) gone: bool,
    pub(crate) server: Server,
    pub(crate) max_age: Option<Duration>,
    dialect: Dialect,
    quirk: Quirk,
    dated: bool,
    listings: VecDeque<Listing>,
    window: usize,
    pace: Duration,
    next_event: Timestamp,
    rng: Rng,
    version: u32,
    page: Option<Page>,
    /// What a forgotten cache still serves.
    pub(crate) stale: Option<Page>,
}

/// All feeds and all stories.
#[derive(Debug)]
pub(crate) struct Press {
    pub(crate) feeds: Vec<Feed>,
    pub(crate) stories: Vec<Story>,
    topics: usize,
    /// No news from here on.
    pub(crate) stopped: bool,
}

impl Press {
    pub(crate) fn new(scale: &Scale, now: Timestamp) -> Self {
        let feeds = (0..scale.feeds).map(|number| Feed::new(scale, number, now)).collect();
        let mut press = Self { feeds, stories: Vec::new(), topics: scale.topics, stopped: false };
        for feed in 0..press.feeds.len() {
            for _ in 0..press.feeds[feed].window / 2 {
                press.publish(feed, now);
            }
        }
        press
    }

    /// The page a feed shows now, after all that happened since somebody last looked.
    pub(crate) fn page(&mut self, feed: usize, now: Timestamp) -> Page {
        while !self.stopped && self.feeds[feed].next_event <= now {
            let at = self.feeds[feed].next_event;
            let shown = self.feeds[feed].page.take();
            if shown.is_some() {
                self.feeds[feed].stale = shown;
            }
            self.event(feed, at);
            let it = &mut self.feeds[feed];
            it.version += 1;
            it.next_event = at.plus(wait(&mut it.rng, it.pace));
        }
        if let Some(page) = &self.feeds[feed].page
            && page.is_current(&self.stories)
        {
            return page.clone();
        }
        let it = &self.feeds[feed];
        let sights = it.listings.iter().map(|listing| Sight::of(listing, &self.stories[listing.story]));
        let page = pages::render(it.dialect, &it.slug, sights.collect());
        self.feeds[feed].page = Some(page.clone());
        page
    }

    fn event(&mut self, feed: usize, at: Timestamp) {
        let quirk = self.feeds[feed].quirk;
        match self.feeds[feed].rng.u32(0..100) {
            0..50 => self.publish(feed, at),
            50..65 => self.edit(feed),
            65..72 => self.redate(feed, at),
            72..78 => self.reorder(feed),
            78..90 => self.copy(feed, at),
            90..94 if quirk == Quirk::Reguids => self.rename(feed),
            90..94 if quirk == Quirk::Relinks => self.relink(feed),
            90..97 => self.pin(feed),
            _ => drop(self.feeds[feed].listings.pop_back()),
        }
        if quirk == Quirk::Renews {
            let version = self.feeds[feed].version;
            for (place, listing) in self.feeds[feed].listings.iter_mut().enumerate() {
                listing.guid = Some(format!("{version}-{place}"));
            }
        }
        let window = self.feeds[feed].window;
        self.feeds[feed].listings.truncate(window);
    }

    fn publish(&mut self, feed: usize, at: Timestamp) {
        let it = &mut self.feeds[feed];
        let number = self.stories.len();
        let mut topics: Vec<usize> = Vec::new();
        while it.rng.f64() < 0.35 {
            topics.push(it.rng.usize(0..self.topics));
        }
        topics.sort_unstable();
        topics.dedup();
        // Some are old before they come out.
        let age = if it.rng.f64() < 0.05 { wait(&mut it.rng, it.pace * 20) } else { Duration::ZERO };
        self.stories.push(Story {
            topics,
            revision: 1,
            link: format!("https://h{}.example/{}/story/{number}", it.host, it.slug),
            published: at.minus(age),
            frozen: it.rng.bool(),
            private: matches!(it.quirk, Quirk::Relinks | Quirk::Unlinked),
        });
        let story = &self.stories[number];
        let listing = Listing {
            story: number,
            guid: (it.quirk != Quirk::Unguided).then(|| format!("{}-{number}", it.slug)),
            link: (it.quirk != Quirk::Unlinked).then(|| story.link.clone()),
            dated: it.dated.then_some(story.published),
        };
        it.listings.push_front(listing);
    }

    /// A listing of a feed, drawn by lot.
    fn any(&mut self, feed: usize) -> Option<usize> {
        let it = &mut self.feeds[feed];
        (!it.listings.is_empty()).then(|| it.rng.usize(0..it.listings.len()))
    }

    fn edit(&mut self, feed: usize) {
        let Some(place) = self.any(feed) else { return };
        let it = &mut self.feeds[feed];
        let story = &mut self.stories[it.listings[place].story];
        if story.frozen {
            return;
        }
        story.revision += 1;
        match it.rng.u32(0..4) {
            0 => {
                story.topics.push(it.rng.usize(0..self.topics));
                story.topics.sort_unstable();
                story.topics.dedup();
            }
            1 => drop(story.topics.pop()),
            _ => {}
        }
    }

    fn redate(&mut self, feed: usize, at: Timestamp) {
        let Some(place) = self.any(feed) else { return };
        let it = &mut self.feeds[feed];
        if it.dated {
            let by = wait(&mut it.rng, it.pace * 3);
            it.listings[place].dated = Some(if it.rng.bool() { at } else { at.minus(by) });
        }
    }

    fn reorder(&mut self, feed: usize) {
        if let Some(place) = self.any(feed) {
            self.feeds[feed].listings.rotate_left(place);
        }
    }

    fn rename(&mut self, feed: usize) {
        if let Some(place) = self.any(feed) {
            let it = &mut self.feeds[feed];
            it.listings[place].guid = Some(format!("renamed-{}-{place}", it.version));
        }
    }

    /// Gives a story another address; its guid stays, and so does its text until the next event.
    fn relink(&mut self, feed: usize) {
        let Some(place) = self.any(feed) else { return };
        let it = &mut self.feeds[feed];
        let listing = &mut it.listings[place];
        if self.stories[listing.story].private {
            listing.link = Some(format!("https://h{}.example/{}/again/{}", it.host, it.slug, it.version));
        }
    }

    /// Lists what another feed brought: under the same address, or as its own where the text never changes.
    fn copy(&mut self, feed: usize, at: Timestamp) {
        let newest = self.stories.len();
        let it = &mut self.feeds[feed];
        let number = it.rng.usize(newest.saturating_sub(50)..newest);
        let story = &self.stories[number];
        let listed = it.listings.iter().any(|listing| listing.story == number);
        if story.private || listed || it.quirk == Quirk::Unlinked || it.quirk == Quirk::Relinks {
            return;
        }
        let link = if story.frozen && it.rng.bool() {
            format!("https://h{}.example/{}/copy/{number}", it.host, it.slug)
        } else {
            format!("{}?utm_source={}", story.link, it.slug)
        };
        it.listings.push_front(Listing {
            story: number,
            guid: (it.quirk != Quirk::Unguided).then(|| format!("copy-{number}-{}", it.slug)),
            link: Some(link),
            dated: it.dated.then_some(at),
        });
    }

    /// Lists a story a second time, at the top.
    fn pin(&mut self, feed: usize) {
        if let Some(place) = self.any(feed) {
            let pinned = self.feeds[feed].listings[place].clone();
            self.feeds[feed].listings.push_front(pinned);
        }
    }
}

impl Feed {
    fn new(scale: &Scale, number: usize, now: Timestamp) -> Self {
        let mut rng = Rng::with_seed(scale.seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9));
        let quirks = [Quirk::Reguids, Quirk::Renews, Quirk::Relinks, Quirk::Unguided, Quirk::Unlinked];
        let quirk = if rng.bool() { Quirk::None } else { quirks[rng.usize(0..quirks.len())] };
        // Some feeds are lively, and some fall silent for most of the time.
        let pace = scale.event_every.mul_f64([0.3, 0.6, 1.0, 1.0, 3.0, 12.0][rng.usize(0..6)]);
        Self {
            slug: format!("f{number}"),
            host: rng.usize(0..scale.hosts),
            generation: 0,
            moves: 0,
            gone: false,
            server: [Server::Etag, Server::Etag, Server::LastModified, Server::Neither, Server::Restless]
                [rng.usize(0..5)],
            max_age: (rng.f64() < 0.2).then(|| scale.interval.mul_f64(rng.f64() * 2.0)),
            dialect: [Dialect::Rss, Dialect::Rss, Dialect::Atom, Dialect::Json][rng.usize(0..4)],
            quirk,
            dated: rng.f64() < 0.7,
            listings: VecDeque::new(),
            window: rng.usize(4..25),
            pace,
            next_event: now.plus(wait(&mut rng, pace)),
            rng,
            version: 0,
            page: None,
            stale: None,
        }
    }

    /// The address it is configured with.
    pub(crate) fn url(&self) -> String {
        self.address(self.generation, 0)
    }

    fn address(&self, generation: u32, moves: u32) -> String {
        format!("https://h{}.example/{}/{generation}/{moves}", self.host, self.slug)
    }

    /// Where it is now, if that is elsewhere than `asked`.
    pub(crate) fn moved_from(&self, asked: &str) -> Option<String> {
        let now = self.address(self.generation, self.moves);
        (now != asked).then_some(now)
    }
}
