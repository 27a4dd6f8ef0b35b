//! What a finished visit to a feed means: the rules of `plan_poll`, on values.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use wirewatch::domain::alert::AlertContent;
use wirewatch::domain::article::{Document, Entry, EntryIdentity, KnownArticle, Suppression};
use wirewatch::domain::boilerplate::Memory;
use wirewatch::domain::delivery::Rendered;
use wirewatch::domain::feed::{ClaimedFeed, FeedState, FeedStatus, GuidTrust, PublisherHints, Validators};
use wirewatch::domain::fetch::{AnswerMeta, FailureKind, FetchFailure};
use wirewatch::domain::poll::{
    ArticleChange, FeedRules, PollInput, PollPlan, PollRules, ReadDocument, Renderer, judge_guids, plan_poll,
};
use wirewatch::domain::schedule::IntervalPolicy;
use wirewatch::domain::silence::Silences;
use wirewatch::domain::topic::{Match, Matcher, Severity, TopicMatch, TopicPolicy};
use wirewatch::domain::{ArticleKey, FeedId, IdentityHash, Timestamp, TopicId, WebhookId};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Finds the topic `kursk` wherever the word stands.
#[derive(Debug)]
struct Kursk;

impl Matcher for Kursk {
    fn matches(&self, document: &Document<'_>) -> Vec<TopicMatch> {
        let found = document.title.contains("Kursk") || document.text.contains("Kursk");
        let tagged = document.tags.iter().any(|tag| tag == "kursk");
        let hit = TopicMatch { topic: topic(), found: Match::default() };
        if found || tagged { vec![hit] } else { Vec::new() }
    }
}

#[derive(Debug)]
struct TitleOnly;

impl Renderer for TitleOnly {
    fn render(&self, _webhook: &WebhookId, alert: &AlertContent) -> Result<Rendered, String> {
        let body = alert.article.title.clone().ok_or("no title")?.into_bytes();
        Ok(Rendered { body, content_type: "text/plain" })
    }
}

fn topic() -> TopicId {
    TopicId::parse("kursk").unwrap()
}

fn feed_id(name: &str) -> FeedId {
    FeedId::parse(name).unwrap()
}

fn claimed(change: impl FnOnce(&mut FeedState)) -> ClaimedFeed {
    let mut state = FeedState {
        last_good_at: Some(NOW.minus(HOUR)),
        last_document_at: Some(NOW.minus(HOUR)),
        ..FeedState::default()
    };
    change(&mut state);
    ClaimedFeed { id: feed_id("wire"), url: "https://wire.example/rss".to_owned(), state }
}

fn entry(title: &str) -> Entry {
    Entry {
        guid: Some(title.to_owned()),
        title: title.to_owned(),
        link: Some(format!("https://wire.example/{}", title.len())),
        published_at: Some(NOW.minus(HOUR)),
        ..Entry::default()
    }
}

fn identity(entry: &Entry) -> EntryIdentity {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let named = if entry.link.is_some() { ("link", &entry.link) } else { ("guid", &entry.guid) };
    EntryIdentity {
        key: ArticleKey::derive(named.0, &[part(named.1).as_bytes()]),
        guid: Some(IdentityHash::of("guid", &[part(&entry.guid).as_bytes()])),
        link: entry.link.as_ref().map(|link| IdentityHash::of("link", &[link.as_bytes()])),
        content: IdentityHash::of("content", &[entry.title.as_bytes(), entry.summary.as_bytes()]),
        headline: None,
    }
}

/// What the store would know after `entry` was stored from this feed.
fn known(entry: &Entry) -> KnownArticle {
    let identity = identity(entry);
    KnownArticle {
        key: identity.key,
        content_here: Some(identity.content),
        first_seen_at: NOW.minus(HOUR),
        suppressed: None,
        feeds: vec![feed_id("wire")],
        last_listed_here: Some(NOW.minus(HOUR)),
        alerted: Vec::new(),
        identities: identity.all().collect(),
    }
}

fn document(entries: Vec<(Entry, Option<KnownArticle>)>) -> PollInput {
    PollInput::Document(Box::new(read(entries)))
}

