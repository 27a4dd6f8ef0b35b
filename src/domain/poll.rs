//! Decides what a finished visit to a feed means: new articles, alerts, the next poll.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use super::alert::{
    AlertContent, AlertHead, ArticleHead, FeedHead, OperationsEvent, SUMMARY_CHARS, TopicHead,
};
use super::article::{Document, Entry, EntryIdentity, KnownArticle, Suppression};
use super::boilerplate::{self, Blocks, Mark, Memory, Shown};
use super::delivery::{PlannedDelivery, Rendered};
use super::feed::{ClaimedFeed, FeedState, FeedStatus, GuidTrust, PublisherHints, Validators};
use super::fetch::{AnswerMeta, FailureKind, FetchFailure};
use super::schedule::{self, IntervalPolicy, NextPoll};
use super::silence::Silences;
use super::topic::{Matcher, TopicMatch, TopicPolicy};
use super::{
    AlertId, ArticleKey, DeliveryId, FeedId, IdentityHash, MessageId, SilenceId, Timestamp, TopicId,
    WebhookId,
};

/// Failures in a row from which on a feed counts as failing.
pub const FAILING_AFTER: u32 = 3;

/// How often a sighting's "last listed" is refreshed: articles a feed still lists are never
/// removed, and a week's grain keeps quiet polls from writing.
pub const LISTED_GRAIN: Duration = Duration::from_secs(7 * 86_400);

/// What a visit brought, with everything the store knows about it.
#[derive(Debug)]
pub enum PollInput {
    /// 304, or a body that is byte for byte the last one.
    Unchanged {
        /// What the headers said.
        meta: AnswerMeta,
        /// Whether the whole body came again: then the answer's validators replace the stored ones.
        whole: bool,
        /// Where permanent redirects led to the body that came again.
        permanent_url: Option<String>,
    },
    /// A document that parsed.
    Document(Box<ReadDocument>),
    /// 429, or 503 with `Retry-After`.
    Throttled {
        /// The status.
        status: u16,
        /// What the server asked for.
        retry_after: Option<Duration>,
    },
    /// 410.
    Gone,
    /// Anything else, a body that is no feed included.
    Failed(FetchFailure),
}

/// A parsed document and what is known of its entries.
#[derive(Debug)]
pub struct ReadDocument {
    /// Validators and freshness of the answer.
    pub meta: AnswerMeta,
    /// Where permanent redirects led.
    pub permanent_url: Option<String>,
    /// Hash of the body.
    pub body_hash: Option<i64>,
    /// The feed's title.
    pub title: Option<String>,
    /// The feed's language.
    pub lang: Option<String>,
    /// What the document asks of its readers.
    pub hints: PublisherHints,
    /// What is wrong with it so that something was lost, in plain words.
    pub flaw: Option<String>,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// How to recognise them, index by index.
    pub identities: Vec<EntryIdentity>,
    /// Which are known, index by index.
    pub known: Vec<Option<KnownArticle>>,
    /// The blocks of text this feed showed lately.
    pub blocks: Memory,
}

impl ReadDocument {
    /// The bytes of text that planning reads: those of entries that are new, changed, or shown here for the first time.
    pub fn unread(&self) -> usize {
        let is_unread = |(at, _): &(usize, &Entry)| {
            let known = self.known.get(*at).and_then(Option::as_ref);
            let content = self.identities.get(*at).map(|identity| identity.content);
            self.blocks.is_empty() || known.is_none_or(|known| known.content_here != content)
        };
        let unread = self.entries.iter().enumerate().filter(is_unread);
        unread.map(|(_, entry)| entry.title.len() + entry.summary.len() + entry.content.len()).sum()
    }
}

/// Makes the bytes of a message.
pub trait Renderer: fmt::Debug + Send + Sync {
    /// The message of one alert for one webhook; the error is one sentence for people.
    ///
    /// # Errors
    /// When the webhook's template fails on this alert.
    fn render(&self, webhook: &WebhookId, alert: &AlertContent) -> Result<Rendered, String>;
}

/// What the configuration says about one feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRules {
    /// The configured title.
    pub title: Option<String>,
    /// The feed's language, where the user named it.
    pub lang: Option<String>,
    /// The interval settings.
    pub interval: IntervalPolicy,
}

