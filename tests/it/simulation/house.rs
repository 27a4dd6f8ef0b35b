//! An installation of wirewatch in a simulated world: started, crashed, restarted, reloaded, looked after.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Loader, Prepared, Snapshot, config_sync};
use wirewatch::app::supervisor::{self, Ended};
use wirewatch::app::{Context, Dice, reload};
use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::{Timestamp, TopicId, WebhookId};
use wirewatch::matching;
use wirewatch::ports::hand::{ByHand as _, Retry};
use wirewatch::ports::{Clock, FeedSync, Fetch, Post, Store};
use wirewatch::sqlite::SqliteStore;

use super::guest::{self, Web};
use super::pages::word;
use super::receivers::{self, Wire};
use super::scale::Scale;
use super::store::{Disk, FaultyStore, number};
use super::world::{Shared, World};

/// A place that runs wirewatch.
pub(super) struct House {
    pub(super) world: Shared,
    pub(super) database: Arc<SqliteStore>,
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) plan: Arc<Plan>,
    process: Option<Process>,
    starts: u64,
}

struct Process {
    context: Arc<Context>,
    tasks: JoinSet<Ended>,
}

/// The configuration as its owner wants it.
#[derive(Debug)]
pub(super) struct Plan {
    world: Shared,
    pub(super) wanted: Mutex<Wanted>,
    /// What was read last; reading two thousand feeds takes a while.
    last: Mutex<Option<(String, config::Settings, Arc<matching::TopicSet>)>>,
}

#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) feeds: Vec<bool>,
    pub(super) topics: Vec<bool>,
}

impl Plan {
    fn text(&self) -> String {
        let wanted = self.wanted.lock().unwrap().clone();
        let world = self.world.lock();
        let mut text = general(&world.scale);
        for (_, feed) in wanted.feeds.iter().zip(&world.press.feeds).filter(|(wanted, _)| **wanted) {
            writeln!(text, "[feeds.{}]\nurl = \"{}\"", feed.slug, feed.url()).unwrap();
        }
        for topic in (0..wanted.topics.len()).filter(|topic| wanted.topics[*topic]) {
            let hooks: Vec<String> =
                world.ledger.topics[topic].webhooks.iter().map(|hook| format!("\"w{hook}\"")).collect();
            let term = word(topic);
            let what = match topic % 3 {
                0 => format!("keywords = [\"{term}\"]"),
                1 => format!("query = \"{term} AND (place OR island)\""),
                _ => format!("query = \"{term} OR {term}ish\""),
            };
            writeln!(text, "[topics.t{topic}]\n{what}\nwebhooks = [{}]", hooks.join(", ")).unwrap();
            text.push_str(&world.scale.holds.of_topic(topic));
        }
        for hook in 0..world.scale.webhooks {
            let most = receivers::most_in_flight(hook);
            writeln!(
                text,
                "[webhooks.w{hook}]\nurl = \"https://hook.example/{hook}\"\nmax_in_flight = {most}"
            )
            .unwrap();
            if receivers::groups(hook) {
                text.push_str("group_wait = \"30s\"\ngroup_interval = \"2m\"\n");
            }
            text.push_str(&world.scale.holds.of_webhook(hook));
            if let Some(spacing) = receivers::spacing(hook) {
                writeln!(text, "rate = \"{}/min\"", 60 / spacing.as_secs()).unwrap();
            }
        }
        text
    }
}

fn general(scale: &Scale) -> String {
    let ms = |time: Duration| format!("\"{}ms\"", time.as_millis());
    let retries: Vec<String> = scale.retries.iter().map(|wait| ms(*wait)).collect();
    let keep = scale.keep.map_or(String::new(), |keep| {
        format!("[retention]\narticles = {}\nalerts = {}\n", ms(keep), ms(keep))
    });
    format!(
        "[fetch]\ninterval = {}\nmin_interval = {}\nmax_interval = {}\nper_host_delay = {}\nconcurrency = {}\n\
         timeout = {}\n[alerts]\nmax_age = {}\noperations = [\"w0\"]\n[delivery]\nretries = [{}]\ntimeout = {}\n\
         give_up_after = {}\nprobe_interval = {}\nprobe_interval_max = {}\ndisable_after = {}\n{keep}",
        ms(scale.interval),
        ms(scale.min_interval),
        ms(scale.max_interval),
        ms(scale.host_delay),
        guest::CONCURRENCY,
        ms(guest::TIMEOUT),
        ms(scale.max_age),
        retries.join(", "),
        ms(receivers::TIMEOUT),
        ms(scale.give_up_after),
        ms(scale.probe_interval),
        ms(scale.probe_interval * 16),
        ms(scale.disable_after),
    )
}

