//! How an entry is recognised when it comes again.

use std::collections::{HashMap, HashSet};

use crate::domain::article::{Entry, EntryIdentity};
use crate::domain::feed::GuidTrust;
use crate::domain::{ArticleKey, FeedId, IdentityHash};

use super::link::{canonical_link, names_an_article};

/// Texts shorter than this (in bytes, folded) say too little to be the same article wherever they stand:
/// `Comments`, `Read more`, `Open thread`. Their content hash covers link, guid or date as well.
const TELLING_BYTES: usize = 80;

/// A headline of so many bytes (folded) that was published in the same second is the same flash, whoever passes it on
/// and at whatever address; a shorter one may be a `Live` or a `Morning briefing`.
const FLASH_BYTES: usize = 40;

/// Works out by what each entry of one document is recognised, in the document's order.
///
/// A guid counts only where `trust` says so and no other entry of the document has it; a link only where it
/// names more than a site and no other entry has it. An entry that is listed twice (pinned to the top, say) is
/// one. The content hash is of title and text without white space and case.
pub fn identify(feed: &FeedId, trust: GuidTrust, entries: &[Entry]) -> Vec<EntryIdentity> {
    let guids: Vec<Option<&str>> = entries
        .iter()
        .map(|entry| entry.guid.as_deref().filter(|guid| trust == GuidTrust::Trusted && !guid.is_empty()))
        .collect();
    let links: Vec<Option<String>> = entries
        .iter()
        .map(|entry| entry.link.as_deref().map(canonical_link).filter(|link| names_an_article(link)))
        .collect();
    let guid_counts = count(guids.iter().copied().zip(entries));
    let link_counts = count(links.iter().map(Option::as_deref).zip(entries));
    let mut folded = Vec::new();
    let mut found: Vec<EntryIdentity> = entries
        .iter()
        .zip(guids.iter().zip(&links))
        .map(|(entry, (guid, link))| {
            let unique_guid = guid.filter(|guid| guid_counts[guid] == 1);
            let unique_link = link.as_deref().filter(|link| link_counts[link] == 1);
            folded.clear();
            let says = fold_content(entry, unique_link, unique_guid, &mut folded);
            identity(feed, unique_guid, unique_link, &folded, says)
        })
        .collect();
    drop_repeated_headlines(&mut found);
    found
}

/// A headline that stands twice in a document is that of two articles.
fn drop_repeated_headlines(found: &mut [EntryIdentity]) {
    let mut counts: HashMap<IdentityHash, usize> = HashMap::new();
    for headline in found.iter().filter_map(|identity| identity.headline) {
        *counts.entry(headline).or_default() += 1;
    }
    for identity in found {
        identity.headline = identity.headline.filter(|headline| counts[headline] == 1);
    }
}

/// `says` is how much of `folded` is title and text.
fn identity(
    feed: &FeedId,
    guid: Option<&str>,
    link: Option<&str>,
    folded: &[u8],
    says: Says,
) -> EntryIdentity {
    let feed = feed.as_str().as_bytes();
    let key = match (link, guid) {
        (Some(link), _) => ArticleKey::derive("link", &[link.as_bytes()]),
        (None, Some(guid)) => ArticleKey::derive("guid", &[feed, guid.as_bytes()]),
        (None, None) => ArticleKey::derive("content", &[folded]),
    };
    EntryIdentity {
        key,
        guid: guid.map(|guid| IdentityHash::of("guid", &[feed, guid.as_bytes()])),
        link: link.map(|link| IdentityHash::of("link", &[link.as_bytes()])),
        content: IdentityHash::of("content", &[folded]),
        headline: match says {
            Says::Headline(bytes) => Some(IdentityHash::of("headline", &[feed, &folded[..bytes]])),
            Says::Enough => None,
        },
    }
}

/// What an entry says of itself, besides its guid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Enough to be known by.
    Enough,
    /// A headline, perhaps a few words; so many bytes, folded.
    Headline(usize),
}

/// Appends what the content hash covers.
fn fold_content(entry: &Entry, link: Option<&str>, guid: Option<&str>, folded: &mut Vec<u8>) -> Says {
    fold(&entry.title, folded);
    folded.push(b'\n');
    let text_from = folded.len();
    let (summary, content) = (entry.summary.trim(), entry.content.trim());
    if !content.starts_with(summary) {
        fold(summary, folded);
    }
    fold(content, folded);
    if folded.len() - text_from < TELLING_BYTES {
        folded.push(b'\n');
        let flash = entry.published_at.filter(|_| text_from > FLASH_BYTES);
        match (link.filter(|_| flash.is_none()), entry.published_at) {
            (Some(link), _) => folded.extend_from_slice(link.as_bytes()),
            (None, Some(at)) => folded.extend_from_slice(at.as_millis().to_string().as_bytes()),
            // The last resort: of a feed that makes new guids at every poll nothing would be known again.
            (None, None) => {
                let headline = folded.len();
                folded.extend_from_slice(guid.unwrap_or_default().as_bytes());
                return if text_from > 1 { Says::Headline(headline) } else { Says::Enough };
            }
        }
    }
    Says::Enough
}

