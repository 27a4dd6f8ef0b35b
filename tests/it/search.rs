//! `articles search` and `articles show` with the real program.

use crate::support::daemon::{Home, text};
use crate::support::world::{World, rss};

fn config(world: &World) -> String {
    format!(
        "[daemon]\ndatabase = \"w.db\"\nlisten = \"off\"\n[fetch]\nallow_networks = [\"127.0.0.1/32\"]\n\
         [feeds.wire]\nurl = \"{}\"\n",
        world.feed_url("wire")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_found_marked_and_shown() {
    let world = World::start().await;
    let items = [
        ("북한군이 쿠르스크에 있다", "ko"),
        ("Les soldats coréens à Koursk", "fr"),
        ("\u{202e}Évil<b>", "x"),
    ];
    world.publish("wire", "application/rss+xml", rss(&world, &items));
    let home = Home::new(&config(&world));
    assert_eq!(home.run(&["once"]).status.code(), Some(0));

    let found = home.json(&["articles", "search", "쿠르스크", "--json"]);
    assert_eq!(found.as_array().unwrap().len(), 1);
    let span = &found[0]["spans"][0];
    assert_eq!((&span["field"], &span["start"], &span["end"]), (&"title".into(), &5.into(), &9.into()));
    assert_eq!(span["text"], "쿠르스크");
    assert_eq!((&found[0]["guid"], &found[0]["feed"]), (&"ko".into(), &"wire".into()));

    let output = home
        .command(&["articles", "search", "COREENS", "koursk"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(shown.contains("soldats \u{1b}[1m\u{1b}[33mcoréens\u{1b}[0m à"), "{shown:?}");
    let plain = text(&home.run(&["articles", "search", "evil"]).stdout);
    assert!(plain.contains("\u{fffd}Évil") || plain.starts_with("Évil"), "{plain}");
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{202e}'), "{plain}");
    assert_eq!(text(&home.run(&["articles", "search", "nothing", "like", "it"]).stdout), "nothing found\n");
    assert_eq!(
        home.json(&["articles", "search", "koursk", "--since", "2100-01-01", "--json"]),
        serde_json::json!([])
    );
    for hostile in ["\"", "a OR", "NEAR(", "*"] {
        let output = home.run(&["articles", "search", hostile]);
        assert!(matches!(output.status.code(), Some(0 | 2)), "{hostile}: {}", text(&output.stderr));
    }
    assert_eq!(home.run(&["articles", "search", "!!"]).status.code(), Some(2));

    let id = found[0]["id"].as_str().unwrap();
    let detail = home.json(&["articles", "show", id, "--json"]);
    assert_eq!((&detail["id"], &detail["sightings"][0]["feed"]), (&id.into(), &"wire".into()));
    let shown = text(&home.run(&["articles", "show", id]).stdout);
    assert!(shown.contains("북한군이 쿠르스크에 있다") && shown.contains("seen in\nFEED"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_daemon_indexes_in_the_background() {
    let mut world = World::start().await;
    world.publish("wire", "application/rss+xml", rss(&world, &[("A frigate leaves", "a")]));
    let home = Home::new(&config(&world));
    let mut command = home.command(&["run", "--log", "debug"]);
    let mut daemon = Home::start_with(&mut command);
    world.polled("wire", 1).await;
    daemon.wait_for_line("indexed for search");
    let found = home.json(&["articles", "search", "frigate", "--json"]);
    assert_eq!(found[0]["guid"], "a");
}
