//! Hosts that mean harm, or cannot help doing it: nothing hangs, nothing swells, nothing private is visited.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::court::{Answer, Body, Evidence, Scenario, Verdict, ensure, feed};

pub(super) fn scenarios() -> Vec<Scenario> {
    [codings(), bounds(), places(), bodies()].into_iter().flatten().collect()
}

pub(super) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn understood(e: &Evidence) -> Verdict {
    ensure(e.titles == ["a"], "does not understand the answer")
}

pub(super) fn coded(name: &'static str, coding: &'static str, body: Vec<u8>) -> Scenario {
    let script = move |_, _: &super::court::Seen, _| {
        Answer::new(200, Body::Whole(body.clone())).with("Content-Encoding", coding)
    };
    Scenario::new(name, script, understood)
}

fn codings() -> Vec<Scenario> {
    let plain = feed("a");
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&plain).unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
    raw.write_all(&plain).unwrap();
    let mut br = Vec::new();
    brotli::CompressorWriter::new(&mut br, 4096, 5, 20).write_all(&plain).unwrap();
    vec![
        coded("gzip", "gzip", gzip(&plain)),
        coded("gzip-members", "X-GZip", [gzip(&plain[..40]), gzip(&plain[40..])].concat()),
        coded("gzip-padded", "gzip", [gzip(&plain), vec![0; 512]].concat()),
        coded("deflate-zlib", "deflate", zlib.finish().unwrap()),
        coded("deflate-raw", "deflate", raw.finish().unwrap()),
        coded("brotli", "br", br),
        coded("zstd", "zstd", zstd::encode_all(&plain[..], 3).unwrap()),
    ]
}

/// An answer that no guest can take: it goes away, and comes back less and less.
pub(super) fn unbearable(
    name: &'static str,
    answer: impl Fn() -> Answer + Send + Sync + 'static,
) -> Scenario {
    Scenario::new(
        name,
        move |_, _, _| answer(),
        |e| {
            ensure(e.titles.is_empty(), "takes home what is not whole")?;
            let rounds = e.rounds("/feed").len();
            ensure((2..=6).contains(&rounds), &format!("comes {rounds} times to something unbearable"))
        },
    )
}

fn bounds() -> Vec<Scenario> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(&feed("a")).unwrap();
    let zlib = zlib.finish().unwrap();
    let half = zlib[..zlib.len() - 6].to_vec();
    let bomb = gzip(&vec![b' '; 20 << 20]);
    let bombs = gzip(&bomb);
    let wide = zstd::encode_all(&vec![b' '; 20 << 20][..], 19).unwrap();
    vec![
        unbearable("gzip-bomb", move || {
            Answer::new(200, Body::Whole(bomb.clone())).with("Content-Encoding", "gzip")
        }),
        unbearable("gzip-bomb-twice", move || {
            Answer::new(200, Body::Whole(bombs.clone())).with("Content-Encoding", "gzip, gzip")
        }),
        unbearable("zstd-bomb", move || {
            Answer::new(200, Body::Whole(wide.clone())).with("Content-Encoding", "zstd")
        }),
        unbearable("endless", || Answer::new(200, Body::Endless)),
        unbearable("drip", || Answer::new(200, Body::Drip)),
        unbearable("many-headers", || {
            (0..90).fold(Answer::feed("a"), |a, n| a.with(&format!("X-{n}"), "y".repeat(400)))
        }),
        unbearable("long-header", || Answer::feed("a").with("X-Long", "y".repeat(300_000))),
        unbearable("cut", || Answer::new(200, Body::Short(feed("a")))),
        unbearable("cut-deflate", move || {
            Answer::new(200, Body::Whole(half.clone())).with("Content-Encoding", "deflate")
        }),
        unbearable("unknown-coding", || Answer::feed("a").with("Content-Encoding", "compress")),
        unbearable("entity-bomb", || {
            let level = |n: u32| format!("<!ENTITY e{n} '{}'>", format!("&e{};", n - 1).repeat(9));
            let levels = (1..20).map(level).collect::<Vec<_>>().concat();
            let text = format!(
                "<!DOCTYPE rss [<!ENTITY e0 'x'>{levels}]><rss><channel><item><title>&e19;</title></item></channel></rss>"
            );
            Answer::new(200, Body::Whole(text.into_bytes()))
        }),
    ]
}

