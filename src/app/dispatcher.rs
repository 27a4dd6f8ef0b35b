//! Claims deliveries that are due, sends them, records what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::{Instrument, error, info, info_span, warn};

use super::envelope::{self, Letter};
use super::health::Loop;
use super::metrics::AttemptOutcome;
use super::snapshot::Snapshot;
use super::{Context, chain, release};
use crate::config::settings::WebhookSettings;
use crate::domain::breaker::{self, News};
use crate::domain::delivery::{ClaimedDelivery, PostOutcome, Rate, Settlement};
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
    let mut attempts: JoinSet<WebhookId> = JoinSet::new();
    let mut in_flight = InFlight::default();
    loop {
        context.health.tick(Loop::Dispatcher, context.clock.now());
        let snapshot = context.snapshot();
        let due = match claim(&context, &snapshot, &mut in_flight, &mut attempts).await {
            Ok(due) => due,
            // It does not come back: the supervisor stops the daemon, so that a restart can mend it.
            Err(StoreError::Closed) => break,
            Err(problem) => {
                error!(error = %chain(&problem), "claiming deliveries that are due");
                Some(context.clock.now().plus(AFTER_STORE_ERROR))
            }
        };
        // What only waits for its turn under a rate is still to be sent.
        let soon = context.clock.now().plus(snapshot.longest_spacing());
        let idle = attempts.is_empty() && due.is_none_or(|due| due > soon);
        if until_idle && idle {
            return;
        }
        tokio::select! {
            // What is ready at the same time is taken in this order: a simulation can be repeated.
            biased;
            () = context.stop.cancelled() => break,
            () = context.deliveries_written.notified() => {}
            Some(ended) = attempts.join_next_with_id(), if !attempts.is_empty() => {
                in_flight.ended(ended);
                // Those recorded in one commit end together: one turn of the loop is enough for all of them.
                while let Some(ended) = attempts.try_join_next_with_id() {
                    in_flight.ended(ended);
                }
            }
            () = tokio::time::sleep(context.nap(due).min(LOOK_AGAIN)) => {}
        }
    }
    while let Some(ended) = attempts.join_next_with_id().await {
        in_flight.ended(ended);
    }
}

/// How many attempts each webhook has under way.
#[derive(Debug, Default)]
struct InFlight {
    tasks: BTreeMap<tokio::task::Id, WebhookId>,
}

impl InFlight {
    fn count(&self, webhook: &WebhookId) -> usize {
        self.tasks.values().filter(|other| *other == webhook).count()
    }

    fn ended(&mut self, ended: Result<(tokio::task::Id, WebhookId), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, _)) => id,
            Err(problem) => {
                error!(error = %problem, "an attempt ended by a defect in wirewatch; it is sent again when its claim lapses");
                problem.id()
            }
        };
        self.tasks.remove(&id);
    }
}

/// What each webhook that has room may be given.
fn permits(snapshot: &Snapshot, in_flight: &InFlight) -> Vec<Permit> {
    let permit = |(id, webhook): (&WebhookId, &WebhookSettings)| {
        let most = usize::try_from(webhook.max_in_flight).unwrap_or(usize::MAX);
        let spacing = webhook.rate.map(Rate::spacing).unwrap_or_default();
        Permit { webhook: id.clone(), room: most.saturating_sub(in_flight.count(id)), spacing }
    };
    snapshot.settings.webhooks.iter().map(permit).filter(|permit| permit.room > 0).collect()
}

/// When something is due to a webhook that has room. One that has none waits for an attempt to end, and
/// must not keep the others from their turn.
async fn due(context: &Context, permits: &[Permit]) -> Result<Due, StoreError> {
    context.store.delivery_due(permits.iter().map(|permit| permit.webhook.clone()).collect()).await
}

/// Starts as many attempts as there are permits for; answers when the next delivery is due.
async fn claim(
    context: &Arc<Context>,
    snapshot: &Arc<Snapshot>,
    in_flight: &mut InFlight,
    attempts: &mut JoinSet<WebhookId>,
) -> Result<Option<Timestamp>, StoreError> {
    if context.store.disk_is_full() {
        // Without a receipt each message would be sent again and again.
        context.room_wanted.notify_one();
        return Ok(None);
    }
    tell_operations(context, snapshot).await?;
    let now = context.clock.now();
    let permits = permits(snapshot, in_flight);
    let mut next = due(context, &permits).await?;
    let mut release_again = None;
    if next.release.is_some_and(|at| at <= now) {
        release_again = release(context, snapshot, now).await?;
        next = due(context, &permits).await?;
    }
    let first = |due: Due| Due { release: release_again.or(due.release), ..due }.first();
    if next.attempt.is_none_or(|next| next > now) {
        return Ok(first(next));
    }
    let webhooks = &snapshot.settings.webhooks;
    let slowest = webhooks.values().map(|webhook| webhook.timeout).max().unwrap_or_default();
    for claim in context.store.claim_due_deliveries(now, slowest + LEASE_MARGIN, permits).await? {
        let webhook = claim.work().webhook.clone();
        let span = info_span!("delivery", delivery.id = %claim.work().id, webhook.id = %webhook);
        let attempt = attempt(Arc::clone(context), Arc::clone(snapshot), claim).instrument(span);
        let task = attempts.spawn(attempt);
        in_flight.tasks.insert(task.id(), webhook);
    }
    Ok(first(due(context, &self::permits(snapshot, in_flight)).await?))
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

async fn attempt(context: Arc<Context>, snapshot: Arc<Snapshot>, claim: Claim<ClaimedDelivery>) -> WebhookId {
    let delivery = claim.work();
    let id = delivery.webhook.clone();
    let webhook = snapshot.settings.webhooks.get(&id).zip(snapshot.destination(&id));
    let Some((webhook, destination)) = webhook else {
        // Claims are given out for configured webhooks only; this one's claim lapses.
        return id;
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
    let mut recorded = context.store.record_attempt(&claim, record.clone(), now).await;
    if matches!(recorded, Err(StoreError::DiskFull(_))) {
        // Space was set aside for this: what was sent is to be known.
        recorded = context.store.record_attempt(&claim, record, now).await;
    }
    match recorded {
        Ok(news) => tell_news(&id, news),
        Err(StoreError::LeaseLost) => warn!("another worker took this delivery over"),
        Err(problem) => {
            error!(error = %chain(&problem), "recording an attempt; the message is sent again under the same webhook-id");
        }
    }
    id
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
                    "webhook {} is disabled: it answered 410 Gone; `wirewatch webhooks enable {0}` brings it back",
                    delivery.webhook
                );
            }
        }
    }
}
