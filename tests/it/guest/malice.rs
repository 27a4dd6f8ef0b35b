//! Hosts that know how readers are made: every length, date, coding and identity is a lie.

use std::io::Write as _;

use super::court::{Answer, Body, Evidence, ROUNDS, Scenario, Seen, ensure, feed};
use super::manners::{asking, fresh, refused, validating, waits};
use super::menace::{coded, gzip, leaves_the_loop, led_to, unbearable, understood};

pub(super) fn scenarios() -> Vec<Scenario> {
    [wires(), codings(), characters(), ways(), times(), identities()].into_iter().flatten().collect()
}

/// The whole answer as bytes.
fn raw(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer::new(200, Body::Raw(bytes.into()))
}

fn head(fields: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n{fields}\r\n")
}

/// A body in chunks of ten bytes, with what stands behind the last.
fn chunked(end: &str) -> Vec<u8> {
    let mut bytes = head("Transfer-Encoding: chunked\r\n").into_bytes();
    for chunk in feed("a").chunks(10) {
        bytes.extend(format!("{:x};ext=\"y\"\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(end.bytes());
    bytes
}

fn answers(name: &'static str, answer: impl Fn() -> Answer + Send + Sync + 'static) -> Scenario {
    Scenario::new(name, move |_, _, _| answer(), understood)
}

/// What the wire carries is no answer, or one with a twist.
fn wires() -> Vec<Scenario> {
    let whole = String::from_utf8(feed("a")).unwrap();
    let (old, twice, both) = (whole.clone(), whole.clone(), chunked("0\r\n\r\n"));
    let both = String::from_utf8(both).unwrap().replacen("Transfer", "Content-Length: 12\r\nTransfer", 1);
    vec![
        unbearable("slow-head", || Answer::new(200, Body::DripHead)),
        unbearable("endless-head", || raw(format!("HTTP/1.1 200 OK\r\n{}", "X-Y: z\r\n".repeat(200_000)))),
        unbearable("one-long-field", || raw(format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(2_000_000)))),
        unbearable("reset-after-the-head", || Answer::new(200, Body::Reset)),
        unbearable("no-head", move || raw(old.clone())),
        unbearable("nothing-said", || raw("")),
        unbearable("status-of-nobody", || raw("HTTP/1.1 999 ?\r\nConnection: close\r\n\r\n")),
        unbearable("two-lengths", move || {
            raw(format!("{}{twice}", head("Content-Length: 5\r\nContent-Length: 50\r\n")))
        }),
        unbearable("negative-length", || raw(head("Content-Length: -1\r\n") + "<rss/>")),
        unbearable("chunks-without-end", || raw(chunked(""))),
        unbearable("chunk-of-a-lie", || {
            raw(head("Transfer-Encoding: chunked\r\n") + "ffffffffffffffff\r\n<rss/>")
        }),
        answers("trailers", || raw(chunked("0\r\nETag: \"late\"\r\nX-Sum: y\r\n\r\n"))),
        answers("length-and-chunks", move || raw(both.clone())),
        answers("until-the-end", move || raw(head("") + &whole)),
        Scenario::new(
            "length-too-short",
            |_, _, _| raw([head("Content-Length: 40\r\n").into_bytes(), feed("a")].concat()),
            |e| ensure(e.titles.is_empty(), "takes home what is not whole"),
        ),
        Scenario::new(
            "etag-too-long-to-send-back",
            |_, seen, _| match seen.header("if-none-match") {
                Some(etag) if etag.len() > 8_000 => Answer::empty(431),
                _ => Answer::feed("a").with("ETag", format!("\"{}\"", "e".repeat(10_000))),
            },
            |e| ensure(e.seen.len() > ROUNDS / 2, "is locked out by its own memory"),
        ),
        unbearable("etag-of-64-kilobytes", || Answer::feed("a").with("ETag", "e".repeat(64 << 10))),
    ]
}

fn codings() -> Vec<Scenario> {
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(27).unwrap();
    wide.write_all(&feed("a")).unwrap();
    let wide = wide.finish().unwrap();
    let mut bomb = Vec::new();
    brotli::CompressorWriter::new(&mut bomb, 4096, 5, 22).write_all(&vec![b' '; 20 << 20]).unwrap();
    let many = "gzip, ".repeat(50) + "gzip";
    vec![
        coded("gzip-of-gzip-said-once", "gzip", gzip(&gzip(&feed("a")))),
        answers("gzip-unsaid", || Answer::new(200, Body::Whole(gzip(&feed("a"))))),
        unbearable("zstd-window", move || {
            Answer::new(200, Body::Whole(wide.clone())).with("Content-Encoding", "zstd")
        }),
        unbearable("brotli-bomb", move || {
            Answer::new(200, Body::Whole(bomb.clone())).with("Content-Encoding", "br")
        }),
        unbearable("fifty-codings", move || Answer::feed("a").with("Content-Encoding", many.clone())),
        unbearable("gzip-that-is-none", || Answer::feed("a").with("Content-Encoding", "gzip")),
    ]
}

/// A document in this character set, or in several.
fn letters(name: &'static str, kind: &'static str, body: Vec<u8>, title: &'static str) -> Scenario {
    let script = move |_, _: &Seen, _| Answer::new(200, Body::Whole(body.clone())).with("Content-Type", kind);
    Scenario::new(name, script, move |e: &Evidence| {
        ensure(e.titles == [title], &format!("reads {:?}", e.titles))
    })
}

fn characters() -> Vec<Scenario> {
    let wide = |big: bool| -> Vec<u8> {
        let text = String::from_utf8(feed("Київ")).unwrap();
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    };
    let changing = [feed("Київ"), b"<!-- caf\xe9 -->".to_vec()].concat();
    let marked = ["\u{feff}".as_bytes(), &feed("Київ")].concat();
    vec![
        letters("utf-16-unmarked", "application/xml", wide(false), "Київ"),
        letters("utf-16-unmarked-that-lies", "text/xml; charset=utf-8", wide(true), "Київ"),
        letters("characters-change-midway", "application/xml", changing, "Київ"),
        letters("mark-and-lie", "text/xml; charset=windows-1251", marked, "Київ"),
        letters("utf-7", "text/xml; charset=utf-7", feed("+ADw-script+AD4-"), "+ADw-script+AD4-"),
        letters("characters-of-nobody", "text/xml; charset=\"x-klingon", feed("Київ"), "Київ"),
    ]
}

fn ways() -> Vec<Scenario> {
    vec![
        led_to("to-mapped-loopback", |port| format!("http://[::ffff:127.0.0.2]:{port}/inside")),
        led_to("to-data", |_| "data:text/xml,<rss/>".to_owned()),
        led_to("to-gopher", |port| format!("gopher://127.0.0.1:{port}/inside")),
        led_to("to-octal", |port| format!("http://0177.0.0.2:{port}/inside")),
        led_to("to-a-name-and-password", |port| format!("http://127.0.0.1@127.0.0.2:{port}/inside")),
        Scenario::new(
            "loop-that-wants-a-cookie",
            |n, _, _| {
                Answer::empty(302)
                    .with("Set-Cookie", format!("n={n}"))
                    .with("Location", format!("/feed?n={n}"))
            },
            leaves_the_loop,
        ),
        Scenario::new(
            "302-then-301",
            |_, seen, _| match seen.path.as_str() {
                "/feed" => Answer::empty(302).with("Location", "/passing"),
                "/passing" => Answer::empty(301).with("Location", "/end"),
                _ => Answer::feed("a"),
            },
            |e| ensure(e.rounds("/feed").len() > ROUNDS / 2, "takes a detour for a move"),
        ),
    ]
}

fn times() -> Vec<Scenario> {
    vec![
        validating(
            "modified-in-the-future",
            "Last-Modified",
            "if-modified-since",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ),
        refused("503-year-9999", 503, "Fri, 31 Dec 9999 23:59:59 GMT", 180),
        refused("429-below-zero", 429, "-3600", 10),
        fresh("expires-year-9999", "Expires", "Fri, 31 Dec 9999 23:59:59 GMT", 180),
        Scenario::new(
            "age-beyond-all-numbers",
            |_, _, _| {
                Answer::feed("a").with("Cache-Control", "max-age=3600").with("Age", "99999999999999999999")
            },
            |e| waits(e, "/feed", 10),
        ),
        Scenario::new(
            "304-that-says-nothing",
            |n, _, _| match n {
                0 => Answer::feed("a").with("ETag", "\"a\"").with("Cache-Control", "max-age=3600"),
                _ => Answer::empty(304),
            },
            |e| {
                let gaps: Vec<usize> = e.rounds("/feed").windows(2).map(|two| two[1] - two[0]).collect();
                let heeded = gaps.len() > 1 && gaps.iter().all(|gap| (5..=7).contains(gap));
                ensure(heeded, &format!("comes after {gaps:?} rounds, though an hour was agreed"))
            },
        )
        .conditional(),
        asking("ttl-below-zero", "<ttl>-90</ttl>", 10),
        asking("ttl-huge", "<ttl>18446744073709551615</ttl>", 180),
        asking("ttl-beyond-all-numbers", "<ttl>99999999999999999999999</ttl>", 10),
        asking(
            "period-of-nothing",
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            60,
        ),
    ]
}

/// A feed whose n-th document has these items.
fn items(
    name: &'static str,
    items: impl Fn(usize) -> String + Send + Sync + 'static,
    titles: &'static [&'static str],
) -> Scenario {
    documents(
        name,
        move |n| format!("<rss version='2.0'><channel><title>{n}</title>{}</channel></rss>", items(n)),
        titles,
    )
}

/// A feed whose n-th document is this.
fn documents(
    name: &'static str,
    document: impl Fn(usize) -> String + Send + Sync + 'static,
    titles: &'static [&'static str],
) -> Scenario {
    let script = move |n, _: &Seen, _| Answer::new(200, Body::Whole(document(n).into_bytes()));
    Scenario::new(name, script, move |e: &Evidence| {
        let mut found = e.titles.clone();
        found.sort_unstable();
        ensure(e.seen.len() > 5, "stays away")?;
        ensure(found == titles, &format!("takes home {found:?}"))
    })
}

