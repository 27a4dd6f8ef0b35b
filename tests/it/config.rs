//! The configuration from outside: files and variables in, settings or a report out.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use wirewatch::config::{self, Credentials, LoadRequest, Loaded, Report, Variables};

/// Files in a directory of their own, and an environment.
struct Case {
    dir: TempDir,
    variables: Vec<(String, String)>,
    credentials: Credentials,
}

impl Case {
    fn new(main: &str) -> Self {
        let case = Self {
            dir: TempDir::new().expect("a directory"),
            variables: Vec::new(),
            credentials: Credentials::Needed,
        };
        case.file("wirewatch.toml", main)
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("written");
        self
    }

    fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn check_only(mut self) -> Self {
        self.credentials = Credentials::Optional;
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn load(&self) -> Result<Loaded, Report> {
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        config::load(&LoadRequest {
            path: Some(self.path("wirewatch.toml")),
            variables: Variables::from_pairs(variables),
            credentials: self.credentials,
            ..LoadRequest::default()
        })
    }

    #[track_caller]
    fn loads(&self) -> Loaded {
        self.load().unwrap_or_else(|report| panic!("{}", report.render(false)))
    }

    /// The report as text, with the directory's random name left out.
    #[track_caller]
    fn report(&self) -> String {
        let report = match self.load() {
            Ok(loaded) => loaded.warnings,
            Err(report) => report,
        };
        self.plain(&report.render(false))
    }

    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn five_mistakes_are_reported_at_once() {
    let case = Case::new(
        r#"[fetch]
interval = 5m
concurency = 10

[topics.troops]
keywords = "Kursk"
webhooks = ["dsk"]

[webhooks.desk]
url = "https://hooks.example/T0/SECRET"
format = "slakc"
"#,
    );
    insta::assert_snapshot!(case.report());
}

#[test]
fn nothing_configured_is_the_defaults() {
    let loaded = Case::new("").loads();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.settings.fetch.interval, Duration::from_mins(15));
}

#[test]
fn a_right_file_becomes_settings() {
    let case = Case::new(
        r#"
[daemon]
database = "db/w.db"
listen = "off"

[fetch]
interval = "1h30m"
max_body = 4096
allow_networks = ["192.168.1.7/24", "127.0.0.1"]

[feeds.bbc-world]
url = "https://feeds.example/World/rss.xml"
title = "BBC World"
tags = ["uk"]
interval = "5m"
basic_user = "me"
basic_password_env = "BBC"
headers = { "X-Key" = "k" }

[concepts.russia]
any = ["Russia", "Россия"]

[topics.scored]
facets = ["@russia", "troops OR deploy*"]
exclude = ["title:football"]
threshold = 70
webhooks = ["desk", "archive", "own"]
severity = "high"

[[topics.scored.tests]]
text = "Troops in Russia"
expect = "match"

[webhooks.desk]
url_file = "desk.url"
format = "telegram"
chat_id = -100123

[webhooks.archive]
url = "https://hooks.example/wirewatch"
secret_env = ["NEW", "OLD"]

[webhooks.own]
url = "https://hooks.example/own"
format = "template"
template = '{"text": {{ text }}}'
"#,
    )
    .file("desk.url", "https://api.telegram.org/bot1:A/sendMessage\n")
    .variable("BBC", "pass word")
    .variable("NEW", format!("whsec_{}", "A".repeat(32)))
    .variable("OLD", format!("whsec_{}", "B".repeat(32)));
    let loaded = case.loads();
    assert_eq!(loaded.warnings.render(false), "");
    let mut shown = format!("{:#?}", loaded.settings);
    shown = case
        .plain(&shown)
        .replace(&loaded.settings.hash, "HASH")
        .replace(&loaded.settings.files_hash, "FILES");
    insta::assert_snapshot!(shown);
    assert_eq!(loaded.settings.webhooks["desk"].url.expose(), "https://api.telegram.org/bot1:A/sendMessage");
}

#[test]
fn what_a_format_needs_is_asked_for_and_the_rest_refused() {
    let mut text = String::new();
    for (id, keys) in [
        ("telegram", ""),
        ("pushover", "secret = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
        ("template", ""),
        ("pagerduty", "url = \"https://events.pagerduty.com\""),
        ("gotify", "url = \"https://push.example\"\ntemplate = \"{}\""),
        ("slack", "chat_id = 7\nsecret = \"hidden\""),
        ("discord", ""),
        ("ntfy", "url = \"https://ntfy.sh/\""),
        ("standard", "secret = \"short\""),
    ] {
        let url = match id {
            "telegram" => "url = \"https://api.telegram.org/bot1:A\"",
            _ if keys.contains("url =") => "",
            _ => "url = \"https://hooks.example/x\"",
        };
        text.push_str(&["[webhooks.", id, "]\n", url, "\nformat = \"", id, "\"\n", keys, "\n"].concat());
    }
    text.push_str("[webhooks.own]\nurl = \"https://h.example/\"\nformat = \"template\"\ntemplate = '{\"a\": {{ titel }}}'\n");
    insta::assert_snapshot!(Case::new(&text).report());
}

#[test]
fn every_format_can_be_configured() {
    let token = |chars: usize| format!("secret = \"{}\"", "A".repeat(chars));
    for (format, url, keys) in [
        ("standard", "https://h.example/", String::new()),
        ("slack", "https://hooks.slack.com/services/T/B/x", String::new()),
        ("discord", "https://discord.com/api/webhooks/1/x", String::new()),
        ("teams", "https://x.logic.azure.com/workflows/1?sig=x", String::new()),
        ("telegram", "https://api.telegram.org/bot1:A", "chat_id = \"@name\"".into()),
        ("ntfy", "https://ntfy.sh/topic", token(12)),
        ("mattermost", "https://chat.example/hooks/x", String::new()),
        ("googlechat", "https://chat.googleapis.com/v1/spaces/x/messages?key=k&token=t", String::new()),
        ("matrix", "https://hookshot.example/webhook/x", String::new()),
        ("pagerduty", "https://events.pagerduty.com/", token(32)),
        ("alertmanager", "https://am.example/", String::new()),
        ("gotify", "https://push.example/", token(15)),
        ("pushover", "https://api.pushover.net/", token(30) + "\nchat_id = \"u1\""),
        ("cloudevents", "https://h.example/", token(1).replace('A', &format!("whsec_{}", "A".repeat(32)))),
        ("template", "https://h.example/", "template = '{\"text\": {{ text }}}'".into()),
    ] {
        let text = format!("[webhooks.w]\nurl = \"{url}\"\nformat = \"{format}\"\n{keys}\n");
        let loaded = Case::new(&text).loads();
        assert_eq!(loaded.settings.webhooks["w"].format.as_str(), format);
        wirewatch::app::render::Destinations::new(&loaded.settings).expect("ready for use");
    }
}

#[test]
fn a_credential_out_of_reach_is_a_warning_only_where_one_looks() {
    let case = Case::new(
        "[webhooks.a]\nurl_env = \"NOT_SET\"\n[webhooks.b]\nurl = \"https://h.example/\"\nsecret_file = \"b.whsec\"\n",
    );
    let report = case.load().expect_err("refused");
    assert_eq!((report.errors(), report.warnings()), (2, 0));
    insta::assert_snapshot!(case.report());
    let loaded = case.check_only().loads();
    assert_eq!((loaded.warnings.errors(), loaded.warnings.warnings()), (0, 2));
}

#[test]
fn the_environment_has_the_last_word() {
    let case = Case::new("[fetch]\ninterval = \"20m\"\n[feeds.bbc-world]\nurl = \"https://a.example/\"\n")
        .file("conf.d/10.toml", "[fetch]\ninterval = \"30m\"\nconcurrency = 3\n")
        .file("conf.d/20.toml", "[fetch]\nconcurrency = 4\n")
        .variable("WIREWATCH__FETCH__INTERVAL", "40m")
        .variable("WIREWATCH__FETCH__ALLOW_NETWORKS", "10.0.0.0/8, 127.0.0.1")
        .variable("WIREWATCH__FEEDS__BBC_WORLD__TITLE", "BBC")
        .variable("WIREWATCH__FEEDS__OTHER__URL", "https://b.example/")
        .variable("WIREWATCH__DELIVERY__RETRIES", "[\"1s\", \"2s\"]");
    let settings = case.loads().settings;
    assert_eq!(settings.fetch.interval, Duration::from_mins(40));
    assert_eq!(settings.fetch.concurrency, 4);
    assert_eq!(settings.fetch.allow_networks.len(), 2);
    assert_eq!(settings.feeds["bbc-world"].title.as_deref(), Some("BBC"));
    assert_eq!(settings.feeds["other"].url, "https://b.example/");
    assert_eq!(settings.delivery.retries, [1, 2].map(Duration::from_secs));
}

#[test]
fn an_empty_list_of_secrets_is_no_wish_to_sign_nothing() {
    for key in ["secret", "secret_env", "secret_file"] {
        let report = Case::new(&format!("[webhooks.w]\nurl = \"https://h.example/\"\n{key} = []\n")).report();
        assert!(report.contains(&format!("`{key}` is an empty list: nothing would be signed")), "{report}");
    }
}

#[test]
fn a_page_for_everybody_is_a_warning_without_a_token() {
    let warned = |more: &str| {
        let text = format!("[daemon]\nlisten = \"0.0.0.0:8040\"\n{more}");
        Case::new(&text).loads().warnings.render(false)
    };
    assert!(warned("").contains("whoever reaches it reads every alert"), "{}", warned(""));
    assert_eq!(warned("token = \"0123456789abcdef\"\n").matches("reads every alert").count(), 0);
}

/// A topic whose alerts go by `template`, under these other settings of the webhook and of the topic.
fn templated(template: &str, webhook: &str, topic: &str) -> Case {
    Case::new(&format!(
        "[alerts]\noperations = []\n[topics.t]\nkeywords = [\"x\"]\nwebhooks = [\"w\"]\n{topic}\n\
         [webhooks.w]\nurl = \"https://h.example/\"\nformat = \"template\"\ntemplate = '{template}'\n{webhook}\n"
    ))
}

#[test]
fn a_template_that_says_nothing_of_several_alerts_is_refused_where_they_go_together() {
    const ONE: &str = r#"{"headline": {{ title }}}"#;
    const ALL: &str = r#"{"headlines": [{% for alert in alerts %}{{ alert.title }}{% if not loop.last %},{% endif %}{% endfor %}]}"#;
    templated(ONE, "", "").loads();
    for (webhook, topic) in [
        ("digest = \"daily 08:00\"", ""),
        ("group_wait = \"1m\"", ""),
        ("quiet_hours = \"22:00-07:00\"", ""),
        ("", "alert_rate = \"10/h\""),
    ] {
        let report = templated(ONE, webhook, topic).report();
        assert!(report.contains("shows no headline where several alerts go in one message"), "{report}");
        templated(ALL, webhook, topic).loads();
        templated(r#"{"text": {{ text }}}"#, webhook, topic).loads();
    }
}

#[test]
fn a_template_that_says_nothing_of_operations_is_refused_where_they_go() {
    let home = |template: &str| {
        Case::new(&format!(
            "[alerts]\noperations = [\"w\"]\n[webhooks.w]\nurl = \"https://h.example/\"\nformat = \"template\"\n\
             template = '{template}'\n"
        ))
    };
    let report = home(r#"{"headline": {{ title }}}"#).report();
    assert!(report.contains("says nothing of operational events"), "{report}");
    home(r#"{"t": {{ subject }}, "m": {{ message }}}"#).loads();
}

#[test]
fn quiet_hours_that_never_end_together_are_refused() {
    let topic = "quiet_hours = \"00:00-12:00\"";
    let report = templated(r#"{"t": {{ text }}}"#, "quiet_hours = \"12:00-24:00\"", topic).report();
    assert!(report.contains("together never end"), "{report}");
    templated(r#"{"t": {{ text }}}"#, "quiet_hours = \"12:00-23:00\"", topic).loads();
}