fn read(entries: Vec<(Entry, Option<KnownArticle>)>) -> ReadDocument {
    let identities = entries.iter().map(|(entry, _)| identity(entry)).collect();
    let (entries, known) = entries.into_iter().unzip();
    ReadDocument {
        meta: AnswerMeta { validators: etag("\"2\""), fresh_for: None, ..AnswerMeta::default() },
        permanent_url: None,
        body_hash: Some(7),
        title: Some("The Wire".to_owned()),
        lang: None,
        hints: PublisherHints::default(),
        flaw: None,
        entries,
        guid_trust: GuidTrust::Trusted,
        identities,
        known,
        blocks: Memory::default(),
    }
}

fn etag(value: &str) -> Validators {
    Validators { etag: Some(value.as_bytes().to_vec()), last_modified: None }
}

fn plan(feed: &ClaimedFeed, input: PollInput) -> PollPlan {
    plan_with(feed, input, false, NOW.minus(30 * 24 * HOUR))
}

fn plan_with(
    feed: &ClaimedFeed,
    input: PollInput,
    alert_on_first_poll: bool,
    topic_since: Timestamp,
) -> PollPlan {
    let policy = TopicPolicy {
        id: topic(),
        title: "Kursk".to_owned(),
        severity: Severity::High,
        webhooks: vec![WebhookId::parse("desk").unwrap()],
        holds: HashMap::new(),
        created_at: topic_since,
    };
    let topics = HashMap::from([(topic(), policy)]);
    let tags = BTreeMap::from([(feed_id("tagged"), vec!["kursk".to_owned()])]);
    let interval = IntervalPolicy {
        start: Duration::from_secs(900),
        min: Duration::from_secs(60),
        max: 24 * HOUR,
        fixed: None,
    };
    let rules = FeedRules { title: None, lang: Some("en".to_owned()), interval };
    plan_poll(
        feed,
        input,
        &PollRules {
            matcher: &Kursk,
            topics: &topics,
            renderer: &TitleOnly,
            feed: &rules,
            tags: &tags,
            silences: &Silences::default(),
            max_age: 48 * HOUR,
            alert_on_first_poll,
        },
        NOW,
        0.0,
    )
}

fn alerts(plan: &PollPlan) -> usize {
    plan.articles.iter().map(|article| article.alerts.len()).sum()
}

fn suppression(plan: &PollPlan) -> Option<Suppression> {
    let ArticleChange::New { suppressed, .. } = &plan.articles[0].change else {
        panic!("not new: {:?}", plan.articles[0].change);
    };
    *suppressed
}

#[test]
fn a_new_article_alerts_with_its_delivery() {
    let plan =
        plan(&claimed(|_| {}), document(vec![(entry("Soldiers in Kursk"), None), (entry("Rain"), None)]));
    assert_eq!((plan.articles.len(), alerts(&plan)), (2, 1));
    let alert = &plan.articles[0].alerts[0];
    assert_eq!(alert.content.article.feed.title.as_deref(), Some("The Wire"));
    assert_eq!(alert.deliveries[0].content.as_ref().unwrap().body, b"Soldiers in Kursk");
    assert_eq!(plan.feed.validators, etag("\"2\""));
}

#[test]
fn what_stands_in_a_feed_at_its_first_poll_is_stored_silently() {
    let new = claimed(|state| state.last_good_at = None);
    let silent = plan(&new, document(vec![(entry("Kursk"), None)]));
    assert_eq!((alerts(&silent), suppression(&silent)), (0, Some(Suppression::Baseline)));
    let loud = plan_with(&new, document(vec![(entry("Kursk"), None)]), true, Timestamp::EPOCH);
    assert_eq!(alerts(&loud), 1);
}

#[test]
fn old_news_is_stored_silently_unless_wirewatch_was_down() {
    let old = || Entry { published_at: Some(NOW.minus(72 * HOUR)), ..entry("Kursk") };
    let late = plan(&claimed(|_| {}), document(vec![(old(), None)]));
    assert_eq!((alerts(&late), suppression(&late)), (0, Some(Suppression::MaxAge)));
    let down = claimed(|state| state.last_good_at = Some(NOW.minus(70 * HOUR)));
    assert_eq!(alerts(&plan(&down, document(vec![(old(), None)]))), 1);
    let undated = Entry { published_at: None, ..entry("Kursk") };
    assert_eq!(alerts(&plan(&claimed(|_| {}), document(vec![(undated, None)]))), 1);
    let future = Entry { published_at: Some(NOW.plus(999 * HOUR)), ..entry("Kursk") };
    assert_eq!(alerts(&plan(&claimed(|_| {}), document(vec![(future, None)]))), 1);
}

