//! Holding, from the feed to the receiver: the real loops on an in-memory store under a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::task::JoinSet;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Loader, Prepared, Snapshot, config_sync};
use wirewatch::app::{Context, Dice, reload, supervisor};
use wirewatch::clock::TokioClock;
use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::Timestamp;
use wirewatch::domain::delivery::{DeliveryState, PostOutcome};
use wirewatch::domain::fetch::{AnswerMeta, FailureKind, FetchFailure, FetchOutcome, Fetched};
use wirewatch::domain::silence::{Silence, SilenceMatcher};
use wirewatch::domain::{SilenceId, TopicId};
use wirewatch::matching;
use wirewatch::ports::hand::ByHand as _;
use wirewatch::ports::reads::{AlertState, Page};
use wirewatch::ports::{Clock, Fetch, FetchRequest, Post, PostRequest, Store};
use wirewatch::sqlite::SqliteStore;

/// A feed whose entries come out one after the other, and a receiver that writes down what it gets.
#[derive(Debug)]
struct Outside {
    clock: Arc<dyn Clock>,
    entries: Vec<(Timestamp, &'static str)>,
    /// From when on the feed answers what; without any, its document.
    weather: Mutex<Vec<(Timestamp, Weather)>>,
    received: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug)]
enum Weather {
    Fine,
    Broken,
    Gone,
}

#[async_trait]
impl Fetch for Outside {
    async fn fetch(&self, request: FetchRequest) -> FetchOutcome {
        let now = self.clock.now();
        let weather = self.weather.lock().unwrap().iter().rfind(|(from, _)| *from <= now).map(|(_, w)| *w);
        match weather.unwrap_or(Weather::Fine) {
            Weather::Fine => {}
            Weather::Gone => return FetchOutcome::Gone,
            Weather::Broken => {
                return FetchOutcome::Failed(FetchFailure {
                    kind: FailureKind::Status,
                    status: Some(500),
                    retry_after: None,
                    message: "answered 500".to_owned(),
                });
            }
        }
        let items: Vec<String> = self
            .entries
            .iter()
            .zip(0..)
            .filter(|((at, _), _)| *at <= now)
            .map(|((_, title), n)| {
                format!("<item><title>{title}</title><link>https://wire.example/{n}</link></item>")
            })
            .collect();
        let body =
            format!("<rss version=\"2.0\"><channel><title>W</title>{}</channel></rss>", items.concat());
        FetchOutcome::Fetched(Box::new(Fetched {
            body: body.into_bytes(),
            content_type: None,
            final_url: request.url,
            permanent_url: None,
            meta: AnswerMeta::default(),
        }))
    }
}

#[async_trait]
impl Post for Outside {
    async fn post(&self, request: PostRequest) -> PostOutcome {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let path = request.url.expose_secret().rsplit('/').next().unwrap().to_owned();
        let data = &body["data"];
        let title = |alert: &Value| alert["article"]["title"].as_str().unwrap().to_owned();
        let what = match body["type"].as_str().unwrap() {
            "alert.opened" => title(data),
            "alerts.grouped" => {
                let alerts = data["alerts"].as_array().unwrap();
                assert_eq!(data["count"], alerts.len());
                let titles: Vec<String> = alerts.iter().map(title).collect();
                format!(
                    "{} together ({}): {}",
                    alerts.len(),
                    data["reason"].as_str().unwrap(),
                    titles.join(", ")
                )
            }
            kind => format!(
                "{kind} {}: {}",
                data["feed"]["id"].as_str().unwrap(),
                data["message"].as_str().unwrap()
            ),
        };
        // To the minute: polls come every minute.
        let at = self.clock.now().to_string();
        self.received.lock().unwrap().push(format!("{} {path}: {what}", &at[5..16]));
        PostOutcome::Answered { status: 204, retry_after: None, excerpt: Vec::new(), took: Duration::ZERO }
    }
}

#[derive(Debug)]
struct Texts {
    config: Mutex<String>,
    outside: Arc<Outside>,
}

