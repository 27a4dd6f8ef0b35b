//! Documents made to break a reader: each ends in an error or in bounded entries, at once.

use std::time::Duration;

use proptest::prelude::*;
use wirewatch::parse::{ParseContext, ParseError, ParsedFeed, discover, limits, parse};

use crate::support::cpu;

/// Far more than any document here takes, even in a debug build, on the processor.
const AT_ONCE: Duration = Duration::from_secs(20);

#[track_caller]
fn read(document: impl AsRef<[u8]>) -> Result<ParsedFeed, ParseError> {
    let start = cpu::of_this_thread();
    let read = parse(document.as_ref(), &ParseContext::default());
    let taken = cpu::of_this_thread().saturating_sub(start);
    assert!(taken < AT_ONCE, "took {taken:?}");
    if let Ok(feed) = &read {
        let entries = feed.entries.iter();
        let long = |link: &Option<String>| link.as_ref().is_some_and(|link| link.len() > limits::LINK_BYTES);
        assert!(!feed.entries.iter().any(|e| long(&e.link)), "a link beyond its bound");
        let bytes: usize = entries.map(|e| e.title.len() + e.summary.len() + e.content.len()).sum();
        // A reference of five bytes becomes at most six, an expansion adds what is bounded.
        assert!(bytes <= 2 * document.as_ref().len() + limits::EXPANSION_BYTES, "{bytes} bytes of text");
        assert!(feed.entries.len() <= limits::ENTRIES);
    }
    read
}

/// Groups of media in groups of media overflow the stack of a reader that recurses into them.
#[test]
fn nested_groups_do_not_abort() {
    for depth in [1_000, 4_000, 200_000] {
        let groups = "<media:group>".repeat(depth);
        let document =
            format!("<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><item>{groups}");
        assert_eq!(read(document), Err(ParseError::TooDeep));
    }
    let contents = "<media:content><a>".repeat(100_000);
    assert_eq!(read(format!("<rss><channel><item>{contents}")), Err(ParseError::TooDeep));
}

/// An XML declaration that contradicts the bytes, or comes late, makes a decoder panic that chose too early.
#[test]
fn late_and_lying_declarations_do_not_panic() {
    let rest = "<rss version='2.0'><channel><title>Привет</title></channel></rss>";
    let wide = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    };
    let title = |document: Vec<u8>| read(document).unwrap().title;
    for label in ["utf-16", "utf-8", "windows-1251", "nonsense"] {
        let text = format!("<?xml version='1.0' encoding='{label}'?>{rest}");
        assert_eq!(title(wide(&text, true)).as_deref(), Some("Привет"), "{label}");
        assert_eq!(title(wide(&text, false)).as_deref(), Some("Привет"), "{label}");
    }
    let late = format!("<!-- {} --><?xml version='1.0' encoding='windows-1251'?>", "x".repeat(80));
    let mut bytes = late.into_bytes();
    bytes.extend_from_slice(
        b"<rss version='2.0'><channel><title>\xcf\xf0\xe8\xe2\xe5\xf2</title></channel></rss>",
    );
    assert_eq!(title(bytes).as_deref(), Some("Привет"));
}

#[test]
fn entity_bombs_are_refused() {
    let mut bomb = "<!DOCTYPE rss [<!ENTITY a0 'ha'>".to_owned();
    for level in 1..12 {
        bomb.extend([format!("<!ENTITY a{level} '{}'>", format!("&a{};", level - 1).repeat(12))]);
    }
    bomb.push_str("]><rss version='2.0'><channel><title>&a11;</title></channel></rss>");
    assert_eq!(read(&bomb), Err(ParseError::EntityBomb));
    let long = format!(
        "<!DOCTYPE rss [<!ENTITY a '{}'>]><rss><channel><item><description>{}",
        "x".repeat(60_000),
        "&a;".repeat(60_000)
    );
    assert_eq!(read(long), Err(ParseError::EntityBomb), "quadratic growth");
    let itself =
        "<!DOCTYPE rss [<!ENTITY a '&b;'><!ENTITY b '&a;'>]><rss><channel><title>&a;</title></channel></rss>";
    assert!(read(itself).is_ok(), "references do not run in circles");
    let outside = "<!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><rss><channel><title>&a;</title></channel></rss>";
    assert_eq!(read(outside).unwrap().title.as_deref(), Some("&a;"), "nothing outside is read");
}

