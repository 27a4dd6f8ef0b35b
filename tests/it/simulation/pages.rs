//! Stories as documents.

use std::fmt::Write as _;
use std::sync::Arc;

use wirewatch::domain::Timestamp;

use super::press::{Listing, Story};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Rss,
    Atom,
    Json,
}

/// A story as a document shows it.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) story: usize,
    pub(crate) topics: Vec<usize>,
    /// As the document says, to the second.
    pub(crate) dated: Option<Timestamp>,
    revision: u32,
    guid: Option<String>,
    link: Option<String>,
    /// Where its item ends in the document.
    end: usize,
    /// Only a part of it is shown.
    pub(crate) partial: bool,
}

impl Sight {
    pub(crate) fn of(listing: &Listing, story: &Story) -> Self {
        Self {
            story: listing.story,
            topics: story.topics.clone(),
            dated: listing.dated.map(|at| Timestamp::from_secs(at.as_secs())),
            revision: story.revision,
            guid: listing.guid.clone(),
            link: listing.link.clone(),
            end: 0,
            partial: false,
        }
    }

    pub(crate) const fn revision(&self) -> u32 {
        self.revision
    }

    /// The story's number stands first and ends with a letter, so that a title cut short names no other.
    fn title(&self) -> String {
        let mut title = format!("S{}e reported from {}", self.story, PLACES[self.story % PLACES.len()]);
        if self.story.is_multiple_of(2) {
            self.topics.iter().for_each(|topic| title.push_str(&format!(" {}", word(*topic))));
        }
        title
    }

    fn text(&self) -> String {
        let Self { story, revision, .. } = self;
        let mut text = format!(
            "Report {story} in version {revision} tells at some length what was seen, said and done at place {story} \
             on that day, and by whom it was denied"
        );
        if !self.story.is_multiple_of(2) {
            self.topics.iter().for_each(|topic| text.push_str(&format!(" {}", word(*topic))));
        }
        text
    }
}

const PLACES: [&str; 5] = ["the harbour", "a village", "the capital", "the border", "an island"];

/// The word that a topic watches for; no language has it.
pub(crate) fn word(topic: usize) -> String {
    const SYLLABLES: [&str; 12] = ["ka", "ve", "mo", "zu", "ri", "to", "ny", "pa", "gu", "le", "bo", "di"];
    format!("zq{}{}rm", SYLLABLES[topic % 12], SYLLABLES[topic / 12 % 12])
}

/// The number of the story that a title is of.
pub(crate) fn story_of(title: &str) -> Option<usize> {
    title.strip_prefix('S')?.split_once('e')?.0.parse().ok()
}

/// A document and what it shows.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) body: Arc<Vec<u8>>,
    pub(crate) sights: Arc<Vec<Sight>>,
}

impl Page {
    /// Whether its stories have not changed since.
    pub(crate) fn is_current(&self, stories: &[Story]) -> bool {
        self.sights.iter().all(|sight| stories[sight.story].revision == sight.revision)
    }

    /// The first bytes of it.
    pub(crate) fn cut(&self, bytes: usize) -> Self {
        let mut sights = Vec::new();
        for sight in self.sights.iter() {
            let partial = sight.end > bytes;
            sights.push(Sight { partial, ..sight.clone() });
            if partial {
                break;
            }
        }
        Self { body: Arc::new(self.body[..bytes].to_vec()), sights: Arc::new(sights) }
    }

    /// A number that stands for its bytes.
    pub(crate) fn hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.body.hash(&mut hasher);
        hasher.finish()
    }
}

pub(crate) fn render(dialect: Dialect, feed: &str, mut sights: Vec<Sight>) -> Page {
    let mut body = match dialect {
        Dialect::Rss => format!(
            "<rss version=\"2.0\"><channel><title>{feed}</title><link>https://{feed}.example/</link>\n"
        ),
        Dialect::Atom => {
            format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>{feed}</title><id>urn:{feed}</id>\n")
        }
        Dialect::Json => format!(
            "{{\"version\": \"https://jsonfeed.org/version/1.1\", \"title\": \"{feed}\", \"items\": [\n"
        ),
    };
    let last = sights.len().saturating_sub(1);
    for (place, sight) in sights.iter_mut().enumerate() {
        match dialect {
            Dialect::Rss => rss(&mut body, sight),
            Dialect::Atom => atom(&mut body, sight),
            Dialect::Json => json(&mut body, sight, place == last),
        }
        sight.end = body.len();
    }
    body.push_str(match dialect {
        Dialect::Rss => "</channel></rss>\n",
        Dialect::Atom => "</feed>\n",
        Dialect::Json => "]}\n",
    });
    Page { body: Arc::new(body.into_bytes()), sights: Arc::new(sights) }
}

fn rss(body: &mut String, sight: &Sight) {
    write!(body, "<item><title>{}</title>", sight.title()).unwrap();
    if let Some(link) = &sight.link {
        write!(body, "<link>{link}</link>").unwrap();
    }
    if let Some(guid) = &sight.guid {
        write!(body, "<guid isPermaLink=\"false\">{guid}</guid>").unwrap();
    }
    if let Some(at) = sight.dated {
        write!(body, "<pubDate>{at}</pubDate>").unwrap();
    }
    writeln!(body, "<description>&lt;p&gt;{}&lt;/p&gt;</description></item>", sight.text()).unwrap();
}

fn atom(body: &mut String, sight: &Sight) {
    write!(body, "<entry><title>{}</title>", sight.title()).unwrap();
    if let Some(guid) = &sight.guid {
        write!(body, "<id>{guid}</id>").unwrap();
    }
    if let Some(link) = &sight.link {
        write!(body, "<link href=\"{link}\"/>").unwrap();
    }
    if let Some(at) = sight.dated {
        write!(body, "<published>{at}</published>").unwrap();
    }
    writeln!(body, "<summary>{}</summary></entry>", sight.text()).unwrap();
}

fn json(body: &mut String, sight: &Sight, last: bool) {
    let mut item = serde_json::json!({"title": sight.title(), "content_text": sight.text()});
    if let Some(guid) = &sight.guid {
        item["id"] = guid.as_str().into();
    }
    if let Some(link) = &sight.link {
        item["url"] = link.as_str().into();
    }
    if let Some(at) = sight.dated {
        item["date_published"] = at.to_string().into();
    }
    writeln!(body, "{item}{}", if last { "" } else { "," }).unwrap();
}
