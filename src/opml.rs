//! OPML: the lists of feeds that readers exchange. Read as forgivingly as feeds are, written to the letter (OPML 2.0).
//!
//! Folders become tags, outermost first; tags become folders again.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::parse::markup::{Markup, Tag, Token};
use crate::parse::{decode_text, language, limits};

/// The most feeds taken from one list.
pub const MOST_FEEDS: usize = 20_000;

/// The deepest folder that gives a tag, and the most tags of a feed; deeper ones belong to the last.
pub const MOST_FOLDERS: usize = 16;

/// The most bytes of a title or a folder's name.
const NAME_BYTES: usize = 200;

/// A feed as a list names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The address as written, entities decoded.
    pub url: String,
    /// What the list calls it.
    pub title: Option<String>,
    /// Its language.
    pub lang: Option<String>,
    /// The folders it is in, outermost first, and its categories.
    pub tags: Vec<String>,
}

/// Why a document is no list of feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// More bytes than are read.
    #[error("the file has more than {limit} bytes", limit = limits::DOCUMENT_BYTES)]
    TooLarge,
    /// Not a single outline.
    #[error("this is not OPML: there is no <outline> in it")]
    NotOpml,
    /// More feeds than are taken.
    #[error("the list has more than {MOST_FEEDS} feeds")]
    TooMany,
}

/// Reads a list, in its order. Outlines without an address are folders or notes.
///
/// # Errors
/// When there is no outline in it, or it exceeds a bound.
pub fn read(document: &[u8]) -> Result<Vec<Outline>, OpmlError> {
    if document.len() > limits::DOCUMENT_BYTES {
        return Err(OpmlError::TooLarge);
    }
    let text = decode_text(document);
    let mut feeds = Vec::new();
    let mut folders: Vec<Option<String>> = Vec::new();
    // Outlines that are open below those in `folders`.
    let mut deeper = 0_usize;
    let mut any = false;
    for token in Markup::new(&text) {
        match token {
            Token::Open(tag) if is_outline(tag.name) => {
                any = true;
                let feed = outline(&tag, &folders);
                if feed.is_some() && feeds.len() >= MOST_FEEDS {
                    return Err(OpmlError::TooMany);
                }
                let folder = feed.is_none().then(|| name(&tag).map(|name| as_tag(&name))).flatten();
                feeds.extend(feed);
                if folders.len() < MOST_FOLDERS && !tag.empty {
                    folders.push(folder);
                } else {
                    deeper += usize::from(!tag.empty);
                }
            }
            Token::Close(name) if is_outline(name) => {
                if deeper > 0 {
                    deeper -= 1;
                } else {
                    folders.pop();
                }
            }
            Token::Open(_)
            | Token::Close(_)
            | Token::Text(_)
            | Token::Cdata(_)
            | Token::Doctype(_)
            | Token::Other => {}
        }
    }
    if any { Ok(feeds) } else { Err(OpmlError::NotOpml) }
}

fn is_outline(name: &str) -> bool {
    name.eq_ignore_ascii_case("outline")
}

fn outline(tag: &Tag<'_>, folders: &[Option<String>]) -> Option<Outline> {
    let kind = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
    let feed_kind = matches!(kind.as_str(), "rss" | "atom" | "feed");
    let url = attribute(tag, "xmlUrl").or_else(|| attribute(tag, "url").filter(|_| feed_kind))?;
    let mut tags: Vec<String> = folders.iter().flatten().cloned().collect();
    let categories = attribute(tag, "category").unwrap_or_default();
    tags.extend(categories.split([',', '/']).map(as_tag));
    let mut seen = Vec::new();
    tags.retain(|tag| {
        let new = !tag.is_empty() && !seen.contains(tag) && seen.len() < MOST_FOLDERS;
        if new {
            seen.push(tag.clone());
        }
        new
    });
    let lang = attribute(tag, "language").and_then(|tag| language(&tag));
    Some(Outline { url, title: name(tag), lang, tags })
}

/// A title, else the text.
fn name(tag: &Tag<'_>) -> Option<String> {
    attribute(tag, "title").or_else(|| attribute(tag, "text")).map(|mut name| {
        name.truncate(name.floor_char_boundary(NAME_BYTES));
        name
    })
}

