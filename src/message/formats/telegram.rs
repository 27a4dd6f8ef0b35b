//! Telegram's `sendMessage`, with HTML.

use serde_json::{Value, json};

use crate::domain::topic::Severity;
use crate::message::dialect::HTML;
use crate::message::story::Brief;

/// The most UTF-16 units of a text (Bot API, "sendMessage"). They count after the mark-up was read; we count
/// before, and stay under it.
const TEXT: usize = 4096;

pub(super) fn body(brief: &Brief, chat: &str) -> Value {
    json!({
        "chat_id": chat,
        "text": HTML.message(brief, TEXT),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
        "disable_notification": brief.severity() == Severity::Low,
    })
}