/// Everything a poll is decided by, besides what the visit brought.
#[derive(Clone, Copy, Debug)]
pub struct PollRules<'a> {
    /// Finds topics.
    pub matcher: &'a dyn Matcher,
    /// What topics do.
    pub topics: &'a HashMap<TopicId, TopicPolicy>,
    /// Makes messages.
    pub renderer: &'a dyn Renderer,
    /// This feed's settings.
    pub feed: &'a FeedRules,
    /// Tags of every feed.
    pub tags: &'a BTreeMap<FeedId, Vec<String>>,
    /// What is muted.
    pub silences: &'a Silences,
    /// Older articles never alert.
    pub max_age: Duration,
    /// Whether what stands in a feed at its first poll alerts.
    pub alert_on_first_poll: bool,
}

/// Everything one poll decides; written in one transaction.
#[derive(Clone, Debug)]
pub struct PollPlan {
    /// The feed's state from now on.
    pub feed: FeedState,
    /// Until when no feed of this host is polled (429).
    pub host_pause: Option<Timestamp>,
    /// What changes about articles.
    pub articles: Vec<PlannedArticle>,
    /// How it went, for logs and metrics.
    pub summary: PollSummary,
    /// What the people who run wirewatch should hear.
    pub events: Vec<OperationsEvent>,
    /// The blocks of text this feed showed lately, where there are others than before.
    pub blocks: Option<Memory>,
    /// The version of the silences its alerts were decided under.
    pub silences: i64,
}

/// How a poll went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollSummary {
    /// `changed`, `unchanged`, `throttled`, `gone`, or the word of a failure; a metric label.
    pub outcome: &'static str,
    /// Entries in the document.
    pub entries: usize,
    /// Articles never seen before.
    pub new: usize,
    /// Articles whose text changed.
    pub revised: usize,
    /// Articles known from another feed.
    pub sighted: usize,
    /// Alerts planned.
    pub alerts: usize,
    /// New articles that never alert because of their age.
    pub too_old: usize,
    /// What went wrong.
    pub error: Option<String>,
}

/// One article's part in a plan.
#[derive(Clone, Debug)]
pub struct PlannedArticle {
    /// The article.
    pub key: ArticleKey,
    /// What happens to it.
    pub change: ArticleChange,
    /// Identities not stored for it yet.
    pub identities: Vec<IdentityHash>,
    /// Hash of the content this feed shows.
    pub content: IdentityHash,
    /// All that this feed lists it under, [`EntryIdentity::together`].
    pub listed_as: IdentityHash,
    /// Alerts to raise.
    pub alerts: Vec<PlannedAlert>,
}

/// What happens to an article.
#[derive(Clone, Debug)]
pub enum ArticleChange {
    /// It was never seen.
    New {
        /// As published.
        article: Box<ArticleText>,
        /// Why it never alerts.
        suppressed: Option<Suppression>,
    },
    /// This feed shows another text than before.
    Revised(Box<ArticleText>),
    /// This feed shows it for the first time.
    Sighted,
    /// Nothing new; that the feed still lists it is noted.
    Listed,
}

/// The stored part of an article.
#[derive(Clone, Debug)]
pub struct ArticleText {
    /// As published and cleaned.
    pub entry: Entry,
    /// Its plain text.
    pub text: String,
    /// Its language: the entry's, else the document's, else the feed's.
    pub lang: Option<String>,
    /// What of its plain text is boilerplate; it neither matches nor scores.
    pub boilerplate: Vec<Mark>,
}

/// An alert to raise, with its deliveries.
#[derive(Clone, Debug)]
pub struct PlannedAlert {
    /// What is told.
    pub content: AlertContent,
    /// Where it goes; empty when the topic names no webhook, or a silence mutes it.
    pub deliveries: Vec<PlannedDelivery>,
    /// The silence that mutes it.
    pub silence: Option<SilenceId>,
}

