//! Discord webhooks: one embed, and no mentions allowed. `wait=true` is in the address, see `target.rs`.

use serde_json::{Map, Value, json};

use super::markdown;
use crate::message::dialect::{Dialect, PLAIN, push_uncalled, utf16};
use crate::message::story::{Brief, colour};

/// The most characters of an embed's author (Discord, "Embed limits").
const AUTHOR: usize = 256;

/// The most characters of an embed's title.
const TITLE: usize = 256;

/// The most characters of an embed's description is 4096; all of an embed may have 6000.
const DESCRIPTION: usize = 4096;

/// The most characters of a field's value.
const FIELD: usize = 1024;

/// The most characters of an embed's footer is 2048; less keeps the sum under 6000.
const FOOTER: usize = 256;

const MARKDOWN: Dialect =
    Dialect { escape, strong: ["**", "**"], link: |link, label| format!("[{label}]({link})"), size: utf16 };

/// The author's name and the footer are no Markdown.
const QUIET: Dialect = Dialect { escape: push_uncalled, ..PLAIN };

fn escape(c: char, out: &mut String) {
    if markdown::backslash(c, out) {
        return;
    }
    // `<` begins mentions, timestamps and addresses, `:` emoji and addresses, `>` quotes.
    if matches!(c, '<' | '>' | ':' | '@') {
        out.push('\\');
    }
    push_uncalled(c, out);
}

pub(super) fn body(brief: &Brief) -> Value {
    json!({
        "embeds": [embed(brief)],
        // Without this a webhook may mention people; the text is escaped besides.
        "allowed_mentions": { "parse": [] },
    })
}

fn embed(brief: &Brief) -> Map<String, Value> {
    let mut embed = Map::new();
    let mut put = |key: &str, value: Value| drop(embed.insert(key.to_owned(), value));
    put("author", json!({ "name": QUIET.text(&brief.heading(), AUTHOR) }));
    put("color", colour(brief.severity()).into());
    if let Brief::Alert(story) = brief {
        put("title", MARKDOWN.text(&story.title, TITLE).into());
        if let Some(link) = &story.link {
            put("url", link.as_str().into());
        }
        if let Some(summary) = &story.summary {
            put("description", MARKDOWN.text(summary, DESCRIPTION).into());
        }
        let reason = json!({ "name": "Matched", "value": MARKDOWN.text(&story.matched, FIELD) });
        put("fields", json!([reason]));
        put("footer", json!({ "text": QUIET.text(&story.feed, FOOTER) }));
        if let Some(at) = story.published_at {
            put("timestamp", at.to_string().into());
        }
    } else {
        put("description", MARKDOWN.body(brief, DESCRIPTION).into());
        put("timestamp", brief.at().to_string().into());
    }
    embed
}
