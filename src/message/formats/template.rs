//! The user's own template (Jinja, read by minijinja), which must come out as JSON.
//!
//! A value in it is written as JSON, quotes included: `{"text": {{ title }}}`. A headline can therefore
//! never break out of its place, whatever the template says; to join texts, `{{ topic ~ ": " ~ title }}`.
//!
//! All names are there for every kind of message, `none` where they say nothing, so that one template serves
//! alerts, groups, operational events and tests; a name that does not exist is an error.

use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde_json::{Value, json};

use crate::domain::alert::{AlertContent, AlertHead, ArticleHead, FeedHead, OperationsEvent, TopicHead};
use crate::domain::delivery::Rendered;
use crate::domain::topic::{Match, Severity};
use crate::domain::{AlertId, ArticleKey, FeedId, MessageId, Timestamp, TopicId};
use crate::message::dialect::PLAIN;
use crate::message::standard::Event;
use crate::message::story::{Brief, Story};
use crate::message::{Content, clean};

/// The most steps of one rendering; it bounds time and, by minijinja's reckoning, memory to about 64 bytes a step.
const FUEL: u64 = 100_000;

/// How deep a template may nest.
const RECURSION: usize = 50;

/// The most bytes of a body made by a template.
const BODY: usize = 1 << 20;

/// The most characters of `text`, the whole message in plain words.
const TEXT: usize = 4000;

/// What a template may name; in each of `alerts` there are the names of one alert, `severity` to `feed_id`.
pub const TEMPLATE_NAMES: [&str; 20] = [
    "severity",
    "topic",
    "topic_id",
    "title",
    "link",
    "summary",
    "matched",
    "published_at",
    "feed",
    "feed_id",
    "heading",
    "text",
    "type",
    "timestamp",
    "id",
    "message",
    "subject",
    "count",
    "reason",
    "alerts",
];

/// The only template of its environment.
const NAME: &str = "template";

/// A template, read and ready.
#[derive(Clone)]
pub struct Template(Arc<Environment<'static>>);

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Template")
    }
}

/// What is wrong with a template, or with what came out of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It cannot be read, or names what does not exist.
    #[error("is wrong in line {line}: {problem}")]
    Template {
        /// Where in the template.
        line: usize,
        /// What.
        problem: String,
    },
    /// It takes too long.
    #[error("takes more than {FUEL} steps")]
    Endless,
    /// It makes too much.
    #[error("makes more than {} KiB", BODY >> 10)]
    TooLong,
    /// What comes out is not JSON.
    #[error(
        "does not make JSON: {0}; values bring their own quotes: {{\"text\": {{{{ title }}}}}}, or {{{{ topic ~ \": \" ~ title }}}}"
    )]
    NotJson(String),
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        if error.kind() == ErrorKind::OutOfFuel {
            return Self::Endless;
        }
        let problem = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self::Template { line: error.line().unwrap_or(1), problem: clean::line(&problem) }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(|out, _state, value| {
            if value.is_undefined() {
                return Err(ErrorKind::UndefinedError.into());
            }
            let json = serde_json::to_string(value)
                .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string()))?;
            Ok(out.write_str(&json)?)
        });
        // Values are JSON anyway; who writes it out of habit means the same.
        environment.add_filter("tojson", |value: minijinja::Value| value);
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(Self(Arc::new(environment)))
    }

    /// Makes a body.
    ///
    /// # Errors
    /// When the template fails on this content, or what comes out is not JSON.
    pub(super) fn render(
        &self,
        message: MessageId,
        content: &Content<'_>,
    ) -> Result<Rendered, TemplateError> {
        let template = self.0.get_template(NAME)?;
        let names = minijinja::Value::from(Serde(names(message, content)));
        let text = template.render(names)?;
        if text.len() > BODY {
            return Err(TemplateError::TooLong);
        }
        serde_json::from_str::<serde::de::IgnoredAny>(&text)
            .map_err(|error| TemplateError::NotJson(error.to_string()))?;
        Ok(Rendered { body: text.into_bytes(), content_type: "application/json" })
    }
}

