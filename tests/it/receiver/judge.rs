//! What Standard Webhooks asks of a sender, checked on every request; signatures by the standard's own library.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use standardwebhooks::Webhook;
use wirewatch::clock::SystemClock;
use wirewatch::ports::Clock as _;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) path: String,
    /// How long after the receiver's start.
    pub(super) at: Duration,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Arrival {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

/// All that is wrong with these requests to one endpoint that knows `secret`.
pub(super) fn faults(arrivals: &[Arrival], secret: &str) -> Vec<String> {
    let library = Webhook::new(secret).expect("a secret the library takes");
    let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut faults = Vec::new();
    for arrival in arrivals {
        let id = arrival.id();
        let mut fault = |what: &str| faults.push(format!("{}: {id}: {what}", arrival.path));
        if id.is_empty() || id.contains('.') || !id.is_ascii() {
            fault("no webhook-id, or one that may not be");
        }
        if arrival.header("content-type") != "application/json" {
            fault("the content type is not application/json");
        }
        if !arrival.header("user-agent").starts_with("wirewatch/") {
            fault("the sender does not say who it is");
        }
        let timestamp = arrival.header("webhook-timestamp");
        let now = SystemClock.now().as_secs();
        if !timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(now) < 60) {
            fault("the timestamp is not that of the attempt, in whole seconds");
        }
        if let Err(problem) = library.verify(&arrival.body, &arrival.headers) {
            fault(&format!("the signature: {problem:?}"));
        }
        let event: serde_json::Value = serde_json::from_slice(&arrival.body).unwrap_or_default();
        for wrong in crate::message::events::faults(&event) {
            fault(&format!("the body: {wrong}"));
        }
        if *bodies.entry(id).or_insert(&arrival.body) != arrival.body {
            fault("a retry says something else than what it repeats");
        }
    }
    faults
}

/// Messages that arrived under two ids: the same event twice.
pub(super) fn doubles(arrivals: &[Arrival]) -> Vec<String> {
    let mut ids: BTreeMap<&[u8], &str> = BTreeMap::new();
    let mut doubles = Vec::new();
    for arrival in arrivals {
        if *ids.entry(&arrival.body).or_insert(arrival.id()) != arrival.id() {
            doubles.push(arrival.id().to_owned());
        }
    }
    doubles
}
