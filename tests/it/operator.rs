//! What a person sees and does about deliveries, with the real program, beside a running daemon or without one.

use serde_json::Value;

use crate::support::daemon::{Home, text};
use crate::support::world::{SECRET, World, rss};

fn config(world: &World, retries: &str) -> String {
    format!(
        r#"
[daemon]
database = "wirewatch.db"
listen = "off"

[fetch]
interval = "1s"
min_interval = "1s"
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]

[alerts]
first_poll = "alert"

[delivery]
retries = {retries}

[feeds.wire]
url = "{}"

[topics.dprk]
title = "North Korean troops"
query = "DPRK AND troops"
webhooks = ["desk"]

[webhooks.desk]
url = "{}?token=not-for-the-eyes-1"
secret = "{SECRET}"
"#,
        world.feed_url("wire"),
        world.hook_url()
    )
}

fn only_delivery(home: &Home) -> Value {
    let rows = home.json(&["deliveries", "list", "--json"]);
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

/// A home in which `once` ran against a receiver that answered `status`.
fn after_once(world: &mut World, status: u16, retries: &str) -> Home {
    world.answer(status);
    world.publish("wire", "application/rss+xml", rss(world, &[("DPRK troops", "a")]));
    let home = Home::new(&config(world, retries));
    home.run(&["once"]);
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_is_listed_and_what_died_is_sent_again_by_hand_under_its_id() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 503, "[]");
    let first = world.next().await;
    let dead = only_delivery(&home);
    assert_eq!((&dead["state"], &dead["reason"]), (&"dead".into(), &"exhausted".into()));
    let id = dead["id"].as_str().unwrap();

    let shown = home.json(&["deliveries", "show", id, "--json"]);
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["number"], &attempt["status"]), (&1.into(), &503.into()));
    assert_eq!(attempt["error"], "answered 503");
    assert!(attempt["duration_ms"].is_u64() && attempt["started_at"].is_string(), "{attempt}");
    assert!(shown["body"].as_str().unwrap().contains("DPRK troops"));

    // Beside a running daemon: it sees the change at its next look.
    let _daemon = home.start();
    world.answer(204);
    let retried = home.json(&["deliveries", "retry", "--dead", "--json"]);
    assert_eq!((&retried[0]["id"], &retried[0]["outcome"]), (&id.into(), &"queued".into()));
    assert_eq!(world.next().await.webhook_id, first.webhook_id);
    loop {
        let row = only_delivery(&home);
        if row["state"] == "delivered" {
            assert_eq!((&row["id"], &row["attempts"]), (&id.into(), &2.into()));
            break;
        }
    }
    let refused = home.run(&["deliveries", "retry", id]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stdout).contains("was delivered; --again"), "{}", text(&refused.stdout));
    home.run(&["deliveries", "retry", id, "--again"]);
    assert_eq!(world.next().await.webhook_id, first.webhook_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_shows_what_was_told_why_and_what_became_of_it() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 204, "[]");
    let alerts = home.json(&["alerts", "list", "--json"]);
    let id = alerts[0]["id"].as_str().unwrap();
    let shown = home.json(&["alerts", "show", id, "--json"]);
    assert_eq!(shown["content"]["match"]["spans"][0]["text"], "DPRK");
    assert_eq!(shown["deliveries"][0]["attempts"][0]["status"], 204);
    let for_people = text(&home.run(&["alerts", "show", id]).stdout);
    for part in ["North Korean troops", "DPRK troops", "why", "title 0–4: DPRK", "to desk: delivered", "204"]
    {
        assert!(for_people.contains(part), "no `{part}` in:\n{for_people}");
    }
    let unknown = home.run(&["alerts", "show", "alt_0000000000000000"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("there is no alert"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_taken_out_of_use_and_back_and_what_was_held_then_goes() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 503, r#"["1h"]"#);
    world.next().await;
    assert_eq!(home.run(&["webhooks", "disable", "desk", "--reason", "they move"]).status.code(), Some(0));
    let row = only_delivery(&home);
    assert_eq!(
        (&row["state"], &row["reason"]),
        (&"held".into(), &"the webhook is disabled: they move".into())
    );
    let webhooks = home.json(&["webhooks", "list", "--json"]);
    assert_eq!((&webhooks[0]["state"], &webhooks[0]["held"]), (&"disabled".into(), &1.into()));
    let held = home.json(&["deliveries", "retry", row["id"].as_str().unwrap(), "--json"]);
    assert_eq!(held[0]["outcome"], "held");
    let enabled = home.json(&["webhooks", "enable", "desk", "--json"]);
    assert_eq!(enabled["released"], 1);
    world.answer(204);
    home.run(&["once"]);
    world.next().await;
    assert_eq!(only_delivery(&home)["state"], "delivered");
    assert_eq!(home.run(&["webhooks", "enable", "nobody"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_withdrawn_and_can_still_be_sent() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 503, "[]");
    world.next().await;
    let refused = home.command(&["deliveries", "purge", "--webhook", "other"]).output().unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("there is no webhook `other`"), "{}", text(&refused.stderr));
    assert_eq!(home.json(&["deliveries", "purge", "--json"])["withdrawn"], 1);
    let row = only_delivery(&home);
    assert_eq!(row["state"], "cancelled");
    home.run(&["deliveries", "retry", row["id"].as_str().unwrap()]);
    assert_eq!(only_delivery(&home)["state"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_what_came_back_and_a_rendering_shows_the_bytes_without_secrets() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 204, "[]");
    let told = world.next().await;
    let alert = home.json(&["alerts", "list", "--json"])[0]["id"].as_str().unwrap().to_owned();

    let good = home.run(&["webhooks", "test", "desk"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    assert!(text(&good.stdout).contains("accepted with 204"));
    assert_eq!(world.next().await.body["type"], "test");
    world.answer(403);
    let bad = home.run(&["webhooks", "test", "desk", "--json"]);
    assert_eq!(bad.status.code(), Some(1));
    let bad: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!((&bad["accepted"], &bad["status"]), (&false.into(), &403.into()));
    world.next().await;

    let shown = home.json(&["webhooks", "render", "desk", "--alert", &alert, "--json"]);
    assert_eq!(shown["headers"]["webhook-id"], told.webhook_id);
    let body: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, told.body);
    assert!(world.try_next().is_none(), "nothing is sent");
    for args in [&["webhooks", "render", "desk"][..], &["webhooks", "list"], &["webhooks", "test", "desk"]] {
        let output = home.run(args);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains("not-for-the-eyes") && !all.contains(&SECRET[6..]), "{all}");
    }
    assert_eq!(home.run(&["webhooks", "test", "nobody"]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_refuses_what_it_is_sent_is_neither_new_nor_well() {
    let mut world = World::start().await;
    let home = after_once(&mut world, 400, "[]");
    world.next().await;
    let listed = home.json(&["webhooks", "list", "--json"]);
    assert_eq!((&listed[0]["state"], &listed[0]["dead"]), (&"unwell".into(), &1.into()));
    assert!(listed[0]["last_error"].as_str().unwrap().contains("400"), "{listed}");
    world.answer(204);
    home.run(&["deliveries", "retry", "--dead"]);
    home.run(&["once"]);
    assert_eq!(home.json(&["webhooks", "list", "--json"])[0]["state"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_alert_that_went_with_others_the_message_for_all_of_them_is_shown() {
    let mut world = World::start().await;
    world.answer(204);
    world.publish("wire", "application/rss+xml", rss(&world, &[("DPRK troops", "a"), ("Troops, DPRK", "b")]));
    let config = config(&world, "[]").replace("[topics.dprk]", "[topics.dprk]\ngroup_wait = \"100ms\"");
    let home = Home::new(&config);
    let daemon = home.start();
    let told = world.next().await;
    daemon.kill();
    for alert in home.json(&["alerts", "list", "--json"]).as_array().unwrap() {
        let id = alert["id"].as_str().unwrap();
        let shown = home.json(&["webhooks", "render", "desk", "--alert", id, "--json"]);
        assert_eq!(
            (&shown["headers"]["webhook-id"], &shown["together"]),
            (&told.webhook_id.as_str().into(), &2.into())
        );
        let body: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
        assert_eq!(body, told.body);
        let for_people = text(&home.run(&["webhooks", "render", "desk", "--alert", id]).stdout);
        assert!(for_people.contains("2 alerts go together"), "{for_people}");
    }
}