impl Loader for Plan {
    fn load(&self) -> Result<Prepared, String> {
        let text = self.text();
        let mut last = self.last.lock().unwrap();
        if last.as_ref().is_none_or(|(of, ..)| *of != text) {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("wirewatch.toml");
            std::fs::write(&path, &text).unwrap();
            let request = LoadRequest { path: Some(path), ..LoadRequest::default() };
            let settings = config::load(&request).map_err(|report| report.render(false))?.settings;
            let specs: Vec<_> = settings.topics.values().map(|topic| topic.spec.clone()).collect();
            let compiled = matching::compile(&settings.concepts, &specs);
            assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
            *last = Some((text, settings, Arc::new(compiled.set)));
        }
        let (_, settings, matcher) = last.as_ref().unwrap();
        Ok(Prepared {
            destinations: Destinations::new(settings).map_err(|problems| problems.join("\n"))?,
            matcher: Arc::clone(matcher) as Arc<_>,
            fetch: Arc::new(Web(self.world.clone())) as Arc<dyn Fetch>,
            post: Arc::new(Wire(self.world.clone())) as Arc<dyn Post>,
            warnings: Vec::new(),
            settings: settings.clone(),
        })
    }
}

impl World {
    /// Feeds and topics are those of a configuration now.
    pub(super) fn configuration_stored(&mut self, feeds: &[FeedSync], topics: &[TopicId]) {
        let now = self.truth();
        self.ledger.feeds.iter_mut().for_each(|book| book.configured = false);
        for feed in feeds {
            self.ledger.feeds[number(feed.id.as_str())].configure(&feed.url, now);
        }
        for topic in topics {
            self.ledger.topics[number(topic.as_str())].created.get_or_insert(now);
        }
    }

    /// Polls that begin from now on take these topics into account.
    fn configuration_in_force(&mut self, wanted: &Wanted) {
        let now = self.truth();
        for (topic, wanted) in self.ledger.topics.iter_mut().zip(&wanted.topics) {
            if *wanted && (topic.live_from.is_none() || topic.live_until.is_some()) {
                (topic.live_from, topic.live_until) = (Some(now), None);
            } else if !*wanted && topic.live_from.is_some() {
                topic.live_until.get_or_insert(now);
                topic.left = true;
            }
        }
    }

    /// A process begins: nothing of the one before is under way.
    fn process_begins(&mut self) {
        let under_way = self.guests.under_way() + self.receivers.under_way();
        if under_way > 0 {
            self.broken("no task is leaked", format!("{under_way} requests outlive their process"), vec![]);
        }
        self.guests.served.clear();
        self.receivers.answered.clear();
        self.receivers.open.clear();
        self.ledger.forget_claims();
    }
}

impl House {
    pub(super) fn new(world: Shared) -> Self {
        let (feeds, topics) = {
            let world = world.lock();
            (world.scale.feeds, world.scale.topics)
        };
        // A part of both comes later, with reloads.
        let wanted = Wanted {
            feeds: (0..feeds).map(|feed| feed == 0 || feed % 5 != 4).collect(),
            topics: (0..topics).map(|topic| topic == 0 || topic % 4 != 3).collect(),
        };
        let plan = Plan { world: world.clone(), wanted: Mutex::new(wanted), last: Mutex::new(None) };
        Self {
            world,
            database: Arc::new(SqliteStore::open_in_memory().unwrap()),
            disk: Arc::default(),
            plan: Arc::new(plan),
            process: None,
            starts: 0,
        }
    }

