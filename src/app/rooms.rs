//! How many requests each webhook has under way, and what it may be given on top.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::config::Settings;
use crate::config::settings::WebhookSettings;
use crate::domain::WebhookId;
use crate::domain::delivery::Rate;
use crate::ports::outbox::Permit;

/// The requests under way, shared with those who make them.
#[derive(Clone, Debug)]
pub(super) struct Rooms {
    busy: Arc<Mutex<BTreeMap<WebhookId, Room>>>,
    hint: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Room {
    under_way: usize,
    /// It was given as much as it had room for: more may wait.
    full: bool,
}

/// A request under way; forgetting it makes room for another.
#[derive(Debug)]
pub(super) struct Slot {
    webhook: WebhookId,
    rooms: Rooms,
}

impl Rooms {
    /// All have room. `hint` is told when one has again for which something may wait.
    pub(super) fn new(hint: Arc<Notify>) -> Self {
        Self { busy: Arc::default(), hint }
    }

    /// What each webhook that has room may be given.
    pub(super) fn permits(&self, settings: &Settings) -> Vec<Permit> {
        let permit = |(id, webhook): (&WebhookId, &WebhookSettings)| {
            let spacing = webhook.rate.map(Rate::spacing).unwrap_or_default();
            Permit { webhook: id.clone(), room: self.room(id, webhook), spacing }
        };
        settings.webhooks.iter().map(permit).filter(|permit| permit.room > 0).collect()
    }

    fn room(&self, id: &WebhookId, webhook: &WebhookSettings) -> usize {
        let most = usize::try_from(webhook.max_in_flight).unwrap_or(usize::MAX);
        let under_way = self.with(|busy| busy.get(id).map_or(0, |room| room.under_way));
        most.saturating_sub(under_way)
    }

    /// A request to this webhook begins.
    pub(super) fn take(&self, webhook: &WebhookId) -> Slot {
        self.with(|busy| busy.entry(webhook.clone()).or_default().under_way += 1);
        Slot { webhook: webhook.clone(), rooms: self.clone() }
    }

    /// Of those that something was asked for, these were given all they had room for.
    pub(super) fn note(&self, permits: &[Permit], full: &[WebhookId]) {
        self.with(|busy| {
            for Permit { webhook, .. } in permits {
                busy.entry(webhook.clone()).or_default().full = full.contains(webhook);
            }
        });
    }

    /// Whether there is room for something that may wait.
    pub(super) fn more(&self, settings: &Settings) -> bool {
        let full: Vec<WebhookId> =
            self.with(|busy| busy.iter().filter(|(_, room)| room.full).map(|(id, _)| id.clone()).collect());
        full.iter().any(|id| settings.webhooks.get(id).is_some_and(|webhook| self.room(id, webhook) > 0))
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<WebhookId, Room>) -> T) -> T {
        work(&mut self.busy.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let full = self.rooms.with(|busy| {
            let Some(room) = busy.get_mut(&self.webhook) else { return false };
            room.under_way = room.under_way.saturating_sub(1);
            room.full
        });
        if full {
            self.rooms.hint.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_request_is_told_where_more_may_wait() {
        let hint = Arc::new(Notify::new());
        let rooms = Rooms::new(Arc::clone(&hint));
        let webhook = WebhookId::parse("desk").expect("a slug");
        let permits = [Permit { webhook: webhook.clone(), room: 2, spacing: Duration::ZERO }];
        let told = async || tokio::time::timeout(Duration::ZERO, hint.notified()).await.is_ok();

        rooms.note(&permits, &[]);
        let (first, second) = (rooms.take(&webhook), rooms.take(&webhook));
        drop(first);
        assert!(!told().await, "nothing waits");
        rooms.note(&permits, std::slice::from_ref(&webhook));
        drop(second);
        assert!(told().await);
        assert_eq!(rooms.with(|busy| busy[&webhook].under_way), 0);
    }
}
