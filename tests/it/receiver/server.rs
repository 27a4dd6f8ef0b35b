//! The endpoints: each behaves as its name says.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use super::judge::Arrival;
use crate::support::world::PATIENCE;

#[derive(Debug)]
struct Shared {
    start: Instant,
    feed: Mutex<String>,
    counts: Mutex<HashMap<String, u32>>,
    arrivals: watch::Sender<Vec<Arrival>>,
}

/// The receiver, and a feed to make it receive something.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    arrivals: watch::Receiver<Vec<Arrival>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, arrivals) = watch::channel(Vec::new());
        let shared = Arc::new(Shared {
            start: Instant::now(),
            feed: Mutex::default(),
            counts: Mutex::default(),
            arrivals: sender,
        });
        let router = Router::new()
            .route(
                "/feed",
                get(|State(shared): State<Arc<Shared>>| async move {
                    ([("content-type", "application/rss+xml")], shared.feed.lock().unwrap().clone())
                }),
            )
            .route("/hook/{endpoint}", post(hook))
            .with_state(Arc::clone(&shared));
        #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, arrivals }
    }

    /// Puts these items into the feed.
    pub(super) fn publish(&self, items: &[&str]) {
        let items: Vec<String> = items
            .iter()
            .map(|item| format!("<item><title>Pyongyang {item}</title><guid>{item}</guid></item>"))
            .collect();
        *self.shared.feed.lock().unwrap() =
            format!("<rss version=\"2.0\"><channel><title>W</title>{}</channel></rss>", items.concat());
    }

    /// What arrived at an endpoint so far.
    pub(super) fn at(&self, endpoint: &str) -> Vec<Arrival> {
        self.arrivals.borrow().iter().filter(|arrival| arrival.path == endpoint).cloned().collect()
    }

    /// Waits until an endpoint got so many requests.
    pub(super) async fn wait(&mut self, endpoint: &str, count: usize) -> Vec<Arrival> {
        let enough = |all: &Vec<Arrival>| all.iter().filter(|one| one.path == endpoint).count() >= count;
        let waited = tokio::time::timeout(PATIENCE, self.arrivals.wait_for(enough))
            .await
            .map(|found| drop(found.unwrap()));
        assert!(waited.is_ok(), "{endpoint} got {} of {count} requests", self.at(endpoint).len());
        self.at(endpoint)
    }
}

async fn hook(
    State(shared): State<Arc<Shared>>,
    Path(endpoint): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let at = shared.start.elapsed();
    let count = {
        let mut counts = shared.counts.lock().unwrap();
        let count = counts.entry(endpoint.clone()).or_default();
        *count += 1;
        *count
    };
    if endpoint.starts_with("tells-all") {
        let basic = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
        // So long that only a part of the address is kept.
        let told = format!("{uri} {basic} {} {uri}", "x".repeat(4096 - uri.to_string().len() * 2));
        shared.arrivals.send_modify(|arrivals| {
            arrivals.push(Arrival { path: endpoint, at, headers, body: body.to_vec() });
        });
        return (StatusCode::INTERNAL_SERVER_ERROR, told).into_response();
    }
    let arrival = Arrival { path: endpoint.clone(), at, headers, body: body.to_vec() };
    shared.arrivals.send_modify(|arrivals| arrivals.push(arrival));
    answer(&endpoint, count).await
}

/// What an endpoint answers to its n-th request.
async fn answer(endpoint: &str, count: u32) -> Response {
    match endpoint {
        "fails-twice" if count <= 2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "fails-six" if count <= 6 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "flaps" if count % 2 == 1 => StatusCode::BAD_GATEWAY.into_response(),
        "asks-for-a-pause" if count == 1 => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response()
        }
        "hangs" => std::future::pending().await,
        "drips" => drip().into_response(),
        "gone" => StatusCode::GONE.into_response(),
        "moved" => (StatusCode::MOVED_PERMANENTLY, [("location", "/hook/elsewhere")]).into_response(),
        "refuses" => (StatusCode::BAD_REQUEST, "no such thing").into_response(),
        "huge" => huge().into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

/// One byte at a time, for ever.
fn drip() -> Body {
    Body::from_stream(stream::unfold(tokio::time::interval(Duration::from_millis(20)), |mut drops| async {
        drops.tick().await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b".")), drops))
    }))
}

/// As much as is read.
fn huge() -> Body {
    Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 8192]))))
}
