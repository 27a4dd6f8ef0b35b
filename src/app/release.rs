//! Makes messages of what was held, when its time has come.

use std::sync::Arc;

use tracing::{error, info, warn};

use super::Context;
use super::snapshot::Snapshot;
use crate::domain::alert::AlertContent;
use crate::domain::hold::Hold;
use crate::domain::{DeliveryId, MessageId, Timestamp, WebhookId};
use crate::message::{self, Content};
use crate::offload::offload;
use crate::ports::StoreError;
use crate::ports::outbox::{HeldBatch, ReleasedMessage};

/// Binds everything that was held until `now` to messages, in one transaction for each webhook and lane.
pub(super) async fn release(
    context: &Context,
    snapshot: &Arc<Snapshot>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let webhooks: Vec<WebhookId> = snapshot.settings.webhooks.keys().cloned().collect();
    for batch in context.store.due_holds(webhooks, now).await? {
        let (webhook, hold, count) = (batch.webhook.clone(), batch.hold, batch.alerts.len());
        let bundling = Arc::clone(snapshot);
        let messages = offload(move || bundle(&bundling, batch, now)).await;
        let messages = messages.map_err(|problem| {
            StoreError::Failed(anyhow::Error::new(problem).context("making messages of what was held"))
        })?;
        let problems: Vec<String> =
            messages.iter().filter_map(|message| message.content.as_ref().err().cloned()).collect();
        let made = messages.len() - problems.len();
        match context.store.release_holds(messages, now).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => {
                warn!("webhook {webhook}: what is held was changed by hand; it is looked at anew");
                continue;
            }
            Err(problem) => return Err(problem),
        }
        info!(webhook.id = %webhook, hold = %hold, "releasing {count} held alerts to {webhook} in {made} messages");
        for problem in problems {
            error!(webhook.id = %webhook, "webhook {webhook}: the message could not be made: {problem}");
        }
    }
    Ok(())
}

/// The messages that carry a batch: as few as its format allows for.
fn bundle(snapshot: &Snapshot, batch: HeldBatch, now: Timestamp) -> Vec<ReleasedMessage> {
    let HeldBatch { webhook, hold, topic, alerts } = batch;
    let (ids, alerts): (Vec<DeliveryId>, Vec<AlertContent>) = alerts.into_iter().unzip();
    let format = snapshot.settings.webhooks.get(&webhook).map(|settings| settings.format).unwrap_or_default();
    let bundler = Bundler { snapshot, webhook, hold, now };
    let mut messages = Vec::new();
    let mut from = 0;
    for count in message::parcels(format, &alerts) {
        let (ids, alerts) = (&ids[from..from + count], &alerts[from..from + count]);
        from += count;
        let mut made = bundler.message(ids, alerts);
        if made.content.is_err() && count > 1 {
            // One that cannot be told must not take the others along.
            let alone = ids.chunks(1).zip(alerts.chunks(1));
            messages.extend(
                alone.map(|(id, alert)| ReleasedMessage {
                    topic: topic.clone(),
                    ..bundler.message(id, alert)
                }),
            );
            continue;
        }
        made.topic.clone_from(&topic);
        messages.push(made);
    }
    messages
}

struct Bundler<'a> {
    snapshot: &'a Snapshot,
    webhook: WebhookId,
    hold: Hold,
    now: Timestamp,
}

impl Bundler<'_> {
    /// One message; its id follows from the deliveries it carries, so that the same alerts make the same message.
    fn message(&self, deliveries: &[DeliveryId], alerts: &[AlertContent]) -> ReleasedMessage {
        let id = MessageId::derive(deliveries);
        let content = match alerts {
            [alert] => Content::Alert(alert),
            alerts => Content::Group { alerts, at: self.now, reason: self.hold.as_str() },
        };
        ReleasedMessage {
            id,
            webhook: self.webhook.clone(),
            topic: None,
            deliveries: deliveries.to_vec(),
            content: self.snapshot.render(&self.webhook, id, &content),
        }
    }
}
