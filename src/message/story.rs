//! What a message for people says: the same words for every service, cleaned and bounded once.

use super::standard::{is_rfc3339, subject_kind};
use super::{Content, clean};
use crate::domain::Timestamp;
use crate::domain::alert::{AlertContent, OperationsEvent};
use crate::domain::topic::{Field, Match, Severity};

/// The most characters of a topic's title.
const TOPIC_CHARS: usize = 100;

/// The most characters of a headline.
const TITLE_CHARS: usize = 300;

/// The most characters of an article's text, and of an operational message.
const SUMMARY_CHARS: usize = 800;

/// The most characters of a feed's title.
const FEED_CHARS: usize = 80;

/// The most matched words listed; the rest are counted.
const WORDS_MAX: usize = 8;

/// The most characters of one matched word or phrase.
const WORD_CHARS: usize = 40;

/// The most alerts of a group that are shown; the rest are counted.
pub(super) const STORIES_MAX: usize = 50;

/// All that a message says.
#[derive(Debug)]
pub(super) enum Brief {
    /// One alert.
    Alert(Box<Story>),
    /// Several alerts.
    Group(Group),
    /// Something about wirewatch itself, or a test.
    Notice(Notice),
}

/// One alert.
#[derive(Clone, Debug)]
pub(super) struct Story {
    /// The alert's id.
    pub(super) id: String,
    pub(super) severity: Severity,
    /// The id of the topic.
    pub(super) topic_id: String,
    /// The title of the topic.
    pub(super) topic: String,
    /// The headline, never empty.
    pub(super) title: String,
    /// A safe address.
    pub(super) link: Option<String>,
    /// The text around the best match in the body, else the beginning of the article.
    pub(super) summary: Option<String>,
    /// The words that matched, quoted, and the score.
    pub(super) matched: String,
    /// The id of the feed.
    pub(super) feed_id: String,
    /// The title of the feed.
    pub(super) feed: String,
    /// When the article came out, where that is known and can be written.
    pub(super) published_at: Option<Timestamp>,
    /// When the alert was raised.
    pub(super) at: Timestamp,
}

/// Several alerts.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) at: Timestamp,
    /// Why they were put together, for people: `quiet hours`.
    pub(super) reason: String,
    /// How many there are.
    pub(super) count: usize,
    /// The highest of all.
    pub(super) severity: Severity,
    /// The first [`STORIES_MAX`].
    pub(super) stories: Vec<Story>,
}

/// Something about wirewatch itself, or a test.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) at: Timestamp,
    pub(super) kind: &'static str,
    pub(super) severity: Severity,
    /// `feed` or `webhook`.
    pub(super) subject_kind: &'static str,
    /// The id of the feed or webhook.
    pub(super) subject: String,
    pub(super) message: String,
}

impl Brief {
    pub(super) fn of(content: &Content<'_>) -> Self {
        match content {
            Content::Alert(alert) => Self::Alert(Box::new(Story::of(alert))),
            Content::Group { alerts, at, reason } => Self::Group(Group {
                at: *at,
                reason: bounded(&reason.replace('_', " "), TOPIC_CHARS),
                count: alerts.len(),
                severity: alerts.iter().map(|alert| alert.alert.severity).max().unwrap_or_default(),
                stories: alerts.iter().take(STORIES_MAX).map(Story::of).collect(),
            }),
            Content::Operations(event) => Self::Notice(Notice::of(event)),
        }
    }

    pub(super) const fn severity(&self) -> Severity {
        match self {
            Self::Alert(story) => story.severity,
            Self::Group(group) => group.severity,
            Self::Notice(notice) => notice.severity,
        }
    }

    /// When it happened.
    pub(super) const fn at(&self) -> Timestamp {
        match self {
            Self::Alert(story) => story.at,
            Self::Group(group) => group.at,
            Self::Notice(notice) => notice.at,
        }
    }

    /// How urgent it is and what it is about, in one line.
    pub(super) fn heading(&self) -> String {
        let (sign, word) = (sign(self.severity()), self.severity().as_str().to_uppercase());
        match self {
            Self::Alert(story) => format!("{sign} {word} · {}", story.topic),
            Self::Group(Group { count, reason, .. }) => format!("{sign} {word} · {count} alerts ({reason})"),
            Self::Notice(notice) => format!("{sign} {word} · wirewatch: {}", notice.what()),
        }
    }

    /// The address of the article, of a single alert only.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::Alert(story) => story.link.as_deref(),
            Self::Group(_) | Self::Notice(_) => None,
        }
    }

    /// The same without the address of its article: for services that have a place of their own for it.
    pub(super) fn without_link(mut self) -> Self {
        if let Self::Alert(story) = &mut self {
            story.link = None;
        }
        self
    }
}