    /// Starts a process as `wirewatch run` does.
    pub(super) async fn start(&mut self) {
        let prepared = self.plan.load().unwrap();
        let wanted = self.plan.wanted.lock().unwrap().clone();
        let (clock, alarm_seed) = {
            let mut world = self.world.lock();
            world.say("---- start");
            world.process_begins();
            (Arc::clone(&world.clock), world.scale.seed)
        };
        self.starts += 1;
        let now = clock.now();
        self.database.recover(now).await.unwrap();
        let sync = config_sync(&prepared.settings, now, true);
        let (feeds, topics) = (sync.feeds.clone(), sync.topics.clone());
        let created = self.database.sync_config(sync, now).await.unwrap();
        {
            let mut world = self.world.lock();
            world.configuration_stored(&feeds, &topics);
            world.configuration_in_force(&wanted);
        }
        let snapshot = Snapshot::new(prepared, &created, now);
        let store = FaultyStore {
            inner: Arc::clone(&self.database),
            world: self.world.clone(),
            disk: Arc::clone(&self.disk),
        };
        let dice = Dice::seeded(alarm_seed ^ self.starts);
        let context = Arc::new(Context::new(
            Arc::new(store) as Arc<dyn Store>,
            clock,
            dice,
            Metrics::registered().0,
            snapshot,
        ));
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor::run(Arc::clone(&context)));
        self.process = Some(Process { context, tasks });
    }

    /// Ends the process as SIGKILL does: wherever its tasks are, they go no further.
    pub(super) async fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        process.tasks.shutdown().await;
        drop(process);
        self.settle_down().await;
    }

    /// Ends the process as SIGTERM does.
    pub(super) async fn stop(&mut self) {
        self.world.lock().say("---- stop");
        let Some(mut process) = self.process.take() else { return };
        process.context.stop.cancel();
        let alarm = Arc::clone(&self.world.lock().alarm);
        // It may die on its way.
        tokio::select! {
            biased;
            () = alarm.notified() => process.tasks.shutdown().await,
            ended = process.tasks.join_next() => {
                let ended = ended.unwrap().unwrap();
                if ended != Ended::Stopped {
                    self.world.lock().broken("it stops when told", format!("{ended:?}"), vec![]);
                }
            }
        }
        drop(process);
        self.settle_down().await;
    }

    /// Lets tasks that were aborted be dropped.
    async fn settle_down(&self) {
        let metrics = tokio::runtime::Handle::current().metrics();
        // The database's writer lives on.
        for _ in 0..1000 {
            if metrics.num_alive_tasks() <= 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
        let alive = metrics.num_alive_tasks();
        self.world.lock().broken("no task is leaked", format!("{alive} tasks outlive their process"), vec![]);
    }

    /// Waits until `until` or an alarm; the process ending by itself is a breach.
    pub(super) async fn live(&mut self, until: Timestamp) {
        let (alarm, wait) = {
            let world = self.world.lock();
            (Arc::clone(&world.alarm), until.since(world.truth()))
        };
        let process = self.process.as_mut().unwrap();
        tokio::select! {
            biased;
            () = alarm.notified() => {}
            ended = process.tasks.join_next() => {
                self.world.lock().broken("the loops live", format!("{ended:?}"), vec![]);
            }
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// Puts the wanted configuration in force.
    pub(super) async fn reload(&mut self) {
        let Some(process) = &self.process else { return };
        let loader: Arc<dyn Loader> = Arc::clone(&self.plan) as Arc<dyn Loader>;
        let alarm = Arc::clone(&self.world.lock().alarm);
        let wanted = self.plan.wanted.lock().unwrap().clone();
        self.world.lock().say("---- reload");
        let outcome = tokio::select! {
            biased;
            () = alarm.notified() => {
                // A crash is dealt with by who waits for alarms.
                alarm.notify_one();
                return;
            }
            outcome = reload::reload(&process.context, &loader) => outcome,
        };
        let mut world = self.world.lock();
        match outcome {
            Ok(_) => world.configuration_in_force(&wanted),
            Err(refusal) => world.say(&format!("---- refused: {refusal}")),
        }
    }

    /// What a person does who looks after it: enables webhooks, sends again what was given up.
    pub(super) async fn look_after(&mut self) {
        let now = self.world.lock().shown();
        let hooks = self.world.lock().scale.webhooks;
        for hook in 0..hooks {
            let id: WebhookId = format!("w{hook}").parse().unwrap();
            if self.world.lock().receivers.hooks[hook].closed {
                {
                    // First: the loops may claim for it before this call is answered.
                    let mut world = self.world.lock();
                    world.receivers.hooks[hook].enabled();
                    world.say(&format!("---- hook{hook} enabled"));
                }
                self.database.enable_webhook(&id, now).await.unwrap();
            }
        }
        let all = Retry::Dead { since: None, webhook: None };
        for retried in self.database.retry(all, now).await.unwrap() {
            self.world.lock().say(&format!("{} is to be sent again: {:?}", retried.id, retried.outcome));
        }
    }
}
