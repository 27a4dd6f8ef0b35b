//! What each element tells of a feed or an entry.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;

use super::capture::{Captured, Mode};
use super::names::{Element, Text, Value};
use super::{FeedKind, Reader};
use crate::parse::markup::{Markup, Tag, Token};
use crate::parse::raw::{RawText, TextKind};
use crate::parse::repair::Repair;
use crate::parse::{date, limits, link};

/// How sure it is that a link is the page: it is the text of RSS's `link`.
const PAGE: u8 = 4;
/// It says that it leads to an HTML page.
const HTML_PAGE: u8 = 3;
/// It does not say where it leads.
const MAYBE_PAGE: u8 = 2;
/// It leads to something else.
const OTHER_TYPE: u8 = 1;

impl<'a> Reader<'a, '_> {
    /// Reads an element that is one piece of information, with its end tag.
    pub(super) fn field(&mut self, element: Element, tag: &Tag<'a>) {
        match element {
            Element::Text(role) => self.text_field(role, tag),
            Element::Value(what) => self.value(what, tag),
            Element::Link => self.link(tag),
            Element::Author | Element::Category => self.name(element, tag),
            Element::Ignored => drop(self.capture(tag, Mode::Escaped)),
            Element::Root | Element::Channel | Element::Item | Element::Unknown => {}
        }
    }

    fn text_field(&mut self, role: Text, tag: &Tag<'a>) {
        let Some(text) = self.text(tag).filter(|text| !text.source.trim().is_empty()) else { return };
        let Some(draft) = &mut self.draft else {
            if role == Text::Title {
                self.feed.title.get_or_insert(text);
            }
            return;
        };
        let slot = match role {
            Text::Title => &mut draft.title,
            Text::Subtitle => &mut draft.other_title,
            Text::Summary if draft.summary.is_none() => &mut draft.summary,
            Text::Summary | Text::Content => &mut draft.content,
            Text::Fallback => &mut draft.other_text,
        };
        slot.get_or_insert(text);
    }

    /// The text of an element under its declared type; `None` where the document breaks off in it.
    fn text(&mut self, tag: &Tag<'a>) -> Option<RawText<'a>> {
        let typed = tag.attribute("type").map(|kind| kind.trim().to_ascii_lowercase());
        let mode = tag.attribute("mode").map(|mode| mode.trim().to_ascii_lowercase());
        let atom = self.kind == Some(FeedKind::Atom);
        let base64 = mode.as_deref() == Some("base64");
        let kind = typed.as_deref().unwrap_or_default();
        let inline = kind == "xhtml" || kind.ends_with("/xml") || kind.ends_with("+xml");
        let inline = inline && !matches!(mode.as_deref(), Some("escaped" | "base64"));
        let found = self.capture(tag, if inline { Mode::Inline } else { Mode::Escaped });
        if found.cut {
            return None;
        }
        let plain = matches!(kind, "text" | "text/plain") || atom && kind.is_empty();
        let known = plain || inline || matches!(kind, "" | "html" | "text/html") || !atom;
        self.repairs.add_if(!known && !base64 && mode.is_none(), Repair::TextType);
        let Captured { text, markup, .. } = found;
        if base64 || !known && mode.is_none() && !kind.starts_with("text/") {
            let decoded = unpack(&text);
            return Some(RawText { source: decoded.map_or(text, Cow::Owned), kind: TextKind::Html });
        }
        let kind = if plain && !markup && atom { TextKind::Plain } else { TextKind::Html };
        Some(RawText { source: text, kind })
    }

    fn link(&mut self, tag: &Tag<'a>) {
        let href = tag.attribute("href").map(|href| self.entities.decode(href, self.repairs));
        let found = self.capture(tag, Mode::Value);
        // An address in `href` and nothing more, in an item of RSS, is RSS's `link` in another's clothes.
        let alone = || tag.name.eq_ignore_ascii_case("link") && tag.attributes().count() == 1;
        let of_rss = match href {
            Some(_) => self.kind != Some(FeedKind::Atom) && self.draft.is_some() && alone(),
            None => tag.attribute("rel").is_none(),
        };
        let rank = if of_rss { Some(PAGE) } else { rank(tag) };
        let Some(rank) = rank.filter(|_| !found.cut) else { return };
        let href = href.unwrap_or(found.text);
        let base = self.base_of(tag);
        let url = link::resolve(&href, base.as_deref().or_else(|| self.current_base()));
        // Of several `<link>` of RSS in one item, which no version allows, the last is taken, as most readers do.
        let last = rank == PAGE && self.is_child_of_item();
        match &mut self.draft {
            Some(draft) => draft.link.offer(url, rank, last),
            None => self.site.offer(url, rank, false),
        }
    }

    fn name(&mut self, element: Element, tag: &Tag<'a>) {
        let found = self.capture(tag, Mode::Escaped);
        let Some(draft) = &mut self.draft else { return };
        if found.cut {
            return;
        }
        let (list, name) = if element == Element::Author {
            let name = if found.markup { person(&found.text).map(Cow::Owned) } else { Some(found.text) };
            (&mut draft.authors, name)
        } else {
            let given =
                tag.attribute("label").or_else(|| tag.attribute("term")).or_else(|| tag.attribute("text"));
            (&mut draft.categories, given.map(htmlize::unescape_attribute).or(Some(found.text)))
        };
        if list.len() <= limits::NAMES {
            list.extend(name.filter(|name| !name.trim().is_empty()));
        }
    }

    fn value(&mut self, what: Value, tag: &Tag<'a>) {
        let found = self.capture(tag, Mode::Value);
        if found.cut || found.text.trim().is_empty() {
            return;
        }
        let text = found.time.filter(|_| what.is_date()).map_or(found.text, Cow::Borrowed);
        if self.draft.is_some() {
            let text = self.whole_id(what, tag, text);
            self.value_of_entry(what, tag, text);
        } else {
            self.value_of_feed(what, text);
        }
    }

    /// An id that says to be an address, and is a part of one, made whole by `xml:base`.
    fn whole_id(&mut self, what: Value, tag: &Tag<'a>, text: Cow<'a, str>) -> Cow<'a, str> {
        let permalink = || tag.attribute("isPermaLink").is_some_and(|says| says.trim() == "true");
        let address = what == Value::Id || what == Value::Guid && permalink();
        if !address || text.contains(':') {
            return text;
        }
        let base = self.base_of(tag);
        let base = base.as_deref().or_else(|| self.stated_base());
        base.and_then(|base| link::resolve(&text, Some(base))).map_or(text, Cow::Owned)
    }

    fn value_of_entry(&mut self, what: Value, tag: &Tag<'a>, text: Cow<'a, str>) {
        // Of several ids, or dates of a kind, the last is taken, as most readers do.
        let last = self.is_child_of_item();
        let Some(draft) = &mut self.draft else { return };
        let date = match what {
            Value::Guid | Value::Id if draft.guid.is_some() && !last => return,
            Value::Guid => {
                let permalink =
                    tag.attribute("isPermaLink").is_none_or(|says| says.trim().eq_ignore_ascii_case("true"));
                if permalink && draft.permalink.is_none() {
                    draft.permalink = Some(text.clone());
                }
                draft.guid = Some(text);
                return;
            }
            Value::Id => {
                if draft.permalink.is_none() {
                    draft.permalink = Some(text.clone());
                }
                draft.guid = Some(text);
                return;
            }
            Value::Language => {
                draft.lang = Some(text);
                return;
            }
            Value::Published => &mut draft.published,
            Value::Updated => &mut draft.updated,
            Value::Created => &mut draft.created,
            Value::Date => &mut draft.date,
            Value::Ttl | Value::Hour | Value::Day | Value::Period | Value::Frequency => return,
        };
        if let Some(at) = date::parse(&text) {
            *date = date.filter(|_| !last).or(Some(at));
            self.repairs.add_if(date::is_odd(&text), Repair::OddDate);
        }
    }

    fn value_of_feed(&mut self, what: Value, text: Cow<'a, str>) {
        let hints = &mut self.feed.hints;
        let number = || text.trim().parse::<u64>().ok();
        match what {
            Value::Language => self.feed.lang = Some(text),
            Value::Ttl => {
                let ttl = number()
                    .filter(|&minutes| minutes > 0)
                    .map(|m| Duration::from_secs(m.saturating_mul(60)));
                hints.min_interval = hints.min_interval.max(ttl);
            }
            Value::Hour => {
                // Some count from 1 to 24.
                hints.skip_hours |= number().filter(|&hour| hour <= 24).map_or(0, |hour| 1 << (hour % 24));
            }
            Value::Day => hints.skip_days |= weekday(&text).map_or(0, |day| 1 << day),
            Value::Period => self.period = period(&text),
            Value::Frequency => self.frequency = number().filter(|&n| n > 0),
            Value::Guid | Value::Id | Value::Published | Value::Updated | Value::Created | Value::Date => {}
        }
    }
}

