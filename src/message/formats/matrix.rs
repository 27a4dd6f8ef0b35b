//! Matrix through matrix-hookshot: HTML for those who see it, plain text for the others.

use serde_json::{Value, json};

use crate::message::dialect::{Dialect, HTML, PLAIN, push_uncalled};
use crate::message::story::Brief;

/// The most characters of either text. An event may have 65 536 bytes, both texts and names together.
const TEXT: usize = 8000;

/// Plain text in which `@room` calls nobody.
const QUIET: Dialect = Dialect { escape: push_uncalled, ..PLAIN };

/// Both counted in bytes of JSON.
const MARKED: Dialect = Dialect { size: crate::message::dialect::json_bytes, ..HTML };

pub(super) fn body(brief: &Brief) -> Value {
    json!({
        "text": QUIET.message(brief, TEXT),
        "html": MARKED.message(brief, TEXT).replace('\n', "<br>"),
    })
}
