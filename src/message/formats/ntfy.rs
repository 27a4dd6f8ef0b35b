//! ntfy, published as JSON to the server's root. The topic is put in when the message is sent: on a public
//! server its name is the password.

use serde_json::{Value, json};

use crate::domain::topic::Severity;
use crate::message::clean;
use crate::message::dialect::{Dialect, PLAIN, json_bytes};
use crate::message::story::Brief;

/// A message above 4096 bytes becomes an attachment; counted as JSON.
const MESSAGE: usize = 4000;

/// All of the JSON may take 8192 bytes: message, title, address, topic and names together.
const TITLE: usize = 500;

/// The longest address; the article is named without it otherwise.
const CLICK: usize = clean::LINK_CHARS;

const TEXT: Dialect = Dialect { size: json_bytes, ..PLAIN };

pub(super) fn body(brief: Brief) -> Value {
    let link = brief.link().filter(|link| json_bytes(link) <= CLICK).map(str::to_owned);
    let brief = brief.without_link();
    let mut body = json!({
        "title": TEXT.text(&brief.heading(), TITLE),
        "message": TEXT.body(&brief, MESSAGE),
        "priority": priority(brief.severity()),
        "tags": [brief.severity().as_str()],
        "markdown": false,
    });
    if let Some(link) = link {
        body["click"] = link.into();
    }
    body
}

/// From 1 to 5; 3 is ntfy's own default.
const fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 2,
        Severity::Normal => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
