//! What is wrong with real feeds, one small sample for each, and what is made of it.

use wirewatch::parse::{ParseContext, ParseError, Repair, parse};

/// What was read: the feed's title, then a line for each entry.
#[track_caller]
fn read(document: impl AsRef<[u8]>) -> (String, Vec<Repair>) {
    read_as(document, None)
}

#[track_caller]
fn read_as(document: impl AsRef<[u8]>, content_type: Option<&str>) -> (String, Vec<Repair>) {
    let context = ParseContext { content_type, base_url: Some("https://site.example/feed") };
    let feed = parse(document.as_ref(), &context).unwrap();
    let mut lines = vec![feed.title.unwrap_or_default()];
    for entry in &feed.entries {
        let at = entry.published_at.or(entry.updated_at).map(|at| at.to_string());
        let parts =
            [entry.guid.clone(), Some(entry.title.clone()), entry.link.clone(), at, Some(entry.text())];
        lines.push(parts.map(Option::unwrap_or_default).join(" | "));
    }
    (lines.join("\n"), feed.repairs)
}

#[track_caller]
fn check(document: impl AsRef<[u8]>, expected: &str, repairs: &[Repair]) {
    let (text, found) = read(document);
    assert_eq!(text, expected);
    assert_eq!(found, repairs);
}

const ITEM: &str = "<item><title>A</title><link>https://x.example/a</link></item>";
const ENTRY: &str = "<entry><title>A</title><link href='https://x.example/a'/></entry>";

/// What [`ITEM`] and [`ENTRY`] say.
const SAID: &str = "T\n | A | https://x.example/a |  | ";

#[test]
fn versions_and_roots_do_not_matter() {
    for version in ["", " version='2'", " version='4.20'", " version='0.95'"] {
        let document = format!("<rss{version}><channel><title>T</title>{ITEM}</channel></rss>");
        check(document, SAID, &[Repair::RootVersion]);
    }
    for version in ["0.90", "0.93", "0.94", "2.0"] {
        check(format!("<rss version='{version}'><channel><title>T</title>{ITEM}</channel></rss>"), SAID, &[]);
    }
    check(format!("<channel><title>T</title>{ITEM}</channel>"), SAID, &[Repair::EmbeddedFeed]);
    check(
        format!("<html><body><feed><title>T</title>{ENTRY}</feed></body></html>"),
        SAID,
        &[Repair::EmbeddedFeed],
    );
}

#[test]
fn namespaces_do_not_matter() {
    let userland = "<rss version='2.0' xmlns='http://backend.userland.com/rss2'>";
    check(format!("{userland}<channel><title>T</title>{ITEM}</channel></rss>"), SAID, &[]);
    let misspelt = "<feed xmlns='http://www.example.org/2005/Atom/'>";
    check(format!("{misspelt}<title>T</title>{ENTRY}</feed>"), SAID, &[Repair::Namespace]);
    let old = "<feed version='0.3' xmlns='http://purl.org/atom/ns#'>";
    check(format!("{old}<title>T</title>{ENTRY}</feed>"), SAID, &[]);
    let prefixed = "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>T</a:title>\
        <a:entry><a:title>A</a:title><a:link href='https://x.example/a'/></a:entry></a:feed>";
    check(prefixed, SAID, &[]);
    let undeclared = "<rss version='2.0'><channel><title>T</title><item><media:title>no</media:title>\
        <title>A</title><link>https://x.example/a</link></item></channel></rss>";
    check(undeclared, SAID, &[Repair::Namespace]);
}

#[test]
fn rdf_in_both_versions() {
    let rss1 = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
        xmlns:dc='http://purl.org/dc/elements/1.1/'><channel rdf:about='c'><title>T</title><items><rdf:Seq>\
        <rdf:li resource='urn:1'/></rdf:Seq></items></channel><item rdf:about='urn:1'><title>A</title>\
        <dc:date>2026-01-02T03:04:05Z</dc:date></item></rdf:RDF>";
    check(rss1, "T\nurn:1 | A |  | 2026-01-02T03:04:05Z | ", &[]);
    let netscape = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
        xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel><title>T</title></channel>";
    check(format!("{netscape}{ITEM}</rdf:RDF>"), SAID, &[]);
}

