//! The whole way on real sockets with the real program: a feed says this, a webhook receives that.

use crate::support::daemon::Home;
use crate::support::world::{SECRET, World, atom, rss};

fn config(world: &World) -> String {
    format!(
        r#"
[daemon]
database = "wirewatch.db"
listen = "off"

[fetch]
interval = "1s"
min_interval = "1s"
per_host = 4
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]

[delivery]
retries = ["200ms", "200ms", "500ms", "1s", "1s", "1s", "1s", "1s"]

[feeds.wire]
url = "{}"
interval = "1s"

[feeds.ticker]
url = "{}"
interval = "1s"

[concepts.north-korea]
any = ["North Korea", "Pyongyang", "DPRK", "북한"]

[topics.dprk]
title = "North Korean troops"
query = '@north-korea AND (soldier* OR troops OR 병력)'
webhooks = ["desk"]
severity = "high"

[webhooks.desk]
url = "{}"
secret = "{SECRET}"
"#,
        world.feed_url("wire"),
        world.feed_url("ticker"),
        world.hook_url()
    )
}

fn spans(body: &serde_json::Value) -> Vec<String> {
    let spans = body["data"]["match"]["spans"].as_array().unwrap();
    spans.iter().map(|span| span["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matching_item_in_either_feed_arrives_once_and_names_its_terms() {
    let mut world = World::start().await;
    world.publish("wire", "application/rss+xml", rss(&world, &[("Pyongyang moves soldiers", "old")]));
    world.publish("ticker", "application/atom+xml", atom(&world, &[("Rain", "rain")]));
    let home = Home::new(&config(&world));
    let daemon = home.start();
    world.polled("wire", 2).await;
    world.polled("ticker", 2).await;
    assert!(world.try_next().is_none(), "what stood in the feed at its first poll is stored silently");

    world.publish(
        "wire",
        "application/rss+xml",
        rss(&world, &[("North Korea opens a resort", "no"), ("Pyongyang moves soldiers", "old")]),
    );
    world.publish(
        "ticker",
        "application/atom+xml",
        atom(&world, &[("북한, 병력 파견", "yes"), ("Rain", "rain")]),
    );
    let message = world.next().await;
    assert_eq!(message.body["type"], "alert.opened");
    assert_eq!(message.body["data"]["topic"]["id"], "dprk");
    assert_eq!(message.body["data"]["article"]["feed"]["id"], "ticker");
    assert_eq!(spans(&message.body), ["북한", "병력"]);

    // The same entry with another date and title, and in the other feed: not told again.
    world.publish("ticker", "application/atom+xml", atom(&world, &[("Fixed: 북한, 병력 파견", "yes")]));
    world.polled("ticker", 2).await;
    world.polled("wire", 2).await;
    assert!(world.try_next().is_none());

    assert_eq!(daemon.stop(), Some(0));
    let alerts = home.json(&["alerts", "list", "--json"]);
    assert_eq!((alerts.as_array().unwrap().len(), &alerts[0]["state"]), (1, &"delivered".into()));
    let deliveries = home.json(&["deliveries", "list", "--json"]);
    assert_eq!(deliveries[0]["webhook_id"], message.webhook_id);
    let articles = home.json(&["articles", "list", "--json"]);
    let silent: Vec<_> =
        articles.as_array().unwrap().iter().filter(|row| !row["suppressed"].is_null()).collect();
    assert_eq!((articles.as_array().unwrap().len(), silent.len()), (4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_between_commit_and_delivery_delivers_once_when_it_is_back() {
    let mut world = World::start().await;
    world.publish("wire", "application/rss+xml", rss(&world, &[("Rain", "rain")]));
    world.publish("ticker", "application/atom+xml", atom(&world, &[("Rain", "rain")]));
    // Nobody listens where the webhook goes.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let config = config(&world).replace(&world.hook_url(), &format!("http://{address}/hook"));
    let home = Home::new(&config);
    let mut daemon = home.start();
    world.polled("wire", 2).await;
    world.publish("wire", "application/rss+xml", rss(&world, &[("DPRK troops", "new"), ("Rain", "rain")]));
    daemon.wait_for_line("alert: North Korean troops");
    daemon.kill();
    let before = home.json(&["deliveries", "list", "--json"]);
    assert_eq!(before.as_array().unwrap().len(), 1);
    assert_ne!(before[0]["state"], "delivered");

    let mut receiver = World::start_at(&address.to_string()).await;
    let daemon = home.start();
    let message = receiver.next().await;
    assert_eq!(before[0]["webhook_id"], message.webhook_id);
    world.polled("wire", 2).await;
    assert!(receiver.try_next().is_none());
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(home.json(&["deliveries", "list", "--json"])[0]["state"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_tried_again_under_the_same_id() {
    let mut world = World::start().await;
    world.answer(503);
    world.publish("wire", "application/rss+xml", rss(&world, &[]));
    world.publish("ticker", "application/atom+xml", atom(&world, &[]));
    let home = Home::new(&config(&world));
    let _daemon = home.start();
    world.polled("wire", 1).await;
    world.publish("wire", "application/rss+xml", rss(&world, &[("DPRK troops", "new")]));
    let first = world.next().await;
    let second = world.next().await;
    world.answer(200);
    let third = world.next().await;
    assert_eq!((&first.webhook_id, &second.webhook_id), (&second.webhook_id, &third.webhook_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_topics_and_a_wrong_one_changes_nothing() {
    let mut world = World::start().await;
    world.publish("wire", "application/rss+xml", rss(&world, &[]));
    world.publish("ticker", "application/atom+xml", atom(&world, &[]));
    let home = Home::new(&config(&world));
    let mut daemon = home.start();
    world.polled("wire", 1).await;

    home.configure(&config(&world).replace("query =", "qeury ="));
    daemon.signal("HUP");
    daemon.wait_for_line("configuration refused");
    let with_rain =
        format!("{}\n[topics.rain]\nkeywords = [\"rain\"]\nwebhooks = [\"desk\"]\n", config(&world));
    home.configure(&with_rain);
    daemon.signal("HUP");
    daemon.wait_for_line("configuration reloaded");
    world.publish("wire", "application/rss+xml", rss(&world, &[("DPRK troops in the rain", "new")]));
    let mut topics: Vec<String> = Vec::new();
    for _ in 0..2 {
        topics.push(world.next().await.body["data"]["topic"]["id"].as_str().unwrap().to_owned());
    }
    topics.sort();
    assert_eq!(topics, ["dprk", "rain"]);
}

#[test]
fn a_system_without_certificate_authorities_is_no_obstacle() {
    let mut demo = assert_cmd::Command::cargo_bin("wirewatch").unwrap();
    let missing = "/nonexistent/authorities";
    demo.env("SSL_CERT_FILE", missing).env("SSL_CERT_DIR", missing).arg("demo").assert().success();
}

#[test]
fn the_demo_shows_every_alert_and_ends() {
    let home = Home::new("");
    let output = home.run(&["demo"]);
    let shown = crate::support::daemon::text(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", crate::support::daemon::text(&output.stderr));
    for part in ["Pyongyang", "북한", "військов", "朝鲜", "every signature verified: yes"] {
        assert!(shown.contains(part), "no `{part}` in:\n{shown}");
    }
}
