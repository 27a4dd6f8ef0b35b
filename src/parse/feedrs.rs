//! feed-rs, behind one file.

use feed_rs::model;

use super::{ParseContext, ParseError, ParsedFeed, html_to_text};
use crate::domain::Timestamp;
use crate::domain::article::Entry;
use crate::domain::feed::PublisherHints;

pub(super) fn read(body: &[u8], context: &ParseContext<'_>) -> Result<ParsedFeed, ParseError> {
    // feed-rs refuses every feed when the base is not absolute.
    let base = context.base_url.filter(|base| url::Url::parse(base).is_ok());
    let parser = feed_rs::parser::Builder::new().base_uri(base).id_generator(|_, _, _| String::new()).build();
    let feed = parser.parse(body).map_err(|problem| ParseError::Unreadable(problem.to_string()))?;
    let hints = PublisherHints {
        min_interval: feed.ttl.map(|minutes| std::time::Duration::from_secs(u64::from(minutes) * 60)),
        ..PublisherHints::default()
    };
    Ok(ParsedFeed {
        title: feed.title.map(|title| one_line(&title.content)).filter(|title| !title.is_empty()),
        lang: feed.language.filter(|lang| !lang.is_empty()),
        hints,
        repairs: Vec::new(),
        entries: feed.entries.into_iter().map(entry).collect(),
    })
}

fn entry(entry: model::Entry) -> Entry {
    let guid = entry.id.trim().to_owned();
    let link = entry
        .links
        .iter()
        .find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate") && link.target.is_none())
        .map(|link| link.href.trim().to_owned())
        .or_else(|| Some(guid.clone()))
        .filter(|link| link.starts_with("http://") || link.starts_with("https://"));
    Entry {
        guid: (!guid.is_empty()).then_some(guid),
        title: entry.title.map(|title| one_line(&title.content)).unwrap_or_default(),
        link,
        summary: entry.summary.map(|text| html_to_text(&text.content)).unwrap_or_default(),
        content: entry
            .content
            .and_then(|content| content.body)
            .map(|body| html_to_text(&body))
            .unwrap_or_default(),
        authors: entry
            .authors
            .into_iter()
            .filter_map(|person| person.name)
            .filter(|name| !name.is_empty())
            .collect(),
        categories: entry.categories.into_iter().map(|category| category.term).collect(),
        published_at: entry.published.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        updated_at: entry.updated.map(|at| Timestamp::from_millis(at.timestamp_millis())),
        lang: entry.language.filter(|lang| !lang.is_empty()),
    }
}

fn one_line(text: &str) -> String {
    html_to_text(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