#[test]
fn markup_left_open_or_bare() {
    let head = "<rss version='2.0'><channel><title>T</title>";
    let unclosed = "<item><title>A</title><link>https://x.example/a<description>D</description></item>";
    let expected = format!("{SAID}D");
    check(format!("{head}{unclosed}</channel></rss>"), &expected, &[Repair::MismatchedTags]);
    let never_ended = "<item><title>A</title><link>https://x.example/a</link><description>D</description>";
    check(
        format!("{head}{never_ended}{never_ended}</channel></rss>"),
        &format!("{expected}\n{}", &expected[2..]),
        &[Repair::MismatchedTags],
    );
    let html = "<item><title>x <b>y</b> z</title><description>a<p>b<br>c</description></item>";
    check(format!("{head}{html}</channel></rss>"), "T\n | x y z |  |  | a\n\nb\nc", &[Repair::UnescapedHtml]);
    let bare = "<item><title>AT&T &amp; Q&A &nbsp;&copy;</title></item>";
    check(
        format!("{head}{bare}</channel></rss>"),
        "T\n | AT&T & Q&A © |  |  | ",
        &[Repair::BareAmpersand, Repair::HtmlEntity],
    );
    check(format!("{head}</item>{ITEM}</image></channel></rss>"), SAID, &[Repair::MismatchedTags]);
}

#[test]
fn of_a_truncated_document_the_whole_entries_are_kept() {
    let document = format!(
        "<rss version='2.0'><channel><title>T</title>{ITEM}{ITEM}<item><title>B</title><link>https://x.example/b</link>\
         <description>half a tex"
    );
    let (text, repairs) = read(&document);
    assert_eq!(text.lines().count(), 4);
    assert!(text.ends_with("\n | B | https://x.example/b |  | "), "a half text is no text: {text}");
    assert_eq!(repairs, [Repair::Truncated]);
    let again = "<item><title>A</title><link>https://x.example/other</link><description>half a tex";
    let first = "<item><title>A</title><guid>1</guid><description>all of the text</description></item>";
    let (text, _) = read(format!("<rss version='2.0'><channel><title>T</title>{first}{again}"));
    assert_eq!(text.lines().count(), 2, "listed twice, it is no other by half: {text}");
    let (text, _) = read("<rss version='2.0'><channel><title>T</title><item><title>half a tit");
    assert_eq!(text, "T", "nothing to recognise the entry by");
    let (text, _) = read("<feed><title>T</title><entry><id>urn:1</id><title>A</title><content><![CDATA[half");
    assert_eq!(text, "T\nurn:1 | A |  |  | ");
}

#[test]
fn wherever_a_document_breaks_off_it_is_not_taken_for_whole() {
    let rss = format!("<rss version='2.0'><channel><title>T</title>{ITEM}</channel></rss>");
    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>urn:1</id><title>A</title>\
                <link href='https://x.example/a/'/></entry></feed>";
    for document in [&rss, atom] {
        for end in 0..document.len() {
            let context = ParseContext { content_type: None, base_url: None };
            if let Ok(feed) = parse(&document.as_bytes()[..end], &context) {
                assert!(feed.repairs.contains(&Repair::Truncated), "{}", &document[..end]);
            }
        }
    }
}

#[test]
fn characters() {
    let document = |title: &[u8], declared: &str| {
        let head = format!("<?xml version='1.0'{declared}?><rss version='2.0'><channel><title>");
        [head.as_bytes(), title, b"</title></channel></rss>"].concat()
    };
    check(document(b"Caf\xe9 \x93q\x94 M\xfcnchen", ""), "Café “q” München", &[Repair::Charset]);
    check(document("Café".as_bytes(), " encoding='iso-8859-1'"), "Café", &[Repair::Charset]);
    check(document("Café".as_bytes(), " encoding='utf-16'"), "Café", &[Repair::Charset]);
    check(document("CafÃ© â€“ fÃ¼r Ã„rzte".as_bytes(), ""), "Café – für Ärzte", &[Repair::Charset]);
    check(document("Ã¼ is what ü becomes".as_bytes(), ""), "Ã¼ is what ü becomes", &[]);
    check(document(b"a\x08b\x0c", ""), "ab", &[Repair::ControlCharacters]);
    let junk = [&b"Warning: x in y.php\n"[..], &document(b"T", "")].concat();
    check(junk, "T", &[Repair::LeadingJunk]);
    let (text, repairs) =
        read_as(document(b"\xcf\xf0\xe8\xe2\xe5\xf2", ""), Some("text/xml; charset=windows-1251"));
    assert_eq!((text.as_str(), repairs), ("Привет", vec![]));
    let (text, repairs) = read_as(document("日本".as_bytes(), ""), Some("text/xml; charset=shift_jis"));
    assert_eq!((text.as_str(), repairs), ("日本", vec![Repair::Charset]), "a header that lies is overruled");
}

