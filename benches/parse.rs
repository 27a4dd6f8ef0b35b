//! What reading a feed costs, beside feed-rs on the same documents in the same run: `cargo bench --bench parse`.
//!
//! feed-rs stops at the entries as they stand; our time covers the plain text and the identities as well.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should stop")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wirewatch::domain::FeedId;
use wirewatch::domain::feed::GuidTrust;
use wirewatch::parse::{ParseContext, identify, parse};

/// Words of the example, in the scripts that feeds come in.
const SENTENCES: [&str; 4] = [
    "North Korean soldiers have arrived in the Kursk region, two officials said on Monday.",
    "북한군이 쿠르스크 지역에 도착했다고 두 관계자가 월요일 밝혔다.",
    "Северокорейские военные прибыли в Курскую область, сообщили два чиновника.",
    "The ministry did not answer questions; &quot;we watch this closely&quot;, a spokesman said &#8212; twice.",
];

/// Paragraphs of HTML, about so many bytes.
fn html(bytes: usize, seed: usize) -> String {
    let mut text = String::new();
    for n in seed.. {
        if text.len() >= bytes {
            break;
        }
        let sentence = SENTENCES[n % SENTENCES.len()];
        writeln!(text, "<p>{sentence} <a href=\"https://news.example/{n}\">More</a></p>").unwrap();
    }
    text
}

fn escaped(html: &str) -> String {
    html.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// RSS 2.0 whose texts are in CDATA, as most news sites write it.
fn rss(items: usize, bytes: usize) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
        xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
        <channel><title>The Wire</title><link>https://news.example/</link><language>en</language>"
        .to_owned();
    for n in 0..items {
        writeln!(
            text,
            "<item><title>{} {n}</title><link>https://news.example/a/{n}</link><guid isPermaLink=\"false\">a{n}</guid>\
             <pubDate>Mon, 23 Nov 2026 08:{:02}:00 GMT</pubDate><dc:creator><![CDATA[A. Reporter]]></dc:creator>\
             <category>World</category><description>{}</description><content:encoded><![CDATA[{}]]></content:encoded></item>",
            SENTENCES[n % 3],
            n % 60,
            SENTENCES[n % 3],
            html(bytes, n)
        )
        .unwrap();
    }
    text + "</channel></rss>"
}

/// Atom whose texts are escaped HTML.
fn atom(entries: usize, bytes: usize) -> String {
    let mut text =
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>The Ticker</title>\
        <id>urn:ticker</id><updated>2026-11-23T08:00:00Z</updated>"
            .to_owned();
    for n in 0..entries {
        writeln!(
            text,
            "<entry><id>urn:{n}</id><title type=\"html\">{} {n}</title><link href=\"https://news.example/b/{n}\"/>\
             <published>2026-11-23T08:{:02}:00Z</published><updated>2026-11-23T09:00:00Z</updated>\
             <author><name>A. Reporter</name></author><content type=\"html\">{}</content></entry>",
            SENTENCES[n % 3],
            n % 60,
            escaped(&html(bytes, n))
        )
        .unwrap();
    }
    text + "</feed>"
}

fn json(items: usize, bytes: usize) -> String {
    let items: Vec<serde_json::Value> = (0..items)
        .map(|n| {
            serde_json::json!({
                "id": format!("urn:{n}"), "title": format!("{} {n}", SENTENCES[n % 3]),
                "url": format!("https://news.example/c/{n}"), "content_html": html(bytes, n),
                "date_published": "2026-11-23T08:00:00Z",
            })
        })
        .collect();
    serde_json::json!({ "version": "https://jsonfeed.org/version/1.1", "title": "The Log", "items": items })
        .to_string()
}

/// Everything a poll does with a document before it asks the database.
fn ours(document: &str, feed: &FeedId) -> usize {
    let read = parse(document.as_bytes(), &ParseContext::default()).unwrap();
    black_box(identify(feed, GuidTrust::Trusted, &read.entries)).len()
}

fn theirs(document: &str) -> usize {
    feed_rs::parser::parse(document.as_bytes()).unwrap().entries.len()
}

fn parsers(criterion: &mut Criterion) {
    let feed = FeedId::parse("wire").unwrap();
    let documents = [
        ("rss, 20 entries of 5 kB", rss(20, 5_000)),
        ("rss, 20 entries without content", rss(20, 0)),
        ("rss, 500 entries of 200 B", rss(500, 200)),
        ("atom, 20 entries of 5 kB", atom(20, 5_000)),
        ("json, 20 entries of 5 kB", json(20, 5_000)),
    ];
    for (name, document) in &documents {
        assert_eq!(ours(document, &feed), theirs(document), "{name}");
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        group.bench_function("wirewatch", |bencher| bencher.iter(|| black_box(ours(document, &feed))));
        group.bench_function("feed-rs", |bencher| bencher.iter(|| black_box(theirs(document))));
        group.finish();
    }
}

criterion_group!(benches, parsers);
criterion_main!(benches);
