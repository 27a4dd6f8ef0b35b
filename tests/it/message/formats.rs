//! Every format: an ordinary alert as it is sent, and that hostile texts stay text.

use std::collections::BTreeMap;

use serde_json::Value;
use wirewatch::domain::alert::AlertContent;
use wirewatch::domain::delivery::{Format, Rendered};
use wirewatch::domain::topic::Severity;
use wirewatch::message::{Content, FormatOptions, OPERATIONS, Template, render};

use super::sample;

const TEMPLATE: &str = r#"{"text": {{ text }}, "link": {{ link }}, "first": {{ title ~ " / " ~ severity }}}"#;

pub(super) fn rendered(format: Format, content: &Content<'_>) -> Rendered {
    let template = Template::parse(TEMPLATE).expect("a template");
    let options = FormatOptions { template: Some(&template), ..sample::options(format) };
    render(&options, content).expect("a message")
}

pub(super) fn body(format: Format, content: &Content<'_>) -> Value {
    serde_json::from_slice(&rendered(format, content).body).expect("JSON")
}

/// All texts of a body, by their place.
fn texts(body: &Value) -> BTreeMap<String, String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
        match value {
            Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, each)| walk(each, &format!("{path}/{n}"), found));
            }
            Value::Object(map) => map.iter().for_each(|(k, each)| walk(each, &format!("{path}/{k}"), found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = BTreeMap::new();
    walk(body, "", &mut found);
    found
}

pub(super) fn all_text(body: &Value) -> String {
    texts(body).into_values().collect::<Vec<_>>().join("\n")
}

/// Made for people: cleaned and escaped. The others carry wirewatch's own JSON, for programs.
pub(super) fn for_people() -> impl Iterator<Item = Format> {
    Format::ALL.into_iter().filter(|format| !matches!(format, Format::Standard | Format::Cloudevents))
}

#[test]
fn an_ordinary_alert_in_every_format() {
    let alert = sample::full();
    // The format `standard` has a test of its own.
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Standard) {
        let message = rendered(format, &Content::Alert(&alert));
        let json: Value = serde_json::from_slice(&message.body).expect("JSON");
        let shown = serde_json::to_string_pretty(&json).expect("JSON");
        insta::assert_snapshot!(format!("{format}"), format!("{}\n{shown}", message.content_type));
    }
}

#[test]
fn a_group_and_an_event_in_every_format() {
    let alerts = sample::several(3);
    let at = sample::at("2026-11-23T07:00:00Z");
    let group = Content::Group { alerts: &alerts, at, reason: "quiet_hours" };
    let event = sample::event("feed.failing");
    for format in for_people() {
        let mut shown = serde_json::to_string_pretty(&body(format, &group)).expect("JSON");
        shown += "\n";
        shown += &serde_json::to_string_pretty(&body(format, &Content::Operations(&event))).expect("JSON");
        insta::assert_snapshot!(format!("{format}_others"), shown);
    }
}

#[test]
fn every_message_shows_severity_and_reason() {
    for severity in Severity::ALL {
        let mut alert = sample::full();
        alert.alert.severity = severity;
        let alerts = [alert.clone(), alert.clone()];
        let at = sample::at("2026-11-23T07:00:00Z");
        for content in [Content::Alert(&alert), Content::Group { alerts: &alerts, at, reason: "digest" }] {
            for format in Format::ALL {
                let text = all_text(&body(format, &content)).replace("\\-", "-");
                for wanted in ["North Korean troops in Russia", "soldiers", "troops"] {
                    assert!(text.contains(wanted), "{format}: {wanted}\n{text}");
                }
                assert!(text.to_lowercase().contains(severity.as_str()), "{format}: {severity}\n{text}");
            }
        }
    }
}

#[test]
fn every_event_can_be_told() {
    for kind in OPERATIONS {
        let event = sample::event(kind);
        for format in Format::ALL {
            let text = all_text(&body(format, &Content::Operations(&event)));
            assert!(text.contains("answered 503 three times"), "{format}: {text}");
        }
    }
}

pub(super) const HOSTILE: [&str; 16] = [
    "<!channel> <!here> <!everyone> <@U012AB> <!subteam^S01|x>",
    "@everyone @here @room @channel @all <@&123> <users/all>",
    "](javascript:alert(1)) [x](https://evil.example/)",
    "<script>alert(1)</script> <a href=\"javascript:x\">y</a>",
    "<https://evil.example|bank.example>",
    "**bold** __under__ ~~gone~~ `code` ```block``` ||spoiler||",
    "*b* _i_ ~s~ # head > quote - list 1. one",
    "pay\u{202e}gpj.exe \u{2066}\u{2067}x\u{2069}",
    "zero\u{200b}width\u{feff} \u{e0041}\u{e0042}tag",
    "\"}, \"text\": \"broken out\", {{ topic }} {% raw %}",
    "\0\u{1b}[31m\r\nSubject: x\r\n\r\nbody",
    "&lt;!channel&gt; &amp;",
    "https://evil.example/ www.evil.example evil@evil.example",
    "\\*escaped\\* \\",
    "",
    "\u{200b}\u{3164}",
];

