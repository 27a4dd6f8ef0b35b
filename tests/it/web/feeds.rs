//! What fired, for feed readers.

use wirewatch::parse::{self, ParseContext};

use super::bed::{Bed, address_of, get};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_a_feed_that_readers_read_and_need_not_read_twice() {
    let bed = Bed::start("").await;
    let atom = bed.get("/topics/dprk.atom").await;
    let json = bed.get("/topics/dprk.json").await;
    assert_eq!(atom.header("content-type"), Some("application/atom+xml; charset=utf-8"));
    assert_eq!(json.header("content-type"), Some("application/feed+json; charset=utf-8"));

    let mut ids = Vec::new();
    for body in [&atom.body, &json.body] {
        let theirs = feed_rs::parser::parse(body.as_bytes()).unwrap();
        let ours = parse::parse(body.as_bytes(), &ParseContext::default()).unwrap();
        assert_eq!((theirs.entries.len(), ours.entries.len()), (2, 2), "{body}");
        assert_eq!(theirs.title.as_ref().unwrap().content, "North Korean <troops> · wirewatch");
        for (their, our) in theirs.entries.iter().zip(&ours.entries) {
            assert_eq!(Some(their.id.as_str()), our.guid.as_deref());
            assert!(their.id.starts_with("urn:x-wirewatch:alert:alt_"), "{}", their.id);
            assert!(their.published.is_some());
            assert!(their.links.iter().any(|link| link.href.contains("/b/")), "{their:?}");
            assert!(our.text().contains("Matched: "), "{our:?}");
        }
        // Our own reader takes what looks like mark-up out of titles; others show it as the text it is.
        let titles: Vec<&str> =
            theirs.entries.iter().map(|entry| entry.title.as_ref().unwrap().content.as_str()).collect();
        assert!(titles.contains(&"북한, 병력 파견"), "{titles:?}");
        let hostile = "<script>alert(1)</script> Pyongyang troops \"onmouseover=x <b>&";
        assert!(titles.contains(&hostile), "{titles:?}");
        ids.push(ours.entries.iter().map(|entry| entry.guid.clone()).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(json.json()["version"], "https://jsonfeed.org/version/1.1");

    let etag = atom.header("etag").unwrap();
    let again = get(bed.address, "/topics/dprk.atom", &format!("If-None-Match: \"x\", {etag}\r\n")).await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(etag)));
    let other = get(bed.address, "/topics/dprk.atom", "If-None-Match: \"x\"\r\n").await;
    assert_eq!(other.status, 200);

    // Another life of the daemon shows the same entries.
    let Bed { home, daemon, world: _world, .. } = bed;
    assert_eq!(daemon.stop(), Some(0));
    let mut daemon = home.start();
    let address = address_of(&mut daemon);
    let later = get(address, "/topics/dprk.json", "").await.json();
    let later: Vec<_> = later["items"].as_array().unwrap().iter().map(|item| item["id"].as_str()).collect();
    assert_eq!(later, ids[1].iter().map(Option::as_deref).collect::<Vec<_>>());

    let silent = get(address, "/topics/rain.atom", "").await;
    assert_eq!(feed_rs::parser::parse(silent.body.as_bytes()).unwrap().entries.len(), 0);
    for unknown in
        ["/topics/nobody.atom", "/topics/dprk", "/topics/dprk.rss", "/topics/..%2f.atom", "/topics/.atom"]
    {
        assert_eq!(get(address, unknown, "").await.status, 404, "{unknown}");
    }
}
