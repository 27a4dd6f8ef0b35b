//! Builds adapters and joins them: the only place that does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use secrecy::SecretString;

use super::Global;
use super::compile::{self, Checked};
use crate::app::metrics::Metrics;
use crate::app::render::Destinations;
use crate::app::snapshot::{Loader, Prepared, Snapshot, config_sync, tune};
use crate::app::{Context, Dice};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::config::settings::FetchSettings;
use crate::config::{self, Credentials, LoadRequest};
use crate::http::{FetchLimits, HttpFetch, HttpPost};
use crate::ports::watch::Watch;
use crate::ports::{Clock, Store};
use crate::sqlite::{DaemonLock, SqliteStore};
use crate::web::Web;

/// Reads the configuration of this process's environment.
#[derive(Clone, Debug)]
struct FileLoader {
    path: Option<PathBuf>,
}

/// A loader for the configuration the command line names.
pub(super) fn loader(global: &Global) -> Arc<dyn Loader> {
    Arc::new(FileLoader { path: global.config.clone() })
}

/// A loader for one file.
pub(super) fn loader_at(path: &Path) -> Arc<dyn Loader> {
    Arc::new(FileLoader { path: Some(path.to_owned()) })
}

impl Loader for FileLoader {
    fn load(&self) -> Result<Prepared, String> {
        let request = LoadRequest::of_process(self.path.clone(), Credentials::Needed);
        let Checked { loaded, matcher, report } =
            compile::check(&request).map_err(|report| report.render(false))?;
        let settings = loaded.settings;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let fetch = HttpFetch::new(limits(&settings.fetch), Arc::clone(&clock))
            .map_err(|problem| problem.to_string())?;
        let post = HttpPost::new(&settings.fetch.allow_networks, clock);
        let mut problems = Vec::new();
        for (id, webhook) in &settings.webhooks {
            if let Some(Err(problem)) = webhook.ca_file.as_deref().map(HttpPost::check_authorities) {
                problems.push(format!("webhooks.{id}.ca_file: {problem}"));
            }
        }
        let destinations = match Destinations::new(&settings) {
            Ok(destinations) if problems.is_empty() => destinations,
            Ok(_) => return Err(problems.join("\n")),
            Err(more) => {
                problems.extend(more);
                return Err(problems.join("\n"));
            }
        };
        let warnings = if report.is_empty() { Vec::new() } else { vec![report.render(false)] };
        Ok(Prepared {
            settings,
            matcher: Arc::new(matcher),
            fetch: Arc::new(fetch),
            post: Arc::new(post),
            destinations,
            warnings,
        })
    }

    fn differs(&self, files_hash: &str) -> Option<bool> {
        let request = LoadRequest::of_process(self.path.clone(), Credentials::Needed);
        Some(config::files_hash(&request).ok()? != files_hash)
    }
}

/// The bounds of visits.
pub(super) fn limits(fetch: &FetchSettings) -> FetchLimits {
    FetchLimits {
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
        proxy: fetch.proxy.as_ref().map(|proxy| SecretString::from(proxy.expose().to_owned())),
    }
}

/// What `run`, `once` and `demo` hold: the lock, the store, what the loops share.
pub(super) struct Daemon {
    pub(super) context: Arc<Context>,
    /// Shows what the context's metrics count.
    registry: Registry,
    store: Arc<SqliteStore>,
    _lock: DaemonLock,
}

impl Daemon {
    /// What pages are made from; once, the registry goes with it.
    pub(super) fn web(&mut self) -> Web {
        let watch = Arc::clone(&self.store) as Arc<dyn Watch>;
        Web::new(Arc::clone(&self.context), watch, std::mem::take(&mut self.registry))
    }

    /// Commits what waits and lets the database go.
    pub(super) async fn close(self) {
        self.store.close().await;
    }
}

/// Loads the configuration, opens the database, joins them. With `spread`, new feeds are due over the
/// first minute, else at once.
///
/// The inner error is the configuration's report; the outer one everything else that is in the way.
pub(super) async fn start(loader: &Arc<dyn Loader>, spread: bool) -> anyhow::Result<Result<Daemon, String>> {
    let mut prepared = match loader.load() {
        Ok(prepared) => prepared,
        Err(report) => return Ok(Err(report)),
    };
    for warning in &prepared.warnings {
        tracing::warn!("{warning}");
    }
    let path = prepared.settings.daemon.database.clone();
    let lock = DaemonLock::take(&path)?;
    let store = Arc::new(SqliteStore::open(&path)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    store.recover(now).await.context("giving back what the last run left")?;
    let created = store
        .sync_config(config_sync(&prepared.settings, now, spread), now)
        .await
        .context("writing the configuration's feeds and topics")?;
    tune(&*store, &mut prepared).await;
    let snapshot = Snapshot::new(prepared, &created, now);
    let (metrics, registry) = Metrics::registered();
    let context = Context::new(Arc::clone(&store) as Arc<dyn Store>, clock, Dice::new(), metrics, snapshot);
    Ok(Ok(Daemon { context: Arc::new(context), registry, store, _lock: lock }))
}

/// The configuration is wrong; shown as its report.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadConfiguration(String);

impl BadConfiguration {
    /// The report without colours.
    pub(super) fn new(report: &config::Report) -> Self {
        Self(report.render(false))
    }
}

/// A client that fetches as the daemon does.
pub(super) fn fetcher(settings: &Settings) -> anyhow::Result<HttpFetch> {
    HttpFetch::new(limits(&settings.fetch), Arc::new(SystemClock)).context("making the HTTP client")
}

/// The settings, for commands that run nothing.
///
/// # Errors
/// [`BadConfiguration`] when the files are wrong.
pub(super) fn settings(global: &Global) -> anyhow::Result<Settings> {
    let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
    let loaded = config::load(&request).map_err(|report| BadConfiguration::new(&report))?;
    Ok(loaded.settings)
}

/// The settings where there is a configuration, else the defaults.
///
/// # Errors
/// [`BadConfiguration`] when the files are wrong.
pub(super) fn settings_or_defaults(global: &Global) -> anyhow::Result<Settings> {
    let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
    if config::find(&request).is_err() { Ok(config::defaults()) } else { settings(global) }
}

/// The database of the configuration, for commands that only read.
///
/// # Errors
/// [`BadConfiguration`] when the files are wrong, [`crate::sqlite::OpenError`] when the database is.
pub(super) fn reading_store(global: &Global) -> anyhow::Result<SqliteStore> {
    Ok(SqliteStore::open_for_reading(&settings(global)?.daemon.database)?)
}

/// The database of the configuration, for one change by hand, also while a daemon runs on it.
///
/// # Errors
/// As [`reading_store`].
pub(super) fn changing_store(global: &Global) -> anyhow::Result<SqliteStore> {
    Ok(SqliteStore::open_for_a_change(&settings(global)?.daemon.database)?)
}

/// The configuration with everything it needs, credentials included, ready for use.
///
/// # Errors
/// [`BadConfiguration`].
pub(super) fn prepare(global: &Global) -> anyhow::Result<Prepared> {
    Ok(loader(global).load().map_err(BadConfiguration)?)
}