#[test]
fn guids_links_and_dates() {
    let item = |inside: &str| {
        let (text, _) = read(format!("<rss version='2.0'><channel><item>{inside}</item></channel></rss>"));
        text.trim_start().to_owned()
    };
    assert_eq!(
        item("<guid>https://x.example/g</guid>"),
        "https://x.example/g |  | https://x.example/g |  | "
    );
    assert_eq!(
        item("<guid>https://x.example/1</guid><guid>https://x.example/2</guid>"),
        "https://x.example/2 |  | https://x.example/1 |  | ",
        "of two ids the last, of two addresses the first"
    );
    assert_eq!(
        item("<guid isPermaLink='false'>https://x.example/g</guid>"),
        "https://x.example/g |  |  |  | "
    );
    assert_eq!(item("<link>/a b</link>"), "|  | https://site.example/a%20b |  | ");
    let time = "<time datetime=\"2026-01-02T08:04:05Z\">Fri, 01/02/2026 - 03:04</time>";
    let escaped = time.replace('<', "&lt;");
    for time in [time, &escaped, &format!("<![CDATA[{time}]]>")] {
        assert_eq!(
            item(&format!("<pubDate> {time} </pubDate>")),
            "|  |  | 2026-01-02T08:04:05Z | ",
            "{time}"
        );
    }
    assert_eq!(item("<pubDate>2026-01-02 03:04:05</pubDate>"), "|  |  | 2026-01-02T03:04:05Z | ");
    assert_eq!(
        item("<pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate><dc:date>never</dc:date>"),
        "|  |  | 2026-01-02T03:04:05Z | "
    );
    let (text, _) = read(
        "<feed xml:base='https://b.example/x/'><entry><link rel='enclosure' href='e.mp3'/><link href='first'/>\
         <link rel='alternate' type='text/html' href='page'/><link rel='self' href='s'/></entry></feed>",
    );
    assert_eq!(text, "\n |  | https://b.example/x/page |  | ");
}

#[test]
fn texts_of_every_type() {
    let entry = |inside: &str| {
        let (text, repairs) =
            read(format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry>{inside}</entry></feed>"));
        (text.rsplit(" | ").next().unwrap_or_default().to_owned(), repairs)
    };
    let good = |text: &str| (text.to_owned(), vec![]);
    assert_eq!(entry("<content type='html'>&lt;p&gt;a&lt;/p&gt;b</content>"), good("a\n\nb"));
    assert_eq!(
        entry(
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>a</p>1 &lt; 2</div></content>"
        ),
        good("a\n\n1 < 2")
    );
    assert_eq!(entry("<content type='text'>1 &lt; 2 &amp;amp; 3</content>"), good("1 < 2 &amp; 3"));
    assert_eq!(entry("<content mode='base64' type='text/html'>PHA+YTwvcD4=</content>"), good("a"));
    assert_eq!(entry("<content type='video/x'>a</content>"), ("a".to_owned(), vec![Repair::TextType]));
    assert_eq!(
        entry(
            "<summary/><media:group xmlns:media='http://search.yahoo.com/mrss/'><media:description>m\
               </media:description><media:title/></media:group>"
        ),
        good("m")
    );
    assert_eq!(
        entry("<content type='html'>&lt;img src='x' alt='A ship' title='at sea'&gt;</content>"),
        good("A ship\n\nat sea")
    );
}

#[test]
fn loose_json() {
    let json = r#"{"title":"T","items":[{"id":7,"url":"/a","title":"A","content_text":"x","date_published":"2026-01-02"},
        {"id":"b","title":null,"content_html":"<p>y</p>","authors":[{"name":"N"}]},3]}"#;
    check(
        json,
        "T\n7 | A | https://site.example/a | 2026-01-02T00:00:00Z | x\nb |  |  |  | y",
        &[Repair::LooseJson],
    );
}

#[test]
fn hints_of_publishers() {
    let document = "<rss version='2.0'><channel><ttl>90</ttl><sy:updatePeriod>daily</sy:updatePeriod>\
        <sy:updateFrequency>12</sy:updateFrequency><skipHours><hour>0</hour><hour>24</hour><hour>23</hour></skipHours>\
        <skipDays><day>Sunday</day></skipDays></channel></rss>";
    let hints = parse(document.as_bytes(), &ParseContext::default()).unwrap().hints;
    assert_eq!(hints.min_interval.unwrap().as_secs(), 2 * 3600);
    assert_eq!((hints.skip_hours, hints.skip_days), (1 | 1 << 23, 1 << 6));
}

