//! `/topics/ID.atom` and `/topics/ID.json`: what a topic fired on, for feed readers (RFC 4287, JSON Feed 1.1).

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::{Value, json};

use super::{Web, failed, plain};
use crate::domain::alert::AlertContent;
use crate::domain::{Timestamp, TopicId};
use crate::message::clean::{self, UNTITLED};
use crate::ports::reads::AlertState;
use crate::ports::watch::{AlertsWanted, Told};

/// Entries of a feed: a reader that looks once a day misses none of a busy topic.
const ENTRIES: usize = 100;

/// The dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Atom,
    Json,
}

/// One topic's feed.
pub(super) async fn told(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let asked = match name.rsplit_once('.') {
        Some((topic, "atom")) => Some((topic, Dialect::Atom)),
        Some((topic, "json")) => Some((topic, Dialect::Json)),
        _ => None,
    };
    let snapshot = web.context().snapshot();
    let topic = asked.and_then(|(topic, dialect)| Some((TopicId::parse(topic).ok()?, dialect)));
    let Some((id, dialect, settings)) =
        topic.and_then(|(id, dialect)| Some((id.clone(), dialect, snapshot.settings.topics.get(&id)?)))
    else {
        return plain(
            StatusCode::NOT_FOUND,
            "there is no such topic; ask for /topics/ID.atom or /topics/ID.json\n",
        );
    };
    let wanted = AlertsWanted { topic: Some(id.clone()), limit: ENTRIES, ..AlertsWanted::default() };
    let mut alerts = match web.watch().alerts(wanted).await {
        Ok(part) => part.rows,
        Err(problem) => return failed(&problem),
    };
    // Muted means muted.
    alerts.retain(|told| told.row.state != AlertState::Silenced);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let page = Channel { id: &id, title: &settings.title, base: &format!("http://{host}"), alerts: &alerts };
    let (body, kind) = match dialect {
        Dialect::Atom => (page.atom(), "application/atom+xml; charset=utf-8"),
        Dialect::Json => (page.json().to_string(), "application/feed+json; charset=utf-8"),
    };
    answer(&headers, body, kind)
}

/// 304 where the reader has it already.
pub(super) fn answer(headers: &HeaderMap, body: String, kind: &'static str) -> Response {
    let hash = digest::digest(&digest::SHA256, body.as_bytes());
    let etag = format!("\"{}\"", STANDARD.encode(&hash.as_ref()[..12]));
    let has_it = headers.get_all(header::IF_NONE_MATCH).iter().any(|sent| names(sent, &etag));
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether an `If-None-Match` names this entity (RFC 9110 §13.1.2: compared weakly).
fn names(sent: &HeaderValue, etag: &str) -> bool {
    let Ok(sent) = sent.to_str() else { return false };
    sent.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// What a feed is made from.
struct Channel<'a> {
    id: &'a TopicId,
    title: &'a str,
    base: &'a str,
    alerts: &'a [Told],
}

impl Channel<'_> {
    fn heading(&self) -> String {
        format!("{} · wirewatch", clean::line(self.title))
    }

    fn page(&self) -> String {
        format!("{}/alerts?topic={}", self.base, self.id)
    }

    fn address(&self, ending: &str) -> String {
        format!("{}/topics/{}.{ending}", self.base, self.id)
    }

    fn updated(&self) -> Timestamp {
        self.alerts.iter().map(|told| told.row.created_at).max().unwrap_or(Timestamp::EPOCH)
    }

    fn atom(&self) -> String {
        let mut xml = Xml::default();
        xml.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
        xml.text("id", &format!("urn:x-wirewatch:topic:{}", self.id));
        xml.text("title", &self.heading());
        xml.text("updated", &self.updated().to_string());
        xml.raw("<author>");
        xml.text("name", "wirewatch");
        xml.raw("</author>\n");
        xml.link("self", "application/atom+xml", &self.address("atom"));
        xml.link("alternate", "text/html", &self.page());
        for told in self.alerts {
            atom_entry(&mut xml, told);
        }
        xml.raw("</feed>\n");
        xml.0
    }

    fn json(&self) -> Value {
        let items: Vec<Value> = self.alerts.iter().map(json_item).collect();
        json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.heading(),
            "home_page_url": self.page(),
            "feed_url": self.address("json"),
            "authors": [{ "name": "wirewatch" }],
            "items": items,
        })
    }
}

