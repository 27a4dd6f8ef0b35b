//! What people see. How it looks is tested in a browser, `tests/acceptance/web.sh`.

use super::bed::{Answer, Bed};

/// Attributes that would let a page run or load something.
fn forbidden(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let has = |name: &str| tag.contains(&format!(" {name}="));
        if has("style")
            || has("onclick")
            || has("onload")
            || has("onmouseover")
            || has("onerror")
            || tag == "style"
        {
            found.push(tag);
        }
        for source in ["src=\"", "href=\""] {
            let Some((_, rest)) = tag.split_once(source) else { continue };
            let address = rest.split('"').next().unwrap();
            let leaves = address.contains("//");
            if leaves && !(tag.starts_with("a ") && tag.contains("rel=\"noopener noreferrer external\"")) {
                found.push(tag);
            }
        }
    }
    found
}

#[track_caller]
fn is_sound(page: &Answer) {
    let body = &page.body;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(forbidden(body), Vec::<&str>::new());
    assert!(!body.contains("<script>") && !body.contains("<b>&"), "hostile mark-up: {body}");
    let is_control = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!body.contains(is_control), "bidi controls");
    assert_eq!(body.matches("<h1").count(), 1, "one heading of the first rank");
    for landmark in [
        "<main id=\"main\"",
        "<nav aria-label=",
        "role=\"search\"",
        "<footer",
        "lang=\"en\"",
        "class=\"skip\"",
    ] {
        assert!(body.contains(landmark), "{landmark}");
    }
    assert_eq!(body.matches("<table").count(), body.matches("</table>").count());
    assert_eq!(body.matches("<section").count(), body.matches("</section>").count());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_shows_everything_at_a_glance() {
    let mut bed = Bed::start("").await;
    bed.world.polled("broken", 3).await;
    let page = bed.get("/").await;
    is_sound(&page);
    for part in [
        // What fired, when, how often, on what, and why.
        "North Korean &lt;troops&gt;",
        "alerts in 14 days",
        "&lt;script&gt;alert(1)&lt;/script&gt; <mark>Pyongyang</mark> <mark>troops</mark> &quot;onmouseover=x &lt;b&gt;&amp;",
        "<mark>북한</mark>, <mark>병력</mark> 파견",
        "Matched: ",
        // Webhooks, feeds, configuration.
        "<th scope=\"row\">desk</th>",
        "<th scope=\"row\">down</th>",
        "/topics/dprk.atom",
        "Configuration in force",
        "2 feeds, 2 topics, 2 webhooks",
    ] {
        assert!(page.body.contains(part), "no `{part}` in {}", page.body);
    }
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_searched() {
    let mut bed = Bed::start("").await;
    bed.world.polled("broken", 3).await;
    for path in [
        "/alerts",
        "/topics",
        "/feeds",
        "/deliveries",
        "/alerts?q=x&topic=dprk&after=1.2",
        "/feeds?state=nonsense&after=%00",
    ] {
        is_sound(&bed.get(path).await);
    }
    let found = bed.get("/alerts?q=%ED%8C%8C%EA%B2%AC").await.body;
    assert!(found.contains("파견") && !found.contains("Pyongyang"), "{found}");
    let found = bed.get("/alerts?q=PYONGYANG&topic=dprk").await.body;
    assert!(found.contains("<mark>Pyongyang</mark>") && !found.contains("파견"), "{found}");
    let nothing = bed.get("/alerts?q=%22%3E%3Cscript%3Ealert(2)%3C/script%3E").await;
    is_sound(&nothing);
    assert!(
        nothing.body.contains("No alert fits") && nothing.body.contains("&quot;&gt;&lt;script&gt;"),
        "{}",
        nothing.body
    );
    assert!(bed.get("/alerts?topic=rain").await.body.contains("No alert fits"));

    let failing = bed.get("/feeds?state=failing").await.body;
    assert!(failing.contains("A &lt;broken&gt; feed") && failing.contains("in a row"), "{failing}");
    assert!(!failing.contains("The Ticker"), "{failing}");
    let named = bed.get("/feeds?q=the+ticker").await.body;
    assert!(named.contains("The Ticker") && !named.contains("broken"), "{named}");

    let dead = bed.get("/deliveries?state=dead").await.body;
    let alert = dead.split("href=\"/alerts/alt_").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let detail = bed.get(&format!("/alerts/alt_{alert}")).await;
    is_sound(&detail);
    for part in ["Why it fired", "What became of it", "desk", "down"] {
        assert!(detail.body.contains(part), "no `{part}` in {}", detail.body);
    }
    for unknown in ["/alerts/alt_0000000000000000", "/alerts/x", "/alerts/"] {
        assert_eq!(bed.get(unknown).await.status, 404, "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_is_dressed_in_is_ours_and_cached() {
    let bed = Bed::start("").await;
    for (path, kind) in [
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = bed.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        assert!(!answer.body.contains("@import") && !answer.body.contains("url("), "{path} loads something");
        let etag = answer.header("etag").unwrap();
        let again = super::bed::get(bed.address, path, &format!("If-None-Match: {etag}\r\n")).await;
        assert_eq!(again.status, 304);
        assert!(answer.body.len() < 10_000, "{path}: {} bytes", answer.body.len());
    }
}
