//! Microsoft Teams through a workflow: an Adaptive Card.
//!
//! Feed text stands in `TextRun`s, where Teams reads no Markdown. The workflow answers before it has looked
//! at the card, so that a card must be right to be seen at all: version 1.4, all of it under 28 KB.

use serde_json::{Value, json};

use crate::message::clean;
use crate::message::dialect::json_bytes;
use crate::message::story::{Brief, Story, sign};

/// The most bytes of the alerts of a group: Teams refuses about 28 KB, heading and frame included.
const CARD: usize = 20_000;

/// The most bytes of a heading or a notice.
const LINE: usize = 4000;

pub(super) fn body(brief: &Brief) -> Value {
    let mut card = vec![paragraph(&json!([run(&brief.heading(), "Bolder")]))];
    match brief {
        Brief::Alert(story) => card.extend(story_blocks(story)),
        Brief::Notice(notice) => card.push(paragraph(&json!([run(&notice.message, "Default")]))),
        Brief::Group(group) => {
            let mut room = CARD;
            let mut shown = 0;
            for story in &group.stories {
                let blocks = item(story);
                let cost: usize = blocks.iter().map(|block| block.to_string().len()).sum();
                if cost > room {
                    break;
                }
                room -= cost;
                shown += 1;
                card.extend(blocks);
            }
            let more = group.count - shown;
            if more > 0 {
                card.push(paragraph(&json!([run(&format!("… and {more} more"), "Default")])));
            }
        }
    }
    let mut content = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": card,
        "msteams": { "width": "Full" },
    });
    if let Some(link) = brief.link() {
        content["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open the article", "url": link }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": content,
        }],
    })
}

fn story_blocks(story: &Story) -> Vec<Value> {
    let mut blocks = vec![paragraph(&json!([title(story)]))];
    if let Some(summary) = &story.summary {
        blocks.push(paragraph(&json!([run(summary, "Default")])));
    }
    blocks.push(paragraph(&json!([run("Matched ", "Bolder"), run(&story.matched, "Default")])));
    blocks.push(paragraph(&json!([subtle(&story.source())])));
    blocks
}

/// One alert of several.
fn item(story: &Story) -> [Value; 2] {
    let sign = run(&format!("{} ", sign(story.severity)), "Default");
    let why = format!("{} · {} · {}", story.severity, story.reason(), story.feed);
    [paragraph(&json!([sign, title(story)])), paragraph(&json!([subtle(&why)]))]
}

fn title(story: &Story) -> Value {
    let mut title = run(&story.title, "Bolder");
    if let Some(link) = &story.link {
        title["selectAction"] = json!({ "type": "Action.OpenUrl", "url": link });
    }
    title
}

fn paragraph(runs: &Value) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs })
}

fn run(text: &str, weight: &str) -> Value {
    json!({ "type": "TextRun", "text": clean::cut(text, LINE, json_bytes), "weight": weight })
}

fn subtle(text: &str) -> Value {
    json!({ "type": "TextRun", "text": clean::cut(text, LINE, json_bytes), "isSubtle": true, "size": "Small" })
}