/// Decides what a visit to `feed` means.
///
/// Never alerts twice for one topic and article; never alerts for baseline articles, for articles
/// older than `max_age`, or for topics younger than the article. A failure touches nothing that was
/// seen. `jitter` is 0 to 1.
pub fn plan_poll(
    feed: &ClaimedFeed,
    input: PollInput,
    rules: &PollRules<'_>,
    now: Timestamp,
    jitter: f64,
) -> PollPlan {
    let mut state = feed.state.clone();
    state.last_poll_at = Some(now);
    match input {
        PollInput::Unchanged { meta, whole, permanent_url } => {
            state.moved_to = permanent_url.or(state.moved_to);
            plan_unchanged(feed, state, meta, whole, rules, now, jitter)
        }
        PollInput::Document(document) => plan_document(feed, state, *document, rules, now, jitter),
        PollInput::Gone => plan_gone(feed, state, now),
        PollInput::Throttled { status, retry_after } => {
            let failure = FetchFailure {
                kind: FailureKind::Status,
                status: Some(status),
                retry_after,
                message: format!("the server asks for fewer visits (status {status})"),
            };
            let mut plan = plan_failure(feed, state, &failure, rules, now, jitter);
            plan.summary.outcome = "throttled";
            plan.host_pause = (status == 429).then_some(plan.feed.due_at);
            plan
        }
        PollInput::Failed(failure) => plan_failure(feed, state, &failure, rules, now, jitter),
    }
}

fn plan_unchanged(
    feed: &ClaimedFeed,
    mut state: FeedState,
    meta: AnswerMeta,
    whole: bool,
    rules: &PollRules<'_>,
    now: Timestamp,
    jitter: f64,
) -> PollPlan {
    let says_freshness = meta.fresh_for.is_some();
    let fresh_for = if whole || says_freshness {
        state.max_age = meta.max_age;
        meta.fresh_for
    } else {
        state.max_age.map(|max_age| max_age.saturating_sub(meta.age))
    };
    if whole {
        state.validators = meta.validators;
    } else {
        // A 304 renews what it carries and leaves the rest (RFC 9111 §3.2).
        state.validators.etag = meta.validators.etag.or(state.validators.etag);
        state.validators.last_modified = meta.validators.last_modified.or(state.validators.last_modified);
    }
    let mut events = recovered(feed, now);
    events.extend(quiet(feed, &state, now));
    mark_good(&mut state, now);
    let own = schedule::own_interval(rules.feed.interval, state.learnt_interval, state.last_new_at, now);
    let next = schedule::after_success(rules.feed.interval, own, fresh_for, &state.hints, now, jitter);
    set_next(&mut state, next);
    let summary = PollSummary { outcome: "unchanged", ..PollSummary::default() };
    PollPlan {
        feed: state,
        host_pause: None,
        articles: Vec::new(),
        summary,
        events,
        blocks: None,
        silences: rules.silences.version,
    }
}

fn plan_gone(feed: &ClaimedFeed, mut state: FeedState, now: Timestamp) -> PollPlan {
    let message = "the publisher says this feed is gone for good (410); it is polled no more, unless its url changes \
         or it leaves the configuration and comes back";
    state.status = FeedStatus::Gone;
    state.failures = state.failures.saturating_add(1);
    state.last_error = Some(message.to_owned());
    state.due_reason = String::new();
    let summary = PollSummary { outcome: "gone", error: Some(message.to_owned()), ..PollSummary::default() };
    let events = vec![event("feed.gone", feed, now, message)];
    // It raises no alert.
    let silences = 0;
    PollPlan { feed: state, host_pause: None, articles: Vec::new(), summary, events, blocks: None, silences }
}

fn plan_failure(
    feed: &ClaimedFeed,
    mut state: FeedState,
    failure: &FetchFailure,
    rules: &PollRules<'_>,
    now: Timestamp,
    jitter: f64,
) -> PollPlan {
    state.failures = state.failures.saturating_add(1);
    state.last_error = Some(failure.message.clone());
    if state.failures >= FAILING_AFTER && state.moved_to.take().is_some() {
        // A move that was none, or was taken back: the configured address is asked again, for everything.
        state.validators = Validators::default();
        state.body_hash = None;
    }
    let denied = failure.kind == FailureKind::Denied;
    let next = schedule::after_failure(
        rules.feed.interval,
        state.failures,
        denied,
        failure.retry_after,
        now,
        jitter,
    );
    set_next(&mut state, next);
    let events = if state.failures == FAILING_AFTER {
        vec![event("feed.failing", feed, now, &failure.message)]
    } else {
        Vec::new()
    };
    let summary = PollSummary {
        outcome: failure.kind.as_str(),
        error: Some(failure.message.clone()),
        ..PollSummary::default()
    };
    PollPlan {
        feed: state,
        host_pause: None,
        articles: Vec::new(),
        summary,
        events,
        blocks: None,
        silences: rules.silences.version,
    }
}

