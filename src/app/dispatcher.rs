//! Claims deliveries that are due, sends them, records what became of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, error, info, info_span, warn};

use super::envelope::{self, Letter};
use super::health::Loop;
use super::metrics::AttemptOutcome;
use super::rooms::{Rooms, Slot};
use super::snapshot::Snapshot;
use super::stranded::Stranded;
use super::{Context, chain, release};
use crate::domain::breaker::{self, News};
use crate::domain::delivery::{ClaimedDelivery, PostOutcome, Settlement};
use crate::domain::settle::{self, Verdict, settle};
use crate::domain::{Timestamp, WebhookId};
use crate::message;
use crate::ports::outbox::{AttemptRecord, Due, Permit, StoredEvent};
use crate::ports::{Claim, StoreError};

/// Time for recording, on top of the exchange itself, before a claim lapses and the message is sent again.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How long the loop waits after the store failed.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(5);

/// How long the loop sleeps at most: a person's change, made beside the daemon, is seen by then.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Sends until stop, or, with `until_idle`, until nothing is due.
///
/// Attempts in flight at stop run to their end; the supervisor bounds how long that may take.
pub async fn run(context: Arc<Context>, until_idle: bool) {
    let mut desk = Desk::new(&context);
    let mut wake = Wake::Look;
    loop {
        context.health.tick(Loop::Dispatcher, context.clock.now());
        let snapshot = context.snapshot();
        match desk.turn(&snapshot, wake).await {
            Ok(Wake::Rest) => {}
            Ok(again) => {
                wake = again;
                continue;
            }
            // It does not come back: the supervisor stops the daemon, so that a restart can mend it.
            Err(StoreError::Closed) => break,
            Err(problem) => {
                error!(error = %chain(&problem), "claiming deliveries that are due");
                desk.due = Some(context.clock.now().plus(AFTER_STORE_ERROR));
            }
        }
        // What only waits for its turn under a rate is still to be sent.
        let soon = context.clock.now().plus(snapshot.longest_spacing());
        if until_idle && desk.attempts.is_empty() && desk.due.is_none_or(|due| due > soon) {
            return;
        }
        wake = tokio::select! {
            // What is ready at the same time is taken in this order: a simulation can be repeated.
            biased;
            () = context.stop.cancelled() => break,
            () = context.deliveries_written.notified() => Wake::Claim,
            Some(ended) = desk.attempts.join_next(), if !desk.attempts.is_empty() => desk.ended(ended, &snapshot),
            () = tokio::time::sleep(context.nap(desk.due).min(LOOK_AGAIN)) => Wake::Look,
        };
    }
    while let Some(ended) = desk.attempts.join_next().await {
        note_panic(&ended);
    }
}

/// What a turn of the loop is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// Something may be due: see first whether anything is.
    Look,
    /// Something was written, or there is room for what waits: take it.
    Claim,
    /// Nothing has changed.
    Rest,
}

/// What became of an attempt, for the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It was delivered, and nothing follows.
    Quiet,
    /// Something else may be due at another time now.
    Changed,
}

/// What the loop knows.
struct Desk {
    context: Arc<Context>,
    attempts: JoinSet<After>,
    rooms: Rooms,
    /// When there is something to do next.
    due: Option<Timestamp>,
}