impl Story {
    pub(super) fn of(alert: &AlertContent) -> Self {
        let article = &alert.article;
        let feed = article.feed.title.as_deref().and_then(clean::visible_line);
        let feed = feed.unwrap_or_else(|| article.feed.id.to_string());
        let title = article.title.as_deref().and_then(clean::visible_line);
        let topic = clean::visible_line(&alert.topic.title).unwrap_or_else(|| alert.topic.id.to_string());
        Self {
            id: alert.alert.id.to_string(),
            severity: alert.alert.severity,
            topic_id: alert.topic.id.to_string(),
            topic: clean::cut_chars(&topic, TOPIC_CHARS).into_owned(),
            title: clean::cut_chars(title.as_deref().unwrap_or(clean::UNTITLED), TITLE_CHARS).into_owned(),
            link: article.link.as_deref().and_then(clean::link),
            summary: summary(alert),
            matched: matched(&alert.found),
            feed_id: article.feed.id.to_string(),
            feed: clean::cut_chars(&feed, FEED_CHARS).into_owned(),
            published_at: article.published_at.filter(|at| is_rfc3339(*at)),
            at: alert.alert.created_at,
        }
    }

    /// Where it is from, and since when: `The Independent · 2026-11-23 00:58 UTC`.
    pub(super) fn source(&self) -> String {
        match self.published_at.map(minute) {
            Some(minute) => format!("{} · {minute}", self.feed),
            None => self.feed.clone(),
        }
    }

    /// Why it is told: the topic, and the words that matched.
    pub(super) fn reason(&self) -> String {
        format!("{}: {}", self.topic, self.matched)
    }
}

impl Notice {
    fn of(event: &OperationsEvent) -> Self {
        let severity = match event.kind {
            "feed.failing" | "feed.gone" | "webhook.failing" | "webhook.disabled" => Severity::High,
            "feed.quiet" => Severity::Normal,
            _ => Severity::Low,
        };
        Self {
            at: event.at,
            kind: event.kind,
            severity,
            subject_kind: subject_kind(event),
            subject: event.subject.clone(),
            message: bounded(&event.message, SUMMARY_CHARS),
        }
    }

    /// What happened to whom: `feed bbc-world is failing`.
    fn what(&self) -> String {
        let happened = match self.kind {
            "feed.failing" | "webhook.failing" => "is failing",
            "feed.recovered" | "webhook.recovered" => "works again",
            "feed.quiet" => "is quiet",
            "feed.gone" => "is gone for good",
            "webhook.disabled" => "is disabled",
            _ => return format!("test of {} {}", self.subject_kind, self.subject),
        };
        format!("{} {} {happened}", self.subject_kind, self.subject)
    }

    /// Whether it ends what an earlier one began.
    pub(super) fn is_recovery(&self) -> bool {
        self.kind.ends_with(".recovered")
    }
}

fn bounded(text: &str, max: usize) -> String {
    clean::cut_chars(&clean::line(text), max).into_owned()
}

fn summary(alert: &AlertContent) -> Option<String> {
    let found = &alert.found;
    let excerpt = found.spans.iter().any(|span| span.field == Field::Body).then_some(found.excerpt.as_str());
    let text = excerpt
        .and_then(clean::visible_line)
        .or_else(|| alert.article.summary.as_deref().and_then(clean::visible_line))?;
    Some(clean::cut_chars(&text, SUMMARY_CHARS).into_owned())
}

/// The matched words in reading order, each once, and the score.
fn matched(found: &Match) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in found.spans.iter().filter_map(|span| clean::visible_line(&span.text)) {
        let word = format!("“{}”", clean::cut_chars(&word, WORD_CHARS));
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let more = words.len().saturating_sub(WORDS_MAX);
    words.truncate(WORDS_MAX);
    let mut text = words.join(", ");
    if text.is_empty() {
        "the query as a whole".clone_into(&mut text);
    }
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    match found.score {
        Some(score) => format!("{text} · score {score}"),
        None => text,
    }
}

/// A sign that is seen at a glance; the word beside it is for those who cannot see the colour.
pub(super) const fn sign(severity: Severity) -> char {
    match severity {
        Severity::Low => '⚪',
        Severity::Normal => '🔵',
        Severity::High => '🟠',
        Severity::Critical => '🔴',
    }
}

/// The colour of a severity, as services take it: 0xRRGGBB.
pub(super) const fn colour(severity: Severity) -> u32 {
    match severity {
        Severity::Low => 0x9e_9e_9e,
        Severity::Normal => 0x21_96_f3,
        Severity::High => 0xff_98_00,
        Severity::Critical => 0xd3_2f_2f,
    }
}

/// To the minute; nobody reads seconds.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}
