//! Accepts connections and serves requests on them, within bounds.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::guard::Local;
use super::{Web, router};

/// How much of the server guests can take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// For the whole head of a request, also on a connection that has served one already: how long an idle or a
    /// slow guest keeps a place.
    pub head: Duration,
    /// A connection is closed at the end of the request under way after so long, so that a guest that does not read
    /// its answer cannot keep a place for ever.
    pub life: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 64, head: Duration::from_secs(10), life: Duration::from_secs(120) }
    }
}

/// Bytes of a request's line and headers; browsers send one or two thousand.
const HEAD_BYTES: usize = 16 << 10;

/// Headers of a request.
const HEADERS: usize = 64;

/// What a request under way gets at the end of its connection's life, or at stop.
const LAST_ANSWER: Duration = Duration::from_secs(10);

/// Between two tries to accept when the process has no file descriptor left.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(500);

/// Serves until `stop`; requests under way then get their answers.
pub async fn serve(listener: TcpListener, web: Web, bounds: Bounds, stop: CancellationToken) {
    let router = router(web);
    let places = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    while let Some((stream, place)) = accept(&listener, &places, &stop, &mut connections).await {
        let router = router.clone();
        connections.spawn(connection(stream, router, bounds, stop.clone(), place));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next guest and its place; `None` at stop.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
    connections: &mut JoinSet<()>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let mut place = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return None,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            got = Arc::clone(places).acquire_owned(), if place.is_none() => place = Some(got.ok()?),
            accepted = listener.accept(), if place.is_some() => match accepted {
                Ok((stream, _)) => return Some((stream, place?)),
                Err(problem) => {
                    warn!(error = %problem, "accepting an HTTP connection");
                    tokio::time::sleep(AFTER_ACCEPT_ERROR).await;
                }
            },
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    bounds: Bounds,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) {
    let local = stream.local_addr().map(|address: SocketAddr| address.ip()).ok();
    let router = router.layer(Extension(Local(local)));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = served.as_mut() => Ok(ended),
        () = stop.cancelled() => Err(()),
        () = tokio::time::sleep(bounds.life) => Err(()),
    };
    let ended = if let Ok(ended) = ended {
        ended
    } else {
        served.as_mut().graceful_shutdown();
        tokio::time::timeout(LAST_ANSWER, served).await.unwrap_or(Ok(()))
    };
    if let Err(problem) = ended {
        debug!(error = %problem, "an HTTP connection ended early");
    }
    drop(place);
}
