//! What the database says, held against the book.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use wirewatch::domain::delivery::DeliveryState;
use wirewatch::ports::Store as _;
use wirewatch::ports::reads::{AlertRow, AlertState, DeliveryRow, FeedHealth, FeedRow, Page};

use super::guest;
use super::house::House;
use super::pages::story_of;
use super::receivers::most_in_flight;
use super::store::number;
use super::world::World;

const ALL: Page = Page { since: None, limit: 0 };

impl House {
    /// Holds the database against the book. At the `end`, when nothing fails any more, all must be told.
    pub(super) async fn audit(&mut self, end: bool) {
        let feeds = self.database.list_feeds().await.unwrap();
        let alerts = self.database.list_alerts(ALL).await.unwrap();
        let deliveries = self.database.list_deliveries(ALL, None).await.unwrap();
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let space = self.database.space().await.unwrap();
        let mut world = self.world.lock();
        // The writer, the supervisor, four loops; and what is in flight.
        let most: usize =
            6 + guest::CONCURRENCY + (0..world.scale.webhooks).map(most_in_flight).sum::<usize>();
        if tasks > most {
            world.broken(
                "no task is leaked",
                format!("{tasks} tasks live, {most} have something to do"),
                vec![],
            );
        }
        world.used.push(space.used);
        world.audit_feeds(&feeds);
        let known = world.audit_alerts(&alerts);
        world.audit_deliveries(&deliveries, &known, end);
        world.audit_rates();
        let waiting = deliveries.iter().filter(|row| row.state != DeliveryState::Delivered).count();
        world.say(&format!("audit: {} alerts, {waiting} deliveries wait", alerts.len()));
    }

    /// Whether everything is told.
    pub(super) async fn is_quiet(&self) -> bool {
        let deliveries = self.database.list_deliveries(ALL, None).await.unwrap();
        deliveries.iter().all(|row| row.state == DeliveryState::Delivered)
    }
}

impl World {
    fn audit_feeds(&mut self, rows: &[FeedRow]) {
        // The longest a feed may wait, and what a lease, a stall and a full disk may add.
        let most = self.scale.max_interval.mul_f64(1.1) + guest::TIMEOUT + Duration::from_secs(120);
        let slack = most + self.scale.max_interval + Duration::from_secs(1800);
        let (shown, truth) = (self.shown(), self.truth());
        for row in rows.iter().filter(|row| !matches!(row.state, FeedHealth::Gone | FeedHealth::Disabled)) {
            let feed = number(row.id.as_str());
            let about = vec![row.id.to_string()];
            let next = row.next_poll_at.unwrap_or(shown);
            // A clock just set back is noticed at the next look.
            if next > shown.plus(most) && self.steady_since(truth.minus(Duration::from_secs(120))) {
                let how = format!("{} waits until {next}, and it is {shown}", row.id);
                self.broken("no feed is starved", how, about.clone());
            }
            let since = truth.since(self.ledger.feeds[feed].recorded);
            if since > slack {
                let how = format!("no poll of {} was recorded for {} s", row.id, since.as_secs());
                self.broken("no feed is starved", how, about);
            }
        }
    }

    /// Answers which alert is of which topic and story.
    fn audit_alerts(&mut self, rows: &[AlertRow]) -> HashMap<String, (usize, usize)> {
        let mut found = BTreeMap::new();
        let mut known = HashMap::new();
        for row in rows {
            let story = row.title.as_deref().and_then(story_of);
            let Some(story) = story else {
                let how = format!("{} is of no story: {:?}", row.id, row.title);
                self.broken("nothing is told without reason", how, vec![row.id.to_string()]);
                return known;
            };
            let what = (number(row.topic.as_str()), story);
            let about = vec![format!("S{story}")];
            if !self.ledger.duties.contains_key(&what) {
                let how = format!("t{} alerted for S{story}, which it must not: {row:?}", what.0);
                self.broken("nothing is told without reason", how, about.clone());
            }
            if let Some(other) = found.insert(what, row.id).filter(|_| !self.ledger.halves.contains(&story)) {
                let how = format!("t{} alerted twice for S{story}: {other} and {}", what.0, row.id);
                self.broken("told once", how, about);
            }
            if self.ledger.duties.contains_key(&what) {
                self.audit_silence(row, what);
            }
            if row.state == AlertState::Silenced {
                self.ledger.silenced.insert(what);
            }
            known.insert(row.id.to_string(), what);
        }
        // What retention may have taken is not asked for.
        let kept = self.scale.keep.map(|keep| self.truth().minus(keep.mul_f64(0.8)));
        let lost = self.ledger.duties.iter().find(|(what, duty)| {
            duty.must && !found.contains_key(*what) && kept.is_none_or(|kept| duty.since > kept)
        });
        if let Some(((topic, story), duty)) = lost {
            let how = format!("t{topic} never alerted for S{story}, stored at {}", duty.since);
            self.broken("nothing lost", how, vec![format!("S{story}")]);
        }
        known
    }

    fn audit_deliveries(&mut self, rows: &[DeliveryRow], known: &HashMap<String, (usize, usize)>, end: bool) {
        let mut hooks: HashMap<&(usize, usize), BTreeSet<usize>> = HashMap::new();
        for row in rows {
            let hook = number(row.webhook.as_str());
            let id = row.webhook_id.map(|id| id.to_string()).unwrap_or_default();
            let about = vec![id.clone(), row.id.to_string(), format!("hook{hook}")];
            let told = self.receivers.told.get(&id);
            let (posts, accepted) = told.map_or((0, false), |told| (told.posts, told.accepted));
            if row.state == DeliveryState::Delivered && !accepted {
                self.broken("delivered means accepted", format!("{row:?}"), about.clone());
            }
            if posts > row.attempts {
                let how = format!("{posts} requests, and {} attempts written: {row:?}", row.attempts);
                self.broken("an attempt is written before its request", how, about.clone());
            }
            let reason = row.reason.as_deref().unwrap_or_default();
            if row.state == DeliveryState::Dead && !["gone", "refused", "exhausted"].contains(&reason) {
                self.broken("dead for a reason", format!("{row:?}"), about.clone());
            }
            if end && row.state != DeliveryState::Delivered {
                self.broken(
                    "nothing lost",
                    format!("not delivered when all is well again: {row:?}"),
                    about.clone(),
                );
            }
            if let Some(alert) = row.alert
                && let Some(what) = known.get(&alert.to_string())
                && !hooks.entry(what).or_default().insert(hook)
            {
                self.broken("told once", format!("a second delivery: {row:?}"), about);
            }
        }
        for what in known.values() {
            let wanted: BTreeSet<usize> = if self.ledger.silenced.contains(what) {
                BTreeSet::new()
            } else {
                self.ledger.topics[what.0].webhooks.iter().copied().collect()
            };
            let found = hooks.remove(what).unwrap_or_default();
            if found != wanted {
                let how = format!("t{} and S{} go to {found:?} instead of {wanted:?}", what.0, what.1);
                self.broken("nothing lost", how, vec![format!("S{}", what.1)]);
            }
        }
    }
}
