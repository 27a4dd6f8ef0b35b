//! Silences: what matches one is stored and listed, and nobody is told of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::article::Document;
use super::topic::{Matcher, Severity};
use super::{FeedId, SilenceId, Timestamp, TopicId};

/// What a silence mutes: all that is given must hold; of several in one list, one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceMatcher {
    /// Alerts of these topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicId>,
    /// On articles that were seen in one of these feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedId>,
    /// On articles that were seen in a feed with one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Alerts of these severities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<Severity>,
    /// On articles that this query matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

impl SilenceMatcher {
    /// Whether it says nothing, and would mute everything.
    pub const fn is_empty(&self) -> bool {
        let Self { topics, feeds, tags, severities, query } = self;
        topics.is_empty() && feeds.is_empty() && tags.is_empty() && severities.is_empty() && query.is_none()
    }

    /// Whether it mutes an alert, but for its query.
    fn covers(&self, topic: &TopicId, severity: Severity, document: &Document<'_>) -> bool {
        let within =
            |wanted: &[FeedId]| wanted.iter().any(|id| document.feeds.iter().any(|f| f == id.as_str()));
        (self.topics.is_empty() || self.topics.contains(topic))
            && (self.severities.is_empty() || self.severities.contains(&severity))
            && (self.feeds.is_empty() || within(&self.feeds))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| document.tags.contains(tag)))
    }
}

impl fmt::Display for SilenceMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(name: &str, values: &[T]) -> Option<String> {
            let words: Vec<String> = values.iter().map(ToString::to_string).collect();
            (!words.is_empty()).then(|| format!("{name} {}", words.join(" or ")))
        }
        let parts = [
            list("topic", &self.topics),
            list("feed", &self.feeds),
            list("tag", &self.tags),
            list("severity", &self.severities),
            self.query.as_ref().map(|query| format!("query {query}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// What it mutes.
    pub matcher: SilenceMatcher,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who wanted it.
    pub author: String,
    /// Why.
    pub comment: Option<String>,
}

/// A silence, ready to be asked.
#[derive(Clone, Debug)]
pub struct ReadySilence {
    /// The silence.
    pub silence: Silence,
    /// Its query, compiled. A silence whose query cannot be read any more mutes nothing.
    pub query: Option<Arc<dyn Matcher>>,
}

impl ReadySilence {
    fn mutes(&self, topic: &TopicId, severity: Severity, document: &Document<'_>, now: Timestamp) -> bool {
        let Silence { matcher, until, .. } = &self.silence;
        let in_words = || match (&matcher.query, &self.query) {
            (None, _) => true,
            (Some(_), Some(query)) => !query.matches(document).is_empty(),
            (Some(_), None) => false,
        };
        now < *until && !matcher.is_empty() && matcher.covers(topic, severity, document) && in_words()
    }
}

/// The silences in force.
#[derive(Clone, Debug, Default)]
pub struct Silences {
    /// Counts changes to silences: a plan made under another version is made anew.
    pub version: i64,
    /// The oldest first.
    pub ready: Vec<ReadySilence>,
}

impl Silences {
    /// The silence that mutes an alert at `now`, if one does.
    pub fn muting(
        &self,
        topic: &TopicId,
        severity: Severity,
        document: &Document<'_>,
        now: Timestamp,
    ) -> Option<SilenceId> {
        self.ready
            .iter()
            .find(|ready| ready.mutes(topic, severity, document, now))
            .map(|ready| ready.silence.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::topic::TopicMatch;

    /// Finds a word.
    #[derive(Debug)]
    struct Word(&'static str);

    impl Matcher for Word {
        fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch> {
            let topic = TopicId::parse("query").expect("a slug");
            let found = document.title.contains(self.0);
            found
                .then(|| TopicMatch { topic, found: crate::domain::topic::Match::default() })
                .into_iter()
                .collect()
        }
    }

    fn topic(name: &str) -> TopicId {
        TopicId::parse(name).expect("a slug")
    }

    /// Whether a silence mutes a normal alert of the topic `t` on a headline seen in the feed `a`, tagged `uk`.
    fn mutes(matcher: SilenceMatcher, title: &str, now: i64) -> bool {
        let query = matcher.query.as_ref().map(|_| Arc::new(Word("football")) as Arc<dyn Matcher>);
        let silence = Silence {
            id: SilenceId::derive(&matcher, Timestamp::EPOCH, "kim"),
            matcher,
            created_at: Timestamp::EPOCH,
            until: Timestamp::from_secs(100),
            author: "kim".to_owned(),
            comment: None,
        };
        let silences = Silences { version: 1, ready: vec![ReadySilence { silence, query }] };
        let (feeds, tags) = (["a".to_owned()], ["uk".to_owned()]);
        let document = Document {
            title,
            text: "",
            lang: None,
            url: None,
            authors: &[],
            feeds: &feeds,
            tags: &tags,
            boilerplate: &[],
        };
        silences.muting(&topic("t"), Severity::Normal, &document, Timestamp::from_secs(now)).is_some()
    }

    #[test]
    fn all_that_a_silence_says_must_hold() {
        let none = SilenceMatcher::default;
        assert!(!mutes(none(), "x", 1), "one that says nothing mutes nothing");
        let of = SilenceMatcher { topics: vec![topic("s"), topic("t")], ..none() };
        assert!(mutes(of.clone(), "x", 1));
        assert!(mutes(of.clone(), "x", 99));
        assert!(!mutes(of.clone(), "x", 100), "it has ended");
        assert!(!mutes(SilenceMatcher { topics: vec![topic("s")], ..none() }, "x", 1));
        assert!(!mutes(SilenceMatcher { severities: vec![Severity::Low], ..of.clone() }, "x", 1));
        assert!(mutes(SilenceMatcher { tags: vec!["uk".to_owned()], ..of.clone() }, "x", 1));
        assert!(!mutes(SilenceMatcher { tags: vec!["us".to_owned()], ..of.clone() }, "x", 1));
        let feed = |name| vec![FeedId::parse(name).expect("a slug")];
        assert!(mutes(SilenceMatcher { feeds: feed("a"), ..of.clone() }, "x", 1));
        assert!(!mutes(SilenceMatcher { feeds: feed("b"), ..of.clone() }, "x", 1));
        let words = SilenceMatcher { query: Some("football".to_owned()), ..of };
        assert!(mutes(words.clone(), "football in Kursk", 1));
        assert!(!mutes(words, "troops in Kursk", 1));
    }

    #[test]
    fn a_silence_is_described() {
        let matcher = SilenceMatcher {
            topics: vec![topic("a"), topic("b")],
            query: Some("football".to_owned()),
            ..SilenceMatcher::default()
        };
        assert_eq!(matcher.to_string(), "topic a or b, query football");
    }
}