pub(super) fn hostile(text: &str) -> AlertContent {
    let mut alert = sample::full();
    alert.article.title = Some(text.to_owned());
    alert.article.summary = Some(text.to_owned());
    text.clone_into(&mut alert.found.excerpt);
    alert.article.feed.title = Some(text.to_owned());
    alert.article.authors = vec![text.to_owned()];
    alert.article.feed.tags = vec![text.to_owned()];
    alert.article.link = Some("javascript:alert(1)".to_owned());
    for span in &mut alert.found.spans {
        text.clone_into(&mut span.text);
    }
    alert
}

/// What no body made for people may hold, wherever: direction overrides, control and tag characters.
pub(super) fn assert_clean(format: Format, body: &Value) {
    for (path, text) in texts(body) {
        let bad = text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        });
        assert_eq!(bad, None, "{format} {path}: {text:?}");
    }
}

#[test]
fn hostile_texts_stay_text() {
    for text in HOSTILE {
        let alert = hostile(text);
        let alerts = [alert.clone()];
        let at = sample::at("2026-11-23T07:00:00Z");
        for content in [Content::Alert(&alert), Content::Group { alerts: &alerts, at, reason: "digest" }] {
            for format in for_people() {
                let body = body(format, &content);
                assert_clean(format, &body);
                for (path, text) in texts(&body) {
                    assert_inert(format, &path, &text);
                }
            }
        }
    }
}

/// Places where the service reads no mark-up.
fn is_plain(path: &str) -> bool {
    ["/author/name", "/footer/text", "/fallback"].iter().any(|place| path.ends_with(place))
}

/// What would be a mention, mark-up or a link in the place where it stands.
fn assert_inert(format: Format, path: &str, text: &str) {
    let marked: &[&str] = match format {
        Format::Slack => &["<!", "<@", "<h", "<s", "<u", "<a", "&lt;!channel|", "~s", "`"],
        Format::Discord if is_plain(path) => &["@e", "@h"],
        Format::Discord => &["<@", "@e", "@h", "](", " **b", "~~g", "||s", " <h"],
        Format::Mattermost if is_plain(path) => &["<", "@e", "@h", "@c", "@a", "@r"],
        Format::Mattermost => &["<", "@e", "@h", "@c", "@a", "@r", "~~"],
        Format::Telegram => &["<a", "<s", "<!", "<@", "@e", "@r", "<u", "<h"],
        Format::Matrix if path == "/html" => &["<a", "<s", "<!", "<@", "@e", "@r", "<u", "<h"],
        Format::Matrix => &["@r", "@e"],
        Format::Googlechat => &["<a", "<s", "<!", "<users", "<h"],
        Format::Standard
        | Format::Cloudevents
        | Format::Teams
        | Format::Ntfy
        | Format::Pagerduty
        | Format::Alertmanager
        | Format::Gotify
        | Format::Pushover
        | Format::Template => &[],
    };
    for mark in marked {
        assert!(!text.contains(mark), "{format} {path}: {mark} in {text}");
    }
    if matches!(format, Format::Discord | Format::Mattermost) && !is_plain(path) {
        assert!(!text.contains("](javascript"), "{format} {path}: {text}");
    }
    assert!(!text.trim().is_empty(), "{format} {path}: empty");
}

#[test]
fn nothing_that_looks_like_a_link_leads_elsewhere() {
    for text in HOSTILE {
        let alert = hostile(text);
        for format in for_people().filter(|format| *format != Format::Template) {
            let body = body(format, &Content::Alert(&alert));
            for (path, text) in texts(&body) {
                let name = path.rsplit('/').next().unwrap_or_default();
                let is_address =
                    ["url", "href", "click", "generatorURL", "link", "title_link"].contains(&name);
                assert!(!is_address || text.starts_with("http"), "{format} {path}: {text}");
            }
        }
    }
}

#[test]
fn a_title_that_is_not_there_is_said_to_be() {
    for format in for_people() {
        let text = all_text(&body(format, &Content::Alert(&sample::bare())));
        assert!(text.replace('\\', "").contains("(untitled)"), "{format}: {text}");
        assert!(text.replace('\\', "").contains("the query as a whole"), "{format}: {text}");
    }
}

#[test]
fn without_a_chat_there_is_no_message() {
    let options = |format| FormatOptions { chat_id: None, ..sample::options(format) };
    let alert = sample::full();
    for format in [Format::Telegram, Format::Pushover, Format::Template] {
        let problem = render(&options(format), &Content::Alert(&alert)).expect_err("no message");
        assert!(problem.to_string().contains("needs"), "{problem}");
    }
}

#[test]
fn a_recovery_ends_what_a_failure_began() {
    let (failing, recovered) = (sample::event("feed.failing"), sample::event("feed.recovered"));
    let pagerduty = |event| body(Format::Pagerduty, &Content::Operations(event));
    assert_eq!(pagerduty(&failing)["dedup_key"], pagerduty(&recovered)["dedup_key"]);
    assert_eq!(pagerduty(&recovered)["event_action"], "resolve");
    let alertmanager = |event| body(Format::Alertmanager, &Content::Operations(event));
    assert_eq!(alertmanager(&failing)[0]["labels"], alertmanager(&recovered)[0]["labels"]);
    assert_eq!(alertmanager(&recovered)[0]["endsAt"], "2026-11-23T04:05:06.789Z");
}
