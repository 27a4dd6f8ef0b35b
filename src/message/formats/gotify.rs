//! Gotify: plain text, the article opens on a click.

use serde_json::{Value, json};

use crate::domain::topic::Severity;
use crate::message::dialect::PLAIN;
use crate::message::story::Brief;

/// The most characters of a message; Gotify has no limit, phones do.
const MESSAGE: usize = 4000;

/// The most characters of a title.
const TITLE: usize = 250;

pub(super) fn body(brief: Brief) -> Value {
    let mut extras = json!({ "client::display": { "contentType": "text/plain" } });
    if let Some(link) = brief.link() {
        extras["client::notification"] = json!({ "click": { "url": link } });
    }
    let brief = brief.without_link();
    json!({
        "title": PLAIN.text(&brief.heading(), TITLE),
        "message": PLAIN.body(&brief, MESSAGE),
        "priority": priority(brief.severity()),
        "extras": extras,
    })
}

/// From 0 to 10: from 4 there is a sound, from 8 it comes up on the screen.
const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 2,
        Severity::Normal => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}