/// What never changes about an alert.
fn entry_id(content: &AlertContent) -> String {
    format!("urn:x-wirewatch:alert:{}", content.alert.id)
}

fn title(content: &AlertContent) -> String {
    content.article.title.as_deref().and_then(clean::visible_line).unwrap_or_else(|| UNTITLED.to_owned())
}

/// The text around the match, the matched words, and where it stood.
fn text(told: &Told) -> String {
    let content = &told.content;
    let title = title(content);
    let mut parts: Vec<String> = Vec::new();
    parts.extend(content.article.summary.as_deref().and_then(clean::visible_line));
    let excerpt = clean::line(&content.found.excerpt);
    let bare = excerpt.trim_matches(|c: char| c == clean::ELLIPSIS || c.is_whitespace());
    let is_said = parts.iter().chain([&title]).any(|text| text.contains(bare));
    if !is_said {
        parts.push(excerpt);
    }
    let words: Vec<String> = told.row.terms.iter().map(|term| clean::line(term)).collect();
    if !words.is_empty() {
        parts.push(format!("Matched: {}", words.join(", ")));
    }
    let feed = &content.article.feed;
    parts.push(format!(
        "Feed: {}",
        feed.title.as_deref().and_then(clean::visible_line).unwrap_or_else(|| feed.id.to_string())
    ));
    parts.join("\n\n")
}

fn atom_entry(xml: &mut Xml, told: &Told) {
    let content = &told.content;
    xml.raw("<entry>\n");
    xml.text("id", &entry_id(content));
    xml.text("title", &title(content));
    xml.text("updated", &told.row.created_at.to_string());
    // When it fired: readers sort by this, and what was published long ago may have been seen only now.
    xml.text("published", &told.row.created_at.to_string());
    for author in &content.article.authors {
        if let Some(name) = clean::visible_line(author) {
            xml.raw("<author>");
            xml.text("name", &name);
            xml.raw("</author>\n");
        }
    }
    if let Some(link) = content.article.link.as_deref().and_then(clean::link) {
        xml.link("alternate", "text/html", &link);
    }
    xml.text("content", &text(told));
    xml.raw("</entry>\n");
}

fn json_item(told: &Told) -> Value {
    let content = &told.content;
    let mut item = json!({
        "id": entry_id(content),
        "title": title(content),
        "content_text": text(told),
        "date_published": told.row.created_at.to_string(),
        "tags": [content.topic.id.as_str()],
    });
    if let Some(link) = content.article.link.as_deref().and_then(clean::link) {
        item["url"] = link.into();
    }
    let authors: Vec<Value> = content
        .article
        .authors
        .iter()
        .filter_map(|author| clean::visible_line(author))
        .map(|name| json!({ "name": name }))
        .collect();
    if !authors.is_empty() {
        item["authors"] = authors.into();
    }
    item
}

/// XML as it is written.
#[derive(Debug, Default)]
struct Xml(String);

impl Xml {
    fn raw(&mut self, mark_up: &str) {
        self.0.push_str(mark_up);
    }

    /// An element with a text. The text is clean: no control characters but line breaks, which XML forbids.
    fn text(&mut self, name: &str, text: &str) {
        self.0.extend(["<", name, ">"]);
        self.0.push_str(&quick_xml::escape::escape(text));
        self.0.extend(["</", name, ">\n"]);
    }

    fn link(&mut self, rel: &str, kind: &str, address: &str) {
        let address = quick_xml::escape::escape(address);
        self.0.extend(["<link rel=\"", rel, "\" type=\"", kind, "\" href=\"", &address, "\"/>\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_recognised_in_any_list() {
        for (sent, same) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(sent), "\"a\""), same, "{sent}");
        }
    }
}
