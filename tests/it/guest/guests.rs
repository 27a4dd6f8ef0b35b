//! Who stands trial: wirewatch as it is, and a client as too many are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Prepared, Snapshot, config_sync};
use wirewatch::app::{Context, Dice, poller};
use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::Timestamp;
use wirewatch::http::{FetchLimits, HttpFetch, HttpPost};
use wirewatch::matching;
use wirewatch::ports::reads::Page;
use wirewatch::ports::{Clock, Store};
use wirewatch::sqlite::SqliteStore;

use super::court::{Court, Guest};

/// 2026-11-23 08:00 UTC.
const START: Timestamp = Timestamp::from_secs(1_795_420_800);

/// A clock that a test moves.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// How many visits wirewatch makes before it is stopped and started again: what it learnt must survive that.
const VISITS_PER_LIFE: u32 = 5;

/// The poller with its store and client, as in the daemon.
pub(super) struct Wirewatch {
    home: TempDir,
    clock: Arc<HandClock>,
    context: Arc<Context>,
    store: Arc<SqliteStore>,
    visits: u32,
}

const CONFIG: &str = r#"
[fetch]
interval = "10m"
per_host = 1
per_host_delay = "0s"
timeout = "2s"
first_byte_timeout = "1s"
max_body = "64KiB"
max_compressed = "32KiB"
max_headers = "16KiB"
max_redirects = 5
user_agent = "wirewatch/test (+https://wirewatch.example)"
allow_networks = ["127.0.0.1/32"]
"#;

impl Wirewatch {
    pub(super) async fn new(court: &Court) -> Self {
        let mut text = CONFIG.to_owned();
        for (name, url) in court.feeds() {
            write!(text, "[feeds.{name}]\nurl = \"{url}\"\ninterval = \"10m\"\n").unwrap();
        }
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("wirewatch.toml"), text).unwrap();
        let clock = Arc::new(HandClock(AtomicI64::new(START.as_millis())));
        let (context, store) = Self::start(&home, &clock).await;
        Self { home, clock, context, store, visits: 0 }
    }

    /// What `run` does at its start.
    async fn start(home: &TempDir, clock: &Arc<HandClock>) -> (Arc<Context>, Arc<SqliteStore>) {
        let path = home.path().join("wirewatch.toml");
        let settings =
            config::load(&LoadRequest { path: Some(path), ..LoadRequest::default() }).unwrap().settings;
        let shared: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
        let now = shared.now();
        let fetch = &settings.fetch;
        let limits = FetchLimits {
            timeout: fetch.timeout,
            connect_timeout: fetch.connect_timeout,
            first_byte_timeout: fetch.first_byte_timeout,
            max_body: fetch.max_body,
            max_compressed: fetch.max_compressed,
            max_headers: fetch.max_headers,
            max_redirects: fetch.max_redirects,
            per_host: fetch.per_host,
            per_host_delay: fetch.per_host_delay,
            user_agent: fetch.user_agent.clone(),
            allow_networks: fetch.allow_networks.clone(),
            proxy: None,
        };
        let prepared = Prepared {
            destinations: Destinations::new(&settings).unwrap(),
            matcher: Arc::new(matching::compile(&settings.concepts, &[]).set),
            fetch: Arc::new(HttpFetch::new(limits, Arc::clone(&shared)).unwrap()),
            post: Arc::new(HttpPost::new(&settings.fetch.allow_networks, Arc::clone(&shared))),
            warnings: Vec::new(),
            settings,
        };
        let store = Arc::new(SqliteStore::open(&home.path().join("wirewatch.db")).unwrap());
        store.recover(now).await.unwrap();
        let created = store.sync_config(config_sync(&prepared.settings, now, false), now).await.unwrap();
        let snapshot = Snapshot::new(prepared, &created, now);
        let metrics = Metrics::registered().0;
        let context =
            Context::new(Arc::clone(&store) as Arc<dyn Store>, shared, Dice::seeded(7), metrics, snapshot);
        (Arc::new(context), store)
    }
}

#[async_trait]
impl Guest for Wirewatch {
    async fn visit(&mut self, _court: &Court, after: Duration) {
        let now = START.plus(after);
        self.clock.0.store(now.as_millis(), Ordering::SeqCst);
        self.visits += 1;
        if self.visits.is_multiple_of(VISITS_PER_LIFE) {
            self.store.close().await;
            (self.context, self.store) = Self::start(&self.home, &self.clock).await;
        }
        poller::run(Arc::clone(&self.context), Some(now)).await;
    }

    async fn titles(&self, scenario: &str) -> Vec<String> {
        let rows = self.context.store.list_articles(Page { since: None, limit: 0 }).await.unwrap();
        rows.into_iter()
            .filter(|row| row.feeds.iter().any(|feed| feed.as_str() == scenario))
            .map(|row| row.title)
            .collect()
    }
}

/// Asks for everything every time, believes nobody, remembers nothing but cookies.
pub(super) struct Rude;

/// Where it stops following: it has to end somewhere.
const HOPS: usize = 12;

impl Rude {
    async fn follow(first: String) {
        let mut cookie = String::new();
        let mut url = first;
        for _ in 0..HOPS {
            let Some(headers) = Self::get(&url, &mut cookie).await else { break };
            let Some(next) = headers.get("location") else { break };
            url = if next.starts_with('/') {
                let host = url.split('/').nth(2).unwrap_or_default();
                format!("http://{host}{next}")
            } else {
                next.clone()
            };
        }
    }

    async fn get(url: &str, cookie: &mut String) -> Option<BTreeMap<String, String>> {
        let rest = url.strip_prefix("http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host).await.ok()?;
        let request = format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\nPragma: no-cache\r\n{cookie}\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        // It looks at the head alone, and goes; how busy the machine is makes no difference to what it asks for.
        let mut stream = BufReader::new(stream.take(64 << 10));
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { break };
            answer.push(byte);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let head = answer.split("\r\n\r\n").next()?;
        let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
        let headers: BTreeMap<_, _> = head.lines().filter_map(pair).collect();
        if let Some(value) = headers.get("set-cookie") {
            *cookie = format!("Cookie: {value}\r\n");
        }
        Some(headers)
    }
}

#[async_trait]
impl Guest for Rude {
    async fn visit(&mut self, court: &Court, _after: Duration) {
        let mut visits = JoinSet::new();
        for (_, first) in court.feeds() {
            visits.spawn(Self::follow(first));
        }
        visits.join_all().await;
    }

    async fn titles(&self, _scenario: &str) -> Vec<String> {
        Vec::new()
    }
}
