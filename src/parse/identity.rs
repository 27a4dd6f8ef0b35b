//! How entries are recognised.

use std::collections::HashMap;

use crate::domain::article::{Entry, EntryIdentity};
use crate::domain::feed::GuidTrust;
use crate::domain::{ArticleKey, FeedId, IdentityHash};

/// Identifies the entries of one document.
pub fn identify(feed: &FeedId, trust: GuidTrust, entries: &[Entry]) -> Vec<EntryIdentity> {
    let mut guids: HashMap<&str, u32> = HashMap::new();
    let mut links: HashMap<String, u32> = HashMap::new();
    for entry in entries {
        if let Some(guid) = &entry.guid {
            *guids.entry(guid).or_default() += 1;
        }
        if let Some(link) = &entry.link {
            *links.entry(canonical_link(link)).or_default() += 1;
        }
    }
    entries
        .iter()
        .map(|entry| {
            let guid = entry.guid.as_deref().filter(|guid| trust == GuidTrust::Trusted && guids[guid] == 1);
            let link = entry.link.as_deref().map(canonical_link).filter(|link| links[link] == 1);
            let text = format!("{}\n{}", entry.title, entry.text()).to_lowercase();
            let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let key = match (&link, guid) {
                (Some(link), _) => ArticleKey::derive("link", &[link.as_bytes()]),
                (None, Some(guid)) => {
                    ArticleKey::derive("guid", &[feed.as_str().as_bytes(), guid.as_bytes()])
                }
                (None, None) => ArticleKey::derive("content", &[folded.as_bytes()]),
            };
            EntryIdentity {
                key,
                guid: guid.map(|guid| IdentityHash::of("guid", &[feed.as_str().as_bytes(), guid.as_bytes()])),
                link: link.map(|link| IdentityHash::of("link", &[link.as_bytes()])),
                content: IdentityHash::of("content", &[folded.as_bytes()]),
            }
        })
        .collect()
}

/// An address without what does not identify: scheme, fragment, tracking parameters.
pub fn canonical_link(link: &str) -> String {
    let Ok(url) = url::Url::parse(link) else { return link.to_owned() };
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("utm_") && !matches!(&**name, "fbclid" | "gclid"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut canonical = url.clone();
    canonical.set_fragment(None);
    canonical.set_query(None);
    if !kept.is_empty() {
        canonical.query_pairs_mut().extend_pairs(kept);
    }
    canonical
        .as_str()
        .trim_start_matches("https:")
        .trim_start_matches("http:")
        .trim_end_matches('/')
        .to_owned()
}
