//! The real loops on an in-memory store, a fake network and a paused clock: time is simulated, the
//! transcript is a snapshot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Loader, Prepared, Snapshot, config_sync};
use wirewatch::app::supervisor::{self, Ended};
use wirewatch::app::{Context, Dice, reload};
use wirewatch::clock::TokioClock;
use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::Timestamp;
use wirewatch::domain::delivery::PostOutcome;
use wirewatch::domain::feed::Validators;
use wirewatch::domain::fetch::{AnswerMeta, FailureKind, FetchFailure, FetchOutcome, Fetched};
use wirewatch::matching;
use wirewatch::ports::{Clock, Fetch, FetchRequest, Post, PostRequest, Store};
use wirewatch::sqlite::SqliteStore;

/// 2026-11-23 08:00 UTC.
const START: Timestamp = Timestamp::from_secs(1_795_420_800);

/// What the outside world saw and said, in order.
#[derive(Clone, Debug)]
struct Transcript(Arc<Mutex<String>>, Arc<dyn Clock>);

impl Transcript {
    fn line(&self, text: &str) {
        let at = self.1.now().since(START);
        let (minutes, seconds) = (at.as_secs() / 60, at.as_secs() % 60);
        let mut transcript = self.0.lock().unwrap();
        writeln!(transcript, "{minutes:02}:{seconds:02}  {text}").unwrap();
    }
}

/// What a feed's address answers from an instant on.
#[derive(Clone, Debug)]
enum Page {
    Document(String),
    Status(u16),
    Unreachable,
}

/// A fake web: for each address, what it answers from when on.
#[derive(Debug)]
struct Web {
    pages: BTreeMap<String, Vec<(Duration, Page)>>,
    transcript: Transcript,
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, request: FetchRequest) -> FetchOutcome {
        // An address may say how long it takes.
        let slow = request.url.split_once("?seconds=").map(|(_, seconds)| seconds.parse().unwrap());
        tokio::time::sleep(slow.map_or(Duration::from_millis(120), Duration::from_secs)).await;
        let at = self.transcript.1.now().since(START);
        let script = self.pages.get(&request.url).expect("a scripted address");
        let (since, page) = script.iter().rev().find(|(from, _)| *from <= at).expect("a page from the start");
        let etag = format!("\"{}\"", since.as_secs()).into_bytes();
        let meta = AnswerMeta {
            validators: Validators { etag: Some(etag.clone()), last_modified: None },
            ..AnswerMeta::default()
        };
        let conditional = if request.validators.is_empty() { "GET" } else { "GET if changed" };
        let (outcome, answer) = match page {
            Page::Document(_) if request.validators.etag.as_ref() == Some(&etag) => {
                (FetchOutcome::Unchanged(meta), "304".to_owned())
            }
            Page::Document(text) => {
                let fetched = Fetched {
                    body: text.clone().into_bytes(),
                    content_type: None,
                    final_url: request.url.clone(),
                    permanent_url: None,
                    meta,
                };
                (FetchOutcome::Fetched(Box::new(fetched)), "200".to_owned())
            }
            Page::Status(429) => {
                let retry_after = Some(Duration::from_secs(90));
                (FetchOutcome::Throttled { status: 429, retry_after }, "429, retry after 90 s".to_owned())
            }
            Page::Status(status) => (failed(FailureKind::Status, Some(*status)), status.to_string()),
            Page::Unreachable => (failed(FailureKind::Connect, None), "no connection".to_owned()),
        };
        self.transcript.line(&format!("{conditional} {} -> {answer}", request.url));
        outcome
    }
}

fn failed(kind: FailureKind, status: Option<u16>) -> FetchOutcome {
    let message = status.map_or("no connection".to_owned(), |status| format!("status {status}"));
    FetchOutcome::Failed(FetchFailure { kind, status, retry_after: None, message })
}

/// A fake receiver: what it answers, attempt by attempt; the last answer repeats.
#[derive(Debug)]
struct Receiver {
    answers: Mutex<Vec<u16>>,
    transcript: Transcript,
}