impl Desk {
    fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            attempts: JoinSet::new(),
            rooms: Rooms::new(Arc::clone(&context.deliveries_written)),
            due: None,
        }
    }

    /// Starts as many attempts as there is room for; answers whether there is something to do at once.
    async fn turn(&mut self, snapshot: &Arc<Snapshot>, wake: Wake) -> Result<Wake, StoreError> {
        if wake == Wake::Rest {
            return Ok(Wake::Rest);
        }
        let context = Arc::clone(&self.context);
        if context.store.disk_is_full() {
            // Without a receipt each message would be sent again and again.
            context.room_wanted.notify_one();
            self.due = None;
            return Ok(Wake::Rest);
        }
        let now = context.clock.now();
        let permits = self.rooms.permits(&snapshot.settings);
        if wake == Wake::Look && !self.look(snapshot, &permits, now).await? {
            return Ok(Wake::Rest);
        }
        self.claim(snapshot, permits, now).await
    }

    /// Tells and releases what is to be told and released; answers whether an attempt is due.
    async fn look(
        &mut self,
        snapshot: &Arc<Snapshot>,
        permits: &[Permit],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let context = &*self.context;
        tell_operations(context, snapshot).await?;
        let mut next = due(context, permits).await?;
        let mut release_again = None;
        if next.release.is_some_and(|at| at <= now) {
            release_again = release(context, snapshot, now).await?;
            next = due(context, permits).await?;
        }
        self.due = Due { release: release_again.or(next.release), ..next }.first();
        Ok(next.attempt.is_some_and(|next| next <= now))
    }

    async fn claim(
        &mut self,
        snapshot: &Arc<Snapshot>,
        permits: Vec<Permit>,
        now: Timestamp,
    ) -> Result<Wake, StoreError> {
        if permits.is_empty() {
            // Where something waits, the end of an attempt is what it waits for.
            self.due = None;
            return Ok(Wake::Rest);
        }
        let context = Arc::clone(&self.context);
        let slowest = snapshot.settings.webhooks.values().map(|webhook| webhook.timeout).max();
        let lease = slowest.unwrap_or_default() + LEASE_MARGIN;
        let claimed = context.store.claim_due_deliveries(now, lease, permits.clone()).await?;
        self.rooms.note(&permits, &claimed.full);
        for claim in claimed.claims {
            let webhook = &claim.work().webhook;
            let span = info_span!("delivery", delivery.id = %claim.work().id, webhook.id = %webhook);
            let slot = self.rooms.take(webhook);
            let attempt = attempt(Arc::clone(&context), Arc::clone(snapshot), claim, slot);
            self.attempts.spawn(attempt.instrument(span));
        }
        let next = claimed.next;
        self.due = next.first();
        if claimed.untold || next.release.is_some_and(|at| at <= now) {
            return Ok(Wake::Look);
        }
        // Attempts may have ended while this was waited for.
        Ok(if self.rooms.more(&snapshot.settings) { Wake::Claim } else { Wake::Rest })
    }

    /// Those recorded in one commit end together: one turn of the loop is enough for all of them.
    fn ended(&mut self, first: Result<After, JoinError>, snapshot: &Snapshot) -> Wake {
        let mut changed = false;
        let mut next = Some(first);
        while let Some(ended) = next {
            note_panic(&ended);
            changed |= !matches!(ended, Ok(After::Quiet));
            next = self.attempts.try_join_next();
        }
        match changed {
            true => Wake::Look,
            false if self.rooms.more(&snapshot.settings) => Wake::Claim,
            false => Wake::Rest,
        }
    }
}

fn note_panic(ended: &Result<After, JoinError>) {
    if let Err(problem) = ended {
        error!(error = %problem, "an attempt ended by a defect in wirewatch; it is sent again when its claim lapses");
    }
}

/// When something is due to a webhook that has room. One that has none waits for an attempt to end, and
/// must not keep the others from their turn.
async fn due(context: &Context, permits: &[Permit]) -> Result<Due, StoreError> {
    context.store.delivery_due(permits.iter().map(|permit| permit.webhook.clone()).collect()).await
}

/// Makes messages of what was held until now; where that fails it must not keep others from their turn, and is
/// tried again at the instant answered.
async fn release(
    context: &Context,
    snapshot: &Arc<Snapshot>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    match release::release(context, snapshot, now).await {
        Ok(()) => Ok(None),
        Err(StoreError::Closed) => Err(StoreError::Closed),
        Err(problem) => {
            error!(error = %chain(&problem), "making messages of what was held");
            Ok(Some(now.plus(AFTER_STORE_ERROR)))
        }
    }
}

/// Writes deliveries of what happened to feeds and webhooks, for those who are to be told.
async fn tell_operations(context: &Context, snapshot: &Snapshot) -> Result<(), StoreError> {
    for StoredEvent { row, event } in context.store.untold_events().await? {
        let deliveries = snapshot.operations_deliveries(&event, row.0);
        context.store.tell_event(row, deliveries, context.clock.now()).await?;
    }
    Ok(())
}

