//! Mattermost incoming webhooks: one attachment, which also keeps Mattermost from adding a link's preview.

use serde_json::{Value, json};

use super::markdown;
use crate::message::dialect::{Dialect, PLAIN, entity, push_uncalled, utf16};
use crate::message::story::{Brief, colour};

/// The most characters of a text; Mattermost splits a post above 16 383.
const TEXT: usize = 12_000;

/// The most characters of what notifications show.
const FALLBACK: usize = 1000;

/// Mattermost reads Markdown, and Slack's `<!channel>` besides, which is replaced before Markdown is read:
/// there a backslash would not help, entities do.
const MARKDOWN: Dialect = Dialect {
    escape: |c, out| {
        if !entity(c, out) && !markdown::backslash(c, out) {
            push_uncalled(c, out);
        }
    },
    strong: ["**", "**"],
    link: |link, label| format!("[{label}]({link})"),
    size: utf16,
};

/// What is shown where attachments are not; no mark-up, but `@` and `<!…>` would call people there, too.
const QUIET: Dialect = Dialect {
    escape: |c, out| {
        if !entity(c, out) {
            push_uncalled(c, out);
        }
    },
    ..PLAIN
};

pub(super) fn body(brief: &Brief) -> Value {
    let fallback = match brief {
        Brief::Alert(story) => format!("{} – {}", brief.heading(), story.title),
        Brief::Notice(notice) => format!("{} – {}", brief.heading(), notice.message),
        Brief::Group(_) => brief.heading(),
    };
    json!({
        "attachments": [{
            "fallback": QUIET.text(&fallback, FALLBACK),
            "color": format!("#{:06x}", colour(brief.severity())),
            "text": MARKDOWN.message(brief, TEXT),
        }],
    })
}
