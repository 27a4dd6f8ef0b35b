//! Alerts to make messages of.

use wirewatch::domain::alert::{AlertContent, AlertHead, ArticleHead, FeedHead, OperationsEvent, TopicHead};
use wirewatch::domain::delivery::Format;
use wirewatch::domain::topic::{FacetShare, Field, Match, Severity, Span};
use wirewatch::domain::{AlertId, ArticleKey, ConceptId, FeedId, MessageId, Timestamp, TopicId};
use wirewatch::message::FormatOptions;

pub(super) const CHAT: &str = "-1001234567890";

pub(super) fn options(format: Format) -> FormatOptions<'static> {
    FormatOptions { format, message: MessageId::derive(&[]), chat_id: Some(CHAT), template: None }
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}

/// An alert with everything in it.
pub(super) fn full() -> AlertContent {
    let topic = TopicId::parse("dprk-troops-in-russia").expect("a slug");
    let key = ArticleKey::derive("link", &[b"https://news.example/dprk"]);
    let title = "Seoul says more North Korean troops have reached Kursk";
    AlertContent {
        alert: AlertHead {
            id: AlertId::derive(&topic, key),
            severity: Severity::High,
            created_at: at("2026-11-23T01:02:03Z"),
        },
        topic: TopicHead { id: topic, title: "North Korean troops in Russia".into() },
        article: ArticleHead {
            id: key,
            title: Some(title.into()),
            link: Some("https://news.example/dprk?id=1&lang=en".into()),
            published_at: Some(at("2026-11-23T00:58:00Z")),
            first_seen_at: at("2026-11-23T01:02:01Z"),
            authors: vec!["Kim Min-ji".into(), "Olena Koval".into()],
            lang: Some("en".into()),
            summary: Some("South Korea's spy agency told lawmakers that soldiers arrived last week.".into()),
            feed: FeedHead {
                id: FeedId::parse("independent-world").expect("a slug"),
                title: Some("The Independent: World".into()),
                tags: vec!["uk".into()],
            },
        },
        found: Match {
            score: Some(93),
            facets: Some(vec![
                FacetShare { query: "@north-korea".into(), share: 0.67 },
                FacetShare { query: "@troops OR deploy*".into(), share: 0.33 },
            ]),
            spans: vec![
                span(Some("north-korea"), "North Korean", Field::Title, 15),
                span(Some("troops"), "troops", Field::Title, 28),
                span(Some("troops"), "soldiers", Field::Body, 45),
            ],
            excerpt: "… agency told lawmakers that soldiers arrived last week.".into(),
        },
    }
}

fn span(concept: Option<&str>, text: &str, field: Field, start: u32) -> Span {
    Span {
        concept: concept.map(|id| ConceptId::parse(id).expect("a slug")),
        term: text.into(),
        field,
        start,
        end: start + u32::try_from(text.chars().count()).expect("short"),
        text: text.into(),
    }
}

/// An alert with nothing in it that may be absent.
pub(super) fn bare() -> AlertContent {
    let mut alert = full();
    alert.alert.severity = Severity::Normal;
    let article = &mut alert.article;
    (article.title, article.link, article.published_at, article.lang, article.summary) =
        (None, None, None, None, None);
    article.authors.clear();
    article.feed.title = None;
    article.feed.tags.clear();
    alert.found = Match { excerpt: String::new(), ..Match::default() };
    alert
}

/// Several alerts of different topics, severities and scripts.
pub(super) fn several(count: usize) -> Vec<AlertContent> {
    let titles = [
        "Seoul says more North Korean troops have reached Kursk",
        "북한군 추가 파병 정황…국정원 \"쿠르스크 도착\"",
        "سيول: وصول مزيد من القوات الكورية الشمالية إلى كورسك",
        "朝鲜向俄罗斯增派士兵",
    ];
    (0..count)
        .map(|n| {
            let mut alert = full();
            let key = ArticleKey::derive("link", &[&n.to_be_bytes()]);
            alert.alert.id = AlertId::derive(&alert.topic.id, key);
            alert.alert.severity = Severity::ALL[n % 4];
            alert.article.id = key;
            alert.article.title = Some(titles[n % titles.len()].into());
            alert.article.link = Some(format!("https://news.example/{n}"));
            alert
        })
        .collect()
}

pub(super) fn event(kind: &'static str) -> OperationsEvent {
    let subject = if kind.starts_with("feed.") { "bbc-world" } else { "desk" };
    OperationsEvent {
        kind,
        at: at("2026-11-23T04:05:06.789Z"),
        subject: subject.into(),
        message: format!("`{subject}`: answered 503 three times in a row; the next try is at 04:20"),
    }
}
