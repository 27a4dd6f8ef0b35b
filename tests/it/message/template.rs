//! The user's own template.

use serde_json::{Value, json};
use wirewatch::domain::delivery::Format;
use wirewatch::message::{Content, FormatOptions, Template, TemplateError, render};

use super::sample;

fn made(source: &str, content: &Content<'_>) -> Value {
    let template = Template::parse(source).expect("a template");
    let options = FormatOptions { template: Some(&template), ..sample::options(Format::Template) };
    let message = render(&options, content).expect("a message");
    assert_eq!(message.content_type, "application/json");
    serde_json::from_slice(&message.body).expect("JSON")
}

fn refused(source: &str) -> TemplateError {
    Template::parse(source).and_then(|template| template.try_out()).expect_err("refused")
}

#[test]
fn values_bring_their_quotes() {
    let mut alert = sample::full();
    alert.article.title = Some("a \"quoted\" \\ {{ topic }}\n</title>".into());
    let source =
        r#"{"t": {{ title }}, "j": {{ topic ~ ": " ~ title | tojson }}, "l": {{ link }}, "n": {{ count }}}"#;
    let title = "a \"quoted\" \\ {{ topic }} </title>";
    assert_eq!(
        made(source, &Content::Alert(&alert)),
        json!({
            "t": title,
            "j": format!("North Korean troops in Russia: {title}"),
            "l": "https://news.example/dprk?id=1&lang=en",
            "n": 1,
        })
    );
}

#[test]
fn one_template_serves_every_kind_of_message() {
    let source = r#"{"type": {{ type }}, "title": {{ title }}, "message": {{ message }},
        "alerts": [{% for alert in alerts %}{{ alert.title }}{% if not loop.last %},{% endif %}{% endfor %}]}"#;
    let alerts = sample::several(2);
    let at = sample::at("2026-11-23T07:00:00Z");
    let group = made(source, &Content::Group { alerts: &alerts, at, reason: "digest" });
    assert_eq!(group["alerts"].as_array().map(Vec::len), Some(2));
    assert_eq!(group["title"], Value::Null);
    let event = sample::event("test");
    let test = made(source, &Content::Operations(&event));
    assert_eq!((&test["type"], &test["message"]), (&json!("test"), &json!(event.message)));
    assert_eq!(Template::parse(source).and_then(|template| template.try_out()), Ok(()));
}

#[test]
fn what_is_wrong_with_a_template_is_said() {
    let shown: Vec<String> = [
        "{\"text\":\n{{ titel }}}",
        "{\"text\":\n{% if %}",
        "{\"text\": \"{{ title }}\"}",
        "not JSON",
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ text * 1000000 }}",
        "{% include 'x' %}",
        "{{ title | upper | nothing }}",
    ]
    .into_iter()
    .map(|source| format!("{source}\n  => {}", refused(source)))
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}
