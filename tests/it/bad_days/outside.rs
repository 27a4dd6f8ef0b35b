//! An outside world that misbehaves: what `wirewatch once` says, and that the rest goes on.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;

use super::said;
use crate::support::daemon::{Home, text};
use crate::support::world::{SECRET, World, rss};

/// An address on loopback where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn config(feeds: &[(&str, String)], hook: &str) -> String {
    let feeds: String = feeds
        .iter()
        .map(|(name, url)| format!("[feeds.{name}]\nurl = \"{url}\"\n"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        r#"
[daemon]
database = "wirewatch.db"
listen = "off"

[fetch]
per_host = 4
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]

[alerts]
first_poll = "alert"

{feeds}
[topics.dprk]
keywords = ["Pyongyang"]
webhooks = ["desk"]

[webhooks.desk]
url = "{hook}"
secret = "{SECRET}"
"#
    )
}

/// The log, one line a record: level and message, sorted, without times and addresses that change.
fn log(home: &Home, stderr: &[u8], world: &World, others: &[&str]) -> String {
    let mut lines: Vec<String> = text(stderr)
        .lines()
        .map(|line| {
            let mut line = line.replace(&world.address.to_string(), "WORLD");
            line = line.replace(&home.path().display().to_string(), "HOME");
            for other in others {
                line = line.replace(other.trim_start_matches("http://"), "NOBODY");
            }
            let words = line.split(' ').map(|word| {
                let instant = word.contains('T') && word.ends_with('Z');
                let id = ["alt_", "dlv_", "msg_"].iter().find(|prefix| word.contains(*prefix));
                match (instant, id, word.split_once('=')) {
                    (true, _, Some((name, _))) => format!("{name}=TIME"),
                    (true, _, None) => "TIME".to_owned(),
                    (_, Some(_), Some((name, _))) => format!("{name}=ID"),
                    _ => word.to_owned(),
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_line_says_what_is_wrong_with_each_and_the_rest_goes_on() {
    let world = World::start().await;
    world.publish("good", "application/rss+xml", rss(&world, &[("Pyongyang speaks", "one")]));
    world.publish("page", "text/html", "<html><title>News</title><p>Hello</p></html>".to_owned());
    world.publish("empty", "application/rss+xml", String::new());
    let (host, hook) = (nobody(), nobody());
    let feeds = [
        ("good", world.feed_url("good")),
        ("page", world.feed_url("page")),
        ("empty", world.feed_url("empty")),
        ("missing", world.feed_url("missing")),
        ("unreachable", format!("{host}/rss")),
        ("nameless", "http://no-such-host.invalid/rss".to_owned()),
    ];
    let home = Home::new(&config(&feeds, &format!("{hook}/hook")));
    let output = home.run(&["once"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&home, &output));
    insta::assert_snapshot!("once_log", log(&home, &output.stderr, &world, &[&host, &hook]));
    insta::assert_snapshot!("once_summary", text(&output.stdout));

    let alerts = home.json(&["alerts", "list", "--json"]);
    assert_eq!((alerts.as_array().unwrap().len(), &alerts[0]["state"]), (1, &"pending".into()));
    let deliveries = home.json(&["deliveries", "list", "--json"]);
    assert_eq!((&deliveries[0]["state"], &deliveries[0]["attempts"]), (&"pending".into(), &1.into()));
    let feeds = home.json(&["feeds", "list", "--json"]);
    let failed: Vec<&str> = feeds
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row["last_error"].is_null())
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["empty", "missing", "nameless", "page", "unreachable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_once_delivers_what_an_earlier_one_could_not() {
    let mut world = World::start().await;
    world.publish("good", "application/rss+xml", rss(&world, &[("Pyongyang speaks", "one")]));
    world.answer(503);
    let config = config(&[("good", world.feed_url("good"))], &world.hook_url());
    let home = Home::new(&config.replace("[alerts]", "[delivery]\nretries = [\"1s\", \"1s\"]\n[alerts]"));
    let first = home.run(&["once"]);
    assert_eq!(first.status.code(), Some(1), "{}", said(&home, &first));
    let refused = world.next().await;
    world.answer(200);
    // As cron would, only more often: it is due a second later.
    let delivered = (0..1000).any(|_| {
        assert_eq!(home.run(&["once"]).status.code(), Some(0));
        home.json(&["deliveries", "list", "--json"])[0]["state"] == "delivered"
    });
    assert!(delivered);
    assert_eq!(world.next().await.webhook_id, refused.webhook_id);
    assert!(world.try_next().is_none());
}

fn keys(rows: &Value) -> BTreeSet<&str> {
    rows[0].as_object().expect("a row").keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn json_listings_have_the_keys_that_are_promised() {
    let world = World::start().await;
    world.publish("good", "application/rss+xml", rss(&world, &[("Pyongyang speaks", "one")]));
    let home = Home::new(&config(&[("good", world.feed_url("good"))], &world.hook_url()));
    assert!(home.run(&["once"]).status.success());
    let promised: [(&str, &[&str]); 4] = [
        ("feeds", &["id", "url", "title", "state", "last_poll_at", "next_poll_at", "last_error", "articles"]),
        (
            "articles",
            &[
                "id",
                "feed",
                "title",
                "link",
                "guid",
                "published_at",
                "first_seen_at",
                "updated_at",
                "revision",
                "lang",
            ],
        ),
        ("alerts", &["id", "topic", "article", "title", "link", "severity", "score", "created_at", "state"]),
        (
            "deliveries",
            &[
                "id",
                "webhook_id",
                "alert",
                "webhook",
                "state",
                "attempts",
                "next_attempt_at",
                "last_status",
                "last_error",
            ],
        ),
    ];
    for (listing, expected) in promised {
        let rows = home.json(&[listing, "list", "--json"]);
        let found = keys(&rows);
        for key in expected {
            assert!(found.contains(key), "{listing} list --json has no `{key}`: {found:?}");
        }
        for args in [&[listing, "list", "--json", "--limit", "0", "--since", "1h"][..], &[listing, "list"]] {
            let output = home.run(args);
            assert!(output.status.success() && !output.stdout.is_empty(), "{args:?}");
        }
        let none = home.json(&[listing, "list", "--json", "--since", "2100-01-01"]);
        assert_eq!(none, serde_json::json!([]), "{listing}");
    }
    let (alert, article) =
        (home.json(&["alerts", "list", "--json"]), home.json(&["articles", "list", "--json"]));
    let delivery = home.json(&["deliveries", "list", "--json"]);
    assert_eq!((&alert[0]["article"], &alert[0]["topic"]), (&article[0]["id"], &"dprk".into()));
    assert_eq!((&delivery[0]["alert"], &delivery[0]["webhook"]), (&alert[0]["id"], &"desk".into()));
    assert_eq!(article[0]["feed"], "good");
}