/// How well a link serves as the page; `None` where it says to be something else.
fn rank(tag: &Tag<'_>) -> Option<u8> {
    let rel = tag.attribute("rel").unwrap_or("alternate").trim();
    let alternate = rel.is_empty() || rel.eq_ignore_ascii_case("alternate");
    let rank = match tag.attribute("type").map(str::trim) {
        None | Some("") => MAYBE_PAGE,
        Some(kind) if kind.contains("html") => HTML_PAGE,
        Some(_) => OTHER_TYPE,
    };
    alternate.then_some(rank)
}

/// The name in a person's element.
fn person(source: &str) -> Option<String> {
    let mut inside = false;
    let mut name = String::new();
    for token in Markup::new(source) {
        match token {
            Token::Open(tag) => inside = tag.name.rsplit(':').next() == Some("name") && !tag.empty,
            Token::Close(_) if inside => break,
            Token::Text(text) | Token::Cdata(text) if inside => name.push_str(text),
            Token::Text(_) | Token::Cdata(_) | Token::Close(_) | Token::Doctype(_) | Token::Other => {}
        }
    }
    (!name.trim().is_empty()).then_some(name)
}

fn unpack(text: &str) -> Option<String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    String::from_utf8(bytes).ok()
}

fn period(word: &str) -> Option<Duration> {
    let hours = match word.trim().to_ascii_lowercase().as_str() {
        "hourly" => 1,
        "daily" => 24,
        "weekly" => 24 * 7,
        "monthly" => 24 * 30,
        "yearly" => 24 * 365,
        _ => return None,
    };
    Some(Duration::from_secs(hours * 3600))
}

/// The day's place in the week, Monday first.
fn weekday(name: &str) -> Option<u32> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = name.trim().get(..3)?.to_ascii_lowercase();
    DAYS.iter().position(|day| *day == start).and_then(|day| u32::try_from(day).ok())
}
