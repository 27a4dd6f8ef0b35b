//! What becomes of the entries of a document: new, revised, seen here too, listed; and whom to alert.

use std::collections::HashSet;
use std::time::Duration;

use super::LISTED_GRAIN;
use super::values::{
    ArticleChange, ArticleText, PlannedAlert, PlannedArticle, PollRules, PollSummary, ReadDocument,
};
use crate::domain::alert::{AlertContent, AlertHead, ArticleHead, FeedHead, SUMMARY_CHARS, TopicHead};
use crate::domain::article::{Document, Entry, EntryIdentity, KnownArticle, Suppression};
use crate::domain::boilerplate::{self, Blocks, Memory, Shown};
use crate::domain::delivery::PlannedDelivery;
use crate::domain::feed::ClaimedFeed;
use crate::domain::topic::{TopicMatch, TopicPolicy};
use crate::domain::{
    AlertId, ArticleKey, DeliveryId, FeedId, IdentityHash, MessageId, SilenceId, Timestamp, TopicId,
};

/// An entry's plain text, and its blocks.
pub(super) struct ReadText {
    text: String,
    blocks: Blocks,
}

impl ReadText {
    fn of(entry: &Entry) -> Self {
        let text = entry.text();
        let blocks = Blocks::of(&text);
        Self { text, blocks }
    }
}

/// Reads the texts this feed shows for the first time, all of them where nothing is remembered of the feed; and what is
/// remembered from now on, where that changes.
///
/// Other versions of a known article are read later, and teach nothing: a story that is rewritten is not repeated.
pub(super) fn read_texts(document: &ReadDocument, now: Timestamp) -> (Vec<Option<ReadText>>, Option<Memory>) {
    let is_new = |known: &Option<KnownArticle>| {
        document.blocks.is_empty() || known.as_ref().is_none_or(|known| known.content_here.is_none())
    };
    let texts: Vec<Option<ReadText>> = document
        .entries
        .iter()
        .zip(&document.known)
        .map(|(entry, known)| is_new(known).then(|| ReadText::of(entry)))
        .collect();
    let shown: Vec<Shown<'_>> = document
        .entries
        .iter()
        .zip(&texts)
        .filter_map(|(entry, text)| Some(Shown { title: &entry.title, blocks: &text.as_ref()?.blocks }))
        .collect();
    let mut memory = document.blocks.clone();
    memory.learn(&shown, now);
    let changed = !shown.is_empty() && memory != document.blocks;
    (texts, changed.then_some(memory))
}

/// Plans the entries of one document, one after the other.
pub(super) struct ArticlePlanner<'a> {
    pub(super) feed: &'a ClaimedFeed,
    pub(super) rules: &'a PollRules<'a>,
    pub(super) now: Timestamp,
    pub(super) title: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) first: bool,
    /// Identities met in this document: a second entry with one of them is the same article.
    pub(super) met: HashSet<IdentityHash>,
    pub(super) memory: &'a Memory,
    pub(super) summary: PollSummary,
}

