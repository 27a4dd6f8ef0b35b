//! Boilerplate and back-tests, through the real program.

use serde_json::Value;

use crate::support::daemon::{Home, text};
use crate::support::world::World;

const APPEAL: &str = "<p>Your support helps us to report what others leave out.</p>\
    <p>From abortion rights to the tariffs of Donald Trump, our reporters are there. Where does Elon Musk's money go? Your \
    donation lets us ask.</p>";
const LINE: &str = "<p>All that has happened in and around Kursk is in our live blog.</p>";

fn feed(stories: &[&str]) -> String {
    let item = |story: &&str| {
        format!(
            "<item><title>{story}</title><guid>{story}</guid><description><![CDATA[{APPEAL}<p>This is what is known of \
             it: {story}, people in the harbour said on Monday.</p>{LINE}]]></description></item>"
        )
    };
    let items: String = stories.iter().map(item).collect();
    format!("<rss version=\"2.0\"><channel><title>The Wire</title>{items}</channel></rss>")
}

fn home(world: &World) -> Home {
    Home::new(&format!(
        r#"
[daemon]
database = "wirewatch.db"
listen = "off"
[fetch]
allow_networks = ["127.0.0.1/32"]
[alerts]
first_poll = "alert"
[feeds.wire]
url = "{}"
[topics.money]
keywords = ["Trump", "Musk", "abortion"]
[topics.kursk]
keywords = ["Kursk"]
[topics.harbour]
keywords = ["harbour"]
"#,
        world.feed_url("wire")
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_and_a_line_under_every_article_alert_nobody_and_a_back_test_agrees() {
    let world = World::start().await;
    let home = home(&world);
    world.publish(
        "wire",
        "application/rss+xml",
        feed(&["A fire on a ship", "Two cranes fall", "A whale is seen"]),
    );
    let once = home.run(&["once"]);
    assert!(once.status.success(), "{}", text(&once.stderr));

    let alerts = home.json(&["alerts", "list", "--json"]);
    let topics: Vec<&str> =
        alerts.as_array().unwrap().iter().map(|alert| alert["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["harbour", "harbour", "harbour"]);
    let id = alerts[0]["id"].as_str().unwrap();
    let shown = home.json(&["alerts", "show", id, "--json"]);
    assert!(!shown.to_string().contains("Your support"), "the summary begins with the story: {shown}");

    for topic in ["money", "kursk"] {
        let missed = home.run(&["topics", "test", topic, "--stored"]);
        assert_eq!(missed.status.code(), Some(1), "{}", text(&missed.stdout));
        assert!(text(&missed.stdout).starts_with("0 of 3 stored articles match"), "{}", text(&missed.stdout));
    }
    let found: Value = home.json(&["topics", "test", "harbour", "--stored", "--since", "30d", "--json"]);
    assert_eq!((&found["articles"], &found["matches"]), (&3.into(), &3.into()));
    assert_eq!(found["days"].as_object().unwrap().values().map(|day| day.as_u64().unwrap()).sum::<u64>(), 3);
    assert_eq!(found["sample"][0]["terms"], serde_json::json!(["harbour"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_on_the_network_is_tried_as_it_would_be_polled() {
    let world = World::start().await;
    let home = home(&world);
    world.publish(
        "wire",
        "application/rss+xml",
        feed(&["A fire on a ship", "Two cranes fall", "A whale is seen"]),
    );
    let tried = home.run(&["topics", "test", "kursk", "--url", &world.feed_url("wire")]);
    let said = text(&tried.stdout);
    assert_eq!(tried.status.code(), Some(1), "{said}{}", text(&tried.stderr));
    assert!(said.ends_with("0 of 3 match\n"), "{said}");
    assert!(
        said.contains("passed over, repeated by its feed: All that has happened in and around Kursk"),
        "{said}"
    );
    assert!(said.contains("passed over, boilerplate: Your support helps us"), "{said}");
    let tried = home.run(&["topics", "test", "harbour", "--url", &world.feed_url("wire")]);
    assert!(text(&tried.stdout).ends_with("3 of 3 match\n"), "{}", text(&tried.stdout));
    let gone = home.run(&["topics", "test", "harbour", "--url", &world.feed_url("nowhere")]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("404"), "{}", text(&gone.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_the_publisher_does_not_allow_is_warned_of_once_it_is_known() {
    let world = World::start().await;
    let home = home(&world);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.configure(&config.replace("[topics.money]", "interval = \"5m\"\n[topics.money]"));
    world.publish("wire", "application/rss+xml", feed(&["A fire on a ship"]));
    assert!(home.run(&["once"]).status.success());
    assert!(!text(&home.run(&["check"]).stderr).contains("is polled about every"));
    let database = rusqlite::Connection::open(home.path().join("wirewatch.db")).unwrap();
    database
        .execute(
            "UPDATE feed SET due_at = last_poll_at + 3600000, due_reason = 'the publisher''s cache headers'",
            [],
        )
        .unwrap();
    let check = home.run(&["check"]);
    assert_eq!(check.status.code(), Some(0));
    let said = text(&check.stderr);
    assert!(
        said.contains(
            "wirewatch.toml:11:12: warning: the feed `wire` is polled about every 1h, not every 5m"
        ),
        "{said}"
    );
}