impl Template {
    /// Whether it makes JSON of every kind of message, also where all that may be missing is.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub fn try_out(&self) -> Result<(), TemplateError> {
        let alert = sample();
        let test = OperationsEvent {
            kind: "test",
            at: Timestamp::EPOCH,
            subject: "desk".to_owned(),
            message: "a \"test\"".to_owned(),
        };
        let alerts = std::slice::from_ref(&alert);
        let group = Content::Group { alerts, at: Timestamp::EPOCH, reason: "digest" };
        for content in [Content::Alert(&alert), group, Content::Operations(&test)] {
            self.render(MessageId::derive(&[]), &content)?;
        }
        Ok(())
    }
}

/// What kinds of messages there are besides that of one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Several alerts.
    Group,
    /// An operational event.
    Operations,
}

impl Template {
    /// Whether a message of this kind shows the headlines, or what happened. One that cannot be made shows nothing.
    pub fn tells(&self, kind: Telling) -> bool {
        const MARK: &str = "what a template must show";
        let mut alert = sample();
        alert.article.title = Some(MARK.to_owned());
        let event = OperationsEvent {
            kind: "webhook.failing",
            at: Timestamp::EPOCH,
            subject: "desk".to_owned(),
            message: MARK.to_owned(),
        };
        let alerts = [alert.clone(), alert];
        let content = match kind {
            Telling::Group => Content::Group { alerts: &alerts, at: Timestamp::EPOCH, reason: "digest" },
            Telling::Operations => Content::Operations(&event),
        };
        let made = self.render(MessageId::derive(&[]), &content);
        made.is_ok_and(|made| String::from_utf8_lossy(&made.body).contains(MARK))
    }
}

/// An alert of which little is known, with a character that JSON escapes.
fn sample() -> AlertContent {
    let topic = TopicId::parse("topic").expect("a slug");
    let id = ArticleKey::derive("link", &[]);
    AlertContent {
        alert: AlertHead {
            id: AlertId::derive(&topic, id),
            severity: Severity::Normal,
            created_at: Timestamp::EPOCH,
        },
        topic: TopicHead { id: topic, title: "a \"topic\"".to_owned() },
        article: ArticleHead {
            id,
            title: None,
            link: None,
            published_at: None,
            first_seen_at: Timestamp::EPOCH,
            authors: Vec::new(),
            lang: None,
            summary: None,
            feed: FeedHead { id: FeedId::parse("feed").expect("a slug"), title: None, tags: Vec::new() },
        },
        found: Match::default(),
    }
}

/// All names a template may use.
fn names(message: MessageId, content: &Content<'_>) -> Value {
    let brief = Brief::of(content);
    let event = Event::of(content);
    let mut names = json!({
        "id": message,
        "type": event.kind,
        "timestamp": event.timestamp,
        "severity": brief.severity(),
        "heading": brief.heading(),
        "text": PLAIN.message(&brief, TEXT),
        "topic": null, "topic_id": null,
        "title": null, "link": null, "summary": null, "matched": null, "published_at": null,
        "feed": null, "feed_id": null,
        "message": null, "subject": null,
        "count": 0, "reason": null, "alerts": [],
    });
    let mut put = |key: &str, value: Value| names[key] = value;
    match &brief {
        Brief::Alert(alert) => {
            let alert = story(alert);
            for (key, value) in alert.as_object().into_iter().flatten() {
                put(key, value.clone());
            }
            put("count", 1.into());
            put("alerts", json!([alert]));
        }
        Brief::Group(group) => {
            put("count", group.count.into());
            put("reason", group.reason.as_str().into());
            put("alerts", group.stories.iter().map(story).collect());
        }
        Brief::Notice(notice) => {
            put("message", notice.message.as_str().into());
            put("subject", notice.subject.as_str().into());
        }
    }
    names
}

fn story(story: &Story) -> Value {
    json!({
        "severity": story.severity,
        "topic": story.topic,
        "topic_id": story.topic_id,
        "title": story.title,
        "link": story.link,
        "summary": story.summary,
        "matched": story.matched,
        "published_at": story.published_at,
        "feed": story.feed,
        "feed_id": story.feed_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_there_are() {
        let alert = sample();
        let names = names(MessageId::derive(&[]), &Content::Alert(&alert));
        let mut found: Vec<&str> = names.as_object().expect("names").keys().map(String::as_str).collect();
        let mut listed = TEMPLATE_NAMES;
        found.sort_unstable();
        listed.sort_unstable();
        assert_eq!(found, listed);
    }
}