#[test]
fn what_is_no_feed_is_named() {
    let refusal = |document: &str| parse(document.as_bytes(), &ParseContext::default()).unwrap_err();
    assert_eq!(refusal(" \n"), ParseError::Empty);
    assert_eq!(refusal("hello"), ParseError::NotAFeed);
    assert_eq!(refusal("<!doctype html><title>x</title>"), ParseError::Html);
    assert_eq!(refusal("<opml><body/></opml>"), ParseError::UnknownRoot("opml".to_owned()));
    assert_eq!(refusal("<?xml version='1.0'?><!-- x -->"), ParseError::NoRoot);
    assert_eq!(refusal("{\"a\":1}"), ParseError::NotAJsonFeed);
    assert!(matches!(refusal("{\"items\":["), ParseError::InvalidJson(_)));
}

#[test]
fn of_what_is_said_twice_the_last_is_taken_where_no_standard_says_better() {
    let item = "<item><title>A</title><link>https://x.example/old</link><link>https://x.example/a</link>\
        <pubDate>Mon, 23 Nov 2026 08:00:00 GMT</pubDate><pubDate>Tue, 24 Nov 2026 08:00:00 GMT</pubDate>\
        <more><link>https://x.example/no</link><pubDate>Wed, 25 Nov 2026 08:00:00 GMT</pubDate></more></item>";
    let document = format!("<rss version='2.0'><channel><title>T</title>{item}</channel></rss>");
    check(document, "T\n | A | https://x.example/a | 2026-11-24T08:00:00Z | ", &[]);
}

#[test]
fn ids_that_are_parts_of_addresses_are_made_whole() {
    let rss = |guid: &str| {
        format!(
            "<rss version='2.0' xml:base='https://b.example/x/'><channel><title>T</title><item><title>A</title>{guid}</item></channel></rss>"
        )
    };
    check(
        rss("<guid isPermaLink='true'>1/</guid>"),
        "T\nhttps://b.example/x/1/ | A | https://b.example/x/1/ |  | ",
        &[],
    );
    check(rss("<guid>1</guid>"), "T\n1 | A |  |  | ", &[]);
    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry xml:base='https://b.example/'><id>1</id><title>A</title></entry></feed>";
    check(atom, "T\nhttps://b.example/1 | A | https://b.example/1 |  | ", &[]);
    let channel = "<channel base='x'><title>T</title><item href='/a' xml:base='https://b.example/'><title>A</title></item></channel>";
    check(channel, "T\n | A | https://b.example/a |  | ", &[Repair::EmbeddedFeed]);
}

#[test]
fn a_text_about_a_tag_is_not_taken_for_one() {
    let document = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>1</id>\
        <summary type='html'>&amp;lt;script&amp;gt;x&amp;lt;/script&amp;gt;</summary></entry></feed>";
    check(document, "T\n1 |  |  |  | <script>x</script>", &[]);
}