async fn attempt(
    context: Arc<Context>,
    snapshot: Arc<Snapshot>,
    claim: Claim<ClaimedDelivery>,
    slot: Slot,
) -> After {
    let delivery = claim.work();
    let id = delivery.webhook.clone();
    let webhook = snapshot.settings.webhooks.get(&id).zip(snapshot.destination(&id));
    let Some((webhook, destination)) = webhook else {
        // Claims are given out for configured webhooks only; this one's claim lapses.
        return After::Changed;
    };
    let letter = Letter { id: delivery.message, body: &delivery.body, content_type: &delivery.content_type };
    let request = envelope::request(&snapshot.settings, webhook, destination, &letter, context.clock.now());
    let outcome = destination.redact_outcome(snapshot.post.post(request).await);
    let verdict = match &outcome {
        PostOutcome::Answered { status, excerpt, .. } => message::judge(destination.format, *status, excerpt),
        PostOutcome::Failed { message, .. } => Verdict::Failed { why: message.clone() },
    };
    let took = match &outcome {
        PostOutcome::Answered { took, .. } | PostOutcome::Failed { took, .. } => *took,
    };
    let now = context.clock.now();
    let policy = snapshot.retry_policy(webhook);
    let jitter = context.dice.throw();
    let settlement = settle(delivery, &outcome, &verdict, &policy, now, jitter);
    let record = AttemptRecord {
        sign: breaker::sign(&verdict),
        pause: settle::pause(&outcome, &verdict, &policy, now),
        // A probe is made for all that wait: it is not this delivery's turn that it used.
        spent: !delivery.probe || matches!(verdict, Verdict::Refused { .. }),
        outcome,
        why: verdict.why().map(str::to_owned),
        settlement: settlement.clone(),
        breaker: snapshot.settings.delivery.breaker,
        jitter,
    };
    context.metrics.attempted(&id, outcome_of(&settlement), took);
    tell(&context, delivery, verdict.why().unwrap_or_default(), &settlement);
    match record_attempt(&context, &claim, &record, now, slot).await {
        Ok(None) if settlement == Settlement::Delivered => return After::Quiet,
        Ok(news) => tell_news(&id, news),
        Err(StoreError::LeaseLost) => warn!("another worker took this delivery over"),
        Err(problem @ (StoreError::DiskFull(_) | StoreError::Failed(_))) => {
            warn!(error = %chain(&problem), "recording an attempt; it is recorded as soon as the database can be written");
            context.strand(Stranded::Attempt(Box::new(claim), Box::new(record)));
        }
        Err(problem) => {
            error!(error = %chain(&problem), "recording an attempt; the message is sent again under the same webhook-id");
        }
    }
    After::Changed
}

/// Records what an attempt came to, and makes room for the next.
async fn record_attempt(
    context: &Context,
    claim: &Claim<ClaimedDelivery>,
    record: &AttemptRecord,
    now: Timestamp,
    slot: Slot,
) -> Result<Option<News>, StoreError> {
    // The request is over, and after one that was accepted nothing is known that would keep others: the next may
    // be claimed by the transaction that has the receipt. What a failure means for others is to be recorded first.
    let (freed, _kept) = match record.settlement {
        Settlement::Delivered => (Some(slot), None),
        Settlement::RetryAt { .. } | Settlement::Dead { .. } => (None, Some(slot)),
    };
    let recording = context.store.record_attempt(claim, record.clone(), now);
    let (recorded, ()) = tokio::join!(biased; recording, async { drop(freed) });
    if matches!(recorded, Err(StoreError::DiskFull(_))) {
        // Space was set aside for this: what was sent is to be known.
        return context.store.record_attempt(claim, record.clone(), now).await;
    }
    recorded
}

const fn outcome_of(settlement: &Settlement) -> AttemptOutcome {
    match settlement {
        Settlement::Delivered => AttemptOutcome::Delivered,
        Settlement::RetryAt { .. } => AttemptOutcome::Failed,
        Settlement::Dead { .. } => AttemptOutcome::Dead,
    }
}

fn tell_news(webhook: &WebhookId, news: Option<News>) {
    match news {
        None => {}
        Some(News::Failing) => {
            error!(
                "webhook {webhook} is failing: what comes for it is held, and one delivery at a time tries whether it is back"
            );
        }
        Some(News::Recovered) => {
            info!("webhook {webhook} accepts messages again: what was held for it is sent");
        }
        Some(News::Disabled) => error!(
            "webhook {webhook} is disabled: every attempt failed for too long; `wirewatch webhooks enable {webhook}` brings it back"
        ),
    }
}

fn tell(context: &Context, delivery: &ClaimedDelivery, problem: &str, settlement: &Settlement) {
    let attempt = delivery.attempt;
    match settlement {
        Settlement::Delivered => {
            context.tally.attempts_good.add(1);
            info!(attempt, message.id = %delivery.message, "delivered to {}", delivery.webhook);
        }
        Settlement::RetryAt { at, .. } => {
            context.tally.attempts_failed.add(1);
            warn!(attempt, retry_at = %at, "webhook {}: {problem}", delivery.webhook);
        }
        Settlement::Dead { reason, disable_webhook } => {
            context.tally.attempts_failed.add(1);
            error!(
                attempt,
                reason,
                "webhook {}: {problem}; given up, `wirewatch deliveries retry {}` sends it again",
                delivery.webhook,
                delivery.id
            );
            if *disable_webhook {
                error!(
                    "webhook {} is disabled: its receiver is gone; `wirewatch webhooks enable {0}` brings it back",
                    delivery.webhook
                );
            }
        }
    }
}
