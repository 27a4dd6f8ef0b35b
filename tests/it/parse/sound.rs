//! On sound documents we agree with feed-rs, which shares no line with our reader.

use proptest::prelude::*;
use wirewatch::domain::Timestamp;
use wirewatch::parse::{ParseContext, parse};

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äß한 .,!-]{1,24}".prop_map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[derive(Clone, Debug)]
struct Item {
    guid: String,
    title: String,
    path: String,
    text: String,
    at: i64,
}

prop_compose! {
    fn item()(guid in "[a-z0-9:-]{1,12}", title in word(), path in "[a-z0-9/]{1,12}", text in word(),
              at in 0_i64..2_000_000_000) -> Item {
        Item { guid, title, path, text, at }
    }
}

fn rss(title: &str, items: &[Item]) -> String {
    let item = |i: &Item| {
        let at = jiff::Timestamp::from_second(i.at).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
        format!(
            "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><link>https://x.example/{}</link>\
             <description><![CDATA[<p>{}</p>]]></description><pubDate>{at}</pubDate></item>",
            i.guid, i.title, i.path, i.text
        )
    };
    let items: String = items.iter().map(item).collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{title}</title>{items}</channel></rss>"
    )
}

fn atom(title: &str, items: &[Item]) -> String {
    let entry = |i: &Item| {
        let at = jiff::Timestamp::from_second(i.at).unwrap();
        format!(
            "<entry><id>{}</id><title>{}</title><link href=\"https://x.example/{}\"/>\
             <content type=\"html\">&lt;p&gt;{}&lt;/p&gt;</content><published>{at}</published></entry>",
            i.guid, i.title, i.path, i.text
        )
    };
    let entries: String = items.iter().map(entry).collect();
    format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>{title}</title>{entries}</feed>")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_agree(title in word(), items in prop::collection::vec(item(), 0..8), as_atom: bool) {
        let document = if as_atom { atom(&title, &items) } else { rss(&title, &items) };
        let ours = parse(document.as_bytes(), &ParseContext::default()).unwrap();
        let theirs = feed_rs::parser::parse(document.as_bytes()).unwrap();
        prop_assert_eq!(ours.repairs, []);
        prop_assert_eq!(ours.entries.len(), theirs.entries.len());
        for (our, their) in ours.entries.iter().zip(&theirs.entries) {
            prop_assert_eq!(our.guid.as_deref().unwrap_or_default(), their.id.as_str());
            prop_assert_eq!(our.title.trim(), their.title.as_ref().map_or("", |t| t.content.trim()));
            prop_assert_eq!(our.link.as_deref(), their.links.first().map(|link| link.href.as_str()));
            let at = their.published.map(|at| at.timestamp_millis());
            prop_assert_eq!(our.published_at.map(Timestamp::as_millis), at);
        }
    }
}