impl ArticlePlanner<'_> {
    /// Decides about the next entry; `None` where nothing is to be written.
    pub(super) fn plan(
        &mut self,
        entry: Entry,
        text: Option<ReadText>,
        identity: &EntryIdentity,
        known: Option<KnownArticle>,
    ) -> Option<PlannedArticle> {
        let hashes: Vec<IdentityHash> = identity.all().collect();
        let twin = hashes.iter().any(|hash| self.met.contains(hash));
        self.met.extend(&hashes);
        if twin {
            return None;
        }
        match known {
            _ if entry.broken_off && self.is_left(identity, known.is_none()) => None,
            None => Some(self.plan_new(entry, text, identity, hashes)),
            Some(known) => self.plan_known(entry, text, identity, &hashes, &known),
        }
    }

    /// Whether half of an article is left where it is until the rest is there: it is nothing to recognise one by, and
    /// another feed may have told the whole. A feed that breaks off again has no more to give; then half is better than
    /// nothing, where the whole will be known by more than its text.
    fn is_left(&self, identity: &EntryIdentity, new: bool) -> bool {
        let nameless = identity.guid.is_none() && identity.link.is_none();
        nameless || (new && !self.first && self.feed.state.body_hash.is_some())
    }

    fn plan_new(
        &mut self,
        entry: Entry,
        text: Option<ReadText>,
        identity: &EntryIdentity,
        hashes: Vec<IdentityHash>,
    ) -> PlannedArticle {
        self.summary.new += 1;
        let suppressed = self.suppression(entry.published_at);
        let article = self.text_of(entry, text);
        let alerts = if suppressed.is_some() {
            Vec::new()
        } else {
            self.alerts(identity.key, &article, self.now, &[], &[])
        };
        PlannedArticle {
            key: identity.key,
            change: ArticleChange::New { article: Box::new(article), suppressed },
            identities: hashes,
            content: identity.content,
            listed_as: identity.together(),
            alerts,
        }
    }

    fn plan_known(
        &mut self,
        entry: Entry,
        text: Option<ReadText>,
        identity: &EntryIdentity,
        hashes: &[IdentityHash],
        known: &KnownArticle,
    ) -> Option<PlannedArticle> {
        let identities: Vec<IdentityHash> =
            hashes.iter().copied().filter(|hash| !known.identities.contains(hash)).collect();
        // An entry that is nothing but its headline has no other text than it had.
        let reissued = identity.is_only_headline_of(known);
        let (change, alerts) = match known.content_here {
            Some(content) if content == identity.content || reissued => {
                let fresh = known.last_listed_here.is_some_and(|at| self.now.since(at) < LISTED_GRAIN);
                if fresh && identities.is_empty() {
                    return None;
                }
                (ArticleChange::Listed, Vec::new())
            }
            Some(_) => {
                self.summary.revised += 1;
                let article = self.text_of(entry, text);
                let alerts = self.alerts_of_known(known, &article);
                (ArticleChange::Revised(Box::new(article)), alerts)
            }
            None => {
                self.summary.sighted += 1;
                let article = self.text_of(entry, text);
                let alerts = self.alerts_of_known(known, &article);
                (ArticleChange::Sighted, alerts)
            }
        };
        Some(PlannedArticle {
            key: known.key,
            change,
            identities,
            content: identity.content,
            listed_as: identity.together(),
            alerts,
        })
    }

    fn text_of(&self, entry: Entry, text: Option<ReadText>) -> ArticleText {
        let ReadText { text, blocks } = text.unwrap_or_else(|| ReadText::of(&entry));
        let lang = entry.lang.clone().or_else(|| self.lang.clone());
        let boilerplate = blocks.marks(self.memory);
        ArticleText { entry, text, lang, boilerplate }
    }

    /// Why an article first seen now would never alert. Its age is forgiven by the time since the
    /// feed's last good poll: what came out while wirewatch was down is still news.
    fn suppression(&mut self, published_at: Option<Timestamp>) -> Option<Suppression> {
        if self.first && !self.rules.alert_on_first_poll {
            return Some(Suppression::Baseline);
        }
        let age = published_at.map_or(Duration::ZERO, |at| self.now.since(at));
        let blind = self.feed.state.last_good_at.map_or(Duration::ZERO, |at| self.now.since(at));
        if age.saturating_sub(blind) > self.rules.max_age {
            self.summary.too_old += 1;
            return Some(Suppression::MaxAge);
        }
        None
    }

    fn alerts_of_known(&mut self, known: &KnownArticle, article: &ArticleText) -> Vec<PlannedAlert> {
        if known.suppressed.is_some() {
            return Vec::new();
        }
        self.alerts(known.key, article, known.first_seen_at, &known.feeds, &known.alerted)
    }

    fn alerts(
        &mut self,
        key: ArticleKey,
        article: &ArticleText,
        first_seen_at: Timestamp,
        other_feeds: &[FeedId],
        alerted: &[TopicId],
    ) -> Vec<PlannedAlert> {
        let mut feeds: Vec<&FeedId> = vec![&self.feed.id];
        feeds.extend(other_feeds.iter().filter(|id| *id != &self.feed.id));
        let tags: Vec<String> =
            feeds.iter().filter_map(|id| self.rules.tags.get(*id)).flatten().cloned().collect();
        let feeds: Vec<String> = feeds.iter().map(ToString::to_string).collect();
        let document = Document {
            title: &article.entry.title,
            text: &article.text,
            lang: article.lang.as_deref(),
            url: article.entry.link.as_deref(),
            authors: &article.entry.authors,
            feeds: &feeds,
            tags: &tags,
            boilerplate: &article.boilerplate,
        };
        let matches = self.rules.matcher.matches(&document);
        let alerts: Vec<PlannedAlert> = matches
            .into_iter()
            .filter(|found| !alerted.contains(&found.topic))
            .filter_map(|found| {
                let topic = self.rules.topics.get(&found.topic)?;
                // What is stored this moment is younger than every topic, whatever a clock set back says.
                if first_seen_at != self.now && topic.created_at > first_seen_at {
                    return None;
                }
                let silence = self.rules.silences.muting(&topic.id, topic.severity, &document, self.now);
                Some(self.alert(key, article, first_seen_at, topic, found, silence))
            })
            .collect();
        self.summary.alerts += alerts.len();
        alerts
    }

    fn alert(
        &self,
        key: ArticleKey,
        article: &ArticleText,
        first_seen_at: Timestamp,
        topic: &TopicPolicy,
        found: TopicMatch,
        silence: Option<SilenceId>,
    ) -> PlannedAlert {
        let id = AlertId::derive(&topic.id, key);
        let entry = &article.entry;
        let content = AlertContent {
            alert: AlertHead { id, severity: topic.severity, created_at: self.now },
            topic: TopicHead { id: topic.id.clone(), title: topic.title.clone() },
            article: ArticleHead {
                id: key,
                title: (!entry.title.is_empty()).then(|| entry.title.clone()),
                link: entry.link.clone(),
                published_at: entry.published_at,
                first_seen_at,
                authors: entry.authors.clone(),
                lang: article.lang.clone(),
                summary: (!article.text.is_empty())
                    .then(|| cut(&boilerplate::without(&article.text, &article.boilerplate), SUMMARY_CHARS)),
                feed: FeedHead {
                    id: self.feed.id.clone(),
                    title: self.title.clone(),
                    tags: self.rules.tags.get(&self.feed.id).cloned().unwrap_or_default(),
                },
            },
            found: found.found,
        };
        let webhooks = topic.webhooks.iter().filter(|_| silence.is_none());
        let deliveries = webhooks
            .map(|webhook| {
                let delivery = DeliveryId::derive(id, webhook);
                PlannedDelivery {
                    id: delivery,
                    webhook: webhook.clone(),
                    message: MessageId::derive(&[delivery]),
                    content: self.rules.renderer.render(webhook, &content),
                    hold: topic.holds.get(webhook).cloned(),
                }
            })
            .collect();
        PlannedAlert { content, deliveries, silence }
    }
}

/// Cuts `text` to at most `limit` characters, at a space where one is near, with an ellipsis.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let head: String = text.chars().take(limit.saturating_sub(1)).collect();
    let end = head.rfind(char::is_whitespace).filter(|end| *end > head.len() / 2).unwrap_or(head.len());
    format!("{}…", head[..end].trim_end())
}
