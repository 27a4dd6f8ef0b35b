//! Pushover: plain text. The application's token is put in when the message is sent.

use serde_json::{Value, json};

use crate::domain::topic::Severity;
use crate::message::dialect::PLAIN;
use crate::message::story::Brief;

/// The most characters of a message (Pushover API, "Messages").
const MESSAGE: usize = 1024;

/// The most characters of a title.
const TITLE: usize = 250;

/// The most characters of an address; the article is named without it otherwise.
const URL: usize = 512;

/// The seconds between repeats of a message that wants an acknowledgement; at least 30.
const RETRY: u32 = 60;

/// For how many seconds such a message is repeated; at most 10 800.
const EXPIRE: u32 = 1800;

pub(super) fn body(brief: Brief, user: &str) -> Value {
    let link = brief.link().filter(|link| link.len() <= URL).map(str::to_owned);
    let brief = brief.without_link();
    let mut body = json!({
        "user": user,
        "title": PLAIN.text(&brief.heading(), TITLE),
        "message": PLAIN.body(&brief, MESSAGE),
        "timestamp": brief.at().as_secs(),
    });
    if let Some(link) = link {
        body["url"] = link.into();
        body["url_title"] = "Open the article".into();
    }
    let (priority, repeats) = match brief.severity() {
        Severity::Low => (-1, false),
        Severity::Normal => (0, false),
        Severity::High => (1, false),
        Severity::Critical => (2, true),
    };
    body["priority"] = priority.into();
    if repeats {
        body["retry"] = RETRY.into();
        body["expire"] = EXPIRE.into();
    }
    body
}
