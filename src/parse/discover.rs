//! Finds the feeds behind a page.

use std::borrow::Cow;

use url::Url;

use super::markup::{Markup, Tag, Token};
use super::repair::Repairs;
use super::title::html_to_line;
use super::{decode, limits, link};

/// A feed that a page offers, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredFeed {
    /// Its absolute address.
    pub url: String,
    /// What the page calls it.
    pub title: Option<String>,
    /// How sure it is that a feed is there.
    pub evidence: Evidence,
}

/// Why an address may be a feed's, surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The page declares it: `<link rel="alternate" type="application/rss+xml">`.
    Declared,
    /// The page links to something that looks like a feed.
    Linked,
    /// Feeds are often there; to be tried.
    Guessed,
}

/// Where feeds are when a page does not tell.
const USUAL_PATHS: &[&str] = &[
    "/feed",
    "/feed/",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/feeds/posts/default",
    "/rss/index.rss",
    "/blog/feed",
    "/blog/rss.xml",
    "/news/feed",
    "/news/rss.xml",
];

/// Finds the feeds of a page that came from `base_url`, surest first: declared ones, links that look like
/// feeds, then the usual places on its host. At most [`limits::DISCOVERED`], each address once.
pub fn discover(html: &[u8], base_url: &str) -> Vec<DiscoveredFeed> {
    let mut base = Url::parse(base_url).ok();
    let text = decode::decode(html, None, &mut Repairs::default());
    let mut found = Vec::new();
    let mut markup = Markup::html(&text);
    while let Some(token) = markup.next() {
        let Token::Open(tag) = token else { continue };
        match tag.name.to_ascii_lowercase().as_str() {
            "base" => {
                let href = tag.attribute("href").map(htmlize::unescape_attribute);
                base = href.and_then(|href| base.as_ref()?.join(href.trim()).ok()).or(base);
            }
            "link" => found.extend(declared(&tag, base.as_ref())),
            "a" => found.extend(linked(&tag, base.as_ref())),
            name @ ("script" | "style") => markup.skip_raw_text(name),
            _ => {}
        }
        if found.len() >= 8 * limits::DISCOVERED {
            break;
        }
    }
    found.extend(Url::parse(base_url).iter().flat_map(usual));
    found.sort_by_key(|feed: &DiscoveredFeed| feed.evidence);
    let mut seen = Vec::new();
    found.retain(|feed| {
        let new = seen.len() < limits::DISCOVERED && !seen.contains(&feed.url);
        if new {
            seen.push(feed.url.clone());
        }
        new
    });
    found
}

fn decoded<'a>(tag: &Tag<'a>, name: &str) -> Option<Cow<'a, str>> {
    tag.attribute(name).map(htmlize::unescape_attribute)
}

fn declared(tag: &Tag<'_>, base: Option<&Url>) -> Option<DiscoveredFeed> {
    let rel = decoded(tag, "rel")?.to_ascii_lowercase();
    let mut words = rel.split_ascii_whitespace();
    if !words.any(|word| matches!(word, "alternate" | "feed")) || rel.contains("stylesheet") {
        return None;
    }
    let kind = decoded(tag, "type").unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let href = decoded(tag, "href")?;
    // oEmbed and JSON APIs are alternates, too.
    let is_feed = match kind {
        "application/rss+xml" | "application/atom+xml" | "application/rdf+xml" | "application/feed+json" => {
            true
        }
        "application/json" | "text/xml" | "application/xml" => looks_like_feed(&href),
        "" => rel.split_ascii_whitespace().any(|word| word == "feed"),
        _ => false,
    };
    let url = link::resolve(&href, base).filter(|_| is_feed)?;
    let title = decoded(tag, "title").map(|title| html_to_line(&title)).filter(|title| !title.is_empty());
    Some(DiscoveredFeed { url, title, evidence: Evidence::Declared })
}

fn linked(tag: &Tag<'_>, base: Option<&Url>) -> Option<DiscoveredFeed> {
    let href = decoded(tag, "href")?;
    if !looks_like_feed(&href) {
        return None;
    }
    let url = link::resolve(&href, base)?;
    let title = decoded(tag, "title").map(|title| html_to_line(&title)).filter(|title| !title.is_empty());
    Some(DiscoveredFeed { url, title, evidence: Evidence::Linked })
}

/// Whether an address looks like a feed's: its last segment or its query says so.
fn looks_like_feed(href: &str) -> bool {
    let href = href.trim().to_ascii_lowercase();
    let path = href.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    matches!(
        last,
        "feed" | "rss" | "atom" | "feeds" | "feed.json" | "rss.json" | "index.xml" | "feed.php" | "rss.php"
    ) || [".rss", ".atom", ".rdf", "rss.xml", "feed.xml", "atom.xml", "feeds.xml"]
        .iter()
        .any(|end| last.ends_with(end))
        || href.contains("feed=rss")
        || href.contains("format=rss")
        || href.contains("format=atom")
        || href.contains("type=rss")
}

fn usual(page: &Url) -> Vec<DiscoveredFeed> {
    if !link::is_web(page) {
        return Vec::new();
    }
    let places = USUAL_PATHS.iter().filter_map(|path| page.join(path).ok());
    places.map(|url| DiscoveredFeed { url: url.into(), title: None, evidence: Evidence::Guessed }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Vec<(String, Evidence)> {
        let feeds = discover(html.as_bytes(), "https://example.com/blog/page.html");
        feeds.into_iter().filter(|f| f.evidence != Evidence::Guessed).map(|f| (f.url, f.evidence)).collect()
    }

    #[test]
    fn declared_feeds_come_first() {
        let html = "<a href='/blog/rss.xml'>RSS</a><LINK REL=alternate TYPE='application/atom+xml' \
                    HREF='feed?a=1&amp;b=2' title='All &amp; more'>";
        assert_eq!(
            found(html),
            [
                ("https://example.com/blog/feed?a=1&b=2".to_owned(), Evidence::Declared),
                ("https://example.com/blog/rss.xml".to_owned(), Evidence::Linked),
            ]
        );
        let titles = discover(html.as_bytes(), "https://example.com/blog/");
        assert_eq!(titles[0].title.as_deref(), Some("All & more"));
    }

    #[test]
    fn what_is_no_feed_is_left_out() {
        let html = "<link rel=stylesheet href=feed.xml type=text/css><a href='javascript:feed'>x</a>\
                    <link rel=alternate hreflang=de href=/de/><link rel=alternate type=application/json href=/wp-json/x>\
                    <script>'<a href=\"/feed\">'</script><a href=/feedback>y</a>";
        assert_eq!(found(html), []);
    }

    #[test]
    fn the_base_of_the_page_counts() {
        let html = "<base href='https://cdn.example/x/'><a href=news.rss>x</a><a href=news.rss>y</a>";
        assert_eq!(found(html), [("https://cdn.example/x/news.rss".to_owned(), Evidence::Linked)]);
    }

    #[test]
    fn usual_places_are_offered_last() {
        let feeds = discover(b"", "https://example.com/blog/page.html");
        assert_eq!(feeds[0].url, "https://example.com/feed");
        assert!(discover(b"", "no address").is_empty());
    }
}