const TEXT: &str = "<description>Officials said on Monday that the talks would go on for at least another week, with a \
    second delegation on its way and nothing decided yet.</description>";

fn identities() -> Vec<Scenario> {
    let date = |year: u32| format!("<pubDate>Fri, 01 Jan {year} 00:00:00 GMT</pubDate>");
    vec![
        items(
            "new-ids-every-time",
            |n| format!("<item><guid>{n}</guid><title>a</title>{TEXT}</item>"),
            &["a"],
        ),
        documents(
            "new-ids-every-time-and-half-a-text",
            |n| {
                // Of its own: the same text in another feed is the same article.
                let own = TEXT.replace("Officials", "Witnesses");
                let item = |t: &str| format!("<item><guid>{t} {n}</guid><title>{t}</title>{own}</item>");
                let text = "<rss version='2.0'><channel>".to_owned() + &item("c") + &item("b") + &item("a");
                let end = if n < 4 { text.len() } else { text.len() - 60 - n };
                text[..end].to_owned()
            },
            &["a", "b", "c"],
        ),
        items(
            "new-ids-every-time-with-links",
            |n| format!("<item><guid>{n}</guid><title>a</title><link>https://x.example/a</link></item>"),
            &["a"],
        ),
        items(
            "no-ids-no-links-no-dates",
            |_| "<item><title>a</title></item><item><title>b</title></item>".into(),
            &["a", "b"],
        ),
        items(
            "order-by-chance",
            |n| {
                let item = |t: &str| {
                    format!("<item><title>{t}</title>{TEXT}<link>https://x.example/{t}</link></item>")
                };
                if n % 2 == 0 { item("a") + &item("b") } else { item("b") + &item("a") }
            },
            &["a", "b"],
        ),
        items(
            "one-id-for-two",
            |_| {
                let item = |t: &str| {
                    format!("<item><guid>1</guid><title>{t}</title><link>https://x.example/{t}</link></item>")
                };
                item("a") + &item("b")
            },
            &["a", "b"],
        ),
        items(
            "links-that-change-every-time",
            |n| {
                format!(
                    "<item><guid isPermaLink='false'>1</guid><title>a</title><link>https://x.example/?{n}</link></item>"
                )
            },
            &["a"],
        ),
        items(
            "out-of-time",
            move |_| {
                let item =
                    |t: &str, date: String| format!("<item><guid>{t}</guid><title>{t}</title>{date}</item>");
                item("a", date(1970))
                    + &item("b", date(2099))
                    + &item("c", date(1))
                    + &item("d", date(99_999))
            },
            &["a", "b", "c", "d"],
        ),
        items("items-of-nothing", |_| "<item/>".repeat(5_000) + "<item><title>a</title></item>", &["a"]),
    ]
}