impl Loader for Texts {
    fn load(&self) -> Result<Prepared, String> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("wirewatch.toml");
        std::fs::write(&path, &*self.config.lock().unwrap()).unwrap();
        let request = LoadRequest { path: Some(path), ..LoadRequest::default() };
        let settings = config::load(&request).map_err(|report| report.render(false))?.settings;
        let specs: Vec<_> = settings.topics.values().map(|topic| topic.spec.clone()).collect();
        let compiled = matching::compile(&settings.concepts, &specs);
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let destinations = Destinations::new(&settings).map_err(|problems| problems.join("\n"))?;
        Ok(Prepared {
            destinations,
            matcher: Arc::new(compiled.set),
            fetch: Arc::clone(&self.outside) as Arc<dyn Fetch>,
            post: Arc::clone(&self.outside) as Arc<dyn Post>,
            warnings: Vec::new(),
            settings,
        })
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A simulated installation with the topics `kursk` and `harvest`, which go to `desk`.
struct Simulation {
    clock: Arc<dyn Clock>,
    outside: Arc<Outside>,
    store: Arc<SqliteStore>,
    loader: Arc<dyn Loader>,
    texts: Arc<Texts>,
}

fn config(kursk: &str, desk: &str) -> String {
    format!(
        "[fetch]\ninterval = \"1m\"\nper_host_delay = \"0s\"\n\
         [alerts]\nfirst_poll = \"alert\"\ntimezone = \"Europe/Berlin\"\n\
         [feeds.wire]\nurl = \"https://wire.example/rss\"\ninterval = \"1m\"\n\
         [topics.kursk]\nkeywords = [\"Kursk\"]\nwebhooks = [\"desk\"]\n{kursk}\n\
         [topics.harvest]\nkeywords = [\"harvest\"]\nwebhooks = [\"desk\"]\n\
         [topics.alarm]\nkeywords = [\"alarm\"]\nwebhooks = [\"desk\"]\nseverity = \"critical\"\n\
         [webhooks.desk]\nurl = \"https://desk.example/desk\"\n{desk}\n"
    )
}

impl Simulation {
    fn new(start: &str, config: String, entries: &[(&str, &'static str)]) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(at(start)));
        let entries = entries.iter().map(|(from, title)| (at(from), *title)).collect();
        let outside = Arc::new(Outside {
            clock: Arc::clone(&clock),
            entries,
            weather: Mutex::default(),
            received: Mutex::default(),
        });
        let texts = Arc::new(Texts { config: Mutex::new(config), outside: Arc::clone(&outside) });
        let loader = Arc::clone(&texts) as Arc<dyn Loader>;
        Self { clock, outside, store: Arc::new(SqliteStore::open_in_memory().unwrap()), loader, texts }
    }

    async fn context(&self) -> Arc<Context> {
        let prepared = self.loader.load().unwrap_or_else(|report| panic!("{report}"));
        let now = self.clock.now();
        self.store.recover(now).await.unwrap();
        let created = self.store.sync_config(config_sync(&prepared.settings, now, false), now).await.unwrap();
        let snapshot = Snapshot::new(prepared, &created, now);
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Arc::new(Context::new(
            store,
            Arc::clone(&self.clock),
            Dice::seeded(1),
            Metrics::registered().0,
            snapshot,
        ))
    }

    /// Runs the daemon for a time; answers what was received until then.
    async fn run(&self, time: Duration) -> Vec<String> {
        self.run_then(time, async |_| {}).await
    }

    /// Runs the daemon for a time, then does something beside it.
    async fn run_then(&self, time: Duration, then: impl AsyncFnOnce(&Arc<Context>)) -> Vec<String> {
        let context = self.context().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor::run(Arc::clone(&context)));
        tokio::time::sleep(time).await;
        then(&context).await;
        context.stop.cancel();
        tasks.join_all().await;
        self.received()
    }

    fn received(&self) -> Vec<String> {
        self.outside.received.lock().unwrap().clone()
    }

    async fn held(&self) -> usize {
        let page = Page { since: None, limit: 0 };
        self.store.list_deliveries(page, Some(DeliveryState::Held)).await.unwrap().len()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_burst_is_one_message_and_the_next_comes_after_the_interval() {
    let burst = [
        ("2026-11-23T08:01:00Z", "Kursk one"),
        ("2026-11-23T08:01:30Z", "Kursk two"),
        ("2026-11-23T08:02:00Z", "harvest three"),
        ("2026-11-23T08:09:00Z", "Kursk four"),
        ("2026-11-23T09:00:00Z", "Kursk five"),
    ];
    let desk = "group_wait = \"2m\"\ngroup_interval = \"15m\"";
    let simulation = Simulation::new("2026-11-23T08:00:00Z", config("", desk), &burst);
    assert_eq!(
        simulation.run(2 * HOUR).await,
        [
            "11-23T08:03 desk: 3 together (grouped): Kursk one, Kursk two, harvest three",
            "11-23T08:18 desk: Kursk four",
            "11-23T09:02 desk: Kursk five",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_night_over_which_the_clock_goes_back_is_one_digest_and_alarms_pass() {
    let night = [
        ("2026-10-24T19:30:00Z", "Kursk in the evening"),
        ("2026-10-24T21:00:00Z", "Kursk at night"),
        ("2026-10-25T00:30:00Z", "alarm"),
        // 06:30 on the wall: an hour later than the evening before.
        ("2026-10-25T05:30:00Z", "harvest before dawn"),
        ("2026-10-25T06:30:00Z", "Kursk in the morning"),
    ];
    let desk = "quiet_hours = \"22:00-07:00\"";
    let simulation = Simulation::new("2026-10-24T19:00:00Z", config("", desk), &night);
    let received = simulation
        .run_then(3 * HOUR, async |_| {
            assert_eq!(simulation.held().await, 1);
        })
        .await;
    assert_eq!(received.len(), 1, "{received:?}");
    // A restart in between changes nothing.
    assert_eq!(
        simulation.run(10 * HOUR).await,
        [
            "10-24T19:30 desk: Kursk in the evening",
            "10-25T00:30 desk: alarm",
            "10-25T06:00 desk: 2 together (quiet_hours): Kursk at night, harvest before dawn",
            "10-25T06:30 desk: Kursk in the morning",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_digest_comes_when_the_clock_on_the_wall_says_so() {
    let entries = [
        ("2026-03-28T12:00:00Z", "Kursk on Saturday"),
        ("2026-03-28T13:00:00Z", "harvest on Saturday"),
        ("2026-03-29T12:00:00Z", "alarm on Sunday"),
    ];
    // The clock goes forward in the night to Sunday.
    let desk = "digest = \"daily 08:00\"";
    let simulation = Simulation::new("2026-03-28T11:00:00Z", config("", desk), &entries);
    assert_eq!(
        simulation.run(50 * HOUR).await,
        [
            "03-29T06:00 desk: 2 together (digest): Kursk on Saturday, harvest on Saturday",
            "03-30T06:00 desk: alarm on Sunday",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_goes_beyond_a_topics_rate_is_held_and_goes_as_one() {
    let entries = [
        ("2026-11-23T08:01:00Z", "Kursk one"),
        ("2026-11-23T08:10:00Z", "Kursk two"),
        ("2026-11-23T08:20:00Z", "Kursk three"),
        ("2026-11-23T08:21:00Z", "harvest"),
        ("2026-11-23T08:30:00Z", "Kursk four"),
    ];
    let kursk = "alert_rate = \"2/h\"";
    let simulation = Simulation::new("2026-11-23T08:00:00Z", config(kursk, ""), &entries);
    assert_eq!(
        simulation.run(2 * HOUR).await,
        [
            "11-23T08:01 desk: Kursk one",
            "11-23T08:10 desk: Kursk two",
            "11-23T08:21 desk: harvest",
            "11-23T09:01 desk: 2 together (rate): Kursk three, Kursk four",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_gone_after_a_reload_holds_nothing() {
    let entries = [("2026-11-23T08:01:00Z", "Kursk one"), ("2026-11-23T08:02:00Z", "Kursk two")];
    let desk = "digest = \"daily 08:00\"";
    let simulation = Simulation::new("2026-11-23T08:00:00Z", config("", desk), &entries);
    let received = simulation
        .run_then(HOUR, async |context| {
            assert_eq!((simulation.held().await, simulation.received()), (2, vec![]));
            // The topic leaves with the digest: what it raised still goes.
            let without = config("", "")
                .replace("[topics.kursk]\nkeywords = [\"Kursk\"]", "[topics.other]\nkeywords = [\"x\"]");
            *simulation.texts.config.lock().unwrap() = without;
            reload::reload(context, &simulation.loader).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        })
        .await;
    assert_eq!(received, ["11-23T09:00 desk: 2 together (digest): Kursk one, Kursk two"]);
}

#[tokio::test(start_paused = true)]
async fn once_leaves_what_is_held_and_sends_it_when_its_time_has_come() {
    let entries = [("2026-11-23T08:00:00Z", "Kursk one"), ("2026-11-23T08:00:00Z", "Kursk two")];
    let kursk = "group_wait = \"10m\"";
    let simulation = Simulation::new("2026-11-23T08:00:00Z", config(kursk, ""), &entries);
    supervisor::run_once(simulation.context().await).await;
    assert_eq!((simulation.held().await, simulation.received()), (2, vec![]));
    tokio::time::sleep(HOUR).await;
    supervisor::run_once(simulation.context().await).await;
    assert_eq!(simulation.received(), ["11-23T09:00 desk: 2 together (grouped): Kursk one, Kursk two"]);
}

#[tokio::test(start_paused = true)]
async fn a_silence_mutes_what_its_query_matches_until_it_ends() {
    let entries = [
        ("2026-11-23T08:10:00Z", "Kursk wins at football"),
        ("2026-11-23T08:20:00Z", "Troops in Kursk"),
        ("2026-11-23T10:10:00Z", "Kursk loses at football"),
    ];
    let simulation = Simulation::new("2026-11-23T08:00:00Z", config("", ""), &entries);
    let matcher = SilenceMatcher {
        topics: vec![TopicId::parse("kursk").unwrap()],
        query: Some("football OR tennis".to_owned()),
        ..SilenceMatcher::default()
    };
    let now = simulation.clock.now();
    let silence = Silence {
        id: SilenceId::derive(&matcher, now, "kim"),
        matcher,
        created_at: now,
        until: now.plus(2 * HOUR),
        author: "kim".to_owned(),
        comment: None,
    };
    simulation.store.add_silence(silence).await.unwrap();
    let received = simulation.run(3 * HOUR).await;
    assert_eq!(received, ["11-23T08:20 desk: Troops in Kursk", "11-23T10:10 desk: Kursk loses at football"]);
    let alerts = simulation.store.list_alerts(Page { since: None, limit: 0 }).await.unwrap();
    assert_eq!(alerts.iter().filter(|alert| alert.state == AlertState::Silenced).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_run_it_hear_of_feeds_that_fail_recover_and_end_at_once_also_at_night() {
    let night = config("", "").replace("[alerts]\n", "[alerts]\noperations = [\"ops\"]\n")
        + "[webhooks.ops]\nurl = \"https://desk.example/ops\"\nquiet_hours = \"00:00-23:59\"\n";
    let simulation = Simulation::new("2026-11-23T08:00:00Z", night, &[]);
    simulation.outside.weather.lock().unwrap().extend([
        (at("2026-11-23T08:10:30Z"), Weather::Broken),
        (at("2026-11-23T09:00:00Z"), Weather::Fine),
        (at("2026-11-23T11:00:00Z"), Weather::Gone),
    ]);
    let received = simulation.run(5 * HOUR).await;
    let kinds: Vec<&str> = received.iter().map(|line| line.split(' ').nth(2).unwrap()).collect();
    assert_eq!(kinds, ["feed.failing", "feed.recovered", "feed.gone"], "{received:?}");
    assert!(received.iter().all(|line| line.contains(" ops: ") && line.contains(" wire: ")), "{received:?}");
    assert!(received[0].contains("answered 500"), "{received:?}");
}
