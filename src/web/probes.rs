//! `/healthz` and `/readyz`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Web, plain};

/// How long readiness may take to be proven: a commit on a busy disk, not a hang.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// 200 while the loops look for work.
pub(super) async fn healthz(State(web): State<Web>) -> Response {
    let context = web.context();
    match context.health.stuck(context.clock.now()) {
        None => plain(StatusCode::OK, "ok\n"),
        Some(which) => plain(
            StatusCode::SERVICE_UNAVAILABLE,
            &format!("the {} has not looked for work\n", which.as_str()),
        ),
    }
}

/// 200 while the database can be written.
pub(super) async fn readyz(State(web): State<Web>) -> Response {
    let context = web.context();
    let probe = context.store.probe(context.clock.now());
    match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
        Ok(Ok(())) => plain(StatusCode::OK, "ready\n"),
        Ok(Err(problem)) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, &format!("{}\n", crate::app::chain(&problem)))
        }
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}
