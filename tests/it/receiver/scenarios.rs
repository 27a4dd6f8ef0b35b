//! The program against every kind of endpoint at once, time scaled down to milliseconds.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use serde_json::Value;
use wirewatch::clock::SystemClock;
use wirewatch::domain::Timestamp;
use wirewatch::ports::Clock as _;

use super::judge::{Arrival, doubles, faults};
use super::server::Receiver;
use crate::support::daemon::Home;
use crate::support::world::{PATIENCE, SECRET};

/// A second secret, for rotation.
const OLD: &str = "whsec_dGhlIG9sZCBrZXkgdGhhdCBpcyBrbm93biB0byBhbGw=";

/// A configuration with these webhooks, all of them named by the one topic.
fn config(receiver: &Receiver, delivery: &str, endpoints: &[&str], more: &str) -> String {
    let webhooks: Vec<String> = endpoints
        .iter()
        .map(|name| {
            format!(
                "[webhooks.{name}]\nurl = \"http://{}/hook/{name}\"\nsecret = [\"{SECRET}\", \"{OLD}\"]\n",
                receiver.address
            )
        })
        .collect();
    format!(
        "[daemon]\ndatabase = \"w.db\"\nlisten = \"off\"\n\
         [fetch]\ninterval = \"1s\"\nmin_interval = \"1s\"\nper_host_delay = \"0s\"\nallow_networks = [\"127.0.0.1/32\"]\n\
         [alerts]\nfirst_poll = \"alert\"\n{more}\n\
         [delivery]\njitter = 0.0\n{delivery}\n\
         [feeds.wire]\nurl = \"http://{}/feed\"\ninterval = \"1s\"\n\
         [topics.t]\nkeywords = [\"Pyongyang\"]\nwebhooks = {endpoints:?}\n{}",
        receiver.address,
        webhooks.concat()
    )
}

/// Waits until a delivery to `webhook` is in this state, and shows it.
#[track_caller]
fn becomes(home: &Home, webhook: &str, state: &str) -> Value {
    let start = tokio::time::Instant::now();
    loop {
        let rows = home.json(&["deliveries", "list", "--limit", "0", "--json"]);
        let found =
            rows.as_array().unwrap().iter().find(|row| row["webhook"] == webhook && row["state"] == state);
        if let Some(row) = found {
            return home.json(&["deliveries", "show", row["id"].as_str().unwrap(), "--json"]);
        }
        assert!(start.elapsed() < PATIENCE, "no delivery to {webhook} became {state}: {rows:#}");
    }
}

