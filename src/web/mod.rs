//! HTTP for people and machines that watch wirewatch: read-only, loopback by default.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::Context;

/// How long readiness may take to be proven: a commit on a busy disk, not a hang.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Binds the address HTTP is served on.
///
/// # Errors
/// One sentence for people: what is in the way and which key to change.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|problem| {
        format!("cannot listen on {address}: {problem}; set daemon.listen to a free address, or to \"off\"")
    })
}

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    context: Arc<Context>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(context)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// All routes.
pub fn router(context: Arc<Context>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(context)
}

async fn healthz(State(context): State<Arc<Context>>) -> Response {
    match context.health.stuck(context.clock.now()) {
        None => plain(StatusCode::OK, "ok\n"),
        Some(which) => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            &format!("the {} has not looked for work\n", which.as_str()),
        ),
    }
}

async fn readyz(State(context): State<Arc<Context>>) -> Response {
    let probe = context.store.probe(context.clock.now());
    match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
        Ok(Ok(())) => plain(StatusCode::OK, "ready\n"),
        Ok(Err(problem)) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, &format!("{}\n", crate::app::chain(&problem)))
        }
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, text.to_owned()).into_response()
}