/// An attribute on one line; `None` when nothing is left of it.
fn attribute(tag: &Tag<'_>, name: &str) -> Option<String> {
    let value: Cow<'_, str> = htmlize::unescape_attribute(tag.attribute(name)?);
    let words: Vec<&str> = value.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// A folder's name as a tag: one word, so that queries can say `tag:WORD`.
fn as_tag(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Writes a list, sorted by folder, then by title.
///
/// # Panics
/// Never: memory takes whatever is written to it.
pub fn write(feeds: &[Outline]) -> String {
    let mut sorted: Vec<&Outline> = feeds.iter().collect();
    sorted.sort_by_key(|feed| (&feed.tags, &feed.title, &feed.url));
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let mut put = |event: Event<'_>| writer.write_event(event).expect("memory takes it");
    put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    put(Event::Start(BytesStart::new("opml").with_attributes([("version", "2.0")])));
    put(Event::Start(BytesStart::new("head")));
    put(Event::Start(BytesStart::new("title")));
    put(Event::Text(BytesText::new("Feeds of wirewatch")));
    put(Event::End(BytesEnd::new("title")));
    put(Event::End(BytesEnd::new("head")));
    put(Event::Start(BytesStart::new("body")));
    let mut open: &[String] = &[];
    for feed in sorted {
        let tags = &feed.tags[..feed.tags.len().min(MOST_FOLDERS)];
        let shared = open.iter().zip(tags).take_while(|(a, b)| a == b).count();
        for _ in shared..open.len() {
            put(Event::End(BytesEnd::new("outline")));
        }
        for folder in &tags[shared..] {
            let attributes = [("text", folder.as_str()), ("title", folder)];
            put(Event::Start(BytesStart::new("outline").with_attributes(attributes)));
        }
        open = tags;
        let title = feed.title.as_deref().unwrap_or(&feed.url);
        let mut outline = BytesStart::new("outline");
        outline.extend_attributes([("type", "rss"), ("text", title), ("title", title)]);
        outline.push_attribute(("xmlUrl", feed.url.as_str()));
        if let Some(lang) = &feed.lang {
            outline.push_attribute(("language", lang.as_str()));
        }
        put(Event::Empty(outline));
    }
    for _ in open {
        put(Event::End(BytesEnd::new("outline")));
    }
    put(Event::End(BytesEnd::new("body")));
    put(Event::End(BytesEnd::new("opml")));
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(url: &str, title: &str, tags: &[&str]) -> Outline {
        Outline {
            url: url.to_owned(),
            title: Some(title.to_owned()),
            lang: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    #[test]
    fn folders_become_tags_and_tags_folders() {
        let feeds = [
            outline("https://a.example/?a=1&b=2", "A <\"&'> \u{1f600}", &["kr", "agency"]),
            outline("https://b.example/", "B", &["kr", "agency", "north-korea"]),
            outline("https://c.example/", "C", &[]),
            outline("https://d.example/", "D", &["uk"]),
        ];
        let text = write(&feeds);
        insta::assert_snapshot!(text);
        let mut back = read(text.as_bytes()).unwrap();
        back.sort_by(|a, b| a.url.cmp(&b.url));
        assert_eq!(back, feeds);
    }

    #[test]
    fn lists_are_read_as_they_are_found() {
        let text = "<?xml version='1.0' encoding='ISO-8859-1'?><OPML><body><outline text='World News'>\
            <outline text='A & B' xmlurl=http://a.example/?x&y category='/one/two,three'>\
            <outline title='Caf\u{e9}' text='x' xmlURL='http://b.example/' language='fr'/></outline>\
            <outline type=rss url='http://c.example/'><outline type=link url='http://no.example/'/></body>";
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let mut cafe = outline("http://b.example/", "Caf\u{e9}", &["World-News"]);
        cafe.lang = Some("fr".to_owned());
        let feeds = [
            outline("http://a.example/?x&y", "A & B", &["World-News", "one", "two", "three"]),
            cafe,
            Outline { title: None, ..outline("http://c.example/", "", &["World-News"]) },
        ];
        assert_eq!(read(&latin).unwrap(), feeds);
    }

    #[test]
    fn hostile_lists_are_bounded() {
        let deep = format!("<opml>{}", "<outline text='f'>".repeat(300_000));
        assert_eq!(read(deep.as_bytes()), Ok(Vec::new()));
        let inside = format!("{deep}<outline xmlUrl='http://a.example/'/>");
        assert_eq!(read(inside.as_bytes()).unwrap()[0].tags, ["f"]);
        let many = "<outline xmlUrl='http://a.example/'/>".repeat(MOST_FEEDS + 1);
        assert_eq!(read(many.as_bytes()), Err(OpmlError::TooMany));
        let bomb = "<!DOCTYPE opml [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><outline text='&b;' xmlUrl='http://&b;/'/>";
        assert_eq!(
            read(bomb.as_bytes()).unwrap()[0].url,
            "http://&b;/",
            "declared entities are not expanded"
        );
        for none in ["", "<rss/>", "text", "\0\0"] {
            assert_eq!(read(none.as_bytes()), Err(OpmlError::NotOpml));
        }
    }

    #[test]
    fn tags_deeper_than_folders_go_are_cut() {
        let tags: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let text = write(&[Outline { url: "https://a.example/".into(), tags, ..Outline::default() }]);
        assert_eq!(read(text.as_bytes()).unwrap()[0].tags.len(), MOST_FOLDERS);
    }
}