/// Bytes that are folded at a time.
const CHUNK: usize = 64;

/// Appends `text` without white space and case.
fn fold(text: &str, folded: &mut Vec<u8>) {
    folded.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        if chunk.is_ascii() {
            fold_ascii(chunk.as_bytes(), folded);
        } else {
            fold_any(chunk, folded);
        }
        rest = after;
    }
}

/// Appends at most [`CHUNK`] characters of ASCII; without a branch for each of them.
fn fold_ascii(chunk: &[u8], folded: &mut Vec<u8>) {
    // Two passes that the processor does for many bytes at once, then one that drops.
    let (mut lower, mut keeps) = ([0; CHUNK], [0; CHUNK]);
    for ((lower, keeps), byte) in lower.iter_mut().zip(&mut keeps).zip(chunk) {
        *lower = byte.to_ascii_lowercase();
        *keeps = u8::from(!matches!(byte, b'\t'..=b'\r' | b' '));
    }
    let (mut kept, mut count) = ([0; CHUNK], 0);
    for (lower, keeps) in lower.iter().zip(&keeps) {
        kept[count % CHUNK] = *lower;
        count += usize::from(*keeps);
    }
    folded.extend_from_slice(&kept[..count]);
}

fn fold_any(text: &str, folded: &mut Vec<u8>) {
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        push_lower(character, folded);
    }
}

/// Appends a character in lower case; most of the scripts that news comes in need no table for that.
fn push_lower(character: char, folded: &mut Vec<u8>) {
    let mut push = |character: char| folded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    match character {
        // Small Cyrillic letters; Hebrew to Myanmar, Ethiopic, Chinese, Japanese and Korean, which know no case.
        '\u{430}'..='\u{45f}'
        | '\u{590}'..='\u{109f}'
        | '\u{1100}'..='\u{139f}'
        | '\u{2e80}'..='\u{a63f}'
        | '\u{ac00}'..='\u{d7ff}' => push(character),
        '\0'..='\u{7f}' => push(character.to_ascii_lowercase()),
        _ => character.to_lowercase().for_each(push),
    }
}

/// How many articles have each of these names: entries that say the same under one name are the same.
fn count<'a>(named: impl Iterator<Item = (Option<&'a str>, &'a Entry)> + Clone) -> HashMap<&'a str, usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in named.clone().filter_map(|(name, _)| name) {
        *counts.entry(name).or_default() += 1;
    }
    if counts.len() < named.clone().filter(|(name, _)| name.is_some()).count() {
        let mut met = HashSet::new();
        for (name, entry) in named {
            let Some(name) = name else { continue };
            if !met.insert((name, &entry.title, &entry.summary, &entry.content)) {
                counts.entry(name).and_modify(|count| *count -= 1);
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(guid: &str, link: &str, title: &str) -> Entry {
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Entry { guid: own(guid), link: own(link), title: title.to_owned(), ..Entry::default() }
    }

    /// Which entries are recognised by guid, and which by link.
    #[track_caller]
    fn check(entries: &[Entry], guids: &[bool], links: &[bool]) {
        let feed = FeedId::parse("wire").expect("a slug");
        let found = identify(&feed, GuidTrust::Trusted, entries);
        assert_eq!(found.iter().map(|it| it.guid.is_some()).collect::<Vec<_>>(), guids);
        assert_eq!(found.iter().map(|it| it.link.is_some()).collect::<Vec<_>>(), links);
    }

    #[test]
    fn a_name_that_several_articles_share_names_none_of_them() {
        let page = "https://wire.example/page";
        check(&[entry("1", page, "a"), entry("1", page, "b")], &[false, false], &[false, false]);
        check(&[entry("1", page, "a"), entry("2", page, "b")], &[true, true], &[false, false]);
        check(&[entry("", "", "a"), entry("", "", "b")], &[false, false], &[false, false]);
    }

    #[test]
    fn an_article_listed_twice_keeps_its_names() {
        let page = "https://wire.example/page";
        check(&[entry("1", page, "a"), entry("1", page, "a")], &[true, true], &[true, true]);
        check(&[entry("1", page, "a"), entry("2", page, "a")], &[true, true], &[true, true]);
        let three = [entry("1", page, "a"), entry("1", page, "a"), entry("1", page, "b")];
        check(&three, &[false, false, false], &[false, false, false]);
    }

    #[test]
    fn folding_drops_white_space_and_case_of_every_character() {
        for character in (0..=0x2_ffff).filter_map(char::from_u32) {
            let text = format!("A {character}b");
            let expected: String =
                text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect();
            let mut folded = Vec::new();
            fold(&text, &mut folded);
            assert_eq!(folded, expected.as_bytes(), "U+{:04X}", u32::from(character));
        }
    }
}