fn plan_document(
    feed: &ClaimedFeed,
    mut state: FeedState,
    mut document: ReadDocument,
    rules: &PollRules<'_>,
    now: Timestamp,
    jitter: f64,
) -> PollPlan {
    let mut events = recovered(feed, now);
    let published: Vec<Timestamp> =
        document.entries.iter().filter_map(|entry| entry.published_at).filter(|at| *at <= now).collect();
    let trust = judge_guids(state.guid_trust, &document, now);
    if trust == GuidTrust::Trusted {
        forget_headlines(&mut document);
    }
    let first = feed.state.last_good_at.is_none();
    let title = rules.feed.title.clone().or_else(|| document.title.clone());
    let entries = document.entries.len();

    let (texts, blocks) = read_texts(&document, now);
    let memory = blocks.as_ref().unwrap_or(&document.blocks);
    let mut planner = ArticlePlanner {
        feed,
        rules,
        now,
        title,
        lang: document.lang.or_else(|| rules.feed.lang.clone()),
        forget_guids: trust == GuidTrust::Distrusted && state.guid_trust == GuidTrust::Trusted,
        first,
        met: HashSet::new(),
        memory,
        summary: PollSummary { outcome: "changed", entries, ..PollSummary::default() },
    };
    let articles: Vec<PlannedArticle> = document
        .entries
        .into_iter()
        .zip(texts)
        .zip(document.identities)
        .zip(document.known)
        .filter_map(|(((entry, text), identity), known)| planner.plan(entry, text, &identity, known))
        .collect();
    let summary = planner.summary;

    let elapsed = feed.state.last_document_at.map(|at| now.since(at));
    if summary.new > 0 {
        state.last_new_at = Some(if first { newest(&published).unwrap_or(now) } else { now });
    }
    state.learnt_interval = schedule::rhythm(&published).or(state.learnt_interval);
    state.notice = document.flaw;
    if !first && entries >= WINDOW_MIN && summary.new * 3 > entries * 2 {
        // Most of the window is new: visit twice as often as it took, whatever the dates say.
        let half = elapsed.map(|elapsed| elapsed / 2);
        state.learnt_interval = [state.learnt_interval, half].into_iter().flatten().min();
        if summary.new == entries {
            state.notice = Some(format!(
                "all {entries} entries were new at the last change: some may have come and gone between polls; \
                 a shorter interval for this feed would help"
            ));
        }
    }
    state.guid_trust = trust;
    state.title = document.title;
    state.validators = document.meta.validators;
    state.max_age = document.meta.max_age;
    state.body_hash = document.body_hash;
    state.hints = document.hints;
    state.moved_to = document.permanent_url.or(state.moved_to);
    state.last_document_at = Some(now);
    events.extend(quiet(feed, &state, now));
    mark_good(&mut state, now);
    let own = schedule::own_interval(rules.feed.interval, state.learnt_interval, state.last_new_at, now);
    let next =
        schedule::after_success(rules.feed.interval, own, document.meta.fresh_for, &state.hints, now, jitter);
    set_next(&mut state, next);
    PollPlan {
        feed: state,
        host_pause: None,
        articles,
        summary,
        events,
        blocks,
        silences: rules.silences.version,
    }
}

