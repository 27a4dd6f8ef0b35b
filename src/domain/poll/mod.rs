//! Decides what a finished visit to a feed means: new articles, alerts, the next poll.

mod articles;
mod guids;
mod values;

use std::collections::HashSet;
use std::time::Duration;

use super::Timestamp;
use super::alert::OperationsEvent;
use super::feed::{ClaimedFeed, FeedState, FeedStatus, GuidTrust, Validators};
use super::fetch::{AnswerMeta, FailureKind, FetchFailure};
use super::schedule::{self, NextPoll};

pub use values::{
    ArticleChange, ArticleText, FeedRules, PlannedAlert, PlannedArticle, PollInput, PollPlan, PollRules,
    PollSummary, ReadDocument, Renderer,
};

use articles::{ArticlePlanner, read_texts};
use guids::forget_headlines;
pub use guids::judge_guids;

/// Failures in a row from which on a feed counts as failing.
pub const FAILING_AFTER: u32 = 3;

/// How often a sighting's "last listed" is refreshed: articles a feed still lists are never
/// removed, and a week's grain keeps quiet polls from writing.
pub const LISTED_GRAIN: Duration = Duration::from_secs(7 * 86_400);

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
    if document.guid_trust == GuidTrust::Trusted {
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
    state.guid_trust = document.guid_trust;
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
