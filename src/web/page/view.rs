//! What all pages share: their frame, times, states, marked text.

use maud::{DOCTYPE, Markup, html};

use super::words::{Piece, relative};
use crate::domain::Timestamp;
use crate::message::clean;

/// Seconds after which a browser without scripts loads the page again.
const REFRESH: u32 = 60;

/// Which page this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    Overview,
    Alerts,
    Topics,
    Feeds,
    Deliveries,
}

const PLACES: [(Here, &str, &str); 5] = [
    (Here::Overview, "/", "Status"),
    (Here::Alerts, "/alerts", "Alerts"),
    (Here::Topics, "/topics", "Topics"),
    (Here::Feeds, "/feeds", "Feeds"),
    (Here::Deliveries, "/deliveries", "Deliveries"),
];

/// A whole page around `content`.
pub(super) fn page(here: Here, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · wirewatch" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page.css";
                noscript { meta http-equiv="refresh" content=(REFRESH); }
                script src="/page.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { "wirewatch" }
                    nav aria-label="Pages" {
                        ul {
                            @for (place, address, name) in PLACES {
                                li { a href=(address) aria-current=[(place == here).then_some("page")] { (name) } }
                            }
                        }
                    }
                    form.search role="search" action="/alerts" method="get" {
                        label.hidden for="search" { "Search alerts" }
                        input #search type="search" name="q" placeholder="Search alerts" maxlength="200";
                        button { "Search" }
                    }
                }
                main #main tabindex="-1" { (content) }
                footer {
                    p #live role="status" {}
                    p { "wirewatch " (env!("CARGO_PKG_VERSION")) " · pointed at, times are shown in full, in " span #zone { "UTC" } }
                }
            }
        }
    }
}

/// An instant: how long ago, and exactly in its title.
pub(super) fn time(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) title=(exact) { (relative(at, now)) } }
}

/// When something is to happen: now, where that has passed.
pub(super) fn due(at: Option<Timestamp>, now: Timestamp) -> Markup {
    let Some(at) = at else { return html! { "–" } };
    let exact = at.to_string();
    html! { time datetime=(exact) title=(exact) { @if at <= now { "now" } @else { (relative(at, now)) } } }
}

/// An instant, or a dash.
pub(super) fn maybe_time(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! { @match at { Some(at) => { (time(at, now)) } None => { "–" } } }
}

/// A state as a small label; its word carries the meaning, the colour repeats it.
pub(super) fn state(word: &str) -> Markup {
    let tone = match word {
        "ok" | "delivered" => "good",
        "failing" | "gone" | "dead" | "disabled" | "critical" => "bad",
        "quiet" | "held" | "paused" | "unwell" | "high" | "failed" => "warn",
        _ => "plain",
    };
    html! { span.state.(tone) { (word) } }
}

/// A text of somebody else's, in a direction of its own, with what matched marked.
pub(super) fn marked(pieces: &[Piece], lang: Option<&str>) -> Markup {
    html! {
        bdi lang=[lang.filter(|lang| is_language(lang))] {
            @for piece in pieces {
                @if piece.marked { mark { (piece.text) } } @else { (piece.text) }
            }
        }
    }
}

/// A text of somebody else's: one line, in a direction of its own.
pub(super) fn foreign(text: &str) -> Markup {
    html! { bdi { (clean::line(text)) } }
}

/// A link that leaves wirewatch.
pub(super) fn outward(address: Option<&str>, text: &Markup) -> Markup {
    let Some(address) = address.and_then(clean::link) else { return text.clone() };
    html! { a href=(address) rel="noopener noreferrer external" { (text) } }
}

fn is_language(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 35 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A choice of one word of several, as part of a form.
pub(super) fn choice(id: &str, label: &str, all: &str, words: &[(String, String)], chosen: &str) -> Markup {
    html! {
        label for=(id) { (label) }
        select #(id) name=(id) {
            option value="" selected[chosen.is_empty()] { (all) }
            @for (value, text) in words {
                option value=(value) selected[value == chosen] { (text) }
            }
        }
    }
}

/// A query string; empty values are left out.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
