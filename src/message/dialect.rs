//! The mark-up of services, and how a message is laid out in it within a limit.
//!
//! Text is cut by what it costs after escaping, so that no escape is ever split.

use super::clean;
use super::story::{Brief, Group, Story, sign};

/// The least room in which a piece of an article's text says something.
const SUMMARY_ROOM: usize = 40;

/// What is kept free for "… and 1234 more".
const MORE_ROOM: usize = 40;

/// How a service writes text, strong text and links.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// Writes a character so that it means only itself.
    pub(super) escape: fn(char, &mut String),
    /// What stands around strong text.
    pub(super) strong: [&'static str; 2],
    /// Makes a link of a safe address and an escaped label.
    pub(super) link: fn(&str, &str) -> String,
    /// What a text costs; the cost of a text is the sum of the costs of its characters.
    pub(super) size: fn(&str) -> usize,
}

impl Dialect {
    /// `clean`, cut to cost at most `max`, and escaped.
    pub(super) fn text(&self, clean: &str, max: usize) -> String {
        self.escaped(&clean::cut(clean, max, |part| (self.size)(&self.escaped(part))))
    }

    /// Strong text, with what makes it so within `max`.
    pub(super) fn strong(&self, clean: &str, max: usize) -> String {
        let marks = (self.size)(self.strong[0]) + (self.size)(self.strong[1]);
        self.around(&self.text(clean, max.saturating_sub(marks)))
    }

    /// All of a message: its heading, then its body.
    pub(super) fn message(&self, brief: &Brief, max: usize) -> String {
        let heading = self.strong(&brief.heading(), max / 6);
        let room = max.saturating_sub((self.size)(&heading) + 1);
        format!("{heading}\n{}", self.body(brief, room))
    }

    /// A message without its heading.
    pub(super) fn body(&self, brief: &Brief, max: usize) -> String {
        match brief {
            Brief::Alert(story) => self.story(story, max),
            Brief::Group(group) => self.items(group, max).join("\n"),
            Brief::Notice(notice) => self.text(&notice.message, max),
        }
    }

    /// Headline, text, reason and source; the reason always has its place, the text takes what is left.
    fn story(&self, story: &Story, max: usize) -> String {
        let reason = self.reason(story, max / 4);
        let source = self.text(&story.source(), max / 8);
        let mut room = max.saturating_sub((self.size)(&reason) + (self.size)(&source) + 3);
        let title = self.title(story, max / 4, room);
        room = room.saturating_sub((self.size)(&title));
        let summary = story.summary.as_deref().filter(|_| room >= SUMMARY_ROOM);
        let summary = summary.map(|summary| self.text(summary, room));
        [Some(title), summary, Some(reason), Some(source)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The words that matched.
    pub(super) fn reason(&self, story: &Story, max: usize) -> String {
        self.text(&format!("Matched {}", story.matched), max)
    }

    /// The headline, a link where there is room for its address.
    fn title(&self, story: &Story, label: usize, max: usize) -> String {
        let label = self.text(&story.title, label);
        let linked = story.link.as_deref().map(|link| self.around(&(self.link)(link, &label)));
        linked.filter(|title| (self.size)(title) <= max).unwrap_or_else(|| self.around(&label))
    }

    /// The alerts of a group, as many as fit into `max` with a line break between them; the rest are counted.
    pub(super) fn items(&self, group: &Group, max: usize) -> Vec<String> {
        let mut items = Vec::new();
        let mut room = max.saturating_sub(MORE_ROOM);
        for story in &group.stories {
            let item = self.item(story, room);
            let cost = (self.size)(&item) + 1;
            if cost > room {
                break;
            }
            room -= cost;
            items.push(item);
        }
        let more = group.count - items.len();
        if more > 0 {
            items.push(self.escaped(&format!("… and {more} more")));
        }
        items
    }

    /// One alert of several, in two lines.
    fn item(&self, story: &Story, room: usize) -> String {
        let sign = sign(story.severity);
        let severity = story.severity;
        let reason = self.text(&format!("{severity} · {} · {}", story.reason(), story.feed), 400);
        let room = room.min(1000).saturating_sub((self.size)(&reason) + 6);
        format!("{sign} {}\n{reason}", self.title(story, 250, room))
    }

    fn around(&self, escaped: &str) -> String {
        let [before, after] = self.strong;
        format!("{before}{escaped}{after}")
    }

    fn escaped(&self, clean: &str) -> String {
        let mut out = String::with_capacity(clean.len());
        for c in clean.chars() {
            (self.escape)(c, &mut out);
        }
        out
    }
}

/// Text as it is, for services without mark-up; an address stands in a line of its own.
pub(super) const PLAIN: Dialect = Dialect {
    escape: |c, out| out.push(c),
    strong: ["", ""],
    link: |link, label| format!("{label}\n{link}"),
    size: utf16,
};

/// The HTML that Telegram, Matrix and Google's cards understand.
pub(super) const HTML: Dialect = Dialect {
    escape: html,
    strong: ["<b>", "</b>"],
    link: |link, label| {
        // Safe addresses hold no quotes and no angle brackets.
        format!("<a href=\"{}\">{label}</a>", link.replace('&', "&amp;"))
    },
    size: utf16,
};

/// What follows an `@` so that nobody is called: it is not seen, and no name begins with it.
const NO_MENTION: char = '\u{200b}';

fn html(c: char, out: &mut String) {
    if c == '"' {
        out.push_str("&quot;");
    } else if !entity(c, out) {
        push_uncalled(c, out);
    }
}

/// Writes `&`, `<` and `>` as entities; whether it was one of them.
pub(super) fn entity(c: char, out: &mut String) -> bool {
    let entity = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => return false,
    };
    out.push_str(entity);
    true
}

/// Writes a character; an `@` so that it calls nobody.
pub(super) fn push_uncalled(c: char, out: &mut String) {
    out.push(c);
    if c == '@' {
        out.push(NO_MENTION);
    }
}

/// What services count that count as JavaScript does; never less than characters.
pub(super) fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// What a text takes in JSON, without its quotes.
pub(super) fn json_bytes(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '"' | '\\' | '\n') { 2 } else { c.len_utf8() }).sum()
}
