//! Claims feeds that are due, visits them, records what the visits mean.

use std::sync::Arc;
use std::time::Duration;

use ring::digest;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{Instrument, debug, error, info, info_span, warn};

use super::digest::{Digest, Visiting};
use super::health::Loop;
use super::snapshot::Snapshot;
use super::stranded::Stranded;
use super::{Context, chain};
use crate::domain::alert::{AlertContent, OperationsEvent};
use crate::domain::boilerplate::Memory;
use crate::domain::feed::{ClaimedFeed, GuidTrust, Validators};
use crate::domain::fetch::{FailureKind, FetchFailure, FetchOutcome, Fetched};
use crate::domain::poll::{
    FeedRules, PollInput, PollPlan, PollRules, PollSummary, ReadDocument, judge_guids, plan_poll,
};
use crate::domain::silence::Silences;
use crate::domain::topic::Span;
use crate::domain::{FeedId, SilenceId, Timestamp, WebhookId};
use crate::message::clean;
use crate::offload::{Defect, in_place, offload};
use crate::parse::{self, ParseContext, Repair};
use crate::ports::reads::SilencesInForce;
use crate::ports::{Claim, FetchRequest, Recorded, Room, StoreError};

/// Time for parsing, planning and recording, on top of the visit itself, before a claim lapses.
const LEASE_MARGIN: Duration = Duration::from_secs(90);

/// A clock that goes back by less is being adjusted, not set.
const SET_BACK: Duration = Duration::from_secs(10);

/// While polls are under way, between two looks whether all that was due is polled.
const LOOK_WHETHER_DONE: Duration = Duration::from_millis(100);

/// A feed whose poll ended in an error of ours waits this long.
const AFTER_OUR_ERROR: Duration = Duration::from_secs(60);

/// Documents, and new texts, of so many bytes at most are read where the answer arrives: that takes less than a
/// millisecond, and to wake other threads for them would take a third of it again.
const IN_PLACE: usize = 64 << 10;

/// How often a poll is planned anew because another poll stored the same article meanwhile, or because the database
/// could not be written: what was fetched is better tried again than fetched again. Where another process holds the
/// database each try waits for it; all of them together take less than the claim's margin.
const PLANS_PER_POLL: u32 = 5;

/// Polls until stop, or, with `until`, until no feed that was due by then is left.
///
/// Polls in flight at stop run to their end; the supervisor bounds how long that may take.
pub async fn run(context: Arc<Context>, until: Option<Timestamp>) {
    let mut polls: JoinSet<Option<Timestamp>> = JoinSet::new();
    let mut steady = Steady::new(&context);
    let digest = Arc::new(Digest::new());
    let mut waiting = Waiting { due: Some(context.clock.now()), more: false };
    let mut looked = Instant::now();
    loop {
        context.health.tick(Loop::Poller, context.clock.now());
        if steady.look(&context).await {
            waiting.due = Some(context.clock.now());
        }
        let snapshot = context.snapshot();
        let at_most = usize::try_from(snapshot.settings.fetch.concurrency).unwrap_or(usize::MAX);
        waiting = match claim(&context, &snapshot, (at_most, &digest), waiting, &mut polls).await {
            Ok(waiting) => waiting,
            // It does not come back: the supervisor stops the daemon, so that a restart can mend it.
            Err(StoreError::Closed) => break,
            Err(problem) => {
                error!(error = %chain(&problem), "claiming feeds that are due");
                Waiting { due: Some(context.clock.now().plus(Duration::from_secs(5))), more: false }
            }
        };
        // Feeds with short intervals are due again before the last one was polled: none of them is waited for.
        if let Some(until) = until
            && (polls.is_empty() || looked.elapsed() >= LOOK_WHETHER_DONE)
        {
            looked = Instant::now();
            let due = context.store.any_feed_due_by(until);
            if context.store.disk_is_full() || due.await.is_ok_and(|any| !any) {
                break;
            }
        }
        let full = digest.room(at_most) == 0;
        let due = &mut waiting.due;
        tokio::select! {
            // What is ready at the same time is taken in this order: a simulation can be repeated.
            biased;
            () = context.stop.cancelled() => break,
            () = context.feeds_changed.notified() => *due = Some(context.clock.now()),
            // Another of its host can be claimed by the transaction that records it.
            () = digest.visit_over(), if waiting.more => *due = Some(context.clock.now()),
            Some(ended) = polls.join_next(), if !polls.is_empty() => {
                *due = sooner(*due, next_due(ended, &context));
                while let Some(ended) = polls.try_join_next() {
                    *due = sooner(*due, next_due(ended, &context));
                }
            }
            // Whether it slept until then or as long as it may: it looks.
            () = tokio::time::sleep(context.nap(*due)), if !full => *due = Some(context.clock.now()),
        }
    }
    while let Some(ended) = polls.join_next().await {
        next_due(ended, &context);
    }
}

