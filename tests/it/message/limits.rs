//! What services take: no message is longer, whatever a feed says.

use proptest::prelude::*;
use serde_json::Value;
use wirewatch::domain::delivery::{Format, Rendered};
use wirewatch::message::Content;

use super::formats::{all_text, assert_clean, body, for_people, hostile, rendered};
use super::sample;

/// What each service takes, by the place of a text: characters, or bytes where it says so.
fn assert_within_limits(format: Format, message: &Rendered) {
    let body: Value = serde_json::from_slice(&message.body).expect("JSON");
    let size = |pointer: &str| {
        let text = body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        (text.encode_utf16().count(), text.len())
    };
    match format {
        Format::Slack => {
            let blocks = body["blocks"].as_array().expect("blocks");
            assert!((1..=50).contains(&blocks.len()));
            let lengths: Vec<usize> =
                (0..blocks.len()).map(|n| size(&format!("/blocks/{n}/text/text")).0).collect();
            assert!(lengths.iter().all(|length| (1..=3000).contains(length)), "{lengths:?}");
            assert!(lengths.iter().sum::<usize>() <= 13_000 && size("/text").0 <= 4000);
        }
        Format::Discord => {
            let embed = "/embeds/0";
            let limits = [
                ("author/name", 256),
                ("title", 256),
                ("description", 4096),
                ("fields/0/value", 1024),
                ("footer/text", 2048),
                ("url", 2048),
            ];
            let lengths = limits.map(|(name, max)| {
                let length = size(&format!("{embed}/{name}")).0;
                assert!(length <= max, "{name}: {length}");
                length
            });
            assert!(lengths.iter().sum::<usize>() <= 6000);
        }
        Format::Telegram => assert!((1..=4096).contains(&size("/text").0)),
        Format::Ntfy => {
            assert!(message.body.len() <= 8192 - 100, "{}", message.body.len());
            assert!((1..=4096).contains(&size("/message").1));
        }
        Format::Teams => assert!(message.body.len() <= 28_000, "{}", message.body.len()),
        Format::Mattermost => assert!(size("/attachments/0/text").0 <= 16_383),
        Format::Googlechat => assert!(message.body.len() <= 32_000, "{}", message.body.len()),
        Format::Matrix => assert!(message.body.len() <= 60_000, "{}", message.body.len()),
        Format::Pagerduty => {
            assert!(message.body.len() <= 512 * 1024 && size("/payload/summary").0 <= 1024);
            assert!(size("/dedup_key").0 <= 255);
        }
        Format::Pushover => {
            assert!(size("/message").0 <= 1024 && size("/title").0 <= 250 && size("/url").0 <= 512);
        }
        Format::Gotify => assert!(size("/message").0 <= 4000),
        Format::Standard | Format::Alertmanager | Format::Cloudevents | Format::Template => {
            assert!(message.body.len() <= 1 << 20, "{}", message.body.len());
        }
    }
}

#[test]
fn long_texts_are_cut_to_what_the_service_takes() {
    let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
    let texts = [
        "&".repeat(2000),
        "*".repeat(2000),
        "\"".repeat(2000),
        family.repeat(1000),
        format!("e{}", "\u{300}".repeat(2000)),
        "🧑\u{200d}".repeat(1000),
        "한국".repeat(1000),
    ];
    let link = format!("https://news.example/?{}", "a=1&".repeat(500));
    for text in &texts {
        let mut alert = hostile(text);
        alert.topic.title.clone_from(text);
        alert.article.link = Some(link.clone());
        let alerts = vec![alert.clone(); 24];
        let at = sample::at("2026-11-23T07:00:00Z");
        let group = Content::Group { alerts: &alerts, at, reason: "digest" };
        for format in Format::ALL {
            assert_within_limits(format, &rendered(format, &Content::Alert(&alert)));
            if for_people().any(|each| each == format) {
                assert_within_limits(format, &rendered(format, &group));
            }
        }
    }
    let alert = hostile(&family.repeat(1000));
    for format in for_people() {
        let text = all_text(&body(format, &Content::Alert(&alert)));
        for part in text.split(['…', '\n', '<', '“', '”']) {
            assert!(!part.ends_with('\u{200d}'), "{format}: a family was split in {part:?}");
        }
    }
}

#[test]
fn a_group_tells_how_many_it_leaves_out() {
    let alerts = sample::several(300);
    let at = sample::at("2026-11-23T07:00:00Z");
    for format in for_people() {
        let message = rendered(format, &Content::Group { alerts: &alerts, at, reason: "digest" });
        assert_within_limits(format, &message);
        let text = String::from_utf8_lossy(&message.body).into_owned();
        let said = ["more", "300"].iter().any(|word| text.contains(word));
        assert!(said, "{format}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_makes_a_message_within_the_limits(
        title in "\\PC{0,400}",
        summary in any::<String>(),
        topic in "[&<>*@\\\\\"é한👩\u{200d}]{0,600}",
        link in "(https?://[a-z]{1,9}\\.example/[!-~é ]{0,3000})|\\PC{0,50}",
    ) {
        let mut alert = hostile(&title);
        alert.article.summary = Some(summary);
        alert.topic.title = topic;
        alert.article.link = Some(link);
        let alerts = vec![alert.clone(); 5];
        let at = sample::at("2026-11-23T07:00:00Z");
        let group = Content::Group { alerts: &alerts, at, reason: "digest" };
        for format in Format::ALL {
            assert_within_limits(format, &rendered(format, &Content::Alert(&alert)));
            if for_people().any(|each| each == format) {
                assert_within_limits(format, &rendered(format, &group));
                assert_clean(format, &body(format, &Content::Alert(&alert)));
            }
        }
    }
}
