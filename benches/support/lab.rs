//! The real loops on a database on disk and on real sockets, in this process; only the clock can be put forward.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinSet;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Prepared, Snapshot, config_sync};
use wirewatch::app::{Context, Dice, dispatcher, poller};
use wirewatch::clock::SystemClock;
use wirewatch::config::{self, LoadRequest};
use wirewatch::domain::Timestamp;
use wirewatch::http::{FetchLimits, HttpFetch, HttpPost};
use wirewatch::matching;
use wirewatch::ports::{Clock, Store};
use wirewatch::sqlite::SqliteStore;

/// The machine's clock, put forward.
#[derive(Debug, Default)]
struct Ahead(AtomicU64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_secs(self.0.load(Relaxed)))
    }
}

/// How far the clock is put forward for each round: every feed with a shorter interval is due again.
const ROUND: u64 = 3600;

/// An installation.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) context: Arc<Context>,
    clock: Arc<Ahead>,
    _home: TempDir,
}

impl Lab {
    pub(crate) async fn open(config: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("wirewatch.toml");
        std::fs::write(&path, config).unwrap();
        let request = LoadRequest { path: Some(path), ..LoadRequest::default() };
        let settings = config::load(&request).map_err(|report| report.render(false)).unwrap().settings;
        let specs: Vec<_> = settings.topics.values().map(|topic| topic.spec.clone()).collect();
        let compiled = matching::compile(&settings.concepts, &specs);
        assert_eq!(compiled.set.len(), specs.len(), "{:?}", compiled.diagnostics.first());
        let clock = Arc::new(Ahead::default());
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let fetch = &settings.fetch;
        let limits = FetchLimits {
            timeout: fetch.timeout,
            connect_timeout: fetch.connect_timeout,
            first_byte_timeout: fetch.first_byte_timeout,
            max_body: fetch.max_body,
            max_compressed: fetch.max_compressed,
            max_headers: fetch.max_headers,
            max_redirects: fetch.max_redirects,
            per_host: 64,
            per_host_delay: Duration::ZERO,
            user_agent: fetch.user_agent.clone(),
            allow_networks: fetch.allow_networks.clone(),
            proxy: None,
        };
        let prepared = Prepared {
            destinations: Destinations::new(&settings).unwrap(),
            matcher: Arc::new(compiled.set),
            fetch: Arc::new(HttpFetch::new(limits, Arc::clone(&shared)).unwrap()),
            post: Arc::new(HttpPost::new(&settings.fetch.allow_networks, Arc::clone(&shared))),
            warnings: Vec::new(),
            settings,
        };
        let store = Arc::new(SqliteStore::open(&home.path().join("wirewatch.db")).unwrap());
        let now = clock.now();
        let created = store.sync_config(config_sync(&prepared.settings, now, false), now).await.unwrap();
        let snapshot = Snapshot::new(prepared, &created, now);
        let context =
            Context::new(store as Arc<dyn Store>, shared, Dice::seeded(1), Metrics::registered().0, snapshot);
        Self { context: Arc::new(context), clock, _home: home }
    }

    /// Lets every feed become due and polls until none is.
    pub(crate) async fn poll_all(&self) {
        self.clock.0.fetch_add(ROUND, Relaxed);
        // A task among others, as the daemon has it.
        let mut polling = JoinSet::new();
        polling.spawn(poller::run(Arc::clone(&self.context), Some(self.clock.now())));
        polling.join_all().await;
    }

    /// Sends until nothing is due.
    pub(crate) async fn deliver_all(&self) {
        dispatcher::run(Arc::clone(&self.context), true).await;
    }
}

/// A configuration for the farm at `port`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) port: u16,
    pub(crate) feeds: u32,
    pub(crate) hosts: u8,
    pub(crate) topics: u32,
    /// Milliseconds between polls of a feed; 0 leaves it to the feeds.
    pub(crate) interval: u32,
    /// Requests in flight per host; there is no delay between them.
    pub(crate) per_host: u32,
    /// Requests in flight to the webhook.
    pub(crate) hook_in_flight: u32,
}

impl Setup {
    /// The configuration's text. One topic finds the farm's keyword; the others are as large as people's are, and quiet.
    pub(crate) fn text(&self) -> String {
        let mut out = format!(
            "[daemon]\nlisten = \"off\"\ndatabase = \"wirewatch.db\"\n\
             [fetch]\nper_host = {}\nper_host_delay = \"0s\"\nmin_interval = \"1s\"\nallow_networks = [\"127.0.0.0/8\"]\n\
             [webhooks.sink]\nurl = \"http://127.0.0.1:{}/hook\"\nmax_in_flight = {}\n\
             [topics.farm]\nquery = \"Zebrafish\"\nwebhooks = [\"sink\"]\n",
            self.per_host, self.port, self.hook_in_flight
        );
        for topic in 1..self.topics {
            writeln!(
                out,
                "[topics.t{topic}]\nquery = '(\"name{topic} corden\" OR person{topic} OR \"firm{topic} falgri\") AND \
                 (strike OR merger OR {}) AND (harbour OR \"lum mar\")'\nwebhooks = [\"sink\"]",
                ["verdict", "denfal", "norpel", "quinras"][topic as usize % 4]
            ).expect("a String grows");
        }
        for feed in 0..self.feeds {
            let host = 1 + feed % u32::from(self.hosts);
            write!(out, "[feeds.f{feed}]\nurl = \"http://127.0.0.{host}:{}/feed/{feed}\"\n", self.port)
                .expect("a String grows");
            if self.interval > 0 {
                writeln!(out, "interval = \"{}ms\"", self.interval).expect("a String grows");
            }
        }
        out
    }

    /// Writes the configuration into a directory.
    pub(crate) fn write(&self, home: &Path) {
        std::fs::write(home.join("wirewatch.toml"), self.text()).unwrap();
    }
}