#[async_trait]
impl Post for Receiver {
    async fn post(&self, request: PostRequest) -> PostOutcome {
        tokio::time::sleep(Duration::from_millis(80)).await;
        let status = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.remove(0) } else { answers[0] }
        };
        let header = |name: &str| {
            let found = request.headers.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.expose_secret().to_owned()).unwrap_or_default()
        };
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let terms: Vec<&str> = body["data"]["match"]["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span["text"].as_str().unwrap())
            .collect();
        self.transcript.line(&format!(
            "POST {} [{}] {} ({}) -> {status}",
            header("webhook-id"),
            body["data"]["topic"]["id"].as_str().unwrap(),
            body["data"]["article"]["title"].as_str().unwrap(),
            terms.join(", ")
        ));
        PostOutcome::Answered {
            status,
            retry_after: None,
            excerpt: Vec::new(),
            took: Duration::from_millis(80),
        }
    }
}

/// A simulated installation.
struct Simulation {
    transcript: Transcript,
    clock: Arc<dyn Clock>,
    store: Arc<SqliteStore>,
    loader: Arc<SimLoader>,
}

#[derive(Debug)]
struct SimLoader {
    config: Mutex<String>,
    web: Arc<Web>,
    receiver: Arc<Receiver>,
}

impl Loader for SimLoader {
    fn load(&self) -> Result<Prepared, String> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("wirewatch.toml");
        std::fs::write(&path, &*self.config.lock().unwrap()).unwrap();
        let request = LoadRequest { path: Some(path), ..LoadRequest::default() };
        let settings = config::load(&request).map_err(|report| report.render(false))?.settings;
        let specs: Vec<_> = settings.topics.values().map(|topic| topic.spec.clone()).collect();
        let compiled = matching::compile(&settings.concepts, &specs);
        if let Some(problem) = compiled.diagnostics.first() {
            return Err(format!("{problem:?}"));
        }
        let destinations = Destinations::new(&settings).map_err(|problems| problems.join("\n"))?;
        Ok(Prepared {
            destinations,
            matcher: Arc::new(compiled.set),
            fetch: Arc::clone(&self.web) as Arc<dyn Fetch>,
            post: Arc::clone(&self.receiver) as Arc<dyn Post>,
            warnings: Vec::new(),
            settings,
        })
    }
}

impl Simulation {
    fn new(config: &str, pages: &[(&str, &[(u64, Page)])], answers: &[u16]) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(START));
        let transcript = Transcript(Arc::default(), Arc::clone(&clock));
        let pages = pages
            .iter()
            .map(|(url, script)| {
                let script =
                    script.iter().map(|(from, page)| (Duration::from_secs(*from), page.clone())).collect();
                ((*url).to_owned(), script)
            })
            .collect();
        let web = Arc::new(Web { pages, transcript: transcript.clone() });
        let receiver =
            Arc::new(Receiver { answers: Mutex::new(answers.to_vec()), transcript: transcript.clone() });
        let loader = Arc::new(SimLoader { config: Mutex::new(config.to_owned()), web, receiver });
        let store = Arc::new(SqliteStore::open_in_memory().unwrap());
        Self { transcript, clock, store, loader }
    }

    async fn start(&self) -> (Arc<Context>, JoinSet<Ended>) {
        let context = self.context(true).await;
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor::run(Arc::clone(&context)));
        (context, tasks)
    }

    /// The configuration in force; new feeds are due within a minute where they are `spread`, else at once.
    async fn context(&self, spread: bool) -> Arc<Context> {
        let prepared = self.loader.load().unwrap();
        let now = self.clock.now();
        let created =
            self.store.sync_config(config_sync(&prepared.settings, now, spread), now).await.unwrap();
        let snapshot = Snapshot::new(prepared, &created, now);
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let context =
            Context::new(store, Arc::clone(&self.clock), Dice::seeded(1), Metrics::registered().0, snapshot);
        Arc::new(context)
    }

    async fn stop(&self, context: &Context, mut tasks: JoinSet<Ended>) {
        context.stop.cancel();
        assert_eq!(tasks.join_next().await.unwrap().unwrap(), Ended::Stopped);
        self.transcript.line("stopped");
    }

    fn transcript(&self) -> String {
        self.transcript.0.lock().unwrap().clone()
    }
}

fn rss(items: &[(&str, &str)]) -> Page {
    let items = items
        .iter()
        .map(|(guid, title)| {
            format!("<item><guid>{guid}</guid><title>{title}</title><link>https://wire.example/{guid}</link></item>")
        })
        .collect::<Vec<_>>()
        .concat();
    Page::Document(format!("<rss version=\"2.0\"><channel><title>Wire</title>{items}</channel></rss>"))
}