/// What is not polled yet, as far as the last claim and the polls that ended since tell.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// When a feed may be due.
    due: Option<Timestamp>,
    /// Whether some are due, at hosts that are at their limit.
    more: bool,
}

/// The earlier of two instants, where there are any.
fn sooner(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// Starts as many polls as there is room for, if any are due; answers what waits then.
async fn claim(
    context: &Arc<Context>,
    snapshot: &Arc<Snapshot>,
    (at_most, digest): (usize, &Arc<Digest>),
    waiting: Waiting,
    polls: &mut JoinSet<Option<Timestamp>>,
) -> Result<Waiting, StoreError> {
    if digest.room(at_most) == 0 {
        return Ok(waiting);
    }
    if context.store.disk_is_full() {
        context.room_wanted.notify_one();
        return Ok(Waiting { due: None, more: false });
    }
    let now = context.clock.now();
    if waiting.due.is_none_or(|due| due > now) {
        return Ok(waiting);
    }
    let lease = snapshot.settings.fetch.timeout + LEASE_MARGIN;
    let room = {
        let digest = Arc::clone(digest);
        Room::new(move || digest.room(at_most))
    };
    let claimed = context.store.claim_due_feeds(now, lease, room, snapshot.host_limits()).await?;
    for claim in claimed.feeds {
        let span = info_span!("poll", feed.id = %claim.work().id);
        let poll = poll(Arc::clone(context), Arc::clone(snapshot), digest.visit(), claim);
        polls.spawn(poll.instrument(span));
    }
    Ok(Waiting { due: claimed.next_due, more: claimed.more })
}

/// Notices when the clock is set back: what waits for an instant would wait for as much longer.
struct Steady {
    shown: Timestamp,
    at: Instant,
}

impl Steady {
    fn new(context: &Context) -> Self {
        Self { shown: context.clock.now(), at: Instant::now() }
    }

    /// Answers whether what waits waits for another instant now.
    async fn look(&mut self, context: &Context) -> bool {
        let now = Self::new(context);
        let by = self.shown.plus(now.at - self.at).since(now.shown);
        let set_back = by > SET_BACK;
        if set_back {
            warn!(
                "the clock was set back by {} s; what waits for an instant waits no longer for that",
                by.as_secs()
            );
            if let Err(problem) = context.store.clock_set_back(by, now.shown).await {
                // Noticed again at the next look.
                error!(error = %chain(&problem), "telling the database that the clock was set back");
                return false;
            }
            context.deliveries_written.notify_one();
        }
        *self = now;
        set_back
    }
}

/// When the next feed of its host may start, as a poll that ended says. One that cannot tell lets the store be asked.
fn next_due(ended: Result<Option<Timestamp>, JoinError>, context: &Context) -> Option<Timestamp> {
    ended.unwrap_or_else(|problem| {
        error!(error = %problem, "a poll ended by a defect in wirewatch; its feed is polled again when its claim lapses");
        Some(context.clock.now())
    })
}

/// Polls one feed; answers when the next one of its host may start.
async fn poll(
    context: Arc<Context>,
    snapshot: Arc<Snapshot>,
    visiting: Visiting,
    claim: Claim<ClaimedFeed>,
) -> Option<Timestamp> {
    let Some(rules) = snapshot.feed_rules(&claim.work().id) else {
        // It left the configuration between the claim and now; the store polls it no more.
        return Some(context.clock.now());
    };
    let began = Instant::now();
    let visit = Visit { context, snapshot, visiting, rules, claim };
    let outcome = visit.snapshot.fetch.fetch(visit.request()).await;
    match visit.settle(outcome).await {
        Ok(Some(report)) => {
            report.tell(&visit.context, &visit.claim.work().id, began.elapsed());
            return report.recorded.next_due;
        }
        Ok(None) => {}
        Err(StoreError::LeaseLost) => warn!("another worker took this poll over"),
        Err(problem) => {
            let context = Arc::clone(&visit.context);
            visit.give_back(&problem).await;
            return Some(context.clock.now());
        }
    }
    Some(visit.context.clock.now())
}

/// One visit to one feed.
struct Visit {
    context: Arc<Context>,
    snapshot: Arc<Snapshot>,
    visiting: Visiting,
    rules: FeedRules,
    claim: Claim<ClaimedFeed>,
}

impl Visit {
    fn request(&self) -> FetchRequest {
        let feed = self.claim.work();
        let settings = self.snapshot.settings.feeds.get(&feed.id);
        FetchRequest {
            url: feed.state.moved_to.clone().unwrap_or_else(|| feed.url.clone()),
            validators: feed.state.validators.clone(),
            headers: settings.map(|feed| feed.headers.clone()).unwrap_or_default(),
            auth: settings.and_then(|feed| feed.auth.clone()),
        }
    }

    /// Records what a visit brought; `None` where the feed was given back unvisited.
    async fn settle(&self, outcome: FetchOutcome) -> Result<Option<PollReport>, StoreError> {
        if !matches!(outcome, FetchOutcome::Fetched(_)) {
            self.visiting.digest().none_arrived();
        }
        let input = match outcome {
            FetchOutcome::Fetched(fetched) => {
                return self.settle_document(Arc::from(fetched)).await.map(Some);
            }
            FetchOutcome::Crowded { after } => {
                // Where the feed leads others of ours are, or nobody may come now.
                let due = self.context.clock.now().plus(after);
                debug!(due_at = %due, "the host that the feed leads to is busy; the poll is put off");
                self.context.store.release_feed(&self.claim, due).await?;
                return Ok(None);
            }
            FetchOutcome::Unchanged(meta) => PollInput::Unchanged { meta, whole: false, permanent_url: None },
            FetchOutcome::Throttled { status, retry_after } => PollInput::Throttled { status, retry_after },
            FetchOutcome::Gone => PollInput::Gone,
            FetchOutcome::Failed(failure) => PollInput::Failed(failure),
        };
        self.record_simply(input).await.map(Some)
    }

    /// Reads, plans and records a document; does so anew when another poll stored one of its articles meanwhile.
    async fn settle_document(&self, fetched: Arc<Fetched>) -> Result<PollReport, StoreError> {
        let hash = body_hash(&fetched.body);
        if self.claim.work().state.body_hash == Some(hash) {
            let (meta, permanent_url) = (fetched.meta.clone(), fetched.permanent_url.clone());
            return self.record_simply(PollInput::Unchanged { meta, whole: true, permanent_url }).await;
        }
        let arrived = self.visiting.digest().arrived();
        for plans in 1.. {
            let turn = arrived.turn().await;
            let (document, repairs) = match self.read(Arc::clone(&fetched), hash).await {
                Ok(read) => read,
                Err(failure) => return self.record_simply(PollInput::Failed(failure)).await,
            };
            drop(turn);
            match self.record_document(document).await {
                Err(StoreError::Conflict | StoreError::Failed(_)) if plans < PLANS_PER_POLL => {}
                settled => {
                    self.count(&repairs);
                    return settled;
                }
            }
        }
        Err(StoreError::Conflict)
    }

    fn count(&self, repairs: &[Repair]) {
        for repair in repairs {
            self.context.tally.repairs[*repair as usize].add(1);
            self.context.metrics.repaired(*repair);
        }
    }

    /// Parses, large documents off the async threads.
    async fn read(
        &self,
        fetched: Arc<Fetched>,
        body_hash: i64,
    ) -> Result<(ReadDocument, Vec<Repair>), FetchFailure> {
        let feed = self.claim.work().id.clone();
        let trust = self.claim.work().state.guid_trust;
        let bytes = fetched.body.len();
        let parsed = compute(bytes, move || parse_document(&feed, trust, &fetched, body_hash)).await;
        parsed.unwrap_or_else(|problem| {
            error!(error = %problem, "parsing ended by a defect in wirewatch");
            let message =
                "wirewatch could not read this document because of a defect of its own; the log has it";
            Err(failure(FailureKind::Internal, message))
        })
    }

    /// Asks the store which entries it knows, decides and records what was decided.
    async fn record_document(&self, mut document: ReadDocument) -> Result<PollReport, StoreError> {
        let mut silences = self.look_up(&mut document).await?;
        let trust = judge_guids(&document, self.context.clock.now());
        if trust != document.guid_trust {
            document.guid_trust = trust;
            document.identities = parse::identify(&self.claim.work().id, trust, &document.entries);
            silences = self.look_up(&mut document).await?;
        }
        let silences = self.snapshot.silences(silences);
        let now = self.context.clock.now();
        let jitter = self.context.dice.throw();
        let (snapshot, rules) = (Arc::clone(&self.snapshot), self.rules.clone());
        let feed = self.claim.work().clone();
        let metrics = self.context.metrics.clone();
        let unread = document.unread();
        let plan = move || {
            let rules = snapshot.poll_rules(&rules, &silences);
            let timed = metrics.timing(rules.matcher);
            let input = PollInput::Document(Box::new(document));
            plan_poll(&feed, input, &PollRules { matcher: &timed, ..rules }, now, jitter)
        };
        let plan = compute(unread, plan).await;
        let plan = plan
            .map_err(|problem| StoreError::Failed(anyhow::Error::new(problem).context("planning a poll")))?;
        self.record(plan, now).await
    }

    /// Fills in what the store knows of a document's entries; answers which silences are in force.
    async fn look_up(&self, document: &mut ReadDocument) -> Result<SilencesInForce, StoreError> {
        let identities = std::mem::take(&mut document.identities);
        let now = self.context.clock.now();
        let known = self.context.store.known(&self.claim.work().id, identities, now).await?;
        (document.identities, document.known, document.blocks) =
            (known.identities, known.articles, known.blocks);
        Ok(known.silences)
    }

    /// Decides about a visit that brought no document, and records that.
    async fn record_simply(&self, input: PollInput) -> Result<PollReport, StoreError> {
        let (now, jitter) = (self.context.clock.now(), self.context.dice.throw());
        let none = Silences::default();
        let rules = self.snapshot.poll_rules(&self.rules, &none);
        let plan = plan_poll(self.claim.work(), input, &rules, now, jitter);
        for _ in 1..PLANS_PER_POLL {
            match self.record(plan.clone(), now).await {
                Err(StoreError::Failed(_)) => {}
                settled => return settled,
            }
        }
        self.record(plan, now).await
    }

    async fn record(&self, plan: PollPlan, now: Timestamp) -> Result<PollReport, StoreError> {
        let mut report = PollReport::of(&plan);
        let alerting = !report.alerts.is_empty();
        let recording = self.context.store.record_poll(&self.claim, plan, now);
        // Its deliveries can be claimed by the transaction that writes them, and so can the feeds that take its place.
        let hint = async {
            self.visiting.over();
            if alerting {
                self.context.deliveries_written.notify_one();
            }
        };
        let (recorded, ()) = tokio::join!(biased; recording, hint);
        report.recorded = recorded?;
        Ok(report)
    }

    async fn give_back(self, problem: &StoreError) {
        error!(error = %chain(problem), "recording a poll; nothing of it is lost, the feed is polled again");
        let due = self.context.clock.now().plus(AFTER_OUR_ERROR);
        let given_back = self.context.store.release_feed(&self.claim, due).await;
        if let Err(StoreError::DiskFull(_) | StoreError::Failed(_)) = given_back {
            self.context.strand(Stranded::Feed(Box::new(self.claim)));
        } else if let Err(problem) = given_back {
            warn!(error = %chain(&problem), "giving the feed back; it is polled again when its claim lapses");
        }
    }
}

/// Runs work on so many bytes: in place where they are few, else off the async threads.
async fn compute<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Defect> {
    if bytes <= IN_PLACE { in_place(work) } else { offload(work).await }
}

fn parse_document(
    feed: &FeedId,
    trust: GuidTrust,
    fetched: &Fetched,
    body_hash: i64,
) -> Result<(ReadDocument, Vec<Repair>), FetchFailure> {
    let context =
        ParseContext { content_type: fetched.content_type.as_deref(), base_url: Some(&fetched.final_url) };
    let mut parsed = parse::parse(&fetched.body, &context)
        .map_err(|problem| failure(FailureKind::NotAFeed, &problem.to_string()))?;
    // An entry that says nothing can neither be told nor be known again.
    parsed.entries.retain(|entry| !entry.is_empty());
    if !parsed.repairs.is_empty() {
        debug!(repairs = ?parsed.repairs, "the document needed repairs");
    }
    let identities = parse::identify(feed, trust, &parsed.entries);
    let mut meta = fetched.meta.clone();
    // What broke off must come again: with its validators kept, the rest would be answered by 304 for ever.
    let whole = !parsed.repairs.contains(&Repair::Truncated);
    if !whole {
        meta.validators = Validators::default();
    }
    let lost: Vec<&str> = parsed.repairs.iter().filter(|r| r.loses()).map(|r| r.sentence()).collect();
    let document = ReadDocument {
        meta,
        permanent_url: fetched.permanent_url.clone(),
        body_hash: whole.then_some(body_hash),
        title: parsed.title,
        lang: parsed.lang,
        hints: parsed.hints,
        flaw: (!lost.is_empty()).then(|| lost.join("; ")),
        known: Vec::new(),
        blocks: Memory::default(),
        entries: parsed.entries,
        guid_trust: trust,
        identities,
    };
    Ok((document, parsed.repairs))
}

fn failure(kind: FailureKind, message: &str) -> FetchFailure {
    FetchFailure { kind, status: None, retry_after: None, message: message.to_owned() }
}

/// Recognises a body that was seen before: 64 bits of SHA-256.
fn body_hash(body: &[u8]) -> i64 {
    let mut head = [0; 8];
    head.copy_from_slice(&digest::digest(&digest::SHA256, body).as_ref()[..8]);
    i64::from_be_bytes(head)
}

/// What is told of a poll after it was recorded.
struct PollReport {
    summary: PollSummary,
    due_at: Timestamp,
    due_reason: String,
    events: Vec<OperationsEvent>,
    alerts: Vec<(AlertContent, Option<SilenceId>)>,
    /// Messages that could not be made, by webhook.
    not_made: Vec<(WebhookId, String)>,
    recorded: Recorded,
}

impl PollReport {
    fn of(plan: &PollPlan) -> Self {
        let alerts = plan.articles.iter().flat_map(|article| &article.alerts);
        let deliveries = alerts.clone().flat_map(|alert| &alert.deliveries);
        let not_made = deliveries.filter_map(|delivery| {
            let problem = delivery.content.as_ref().err()?;
            Some((delivery.webhook.clone(), problem.clone()))
        });
        Self {
            summary: plan.summary.clone(),
            due_at: plan.feed.due_at,
            due_reason: plan.feed.due_reason.clone(),
            events: plan.events.clone(),
            not_made: not_made.collect(),
            alerts: alerts.map(|alert| (alert.content.clone(), alert.silence)).collect(),
            recorded: Recorded::default(),
        }
    }

    /// Logs, counts, and wakes the dispatcher.
    fn tell(&self, context: &Context, feed: &FeedId, took: Duration) {
        let PollSummary { outcome, entries, new, revised, .. } = self.summary;
        let next = self.due_at;
        context.metrics.polled(outcome, took, new as u64, revised as u64);
        if let Some(problem) = &self.summary.error {
            context.tally.polls_failed.add(1);
            warn!(outcome, next_poll_at = %next, reason = self.due_reason, "polled {feed}: {problem}");
        } else {
            context.tally.polls_good.add(1);
            context.tally.articles.add(new as u64);
            if new + revised > 0 {
                context.articles_stored.notify_one();
            }
            if outcome == "changed" {
                info!(entries, new, revised, next_poll_at = %next, "polled {feed}: {new} new of {entries}");
            } else {
                debug!(next_poll_at = %next, "polled {feed}: unchanged");
            }
        }
        context.tally.alerts.add(self.recorded.alerts.len() as u64);
        // Of what was planned, another poll may have raised some already.
        let raised = self.alerts.iter().filter(|(alert, _)| self.recorded.alerts.contains(&alert.alert.id));
        for (alert, silence) in raised {
            context.metrics.alerted(&alert.topic.id);
            tell_alert(alert, *silence);
        }
        for (webhook, problem) in &self.not_made {
            error!(webhook.id = %webhook, "webhook {webhook}: the message could not be made: {problem}");
        }
        for event in &self.events {
            warn!(event = event.kind, "feed {}: {}", event.subject, event.message);
        }
        if self.recorded.deliveries > 0 || !self.events.is_empty() {
            context.deliveries_written.notify_one();
        }
    }
}

/// Logs an alert: with no webhook this is where a person sees it.
fn tell_alert(alert: &AlertContent, silence: Option<SilenceId>) {
    // A terminal obeys controls as a browser obeys mark-up.
    let title = alert.article.title.as_deref().and_then(clean::visible_line);
    let title = title.as_deref().unwrap_or(clean::UNTITLED);
    let muted = silence.map(|id| format!(" (silenced by {id})")).unwrap_or_default();
    info!(
        alert.id = %alert.alert.id,
        topic.id = %alert.topic.id,
        severity = %alert.alert.severity,
        terms = terms(&alert.found.spans),
        link = alert.article.link.as_deref(),
        "alert: {}: {title}{muted}", alert.topic.title
    );
}

/// The matched words, each once, in reading order.
fn terms(spans: &[Span]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for span in spans {
        if !words.contains(&span.text.as_str()) {
            words.push(&span.text);
        }
    }
    words.join(", ")
}