#[test]
fn half_a_new_article_is_left_until_it_is_whole_or_all_there_is() {
    let half = || Entry { broken_off: true, ..entry("Kursk") };
    let before_it_broke_off = claimed(|state| state.body_hash = Some(1));
    assert!(plan(&before_it_broke_off, document(vec![(half(), None)])).articles.is_empty());
    let it_broke_off_before = claimed(|state| state.body_hash = None);
    assert_eq!(alerts(&plan(&it_broke_off_before, document(vec![(half(), None)]))), 1);
    // What is known is known by half of it.
    let told = KnownArticle { alerted: vec![topic()], ..known(&entry("Kursk")) };
    let edited = Entry { summary: "half".to_owned(), ..half() };
    let again = plan(&before_it_broke_off, document(vec![(edited, Some(told))]));
    assert!(matches!(again.articles[0].change, ArticleChange::Revised(_)));
}

#[test]
fn a_known_article_changes_nothing() {
    let told = KnownArticle { alerted: vec![topic()], ..known(&entry("Kursk")) };
    let same = plan(&claimed(|_| {}), document(vec![(entry("Kursk"), Some(told))]));
    assert!(same.articles.is_empty());
}

#[test]
fn a_revision_alerts_only_if_its_topic_never_did() {
    let edited = Entry { summary: "Kursk, too".to_owned(), ..entry("Soldiers") };
    let first = known(&entry("Soldiers"));
    let told = KnownArticle { alerted: vec![topic()], ..first.clone() };
    let baseline = KnownArticle { suppressed: Some(Suppression::Baseline), ..first.clone() };
    for (known, expected) in [(first, 1), (told, 0), (baseline, 0)] {
        let plan = plan(&claimed(|_| {}), document(vec![(edited.clone(), Some(known))]));
        assert!(matches!(plan.articles[0].change, ArticleChange::Revised(_)));
        assert_eq!(alerts(&plan), expected);
    }
}

#[test]
fn an_article_older_than_its_topic_never_alerts_for_it() {
    let edited = Entry { summary: "Kursk, too".to_owned(), ..entry("Soldiers") };
    let before = known(&entry("Soldiers"));
    let plan = plan_with(&claimed(|_| {}), document(vec![(edited, Some(before))]), false, NOW);
    assert_eq!(alerts(&plan), 0);
}

#[test]
fn a_sighting_in_another_feed_is_matched_with_the_tags_of_both() {
    let elsewhere = KnownArticle {
        content_here: None,
        last_listed_here: None,
        feeds: vec![feed_id("tagged")],
        ..known(&entry("Soldiers"))
    };
    let plan = plan(&claimed(|_| {}), document(vec![(entry("Soldiers"), Some(elsewhere))]));
    assert!(matches!(plan.articles[0].change, ArticleChange::Sighted));
    assert_eq!(alerts(&plan), 1);
}

#[test]
fn one_article_twice_in_a_document_is_one() {
    let again = Entry { guid: Some("other".to_owned()), ..entry("Kursk") };
    let plan = plan(&claimed(|_| {}), document(vec![(entry("Kursk"), None), (again, None)]));
    assert_eq!((plan.articles.len(), alerts(&plan)), (1, 1));
}

#[test]
fn guids_that_are_always_new_are_distrusted() {
    let entries = (1..=4)
        .map(|n| {
            let stored = entry(&"x".repeat(n));
            let shown = Entry { guid: Some(format!("fresh {n}")), ..stored.clone() };
            (shown, Some(known(&stored)))
        })
        .collect();
    assert_eq!(judge_guids(&read(entries), NOW), GuidTrust::Distrusted);
}

#[test]
fn guids_that_come_back_for_other_stories_are_distrusted() {
    let entries = (1..=4)
        .map(|n| {
            let stored = entry(&"x".repeat(n));
            let shown = Entry { guid: stored.guid.clone(), ..entry(&format!("Kursk {}", "y".repeat(n))) };
            (shown, Some(known(&stored)))
        })
        .collect();
    assert_eq!(judge_guids(&read(entries), NOW), GuidTrust::Distrusted);
}

