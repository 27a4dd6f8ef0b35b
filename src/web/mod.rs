//! HTTP for people and machines that watch wirewatch: read-only, loopback by default.
//!
//! `/` and the pages behind it for people, `/topics/ID.atom` and `.json` for feed readers, `/metrics` for Prometheus,
//! `/healthz` and `/readyz` for whoever keeps the daemon running. Every request passes [`guard`]; nothing on a page
//! comes from anywhere else.

mod guard;
mod metrics;
mod page;
mod probes;
mod process;
mod serve;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub use serve::{Bounds, serve};

use crate::app::Context;
use crate::ports::StoreError;
use crate::ports::watch::{Survey, Watch};

/// How long one survey serves: it looks at every feed, and a page that refreshes itself in many windows must not
/// keep the database busy.
const SURVEY_KEEPS: Duration = Duration::from_secs(2);

/// What is behind all pages.
#[derive(Clone, Debug)]
pub struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    context: Arc<Context>,
    watch: Arc<dyn Watch>,
    registry: Registry,
    survey: Mutex<Option<(Instant, Arc<Survey>)>>,
}

impl Web {
    /// Puts together what pages are made from; `registry` shows what the context's metrics count.
    pub fn new(context: Arc<Context>, watch: Arc<dyn Watch>, registry: Registry) -> Self {
        Self(Arc::new(Inner { context, watch, registry, survey: Mutex::new(None) }))
    }

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn watch(&self) -> &dyn Watch {
        &*self.0.watch
    }

    /// How everything is, as of [`SURVEY_KEEPS`] ago at most. Those who ask at the same time wait for one answer.
    async fn survey(&self) -> Result<Arc<Survey>, StoreError> {
        // Held while the store looks, so that it looks once for all.
        let mut kept = self.0.survey.lock().await;
        if let Some((at, survey)) = &*kept
            && at.elapsed() < SURVEY_KEEPS
        {
            return Ok(Arc::clone(survey));
        }
        let survey = Arc::new(self.watch().survey(self.context().clock.now()).await?);
        *kept = Some((Instant::now(), Arc::clone(&survey)));
        Ok(survey)
    }
}

/// Binds the address HTTP is served on.
///
/// # Errors
/// One sentence for people: what is in the way and which key to change.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|problem| {
        format!("cannot listen on {address}: {problem}; set daemon.listen to a free address, or to \"off\"")
    })
}

/// All routes, guarded.
pub fn router(web: Web) -> Router {
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/topics/{name}", get(told::told))
        .merge(page::routes())
        .fallback(|| async { plain(StatusCode::NOT_FOUND, "there is nothing here; the status page is /\n") })
        .layer(axum::middleware::from_fn_with_state(web.clone(), guard::guard))
        .with_state(web)
}

/// A few words of plain text.
fn plain(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.to_owned()).into_response()
}

/// What is said when the store fails.
fn failed(problem: &StoreError) -> Response {
    tracing::warn!(error = %crate::app::chain(problem), "reading for a page");
    plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; the log says more\n")
}