const CONFIG: &str = r#"
[fetch]
interval = "1m"
per_host_delay = "0s"

[delivery]
retries = ["5s", "30s", "2m"]

[feeds.wire]
url = "https://wire.example/rss"
interval = "1m"

[feeds.ticker]
url = "https://ticker.example/rss"
interval = "1m"

[topics.kursk]
query = "(DPRK OR Pyongyang) AND (troops OR soldiers)"
webhooks = ["desk"]

[webhooks.desk]
url = "https://desk.example/hook"
"#;

#[tokio::test(start_paused = true)]
async fn five_minutes_of_operation() {
    let wire = [
        (0, rss(&[("old", "Pyongyang shows soldiers")])),
        (90, rss(&[("a", "DPRK troops in Kursk"), ("old", "Pyongyang shows soldiers")])),
        // Edited, with another guid: a revision.
        (
            150,
            rss(&[
                ("a", "Updated: DPRK troops in Kursk"),
                ("b", "Rain"),
                ("old", "Pyongyang shows soldiers"),
            ]),
        ),
        (200, Page::Unreachable),
        (280, rss(&[("c", "Pyongyang sends soldiers again"), ("a", "Updated: DPRK troops in Kursk")])),
    ];
    let ticker = [
        (0, rss(&[("x", "Harvest")])),
        (100, Page::Status(429)),
        (200, rss(&[("x", "Harvest"), ("y", "DPRK soldiers seen")])),
    ];
    let simulation = Simulation::new(
        CONFIG,
        &[("https://wire.example/rss", &wire), ("https://ticker.example/rss", &ticker)],
        &[503, 200],
    );
    let (context, tasks) = simulation.start().await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    simulation.stop(&context, tasks).await;
    insta::assert_snapshot!(simulation.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_topic_added_by_reload_alerts_for_what_comes_later_only() {
    let wire = [
        (0, rss(&[])),
        (60, rss(&[("a", "Harvest of 2026")])),
        (200, rss(&[("a", "Harvest of 2026, updated"), ("b", "Harvest again")])),
    ];
    let ticker = [(0, rss(&[]))];
    let simulation = Simulation::new(
        CONFIG,
        &[("https://wire.example/rss", &wire), ("https://ticker.example/rss", &ticker)],
        &[200],
    );
    let (context, tasks) = simulation.start().await;
    tokio::time::sleep(Duration::from_secs(150)).await;
    simulation
        .loader
        .config
        .lock()
        .unwrap()
        .push_str("\n[topics.harvest]\nkeywords = [\"harvest\"]\nwebhooks = [\"desk\"]\n");
    let loader: Arc<dyn Loader> = Arc::clone(&simulation.loader) as Arc<dyn Loader>;
    reload::reload(&context, &loader).await.unwrap();
    simulation.transcript.line("topic `harvest` added");
    tokio::time::sleep(Duration::from_secs(150)).await;
    simulation.stop(&context, tasks).await;
    insta::assert_snapshot!(simulation.transcript());
}

/// Each is due again while the other is polled: some poll is always under way.
#[tokio::test(start_paused = true)]
async fn once_ends_though_feeds_are_due_again_before_the_last_is_polled() {
    let config = "[fetch]\nmin_interval = \"1s\"\nper_host_delay = \"0s\"\n\
                  [feeds.wire]\nurl = \"https://wire.example/rss?seconds=3\"\ninterval = \"1s\"\n\
                  [feeds.ticker]\nurl = \"https://ticker.example/rss?seconds=5\"\ninterval = \"1s\"\n";
    let page = [(0, rss(&[("a", "Harvest")]))];
    let pages = [
        ("https://wire.example/rss?seconds=3", &page[..]),
        ("https://ticker.example/rss?seconds=5", &page[..]),
    ];
    let simulation = Simulation::new(config, &pages, &[]);
    let context = simulation.context(false).await;
    assert_eq!(supervisor::run_once(context).await, Ended::Stopped);
    assert_eq!(simulation.transcript().lines().count(), 2, "{}", simulation.transcript());
}

/// Items that are a headline under a guid, and no more.
fn headlines(issue: u32, titles: &[&str]) -> Page {
    let items = titles
        .iter()
        .zip(1..)
        .map(|(title, n)| format!("<item><guid>{issue}-{n}</guid><title>{title}</title></item>"))
        .collect::<Vec<_>>()
        .concat();
    Page::Document(format!("<rss version=\"2.0\"><channel><title>Wire</title>{items}</channel></rss>"))
}

/// How many alerts come of what the wire shows, up to two hours after it changed last.
async fn alerts_of(interval: &str, wire: &[(u64, Page)]) -> usize {
    let config = CONFIG.replace("interval = \"1m\"", &format!("interval = \"{interval}\""));
    let ticker = [(0, rss(&[]))];
    let pages = [("https://wire.example/rss", wire), ("https://ticker.example/rss", &ticker[..])];
    let simulation = Simulation::new(&config, &pages, &[200]);
    let (context, tasks) = simulation.start().await;
    let last = wire.last().expect("a page").0;
    tokio::time::sleep(Duration::from_secs(last + 7_200)).await;
    simulation.stop(&context, tasks).await;
    simulation.transcript().lines().filter(|line| line.contains("POST")).count()
}

const BRIEFINGS: [&str; 4] =
    ["Morning briefing: Pyongyang, soldiers", "Market report", "Weather", "Evening briefing: DPRK troops"];

#[tokio::test(start_paused = true)]
async fn headlines_under_new_guids_at_every_poll_are_told_once() {
    let mut titles = BRIEFINGS.to_vec();
    let first = headlines(0, &titles);
    titles.insert(0, "DPRK troops seen");
    let wire =
        [(0, first), (90, headlines(1, &titles)), (150, headlines(2, &titles)), (210, headlines(3, &titles))];
    assert_eq!(alerts_of("1m", &wire).await, 1, "the one that came");
}

#[tokio::test(start_paused = true)]
async fn headlines_that_repeat_day_by_day_are_new_each_day() {
    let days = |day: u32| (u64::from(day) * 86_400, headlines(day, &BRIEFINGS));
    assert_eq!(alerts_of("1h", &[days(0), days(1), days(2)]).await, 4, "two on each of two days");
}

#[tokio::test(start_paused = true)]
async fn single_headlines_that_come_again_are_new() {
    let hour = |n: u32, guid: u32| {
        let Page::Document(all) = headlines(0, &BRIEFINGS) else { unreachable!("a document") };
        let renewed = all.replace("<guid>0-1<", &format!("<guid>new {guid}<"));
        (u64::from(n) * 3_600, Page::Document(renewed))
    };
    assert_eq!(
        alerts_of("1m", &[hour(0, 0), hour(1, 1), hour(2, 2)]).await,
        2,
        "the others kept their guids"
    );
}

/// Items whose guid is their place in the document.
fn by_place(stories: &[&str]) -> Page {
    let item = |(place, story): (usize, &&str)| {
        let link = story.replace(' ', "-");
        format!(
            "<item><guid>{place}</guid><title>{story}</title><link>https://wire.example/{link}</link></item>"
        )
    };
    let items = stories.iter().enumerate().map(item).collect::<Vec<_>>().concat();
    Page::Document(format!("<rss version=\"2.0\"><channel><title>Wire</title>{items}</channel></rss>"))
}

#[tokio::test(start_paused = true)]
async fn stories_that_move_on_under_the_guids_of_their_places_are_known() {
    let stories =
        ["DPRK troops move", "DPRK troops land", "Harvest", "Weather", "DPRK troops train", "Chess"];
    let wire = [(0, by_place(&stories[2..])), (90, by_place(&stories[1..])), (150, by_place(&stories))];
    assert_eq!(alerts_of("1m", &wire).await, 2, "the two that came, each once");
}

#[tokio::test(start_paused = true)]
async fn other_stories_under_the_same_guids_are_new() {
    let wire = [
        (0, by_place(&["Harvest", "Weather", "Chess", "Tides"])),
        (90, by_place(&["DPRK troops move", "DPRK troops land", "Opera", "DPRK troops train"])),
    ];
    assert_eq!(alerts_of("1m", &wire).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_whose_store_is_gone_ends_so_that_it_is_restarted() {
    let page = [(0, rss(&[]))];
    let pages = [("https://wire.example/rss", &page[..]), ("https://ticker.example/rss", &page[..])];
    let simulation = Simulation::new(CONFIG, &pages, &[]);
    let (_context, mut tasks) = simulation.start().await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    simulation.store.close().await;
    let ended = tokio::time::timeout(Duration::from_secs(600), tasks.join_next()).await;
    assert_eq!(ended.expect("it ends").unwrap().unwrap(), Ended::Broken);
}