#[test]
fn a_failure_touches_nothing_that_was_seen() {
    let before = claimed(|state| {
        state.validators = etag("\"1\"");
        state.body_hash = Some(1);
        state.failures = 2;
    });
    let failure = FetchFailure {
        kind: FailureKind::Timeout,
        status: None,
        retry_after: None,
        message: "no answer".to_owned(),
    };
    let plan = plan(&before, PollInput::Failed(failure));
    assert_eq!(plan.feed.validators, before.state.validators);
    assert_eq!((plan.feed.body_hash, plan.feed.last_good_at), (Some(1), before.state.last_good_at));
    assert_eq!((plan.feed.failures, plan.events[0].kind), (3, "feed.failing"));
    assert_eq!(plan.feed.due_at, NOW.plus(Duration::from_secs(3600)));
}

#[test]
fn a_move_that_leads_nowhere_is_taken_back() {
    let failed = |failures: u32| {
        let feed = claimed(|state| {
            state.moved_to = Some("https://new.example/rss".to_owned());
            state.validators = etag("\"1\"");
            state.body_hash = Some(1);
            state.failures = failures;
        });
        let failure = FetchFailure {
            kind: FailureKind::NotFound,
            status: Some(404),
            retry_after: None,
            message: "no such page".to_owned(),
        };
        let state = plan(&feed, PollInput::Failed(failure)).feed;
        (state.moved_to.is_some(), state.validators.is_empty(), state.body_hash)
    };
    assert_eq!(failed(1), (true, false, Some(1)));
    assert_eq!(failed(2), (false, true, None), "what was known of another address says nothing of this one");
}

#[test]
fn not_modified_keeps_what_it_does_not_renew_and_a_whole_answer_replaces_it() {
    let before = claimed(|state| {
        state.validators =
            Validators { etag: Some(b"\"1\"".to_vec()), last_modified: Some(b"then".to_vec()) };
        state.failures = 3;
    });
    let meta =
        || AnswerMeta { validators: etag("\"2\""), fresh_for: Some(5 * HOUR), ..AnswerMeta::default() };
    let renewed = plan(&before, PollInput::Unchanged { meta: meta(), whole: false, permanent_url: None });
    assert_eq!(renewed.feed.validators.last_modified.as_deref(), Some(b"then".as_slice()));
    assert_eq!(renewed.feed.validators.etag.as_deref(), Some(b"\"2\"".as_slice()));
    assert_eq!((renewed.events[0].kind, renewed.feed.due_at), ("feed.recovered", NOW.plus(5 * HOUR)));
    let moved = Some("https://moved.example/".to_owned());
    let again = PollInput::Unchanged { meta: meta(), whole: true, permanent_url: moved.clone() };
    let replaced = plan(&before, again);
    assert_eq!(replaced.feed.moved_to, moved);
    assert_eq!(replaced.feed.validators, etag("\"2\""));
}

/// RFC 9111 §3.2, §4.3.4: what a 304 does not say stays as it was.
#[test]
fn an_agreed_freshness_holds_until_something_else_is_said() {
    let before = claimed(|state| state.max_age = Some(5 * HOUR));
    let answered = |fresh_for: Option<Duration>, max_age, age, whole| {
        let meta = AnswerMeta { validators: etag("\"1\""), fresh_for, max_age, age };
        let plan = plan(&before, PollInput::Unchanged { meta, whole, permanent_url: None });
        (plan.feed.due_at, plan.feed.max_age)
    };
    let (kept, none) = (Some(5 * HOUR), Duration::ZERO);
    assert_eq!(answered(None, None, none, false), (NOW.plus(5 * HOUR), kept));
    assert_eq!(answered(None, None, 2 * HOUR, false), (NOW.plus(3 * HOUR), kept), "less its age");
    let said = Some(3 * HOUR);
    assert_eq!(answered(said, said, none, false), (NOW.plus(3 * HOUR), said));
    let no_cache = answered(Some(Duration::ZERO), None, none, false);
    assert!(no_cache.0 < NOW.plus(3 * HOUR) && no_cache.1.is_none(), "{no_cache:?}");
    assert_eq!(answered(None, None, none, true), no_cache, "a whole answer that says nothing");
}