/// A program that cuts texts in the middle of a character, glues JSON together or puts something before it.
#[test]
fn json_that_breaks_its_grammar() {
    let feed = |items: &str| {
        format!("{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"T\",\"items\":[{items}]}}")
    };
    let first = "{\"id\":\"1\",\"title\":\"A\"}";
    check(feed(r#"{"id":"1","title":"A \ud83d"}"#), "T\n1 | A \u{fffd} |  |  | ", &[Repair::LooseJson]);
    check(feed("{\"id\":\"1\",\"title\":\"A\nB\"}"), "T\n1 | A B |  |  | ", &[Repair::LooseJson]);
    check(feed(&format!("{first},")), "T\n1 | A |  |  | ", &[Repair::LooseJson]);
    for junk in [")]}',\n", "callback(", "Notice: undefined index in feed.php\n"] {
        check(format!("{junk}{});", feed(first)), "T\n1 | A |  |  | ", &[Repair::LeadingJunk]);
    }
    let whole = feed(&format!("{first},{{\"id\":\"2\",\"title\":\"B\"}}"));
    for cut in [3, 4, 10] {
        let (text, repairs) = read(&whole[..whole.len() - cut]);
        assert_eq!(text, "T\n1 | A |  |  | ", "half an item is left until it comes whole");
        assert_eq!(repairs, [Repair::Truncated, Repair::LooseJson]);
    }
    // Numbers that lose their last digits are no ids: these two would look alike.
    let numbers =
        feed("{\"id\":18446744073709551617,\"title\":\"A\"},{\"id\":18446744073709551618,\"title\":\"B\"}");
    check(numbers, "T\n | A |  |  | \n | B |  |  | ", &[Repair::LooseJson]);
}

/// Pages end few of their elements; that makes them no deeper.
#[test]
fn a_long_page_is_a_page_and_its_feed_is_found() {
    let page = format!("<!doctype html><html><body>{}", "<br><p>x<img src=a>".repeat(400));
    let refusal = |text: &str| parse(text.as_bytes(), &ParseContext::default()).unwrap_err();
    assert_eq!(refusal(&page), ParseError::Html);
    check(
        format!("{page}<rss version='2.0'><channel><title>T</title>{ITEM}</channel></rss>"),
        SAID,
        &[Repair::EmbeddedFeed],
    );
    assert_eq!(refusal("\u{1}\u{2}<q\u{fffd}\u{3}z>\u{4}"), ParseError::NotAFeed, "bytes that are no text");
}

#[test]
fn json_with_members_twice_or_of_the_wrong_type() {
    let document = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"T\",\"items\":[1,\
        {\"id\":\"old\",\"id\":7,\"title\":[\"A\",\"B\"],\"url\":{\"id\":\"x\"},\"content_text\":true,\"tags\":\"t\"}]} junk";
    check(document, "T\n7 | A |  |  | ", &[Repair::LooseJson]);
}

#[test]
fn titles_that_speak_of_tags_keep_their_words() {
    let rss = |title: &str| {
        read(format!(
            "<rss version='2.0'><channel><title>T</title><item><title>{title}</title></item></channel></rss>"
        ))
        .0
    };
    let atom = |title: &str| {
        let head = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry>";
        read(format!("{head}<title type='text'>{title}</title></entry></feed>")).0
    };
    let json = |title: &str| read(format!("{{\"title\":\"T\",\"items\":[{{\"title\":\"{title}\"}}]}}")).0;
    for (escaped, plain, shown) in [
        (
            "&lt;script> tag considered harmful",
            "<script> tag considered harmful",
            "<script> tag considered harmful",
        ),
        ("Why &lt;b> is not &lt;strong>", "Why <b> is not <strong>", "Why <b> is not <strong>"),
        ("A &lt;b>bold&lt;/b> claim", "A <b>bold</b> claim", "A bold claim"),
        ("It&amp;#8217;s AT&amp;amp;T", "It&#8217;s AT&amp;T", "It\u{2019}s AT&T"),
        ("Vec&lt;T>", "Vec<T>", "Vec<T>"),
    ] {
        let expected = format!("T\n | {shown} |  |  | ");
        for (format, title) in [("rss", rss(escaped)), ("atom", atom(escaped)), ("json", json(plain))] {
            assert_eq!(title, expected, "{format}");
        }
    }
    let twice = "<rss version='2.0'><channel><title>T</title><item><title>&amp;lt;script> is a tag</title></item></channel></rss>";
    check(twice, "T\n | <script> is a tag |  |  | ", &[]);
}

#[test]
fn what_is_left_open_hides_nothing_behind_it() {
    let enclosure = "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>T</title>\
        <cloud domain='x'><item><enclosure url='https://x.example/1.mp3'><title>A</title></item><item>\
        <enclosure url='https://x.example/2.mp3'><media:title>Second</media:title></enclosure></item></channel></rss>";
    check(enclosure, "T\n | A |  |  | \n | Second |  |  | ", &[Repair::MismatchedTags]);
    let drawing = "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><entry><id>1</id><content type='xhtml'>\
        <div xmlns='http://www.w3.org/1999/xhtml'><p>Before</p><svg><rdf:RDF \
        xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><title>no</title></rdf:RDF></svg><p>After</p></div>\
        </content></entry></feed>";
    check(drawing, "T\n1 |  |  |  | Before\n\nAfter", &[]);
}

#[test]
fn the_first_of_all_formats_has_a_base() {
    let cdf = "<CHANNEL BASE='https://base.example/a/' HREF='https://site.example/'><TITLE>T</TITLE>\
        <ITEM HREF='1'><TITLE>A</TITLE></ITEM></CHANNEL>";
    check(cdf, "T\n | A | https://base.example/a/1 |  | ", &[Repair::EmbeddedFeed]);
}

#[test]
fn one_text_of_many_that_was_encoded_twice() {
    let item = |title: &str| format!("<item><title>{title}</title></item>");
    let titles = format!("{}{}", item("¿Qué pasa en Córdoba?"), item("Â¿Pensando en AquÃ\u{ad}?"));
    let document = format!("<rss version='2.0'><channel><title>T</title>{titles}</channel></rss>");
    let expected = "T\n | ¿Qué pasa en Córdoba? |  |  | \n | ¿Pensando en Aquí? |  |  | ";
    check(document, expected, &[Repair::Charset]);
}
