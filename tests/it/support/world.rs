//! An outside world on loopback: feeds that a test publishes to, and a webhook receiver that checks signatures.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// No single thing a test waits for takes longer, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const SECRET: &str = "whsec_dGhpcyBrZXkgaXMga25vd24gdG8gYWxsIHRlc3Rz";

/// A message as the receiver got it, its signature checked.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) webhook_id: String,
    pub(crate) body: Value,
}

struct Shared {
    feeds: Mutex<HashMap<String, (String, &'static str)>>,
    polls: watch::Sender<HashMap<String, u32>>,
    answer: Mutex<StatusCode>,
    received: mpsc::Sender<Received>,
}

/// The outside world.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    polls: watch::Receiver<HashMap<String, u32>>,
    received: mpsc::Receiver<Received>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// Starts on a given address: a receiver that comes back.
    pub(crate) async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::channel(1000);
        let (polls_sender, polls) = watch::channel(HashMap::new());
        let shared = Arc::new(Shared {
            feeds: Mutex::default(),
            polls: polls_sender,
            answer: Mutex::new(StatusCode::NO_CONTENT),
            received: sender,
        });
        let router = Router::new()
            .route("/feeds/{name}", get(feed))
            .route("/hook", post(hook))
            .with_state(Arc::clone(&shared));
        #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, polls, received }
    }

    /// Puts a document behind `/feeds/NAME`.
    pub(crate) fn publish(&self, name: &str, kind: &'static str, document: String) {
        self.shared.feeds.lock().unwrap().insert(name.to_owned(), (document, kind));
    }

    /// What the receiver answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        *self.shared.answer.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    /// Waits until `name` has been polled `times` more.
    pub(crate) async fn polled(&mut self, name: &str, times: u32) {
        let count = |polls: &HashMap<String, u32>| polls.get(name).copied().unwrap_or(0);
        let goal = count(&self.polls.borrow()) + times;
        tokio::time::timeout(PATIENCE, self.polls.wait_for(|polls| count(polls) >= goal))
            .await
            .unwrap_or_else(|_| panic!("{name} was not polled {times} times"))
            .unwrap();
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Received {
        tokio::time::timeout(PATIENCE, self.received.recv()).await.expect("a message arrives").unwrap()
    }

    /// A message that is here already, if any.
    pub(crate) fn try_next(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }

    pub(crate) fn feed_url(&self, name: &str) -> String {
        format!("http://{}/feeds/{name}", self.address)
    }

    pub(crate) fn hook_url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}

async fn feed(State(shared): State<Arc<Shared>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let document = shared.feeds.lock().unwrap().get(&name).cloned();
    let answer = match document {
        None => StatusCode::NOT_FOUND.into_response(),
        Some((body, kind)) => {
            let mut hasher = DefaultHasher::new();
            body.hash(&mut hasher);
            let etag = format!("\"{:x}\"", hasher.finish());
            if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
                StatusCode::NOT_MODIFIED.into_response()
            } else {
                ([(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, etag)], body).into_response()
            }
        }
    };
    shared.polls.send_modify(|polls| *polls.entry(name).or_default() += 1);
    answer
}

async fn hook(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let value = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (value("webhook-id"), value("webhook-timestamp"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&SECRET["whsec_".len()..]).unwrap());
    let signed = [id.as_bytes(), timestamp.as_bytes(), &body].join(&b'.');
    let signature = value("webhook-signature");
    let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&key, &signed, &tag).expect("a valid signature");
    let answer = *shared.answer.lock().unwrap();
    let message = Received { webhook_id: id, body: serde_json::from_slice(&body).unwrap() };
    shared.received.send(message).await.unwrap();
    answer
}

/// An RSS document with these items: title, path, guid.
pub(crate) fn rss(world: &World, items: &[(&str, &str)]) -> String {
    let items = items
        .iter()
        .map(|(title, guid)| {
            format!(
                "<item><title>{title}</title><link>http://{}/a/{guid}</link><guid>{guid}</guid></item>",
                world.address
            )
        })
        .collect::<Vec<_>>()
        .concat();
    format!("<rss version=\"2.0\"><channel><title>The Wire</title>{items}</channel></rss>")
}

/// An Atom document with these entries: title, id.
pub(crate) fn atom(world: &World, entries: &[(&str, &str)]) -> String {
    let entries = entries
        .iter()
        .map(|(title, id)| {
            format!(
                "<entry><id>urn:{id}</id><title>{title}</title><link href=\"http://{}/b/{id}\"/>\
                 <updated>2026-01-01T00:00:00Z</updated></entry>",
                world.address
            )
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>The Ticker</title><id>urn:t</id><updated>2026-01-01T00:00:00Z</updated>{entries}</feed>"
    )
}