/// A redirect to where nobody may be sent.
pub(super) fn led_to(
    name: &'static str,
    location: impl Fn(u16) -> String + Send + Sync + 'static,
) -> Scenario {
    let script = move |_, seen: &super::court::Seen, at: std::net::SocketAddr| match seen.path.as_str() {
        "/feed" => Answer::empty(302).with("Location", location(at.port())),
        _ => Answer::feed("a"),
    };
    Scenario::new(name, script, |e| {
        let strayed = e.seen.iter().any(|seen| seen.path != "/feed");
        ensure(!strayed && e.titles.is_empty(), "lets itself be led to private places")?;
        ensure(e.seen.len() <= 6, "runs into the same wall again and again")
    })
}

fn places() -> Vec<Scenario> {
    vec![
        led_to("to-any-address", |port| format!("http://0.0.0.0:{port}/inside")),
        led_to("to-mapped-any-address", |port| format!("http://[::ffff:0.0.0.0]:{port}/inside")),
        led_to("to-loopback-v6", |port| format!("http://[::1]:{port}/inside")),
        led_to("to-another-loopback", |port| format!("http://127.0.0.2:{port}/inside")),
        led_to("to-loopback-number", |port| format!("http://0x7f000002:{port}/inside")),
        led_to("to-nat64", |port| format!("http://[64:ff9b::7f00:1]:{port}/inside")),
        led_to("to-6to4", |port| format!("http://[2002:7f00:1::]:{port}/inside")),
        led_to("to-metadata", |_| "http://169.254.169.254/latest/meta-data/".to_owned()),
        led_to("to-a-file", |_| "file:///etc/passwd".to_owned()),
        led_to("to-ftp", |port| format!("ftp://127.0.0.1:{port}/inside")),
        Scenario::new(
            "loop",
            |_, seen, _| {
                Answer::empty(302).with("Location", if seen.path == "/feed" { "/other" } else { "/feed" })
            },
            leaves_the_loop,
        ),
        Scenario::new(
            "redirect-to-nowhere",
            |_, _, _| Answer::empty(302),
            |e| ensure(e.seen.len() <= 6, "asks where there is nothing to follow"),
        ),
    ]
}

/// A loop is left after as many hops as a redirect may have, and not entered at once again.
pub(super) fn leaves_the_loop(e: &Evidence) -> Verdict {
    let first = e.seen.iter().filter(|seen| seen.round == 0).count();
    ensure(first <= 6, &format!("goes round {first} times"))?;
    ensure(e.seen.len() <= 36, "goes round again and again")
}

fn bodies() -> Vec<Scenario> {
    let lies = |name, kind: &'static str, body: Vec<u8>, title: &'static str| {
        let script = move |_, _: &super::court::Seen, _: std::net::SocketAddr| {
            Answer::new(200, Body::Whole(body.clone())).with("Content-Type", kind)
        };
        Scenario::new(name, script, move |e| ensure(e.titles == [title], &format!("reads {:?}", e.titles)))
    };
    vec![
        lies("charset-lies", "text/xml; charset=iso-8859-1", feed("Київ"), "Київ"),
        lies("charset-of-ascii", "text/xml; charset=us-ascii", feed("북한"), "북한"),
        lies(
            "charset-in-header",
            "text/xml; charset=windows-1251",
            {
                let mut body = feed("?");
                let at = body.windows(8).position(|part| part == b"<title>?").unwrap() + 7;
                body.splice(at..=at, [0xca, 0xe8, 0xbf, 0xe2]);
                body
            },
            "Київ",
        ),
        lies("type-lies", "text/html", feed("a"), "a"),
        lies("type-of-nothing", "application/octet-stream", feed("a"), "a"),
        Scenario::new(
            "cookies",
            |n, _, _| Answer::feed("a").with("Set-Cookie", format!("session={n}")).with("ETag", "\"a\""),
            |e| ensure(e.seen.len() > 5, "stays away"),
        )
        .conditional(),
        Scenario::new(
            "nothing-at-all",
            |_, _, _| Answer::new(200, Body::Drip).with("Content-Length", "0"),
            |e| ensure(e.seen.len() <= 6, "runs into the same wall again and again"),
        ),
    ]
}