fn statuses(shown: &Value) -> Vec<u64> {
    shown["attempts"].as_array().unwrap().iter().filter_map(|attempt| attempt["status"].as_u64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_gets_what_the_standard_asks_for_and_none_delays_another() {
    const ENDPOINTS: [&str; 9] =
        ["works", "fails-twice", "asks-for-a-pause", "hangs", "drips", "gone", "moved", "refuses", "huge"];
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one"]);
    let delivery = "retries = [\"50ms\", \"100ms\", \"200ms\"]\ntimeout = \"3s\"\ntrip_after = 100";
    let home = Home::new(&config(&receiver, delivery, &ENDPOINTS, ""));
    let _daemon = home.start();

    let works = receiver.wait("works", 1).await;
    let hangs = receiver.wait("hangs", 1).await;
    let twice = receiver.wait("fails-twice", 3).await;
    assert!(twice[2].at < hangs[0].at + Duration::from_secs(3), "nobody waits for the one that hangs");
    assert_eq!(statuses(&becomes(&home, "fails-twice", "delivered")), [503, 503, 204]);
    assert!(twice.iter().all(|arrival| arrival.id() == twice[0].id()));

    let paused = receiver.wait("asks-for-a-pause", 2).await;
    assert!(paused[1].at >= paused[0].at + Duration::from_secs(1), "Retry-After is obeyed");

    let gone = becomes(&home, "gone", "dead");
    assert_eq!((&gone["reason"], statuses(&gone)), (&"gone".into(), vec![410]));
    let refused = becomes(&home, "refuses", "dead");
    assert_eq!((&refused["reason"], statuses(&refused)), (&"refused".into(), vec![400, 400]));
    assert_eq!(refused["attempts"][0]["response"], "no such thing");
    let moved = becomes(&home, "moved", "dead");
    assert_eq!((&moved["reason"], statuses(&moved)), (&"exhausted".into(), vec![301; 4]));
    assert!(receiver.at("elsewhere").is_empty(), "redirects are not followed");

    // The status is success; what follows it is bounded.
    let huge = becomes(&home, "huge", "delivered");
    assert_eq!(huge["attempts"][0]["response"].as_str().unwrap().len(), 4096);
    let hung = becomes(&home, "hangs", "pending");
    assert_eq!(hung["attempts"][0]["error_kind"], "timeout");
    let dripped = becomes(&home, "drips", "delivered");
    assert!(dripped["attempts"][0]["response"].as_str().unwrap().starts_with("..."), "{dripped}");

    // What comes for the one that is gone is held.
    receiver.publish(&["two", "one"]);
    receiver.wait("works", 2).await;
    assert_eq!(becomes(&home, "gone", "held")["attempts"], serde_json::json!([]));

    let all: Vec<Arrival> = ENDPOINTS.iter().flat_map(|name| receiver.at(name)).collect();
    assert_eq!(faults(&all, SECRET), [""; 0]);
    assert_eq!(faults(&works, OLD), [""; 0], "the old secret still holds");
    assert_eq!(doubles(&receiver.at("fails-twice")), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_repeats_its_address_puts_no_credential_into_the_database() {
    const ADDRESS: &str = "user:p%40ss9x@HOST/hook/tells-all-4f1c9b0e7d22aa51?key=ab%3Dcd12ef&sig=q7Zt";
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one"]);
    let address = ADDRESS.replace("HOST", &receiver.address.to_string());
    let text = config(&receiver, "retries = [\"50ms\"]", &["told"], "")
        .replace(&format!("{}/hook/told", receiver.address), &address);
    let home = Home::new(&text);
    let _daemon = home.start();
    receiver.wait("tells-all-4f1c9b0e7d22aa51", 2).await;
    let shown = becomes(&home, "told", "dead").to_string();
    let database = std::fs::read(home.path().join("w.db")).unwrap();
    let log = std::fs::read(home.path().join("w.db-wal")).unwrap_or_default();
    let kept = String::from_utf8_lossy(&[database, log].concat()).into_owned() + &shown;
    // The last is `user:p@ss9x` in base64.
    for secret in ["p%40ss9x", "p@ss9x", "ab%3Dcd12ef", "ab=cd12ef", "q7Zt", "4f1c9b0e", "dXNlcjpwQHNzOXg="] {
        assert!(!kept.contains(secret), "{secret} is kept: {shown}");
    }
    assert!(shown.contains("***"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_webhook_is_probed_by_the_oldest_alone_and_then_drained_and_operations_hear_of_it() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one", "two", "three", "four", "five"]);
    let delivery = "retries = [\"1h\", \"1h\"]\ntrip_after = 2\nprobe_interval = \"100ms\"\nprobe_interval_max = \"200ms\"";
    let more = "operations = [\"ops\"]\n";
    let text = config(&receiver, delivery, &["fails-six"], more)
        + &format!("[webhooks.ops]\nurl = \"http://{}/hook/ops\"\nsecret = \"{SECRET}\"\n", receiver.address);
    let home = Home::new(&text.replace("secret = [", "max_in_flight = 1\nsecret = ["));
    let _daemon = home.start();

    // Two failures trip it; four probes fail, the fifth succeeds, and the other four follow.
    let all = receiver.wait("fails-six", 11).await;
    let (tripping, probes) = all.split_at(2);
    assert_ne!(tripping[0].id(), tripping[1].id());
    assert!(probes[..5].iter().all(|probe| probe.id() == tripping[0].id()), "the oldest alone probes");
    let told = receiver.wait("ops", 2).await;
    let kinds: Vec<String> = told
        .iter()
        .map(|arrival| {
            let event: Value = serde_json::from_slice(&arrival.body).unwrap();
            assert_eq!(event["data"]["webhook"]["id"], "fails-six");
            event["type"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["webhook.failing", "webhook.recovered"]);
    assert_eq!(faults(&told, SECRET), [""; 0]);
    let row = becomes(&home, "fails-six", "delivered");
    assert_eq!(row["alert"].as_str().map(|id| &id[..4]), Some("alt_"));
    assert_eq!(becomes(&home, "ops", "delivered")["alert"], Value::Null);
    assert_eq!(home.json(&["webhooks", "list", "--json"])[0]["state"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_refuses_everything_is_failing_and_what_comes_for_it_is_held() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one", "two", "three", "four", "five", "six"]);
    let delivery = "retries = [\"10ms\"]\ntrip_after = 3\nprobe_interval = \"1h\"";
    let text = config(&receiver, delivery, &["refuses"], "operations = [\"ops\"]\n")
        + &format!("[webhooks.ops]\nurl = \"http://{}/hook/ops\"\nsecret = \"{SECRET}\"\n", receiver.address);
    let home = Home::new(&text.replace("secret = [", "max_in_flight = 1\nsecret = ["));
    let _daemon = home.start();
    let told = receiver.wait("ops", 1).await;
    let event: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(event["type"], "webhook.failing");
    assert!(event["data"]["message"].as_str().unwrap().contains("400"), "{event}");
    becomes(&home, "refuses", "held");
    let dead = home.json(&["deliveries", "list", "--state", "dead", "--json"]);
    assert!(
        dead.as_array().unwrap().len() <= 1,
        "three refusals are two tries of one and one of another: {dead}"
    );
    assert_eq!(home.json(&["webhooks", "list", "--json"])[1]["state"], "failing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_at_which_everything_fails_for_days_is_disabled() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one", "two"]);
    let delivery = "retries = [\"1h\"]\ntrip_after = 1\nprobe_interval = \"50ms\"\nprobe_interval_max = \"50ms\"\ndisable_after = \"1s\"";
    let more = "operations = [\"ops\"]\n";
    let text = config(&receiver, delivery, &["moved"], more)
        + &format!("[webhooks.ops]\nurl = \"http://{}/hook/ops\"\nsecret = \"{SECRET}\"\n", receiver.address);
    let home = Home::new(&text);
    let mut daemon = home.start();
    daemon.wait_for_line("webhook moved is disabled");
    let told = receiver.wait("ops", 2).await;
    let last: Value = serde_json::from_slice(&told[1].body).unwrap();
    assert_eq!(last["type"], "webhook.disabled");
    let held = becomes(&home, "moved", "held");
    assert!(held["reason"].as_str().unwrap().contains("disabled"), "{held}");
    assert_eq!(home.json(&["webhooks", "list", "--json"])[0]["state"], "disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_spreads_the_starts_evenly_and_once_waits_for_its_turn() {
    let mut receiver = Receiver::start().await;
    receiver.publish(&["one", "two", "three", "four"]);
    let text = config(&receiver, "retries = []", &["works"], "");
    let home = Home::new(&text.replace("secret = [", "rate = \"5/s\"\nsecret = ["));
    assert!(home.run(&["once"]).status.success());
    let arrivals = receiver.wait("works", 4).await;
    // By the sender's clock: on a busy machine requests may arrive in a heap.
    let rows = home.json(&["deliveries", "list", "--json"]);
    let mut starts: Vec<Timestamp> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let shown = home.json(&["deliveries", "show", row["id"].as_str().unwrap(), "--json"]);
            Timestamp::parse_rfc3339(shown["attempts"][0]["started_at"].as_str().unwrap()).unwrap()
        })
        .collect();
    starts.sort_unstable();
    assert!(starts.windows(2).all(|two| two[1].since(two[0]) >= Duration::from_millis(200)), "{starts:?}");
    assert_eq!(doubles(&arrivals), [""; 0]);
}

#[test]
fn a_bad_sender_fails_the_judge() {
    let good = |id: &str, body: &str| {
        let now = SystemClock.now().as_secs();
        let library = standardwebhooks::Webhook::new(SECRET).unwrap();
        let signature = library.sign(id, now, body.as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        let now = now.to_string();
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", "wirewatch/1"),
            ("webhook-id", id),
            ("webhook-timestamp", &now),
            ("webhook-signature", &signature),
        ] {
            headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        Arrival { path: "bad".to_owned(), at: Duration::ZERO, headers, body: body.as_bytes().to_vec() }
    };
    let body =
        r#"{"type":"test","timestamp":"2026-01-01T00:00:00Z","data":{"webhook":{"id":"w"},"message":"m"}}"#;
    let fine = good("msg_1", body);
    assert_eq!(faults(std::slice::from_ref(&fine), SECRET), [""; 0]);
    let with = |name: &'static str, value: &str| {
        let mut bad = fine.clone();
        bad.headers.insert(name, value.parse().unwrap());
        bad
    };
    let bad = [
        ("webhook-id", with("webhook-id", "a.b")),
        ("content type", with("content-type", "text/plain")),
        ("who it is", with("user-agent", "curl")),
        ("timestamp", with("webhook-timestamp", "1.5")),
        ("timestamp", with("webhook-timestamp", "1000000000")),
        ("signature", with("webhook-signature", "v1,AAAA")),
        ("signature", Arrival { body: body.replace(r#""m""#, r#""n""#).into_bytes(), ..fine.clone() }),
        ("the body", good("msg_2", "[]")),
        ("the body", good("msg_3", &body.replace("webhook", "hook"))),
    ];
    for (part, arrival) in bad {
        let found = faults(&[arrival], SECRET);
        assert!(found.iter().any(|fault| fault.contains(part)), "{part}: {found:?}");
    }
    let other = good("msg_1", &body.replace(r#""m""#, r#""n""#));
    assert!(!faults(&[fine.clone(), other], SECRET).is_empty(), "a retry that says something else");
    assert_eq!(doubles(&[fine, good("msg_9", body)]), ["msg_9"]);
}