/// An entry's plain text, and its blocks.
struct ReadText {
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
fn read_texts(document: &ReadDocument, now: Timestamp) -> (Vec<Option<ReadText>>, Option<Memory>) {
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

/// A document with fewer entries says nothing about how fast its window rolls.
const WINDOW_MIN: usize = 5;

fn newest(published: &[Timestamp]) -> Option<Timestamp> {
    published.iter().max().copied()
}

fn mark_good(state: &mut FeedState, now: Timestamp) {
    state.status = FeedStatus::Active;
    state.last_good_at = Some(now);
    state.failures = 0;
    state.last_error = None;
}

fn set_next(state: &mut FeedState, next: NextPoll) {
    state.due_at = next.at;
    state.due_reason = next.reason;
}

fn recovered(feed: &ClaimedFeed, now: Timestamp) -> Vec<OperationsEvent> {
    if feed.state.failures < FAILING_AFTER {
        return Vec::new();
    }
    vec![event("feed.recovered", feed, now, &format!("answers again after {} failures", feed.state.failures))]
}

/// Tells once, at the first good poll at which the silence has become too long for the feed's rhythm.
fn quiet(feed: &ClaimedFeed, after: &FeedState, now: Timestamp) -> Option<OperationsEvent> {
    let quiet = |state: &FeedState, at| schedule::is_quiet(state.learnt_interval, state.last_new_at, at);
    let was = feed.state.last_good_at.is_none_or(|at| quiet(&feed.state, at));
    if was || !quiet(after, now) {
        return None;
    }
    let days = now.since(after.last_new_at?).as_secs() / 86_400;
    Some(event(
        "feed.quiet",
        feed,
        now,
        &format!(
            "answers, but has brought nothing new for {days} days, far longer than it used to be silent"
        ),
    ))
}

fn event(kind: &'static str, feed: &ClaimedFeed, at: Timestamp, message: &str) -> OperationsEvent {
    OperationsEvent { kind, at, subject: feed.id.to_string(), message: message.to_owned() }
}

/// How many entries must speak against a feed's guids before they are distrusted.
const GUID_WITNESSES: usize = 3;

/// A headline that comes back sooner than this, in place of itself, was not written again: what has one headline every
/// day or every morning comes later.
const SAME_HEADLINE: Duration = Duration::from_secs(12 * 3600);

/// Judges whether a feed's guids identify anything: not if most known articles come with a guid never
/// seen, nor if guids come back with another link and another text.
fn judge_guids(so_far: GuidTrust, document: &ReadDocument, now: Timestamp) -> GuidTrust {
    if so_far == GuidTrust::Distrusted {
        return so_far;
    }
    let (mut renewed, mut reused, mut kept) = (0, 0, 0);
    for (identity, known) in document.identities.iter().zip(&document.known) {
        let (Some(guid), Some(known)) = (identity.guid, known) else { continue };
        let has = |hash: IdentityHash| known.identities.contains(&hash);
        if identity.is_only_headline_of(known) {
            let listed = document.identities.iter().filter_map(|other| other.guid).any(has);
            renewed += usize::from(!listed && now.since(known.first_seen_at) < SAME_HEADLINE);
        } else if !has(guid) {
            renewed += 1;
        } else if identity.link.is_some_and(|link| !has(link)) && !has(identity.content) {
            reused += 1;
        } else {
            kept += 1;
        }
    }
    if (renewed >= GUID_WITNESSES && renewed > kept) || (reused >= GUID_WITNESSES && reused > kept) {
        GuidTrust::Distrusted
    } else {
        GuidTrust::Trusted
    }
}

/// Where guids can be relied on, an old headline under a new guid is a new article: `Morning briefing`.
fn forget_headlines(document: &mut ReadDocument) {
    for (identity, known) in document.identities.iter_mut().zip(&mut document.known) {
        if known.as_ref().is_some_and(|known| identity.is_only_headline_of(known)) {
            identity.headline = None;
            *known = None;
        }
    }
}

struct ArticlePlanner<'a> {
    feed: &'a ClaimedFeed,
    rules: &'a PollRules<'a>,
    now: Timestamp,
    title: Option<String>,
    lang: Option<String>,
    /// Guids were found out as unreliable just now: what only a guid recognised is new.
    forget_guids: bool,
    first: bool,
    /// Identities met in this document: a second entry with one of them is the same article.
    met: HashSet<IdentityHash>,
    memory: &'a Memory,
    summary: PollSummary,
}

impl ArticlePlanner<'_> {
    fn plan(
        &mut self,
        entry: Entry,
        text: Option<ReadText>,
        identity: &EntryIdentity,
        known: Option<KnownArticle>,
    ) -> Option<PlannedArticle> {
        let mut identity = identity.clone();
        if self.forget_guids {
            identity.guid = None;
        }
        let hashes: Vec<IdentityHash> = identity.all().collect();
        let twin = hashes.iter().any(|hash| self.met.contains(hash));
        self.met.extend(&hashes);
        if twin {
            return None;
        }
        // One under the same key stays that article whatever recognised it: a second could not be stored.
        let stays = |known: &KnownArticle| {
            known.key == identity.key || hashes.iter().any(|hash| known.identities.contains(hash))
        };
        let known = known.filter(|known| !self.forget_guids || stays(known));
        match known {
            _ if entry.broken_off && self.is_left(&identity, known.is_none()) => None,
            None => Some(self.plan_new(entry, text, &identity, hashes)),
            Some(known) => self.plan_known(entry, text, &identity, &hashes, &known),
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
