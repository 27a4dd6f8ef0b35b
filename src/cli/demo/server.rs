//! The demo's outside world: sample feeds that change once, and a webhook receiver that checks signatures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822;
use ring::{digest, hmac};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::domain::Timestamp;
use crate::domain::alert::AlertContent;
use crate::ports::Clock;

/// The sample feeds: id, file name, content type, document.
pub(super) const FEEDS: [(&str, &str, &str, &str); 4] = [
    ("harbour-wire", "harbour.rss", "application/rss+xml", include_str!("harbour.rss")),
    ("hanbando-daily", "hanbando.atom", "application/atom+xml", include_str!("hanbando.atom")),
    ("dnipro-news", "dnipro.rss", "application/rss+xml", include_str!("dnipro.rss")),
    ("dongya-brief", "dongya.json", "application/feed+json", include_str!("dongya.json")),
];

/// The key the demo signs with; a real one is drawn at random and kept secret.
const KEY: &[u8; 32] = b"wirewatch demo key, known to all";

/// Which of its two documents a feed shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// With the entries marked LATER.
    Later,
}

/// A webhook as it arrived.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) webhook_id: String,
    pub(super) verified: bool,
    pub(super) alert: AlertContent,
}

#[derive(Debug)]
struct World {
    address: SocketAddr,
    started: Timestamp,
    later: AtomicBool,
    arrivals: mpsc::Sender<Received>,
}

/// The running server.
#[derive(Debug)]
pub(super) struct DemoServer {
    pub(super) address: SocketAddr,
    world: Arc<World>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl DemoServer {
    /// Serves on a free port of loopback; every webhook received goes to `arrivals`.
    pub(super) async fn start(arrivals: mpsc::Sender<Received>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listening on 127.0.0.1")?;
        let address = listener.local_addr().context("asking for the port")?;
        let started = SystemClock.now();
        let world = Arc::new(World { address, started, later: AtomicBool::new(false), arrivals });
        let router = Router::new()
            .route("/feeds/{name}", get(feed))
            .route("/webhook", post(webhook))
            .with_state(Arc::clone(&world));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(problem) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(error = %problem, "serving the demo's feeds");
            }
        });
        Ok(Self { address, world, stop, tasks })
    }

    /// From now on the feeds show what came out later.
    pub(super) fn advance(&self, stage: Stage) {
        match stage {
            Stage::Later => self.world.later.store(true, Ordering::Release),
        }
    }

    /// A configuration that polls the feeds every second and sends alerts to the receiver.
    pub(super) fn configuration(&self) -> String {
        let secret = format!("whsec_{}", STANDARD.encode(KEY));
        let mut text = format!(
            "[daemon]\ndatabase = \"demo.db\"\nlisten = \"off\"\n\n\
             [fetch]\ninterval = \"1s\"\nmin_interval = \"1s\"\nper_host = 4\nper_host_delay = \"0s\"\nallow_networks = [\"127.0.0.1/32\"]\n\n\
             [alerts]\nfirst_poll = \"alert\"\n\n\
             [webhooks.demo]\nurl = \"http://{}/webhook\"\nsecret = \"{secret}\"\n",
            self.address
        );
        for (id, file, _, _) in FEEDS {
            let address = self.address;
            text.extend([format!(
                "\n[feeds.{id}]\nurl = \"http://{address}/feeds/{file}\"\ninterval = \"1s\"\n"
            )]);
        }
        text
    }

    /// Ends the server.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(Duration::from_secs(1), ended).await);
    }
}

async fn feed(State(world): State<Arc<World>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((_, _, kind, document)) = FEEDS.into_iter().find(|(_, file, _, _)| *file == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let body = fill(document, &world);
    let hash = digest::digest(&digest::SHA256, body.as_bytes());
    let etag = format!("\"{}\"", STANDARD.encode(&hash.as_ref()[..12]));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, etag)], body).into_response()
}

/// Puts in the server's address and dates relative to the demo's start.
fn fill(document: &str, world: &World) -> String {
    let mut text = document.replace("SERVER", &world.address.to_string());
    // What is corrected later stands in the document once, not twice.
    let hidden = if world.later.load(Ordering::Acquire) { "EARLIER" } else { "LATER" };
    let (open, close) = (format!("<!--{hidden}-->"), format!("<!--/{hidden}-->"));
    if let (Some(from), Some(to)) = (text.find(&open), text.find(&close)) {
        text.replace_range(from..to + close.len(), "");
    }
    for minutes in 1..=120_u64 {
        let at = world.started.minus(Duration::from_secs(minutes * 60));
        text = text.replace(&format!("RFC3339-{minutes}\""), &format!("{at}\""));
        text = text.replace(&format!("RFC3339-{minutes}<"), &format!("{at}<"));
        text = text.replace(&format!("RFC2822-{minutes}<"), &format!("{}<", mail_date(at)));
    }
    text
}

fn mail_date(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()
        .and_then(|at| rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).ok())
        .unwrap_or_default()
}

/// The part of a message the demo shows.
#[derive(serde::Deserialize)]
struct Event {
    data: AlertContent,
}

async fn webhook(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let webhook_id = value("webhook-id").to_owned();
    let verified = verify(&webhook_id, value("webhook-timestamp"), value("webhook-signature"), &body);
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::BAD_REQUEST };
    let received = Received { webhook_id, verified, alert: event.data };
    match world.arrivals.send(received).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Checks a signature as a receiver would (Standard Webhooks: HMAC-SHA256 over id, timestamp and body).
fn verify(id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
    let signed = [id.as_bytes(), timestamp.as_bytes(), body].join(&b'.');
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
    signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|signature| {
        STANDARD.decode(signature).is_ok_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    })
}
