//! Google Chat webhooks: a card, because plain texts there have mentions and mark-up without an escape.

use serde_json::{Value, json};

use crate::message::clean;
use crate::message::dialect::{Dialect, HTML};
use crate::message::story::Brief;

/// The most bytes of a card's text. All of a message may take 32 000 (Google, "Message size"): this once, and the rest.
const TEXT: usize = 16_000;

/// The most characters of the text shown in notifications.
const FALLBACK: usize = 500;

const CARD: Dialect = Dialect { size: str::len, ..HTML };

pub(super) fn body(brief: &Brief) -> Value {
    let text = CARD.body(brief, TEXT).replace('\n', "<br>");
    let mut widgets = vec![json!({ "textParagraph": { "text": text } })];
    if let Some(link) = brief.link() {
        let open = json!({ "text": "Open the article", "onClick": { "openLink": { "url": link } } });
        widgets.push(json!({ "buttonList": { "buttons": [open] } }));
    }
    json!({
        "fallbackText": fallback(brief),
        "cardsV2": [{
            "cardId": "wirewatch",
            "card": {
                "header": { "title": plain(&brief.heading(), FALLBACK) },
                "sections": [{ "widgets": widgets }],
            },
        }],
    })
}

fn fallback(brief: &Brief) -> String {
    match brief {
        Brief::Alert(story) => plain(&format!("{} – {}", brief.heading(), story.title), FALLBACK),
        Brief::Notice(notice) => plain(&format!("{} – {}", brief.heading(), notice.message), FALLBACK),
        Brief::Group(_) => plain(&brief.heading(), FALLBACK),
    }
}

/// Text in which `<users/all>` calls nobody; there is no escape, so the brackets become others that look alike.
fn plain(text: &str, max: usize) -> String {
    clean::cut_chars(text, max).replace('<', "‹").replace('>', "›")
}