#[test]
fn every_unclosed_thing_repeated() {
    let pieces = [
        "<",
        "<a ",
        "<a b=\"",
        "<!--",
        "<![CDATA[",
        "<?",
        "<!DOCTYPE [",
        "&",
        "&#",
        "<item>",
        "</item>",
        "<title>",
        "<channel>",
        "</",
        "<a b='",
        "<item><title>",
        "<entry><content type='xhtml'><div>",
        "<link>",
        "]]>",
        "<x xmlns:a='b'>",
        "<div hidden>",
        "<author>",
        "&#x0;",
        "<!ENTITY a 'b'>",
    ];
    for head in
        ["<rss version='2.0'><channel>", "<feed>", "<rss version='2.0'><channel><item><description>", ""]
    {
        for piece in pieces {
            drop(read(format!("{head}{}", piece.repeat(40_000))));
        }
    }
}

#[test]
fn deep_json_and_long_lists() {
    assert!(matches!(read("[".repeat(100_000)), Err(ParseError::InvalidJson(_))));
    assert!(matches!(read(format!("{{\"items\":{}", "[".repeat(100_000))), Err(ParseError::InvalidJson(_))));
    let items = vec!["{\"id\":\"a\",\"title\":\"b\"}"; limits::ENTRIES + 10].join(",");
    assert_eq!(read(format!("{{\"items\":[{items}]}}")).unwrap().entries.len(), limits::ENTRIES);
    let items = "<item><title>b</title></item>".repeat(limits::ENTRIES + 10);
    let feed = read(format!("<rss version='2.0'><channel>{items}</channel></rss>")).unwrap();
    assert_eq!(feed.entries.len(), limits::ENTRIES);
}

/// End tags that end nothing, under many open elements, are not looked up among all of them for ever.
#[test]
fn a_million_stray_end_tags() {
    let open = "<x>".repeat(250);
    for (inside, strays) in [("", "</y>"), ("<item>", "</x>"), ("<item><description>", "</channel>")] {
        let document = format!("<rss version='2.0'>{open}{inside}{}", strays.repeat(1_000_000));
        drop(read(document));
    }
    let entry = "<item><title>A</title></item>";
    let document = format!(
        "<rss version='2.0'><channel>{open}{entry}{}{entry}</channel></rss>",
        "</y>".repeat(limits::STRAY_TAGS + 1)
    );
    assert_eq!(read(document).unwrap().entries.len(), 2, "entries are found all the same");
}

/// Tags that are opened again and again in a text, and never closed, are looked through once.
#[test]
fn open_tags_in_texts() {
    let body = format!("&lt;b {}&lt;/", "&lt;b ".repeat(300_000));
    for text in [body.clone(), format!("<![CDATA[{}]]>", body.replace("&lt;", "&amp;lt;"))] {
        let title = &text[..text.len().min(200_000)];
        drop(read(format!("<rss version='2.0'><channel><item><description>{text}</description></item>")));
        drop(read(format!("<rss version='2.0'><channel><item><title>{title}")));
    }
}

/// Bases that grow with every element would make a long address of each short one.
#[test]
fn bases_inside_bases() {
    let bases: String =
        (0..200).map(|_| format!("<x xml:base='{}/'>", "a".repeat(8_000))).collect::<Vec<_>>().concat();
    let entries = "<entry><id>1</id><link href='b'/></entry>".repeat(2_000);
    let head = "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://a.example/'>";
    let feed = read(format!("{head}{bases}{entries}")).unwrap();
    let links = feed.entries.iter().filter_map(|entry| entry.link.as_deref());
    assert!(links.clone().count() == 2_000 && links.clone().all(|link| link.len() <= limits::LINK_BYTES));
}