#[test]
fn gone_is_gone_and_throttled_slows_the_host() {
    let gone = plan(&claimed(|_| {}), PollInput::Gone);
    assert_eq!((gone.feed.status, gone.events[0].kind), (FeedStatus::Gone, "feed.gone"));
    let wait = Some(2 * HOUR);
    let throttled = plan(&claimed(|_| {}), PollInput::Throttled { status: 429, retry_after: wait });
    assert_eq!(throttled.feed.due_at, NOW.plus(2 * HOUR));
    assert_eq!(throttled.host_pause, Some(NOW.plus(2 * HOUR)));
    let busy = plan(&claimed(|_| {}), PollInput::Throttled { status: 503, retry_after: wait });
    assert_eq!(busy.host_pause, None);
}

#[test]
fn a_window_that_rolled_over_shortens_the_interval_and_says_so() {
    let entries = (1..=6).map(|n| (Entry { published_at: None, ..entry(&"z".repeat(n)) }, None)).collect();
    let plan = plan(&claimed(|_| {}), document(entries));
    assert_eq!(plan.feed.learnt_interval, Some(HOUR / 2));
    assert!(plan.feed.notice.unwrap().contains("all 6 entries were new"));
}

#[test]
fn a_feed_that_falls_silent_for_far_longer_than_its_rhythm_is_told_of_once() {
    let day = HOUR * 24;
    let silent = |days: u32, since_last_good: Duration| {
        let feed = claimed(|state| {
            state.learnt_interval = Some(HOUR / 4);
            state.last_new_at = Some(NOW.minus(day * days));
            state.last_good_at = Some(NOW.minus(since_last_good));
        });
        let plan = plan(&feed, document(vec![]));
        plan.events.iter().map(|event| event.kind).collect::<Vec<_>>()
    };
    assert_eq!(silent(2, HOUR), [""; 0], "a weekend is no news");
    assert_eq!(silent(3, HOUR), ["feed.quiet"]);
    assert_eq!(silent(4, HOUR), [""; 0], "it was told when it began");
    assert_eq!(silent(4, day * 2), ["feed.quiet"], "nobody looked when it began");
}

#[test]
fn what_a_feed_repeats_neither_matches_nor_opens_the_summary() {
    let appeal = "The live blog has everything that happened in and around Kursk today.";
    let own = ["a harbour", "the parliament", "some volcano", "an orchestra"];
    let about = |what: &str| Entry {
        summary: format!("{appeal}\n\nA long story about {what}, told once and nowhere else."),
        ..entry(&format!("Of {what}"))
    };
    let PollInput::Document(mut read) = document(own[..2].iter().map(|what| (about(what), None)).collect())
    else {
        unreachable!("a document");
    };
    let first = plan(&claimed(|_| {}), PollInput::Document(read));
    assert_eq!(alerts(&first), 2, "twice is not enough");
    let remembered = first.blocks.expect("both texts are remembered");
    let PollInput::Document(again) = document(own[2..].iter().map(|what| (about(what), None)).collect())
    else {
        unreachable!("a document");
    };
    read = again;
    read.blocks = remembered;
    let second = plan(&claimed(|_| {}), PollInput::Document(read));
    let ArticleChange::New { article, .. } = &second.articles[0].change else { panic!("not new") };
    assert_eq!(article.boilerplate, [(0, appeal.len())]);
}

#[test]
fn listed_articles_teach_nothing_and_cost_no_write() {
    let listed =
        Entry { summary: "A text with quite enough words to be remembered.".to_owned(), ..entry("One") };
    let PollInput::Document(mut read) = document(vec![(listed.clone(), Some(known(&listed)))]) else {
        unreachable!("a document");
    };
    let first = plan(&claimed(|_| {}), PollInput::Document(read));
    let remembered = first.blocks.expect("nothing was remembered of the feed: all it lists is read once");
    let PollInput::Document(again) = document(vec![(listed.clone(), Some(known(&listed)))]) else {
        unreachable!("a document");
    };
    read = again;
    read.blocks = remembered;
    assert!(plan(&claimed(|_| {}), PollInput::Document(read)).blocks.is_none());
}
