//! Slack incoming webhooks: blocks of `mrkdwn`, and a plain `text` for notifications.

use serde_json::{Value, json};

use crate::message::dialect::{Dialect, entity, utf16};
use crate::message::story::Brief;

/// The most characters in the text of a section (Slack, "Section block").
const SECTION: usize = 3000;

/// The most characters of all blocks: above about 13 200 Slack answers `msg_blocks_too_long`.
const BLOCKS: usize = 12_000;

/// The most blocks shown; Slack takes 50.
const BLOCKS_MAX: usize = 45;

/// The most characters of the text shown in notifications; they show less, Slack takes 40 000.
const FALLBACK: usize = 1000;

const MRKDWN: Dialect = Dialect {
    escape,
    strong: ["*", "*"],
    link: |link, label| format!("<{}|{label}>", link.replace('&', "&amp;")),
    size: utf16,
};

/// Only `&`, `<` and `>` can be escaped in Slack. The characters of emphasis become others that look alike:
/// they have no escape, and would leave the text of a feed in disorder.
fn escape(c: char, out: &mut String) {
    if entity(c, out) {
        return;
    }
    out.push(match c {
        '*' => '∗',
        '_' => 'ˍ',
        '~' => '∼',
        '`' => 'ˋ',
        // Not a control character, but `|` divides a link.
        '|' => '∣',
        other => other,
    });
}

pub(super) fn body(brief: &Brief) -> Value {
    let blocks = match brief {
        Brief::Group(group) => {
            let mut blocks = vec![section(&MRKDWN.strong(&brief.heading(), SECTION))];
            let items = MRKDWN.items(group, BLOCKS - SECTION);
            // Many short items: several to a section.
            let per_section = items.len().div_ceil(BLOCKS_MAX).max(1);
            blocks.extend(items.chunks(per_section).map(|items| section(&items.join("\n"))));
            blocks
        }
        Brief::Alert(_) | Brief::Notice(_) => vec![section(&MRKDWN.message(brief, SECTION))],
    };
    json!({
        "text": fallback(brief),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// `verbatim`: addresses and names in the text stay text.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

/// Slack reads entities and mentions in it, too.
fn fallback(brief: &Brief) -> String {
    let title = match brief {
        Brief::Alert(story) => story.title.as_str(),
        Brief::Notice(notice) => notice.message.as_str(),
        Brief::Group(_) => return MRKDWN.text(&brief.heading(), FALLBACK),
    };
    MRKDWN.text(&format!("{} – {title}", brief.heading()), FALLBACK)
}
