//! Finds the feeds behind an address, one polite request after another.

use std::collections::HashSet;

use serde::Serialize;
use url::Url;

use super::visit::{Credentials, Visitor};
use crate::cli::output;
use crate::config::edit::same_feed;
use crate::domain::Timestamp;
use crate::domain::fetch::Fetched;
use crate::parse::{self, DiscoveredFeed, Evidence, FeedKind, ParseContext, ParsedFeed};

/// Addresses that are tried of those a page declares.
const MOST_DECLARED: usize = 10;

/// Addresses that are tried of those a page merely links to.
const MOST_LINKED: usize = 6;

/// Why an address was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Found {
    /// The address itself is a feed's.
    Itself,
    /// The page declares it.
    Declared,
    /// The page links to it.
    Linked,
    /// It is where feeds often are.
    Guessed,
}

impl Found {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "itself",
            Self::Declared => "declared",
            Self::Linked => "linked",
            Self::Guessed => "guessed",
        }
    }
}

impl From<Evidence> for Found {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Declared => Self::Declared,
            Evidence::Linked => Self::Linked,
            Evidence::Guessed => Self::Guessed,
        }
    }
}

/// A feed that was found and read.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FoundFeed {
    /// Where it is: the address asked for, or where permanent redirects from there led.
    pub(super) url: String,
    /// The address asked for, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moved_from: Option<String>,
    pub(super) title: Option<String>,
    pub(super) kind: FeedKind,
    pub(super) lang: Option<String>,
    pub(super) entries: usize,
    /// When its newest entry came out.
    pub(super) newest_at: Option<Timestamp>,
    pub(super) found: Found,
}

/// What a search brought.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) feeds: Vec<FoundFeed>,
    /// Addresses that a page offers and that are no feeds, with the reason.
    pub(super) failed: Vec<(String, String)>,
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Up to the first feed.
    First,
    /// All that the page offers.
    All,
}

/// Looks for feeds at an address and behind it. The credentials go to its origin only.
///
/// # Errors
/// One sentence, when the address itself cannot be fetched, or is no page either.
pub(super) async fn find(
    visitor: &Visitor,
    start: &Url,
    credentials: &Credentials,
    depth: Depth,
) -> Result<Search, String> {
    let page = visitor.fetch_with(start, credentials.clone()).await?;
    let mut search = Search::default();
    match read(&page) {
        Ok(feed) => {
            search.feeds.push(describe(start, &page, &feed, Found::Itself));
            return Ok(search);
        }
        Err(problem) if !page_like(&page) => return Err(problem),
        Err(_) => {}
    }
    let mut seen: HashSet<String> = HashSet::from([same_feed(start)]);
    for candidate in candidates(&page) {
        let found = Found::from(candidate.evidence);
        let enough = match found {
            Found::Guessed => !search.feeds.is_empty(),
            Found::Itself | Found::Declared | Found::Linked => {
                depth == Depth::First && !search.feeds.is_empty()
            }
        };
        let Ok(url) = Url::parse(&candidate.url) else { continue };
        if enough || !seen.insert(same_feed(&url)) {
            continue;
        }
        output::progress(&format!("looking at {url}"));
        tokio::time::sleep(visitor.pause).await;
        let mine = if url.origin() == start.origin() { credentials.clone() } else { Credentials::default() };
        let answer = visitor.fetch_with(&url, mine).await;
        match answer.and_then(|answer| read(&answer).map(|feed| describe(&url, &answer, &feed, found))) {
            Ok(feed) => {
                let new = Url::parse(&feed.url).is_ok_and(|at| at == url || seen.insert(same_feed(&at)));
                search.feeds.extend(new.then_some(feed));
            }
            // That nothing is where something often is needs no mention.
            Err(problem) if found != Found::Guessed => search.failed.push((candidate.url, problem)),
            Err(_) => {}
        }
    }
    Ok(search)
}

fn read(answer: &Fetched) -> Result<ParsedFeed, String> {
    let context =
        ParseContext { content_type: answer.content_type.as_deref(), base_url: Some(&answer.final_url) };
    parse::parse(&answer.body, &context).map_err(|problem| problem.to_string())
}

/// Whether links may stand in it: anything but what says that it is no text.
fn page_like(answer: &Fetched) -> bool {
    let kind = answer.content_type.as_deref().unwrap_or("text/html").trim().to_ascii_lowercase();
    ["text/", "application/xhtml", "application/xml"].iter().any(|prefix| kind.starts_with(prefix))
}

/// What a page offers, surest first, feeds of comments last among their like; bounded.
fn candidates(page: &Fetched) -> Vec<DiscoveredFeed> {
    let mut offered = parse::discover(&page.body, &page.final_url);
    let about_comments = |feed: &DiscoveredFeed| {
        let title = feed.title.as_deref().unwrap_or_default().to_lowercase();
        feed.url.to_lowercase().contains("comment") || title.contains("comment")
    };
    offered.sort_by_key(|feed| (feed.evidence, about_comments(feed)));
    let (mut declared, mut linked) = (0, 0);
    offered.retain(|feed| {
        let (count, most) = match feed.evidence {
            Evidence::Declared => (&mut declared, MOST_DECLARED),
            Evidence::Linked => (&mut linked, MOST_LINKED),
            // There are few usual places.
            Evidence::Guessed => return true,
        };
        *count += 1;
        *count <= most
    });
    offered
}

fn describe(asked: &Url, answer: &Fetched, feed: &ParsedFeed, found: Found) -> FoundFeed {
    let url = answer.permanent_url.clone().unwrap_or_else(|| asked.to_string());
    let moved_from = (url != asked.as_str()).then(|| asked.to_string());
    let newest = feed.entries.iter().filter_map(|entry| entry.published_at.or(entry.updated_at)).max();
    FoundFeed {
        url,
        moved_from,
        title: feed.title.clone(),
        kind: feed.kind,
        lang: feed.lang.clone(),
        entries: feed.entries.len(),
        newest_at: newest,
        found,
    }
}
