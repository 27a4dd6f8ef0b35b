//! Whether an entry that comes again is known: two documents, read and compared as a poll would.

use wirewatch::domain::article::EntryIdentity;
use wirewatch::domain::feed::GuidTrust;
use wirewatch::domain::{FeedId, IdentityHash};
use wirewatch::parse::{ParseContext, identify, parse};

/// By what each entry of a document is known.
fn identities(feed: &str, items: &str) -> Vec<Vec<IdentityHash>> {
    let document = format!("<rss version='2.0'><channel><title>T</title>{items}</channel></rss>");
    let read = parse(document.as_bytes(), &ParseContext::default()).unwrap();
    let feed = FeedId::parse(feed).unwrap();
    let found = identify(&feed, GuidTrust::Trusted, &read.entries);
    // What is known by its headline alone is known only where guids cannot be relied on.
    found.into_iter().map(|one| EntryIdentity { headline: None, ..one }.all().collect()).collect()
}

/// For each entry of `later`, which of `before` it is.
fn recognised(before: (&str, &str), later: (&str, &str)) -> Vec<Option<usize>> {
    let stored = identities(before.0, before.1);
    let known =
        |entry: &Vec<IdentityHash>| stored.iter().position(|one| one.iter().any(|hash| entry.contains(hash)));
    identities(later.0, later.1).iter().map(known).collect()
}

#[track_caller]
fn check(before: &str, later: &str, expected: &[Option<usize>]) {
    assert_eq!(recognised(("a", before), ("a", later)), expected, "{before}\n{later}");
}

fn item(guid: &str, link: &str, title: &str, text: &str, date: &str) -> String {
    let part = |name: &str, value: &str| {
        if value.is_empty() { String::new() } else { format!("<{name}>{value}</{name}>") }
    };
    format!(
        "<item>{}{}{}{}{}</item>",
        part("guid", guid),
        part("link", link),
        part("title", title),
        part("description", text),
        part("pubDate", date)
    )
}

const LONG: &str =
    "Two officials said on Monday that soldiers had arrived in the region, and that more were on their way.";
const OTHER: &str =
    "The weather stays as it is, forecasters said, with rain in the west and sun in the east until Friday.";

#[test]
fn an_edited_article_is_the_same() {
    let was = item("1", "https://a.example/1", "A", LONG, "Mon, 23 Nov 2026 08:00:00 GMT");
    for edited in [
        item("1", "https://a.example/1", "B", LONG, "Mon, 23 Nov 2026 08:00:00 GMT"),
        item("1", "https://a.example/1", "A", OTHER, "Tue, 24 Nov 2026 08:00:00 GMT"),
        item("1", "https://a.example/moved", "B", OTHER, ""),
        item("2", "http://www.a.example/1/?utm_source=rss#comments", "B", OTHER, ""),
        item("2", "https://a.example/2", "A", LONG, ""),
        item("", "", " a ", &LONG.to_uppercase(), ""),
    ] {
        check(&was, &edited, &[Some(0)]);
    }
    check(&was, &item("2", "https://a.example/2", "A", OTHER, ""), &[None]);
}

#[test]
fn order_says_nothing() {
    let (a, b) = (item("1", "", "A", LONG, ""), item("2", "", "B", OTHER, ""));
    check(&[a.clone(), b.clone()].concat(), &[b, a].concat(), &[Some(1), Some(0)]);
}

#[test]
fn guids_that_are_all_the_same_tell_nothing() {
    let two = |a: &str, b: &str| {
        item("x", &format!("https://a.example/{a}"), a, "", "")
            + &item("x", &format!("https://a.example/{b}"), b, "", "")
    };
    check(&two("1", "2"), &two("2", "3"), &[Some(1), None]);
}

#[test]
fn guids_that_are_always_new_hide_nothing() {
    let of = |guid: u32| {
        item(&guid.to_string(), "https://a.example/1", "A", LONG, "")
            + &item(&(guid + 1).to_string(), "", "B", OTHER, "")
    };
    check(&of(1), &of(100), &[Some(0), Some(1)]);
}

#[test]
fn an_article_that_moves_between_the_feeds_of_a_site_is_the_same() {
    let world = item("1", "https://a.example/1?at_medium=RSS", "A", LONG, "");
    let asia = item("other", "https://a.example/1", "A, updated", OTHER, "");
    assert_eq!(recognised(("world", &world), ("asia", &asia)), [Some(0)], "by its link");
    let without = (item("1", "", "A", LONG, ""), item("2", "", "A", LONG, ""));
    assert_eq!(recognised(("world", &without.0), ("asia", &without.1)), [Some(0)], "by its text");
    // The numbers of two feeds have nothing to do with each other.
    let numbered = (item("1", "", "A", "", ""), item("1", "", "B", "", ""));
    assert_eq!(recognised(("world", &numbered.0), ("asia", &numbered.1)), [None]);
}

#[test]
fn short_texts_are_no_proof() {
    let comments =
        |n: u32| item(&n.to_string(), &format!("https://a.example/{n}"), "Open thread", "Comments", "");
    check(&comments(1), &comments(2), &[None]);
    let undated = item("", "", "Open thread", "", "");
    check(&undated, &undated, &[Some(0)]);
    let dated = |day: u32| item("", "", "Open thread", "", &format!("{day} Nov 2026 08:00:00 GMT"));
    check(&dated(23), &dated(24), &[None]);
}

#[test]
fn a_flash_that_several_feeds_pass_on_is_one_article() {
    const FLASH: &str = "URGENT: North Korea fires ballistic missile toward East Sea, says JCS";
    let flash = |from: &str, title: &str, minute: u32| {
        item(
            from,
            &format!("https://{from}.example/1"),
            title,
            "",
            &format!("23 Nov 2026 08:{minute}:00 GMT"),
        )
    };
    check(&flash("a", FLASH, 10), &flash("b", FLASH, 10), &[Some(0)]);
    check(&flash("a", FLASH, 10), &flash("b", FLASH, 11), &[None]);
    check(&flash("a", "Live: war in Ukraine", 10), &flash("b", "Live: war in Ukraine", 10), &[None]);
}

#[test]
fn links_that_all_lead_to_the_same_page_tell_nothing() {
    let list = |titles: &[&str]| {
        titles
            .iter()
            .map(|title| item("", "https://a.example/news", title, "", ""))
            .collect::<Vec<_>>()
            .concat()
    };
    check(&list(&["A", "B"]), &list(&["C", "B"]), &[None, Some(1)]);
}