/// What nobody reads of a JSON document is not kept, and what is kept is bounded.
#[test]
fn json_of_many_small_objects() {
    for item in ["{\"a\":0}", "{\"tags\":[[[]]]}", "{\"id\":{\"id\":{\"id\":0}}}", "[0]", "{}"] {
        let items = vec![item; 300_000].join(",");
        let feed = read(format!("{{\"items\":[{items}],\"tags\":[{items}],\"x\":[{items}]}}")).unwrap();
        assert!(feed.entries.len() <= limits::ENTRIES, "{item}");
    }
}

const SAMPLES: [&str; 3] = [
    "<?xml version='1.0' encoding='utf-8'?><!DOCTYPE rss [<!ENTITY co 'Acme'>]><rss version='2.0' \
     xmlns:media='http://search.yahoo.com/mrss/'><channel><title>T &co;</title><ttl>5</ttl><item><guid>1</guid>\
     <title><![CDATA[A <b>]]></title><link>https://x.example/1</link><pubDate>Fri, 02 Jan 2026 03:04:05 +0200</pubDate>\
     <description>&lt;p&gt;북한군 &amp;amp; x&lt;/p&gt;</description><media:group><media:title/></media:group></item></channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://x.example/'><title type='html'>T</title><entry><id>1</id>\
     <link rel='alternate' type='text/html' href='a'/><updated>2026-01-02T03:04:05.6Z</updated><content type='xhtml'>\
     <div xmlns='http://www.w3.org/1999/xhtml'><p>x</p></div></content><author><name>N</name></author></entry></feed>",
    "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"T\",\"items\":[{\"id\":\"1\",\"url\":\"https://x.example/\",\
     \"content_html\":\"<p>x</p>\",\"date_published\":\"2026-01-02T03:04:05Z\",\"tags\":[\"a\"]}]}",
];

/// What a mutation does at a place.
#[derive(Clone, Debug)]
enum Change {
    Cut(usize),
    Put(Vec<u8>),
    Copy(usize, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = [
        "<",
        ">",
        "</item>",
        "<item>",
        "<![CDATA[",
        "]]>",
        "&",
        "&#x110000;",
        "\"",
        "'",
        "<!--",
        "\u{0}",
        "\u{feff}",
        "<title>",
        "xmlns=''",
        "99999999999999999999",
        "<!DOCTYPE",
        "{",
        "]",
        "\\ud800",
    ];
    prop_oneof![
        (1_usize..60).prop_map(Change::Cut),
        prop::collection::vec(any::<u8>(), 1..8).prop_map(Change::Put),
        prop::sample::select(pieces.to_vec()).prop_map(|piece| Change::Put(piece.as_bytes().to_vec())),
        (1_usize..80, 1_u8..20).prop_map(|(size, times)| Change::Copy(size, times)),
    ]
}

fn mutate(sample: &str, changes: &[(prop::sample::Index, Change)]) -> Vec<u8> {
    let mut bytes = sample.as_bytes().to_vec();
    for (place, change) in changes {
        let at = place.index(bytes.len() + 1);
        let end = |size: usize| (at + size).min(bytes.len());
        match change {
            Change::Cut(size) => drop(bytes.drain(at..end(*size))),
            Change::Put(piece) => drop(bytes.splice(at..at, piece.iter().copied())),
            Change::Copy(size, times) => {
                let piece = bytes[at..end(*size)].repeat(usize::from(*times));
                drop(bytes.splice(at..at, piece));
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        drop(read(&bytes));
        drop(discover(&bytes, "https://x.example/"));
    }

    #[test]
    fn mutated_feeds(
        sample in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..12),
    ) {
        let bytes = mutate(SAMPLES[sample], &changes);
        let first = read(&bytes);
        prop_assert_eq!(first, read(&bytes), "the same bytes give the same entries");
        drop(discover(&bytes, "https://x.example/"));
    }

    #[test]
    fn any_date_and_any_label(text in "\\PC{0,40}", label in "[a-z0-9-]{0,14}") {
        let document = format!("<?xml version='1.0' encoding='{label}'?><rss><channel><item><pubDate>{text}");
        drop(parse(document.as_bytes(), &ParseContext { content_type: Some(&label), base_url: Some(&text) }));
    }
}
