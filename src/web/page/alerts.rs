//! Alerts: the list with its search, and one of them with all that is known of it.

use maud::{Markup, html};

use super::overview::article_link;
use super::view::{address, choice, due, foreign, marked, maybe_time, state, time};
use super::words::{Piece, marked_excerpt, marked_title};
use crate::domain::alert::AlertContent;
use crate::domain::topic::{Field, Severity};
use crate::domain::{Timestamp, TopicId};
use crate::message::clean::{self, UNTITLED};
use crate::ports::hand::{AlertDetail, AttemptRow, DeliveryDetail};
use crate::ports::reads::{AlertRow, AlertState};
use crate::ports::watch::{AlertsWanted, Part, Place, Told};

/// Matched words named with an alert; more are counted.
const TERMS: usize = 8;

/// The page of alerts.
pub(super) fn list_page(
    part: &Part<Told, Place>,
    wanted: &AlertsWanted,
    topics: &[(&TopicId, &str)],
    now: Timestamp,
) -> Markup {
    let words = wanted.words.as_deref().unwrap_or_default();
    let topic = wanted.topic.as_ref().map(TopicId::as_str).unwrap_or_default();
    let choices: Vec<(String, String)> =
        topics.iter().map(|(id, title)| (id.to_string(), clean::line(title))).collect();
    let filtered = wanted.words.is_some() || wanted.topic.is_some();
    let nothing = if filtered { "No alert fits. Try fewer words." } else { "No alert yet." };
    html! {
        h1 { "Alerts" }
        form.filter action="/alerts" method="get" aria-label="Filter alerts" {
            label for="q" { "Words" }
            input #q type="search" name="q" value=(words) maxlength="200";
            (choice("topic", "Topic", "All topics", &choices, topic))
            button { "Show" }
            @if filtered { a href="/alerts" { "Show all" } }
        }
        section aria-label="Alerts found" data-live #found {
            (list(&part.rows, now, nothing))
            @if let Some(place) = part.more_after {
                @let after = format!("{}.{}", place.at.as_millis(), place.number);
                @if part.rows.is_empty() { p { "Nothing among the latest alerts; older ones were not looked through yet." } }
                p { a rel="next" href=(address("/alerts", &[("q", words), ("topic", topic), ("after", &after)])) { "Older alerts" } }
            }
        }
    }
}

/// A list of alerts.
pub(super) fn list(alerts: &[Told], now: Timestamp, nothing: &str) -> Markup {
    if alerts.is_empty() {
        return html! { p.empty { (nothing) } };
    }
    html! {
        ol.alerts { @for told in alerts { li { (card(told, now)) } } }
    }
}

fn headline(content: &AlertContent) -> Vec<Piece> {
    let title = content.article.title.as_deref().unwrap_or_default();
    let pieces = marked_title(title, &content.found.spans);
    if clean::visible_line(title).is_none() {
        return vec![Piece { text: UNTITLED.to_owned(), marked: false }];
    }
    pieces
}

const fn alert_state(state: AlertState) -> &'static str {
    match state {
        AlertState::Pending => "pending",
        AlertState::Held => "held",
        AlertState::Delivered => "delivered",
        AlertState::Dead => "dead",
        AlertState::Silenced => "silenced",
        AlertState::Logged => "logged",
    }
}

fn card(told: &Told, now: Timestamp) -> Markup {
    let Told { row, content, .. } = told;
    let lang = content.article.lang.as_deref();
    let id = format!("alert-{}", row.id);
    html! {
        article.alert.(row.severity.as_str()) aria-labelledby=(id) {
            h3 id=(id) { (article_link(content.article.link.as_deref(), &marked(&headline(content), lang))) }
            p.meta {
                a href=(format!("/alerts?topic={}", row.topic)) { (foreign(&content.topic.title)) }
                " · " (foreign(&feed_title(content)))
                " · " a href=(format!("/alerts/{}", row.id)) { (time(row.created_at, now)) }
                " · " (badges(row))
            }
            (excerpt(content))
            p.terms { span { "Matched: " } @for (n, term) in row.terms.iter().take(TERMS).enumerate() { @if n > 0 { ", " } (foreign(term)) }
                @if row.terms.len() > TERMS { " and " (row.terms.len() - TERMS) " more" } }
        }
    }
}

fn badges(row: &AlertRow) -> Markup {
    html! {
        (state(alert_state(row.state)))
        @if row.severity != Severity::Normal { " " (state(row.severity.as_str())) }
        @if let Some(score) = row.score { " score " (score) }
    }
}

fn feed_title(content: &AlertContent) -> String {
    let feed = &content.article.feed;
    feed.title.as_deref().and_then(clean::visible_line).unwrap_or_else(|| feed.id.to_string())
}

/// The words around the best place; not where the headline says it all.
fn excerpt(content: &AlertContent) -> Markup {
    let found = &content.found;
    let bare = found.excerpt.trim_matches(|c: char| c == clean::ELLIPSIS || c.is_whitespace());
    let title = content.article.title.as_deref().unwrap_or_default();
    if bare.is_empty() || title.contains(bare) {
        return html! {};
    }
    html! { p.excerpt { (marked(&marked_excerpt(&found.excerpt, &found.spans), content.article.lang.as_deref())) } }
}

/// One alert.
pub(super) fn detail_page(detail: &AlertDetail, now: Timestamp) -> Markup {
    let AlertDetail { row, content, deliveries } = detail;
    let article = &content.article;
    let lang = article.lang.as_deref();
    html! {
        h1 { (article_link(article.link.as_deref(), &marked(&headline(content), lang))) }
        p.meta { (badges(row)) " · " code { (row.id) } }
        @if let Some(summary) = &article.summary {
            @let line = clean::line(summary);
            p.excerpt { (marked(&marked_excerpt(&line, &content.found.spans), lang)) }
        }
        dl.facts {
            div { dt { "Topic" } dd { a href=(format!("/alerts?topic={}", row.topic)) { (foreign(&content.topic.title)) } } }
            div { dt { "Feed" } dd { a href=(address("/feeds", &[("q", article.feed.id.as_str())])) { (foreign(&feed_title(content))) } } }
            div { dt { "Raised" } dd { (time(row.created_at, now)) } }
            div { dt { "Published" } dd { (maybe_time(article.published_at, now)) } }
            div { dt { "First seen" } dd { (time(article.first_seen_at, now)) } }
            @if !article.authors.is_empty() { div { dt { "Authors" } dd { @for (n, author) in article.authors.iter().enumerate() { @if n > 0 { ", " } (foreign(author)) } } } }
            @if let Some(lang) = lang { div { dt { "Language" } dd { (foreign(lang)) } } }
        }
        (why(content))
        section aria-labelledby="deliveries-title" data-live #deliveries {
            h2 #deliveries-title { "What became of it" }
            @if deliveries.is_empty() { p.empty { "Its topic names no webhook: it went to the log." } }
            @for delivery in deliveries { (delivery_card(delivery, now)) }
        }
    }
}

fn why(content: &AlertContent) -> Markup {
    html! {
        section aria-labelledby="why-title" {
            h2 #why-title { "Why it fired" }
            table.stack {
                thead { tr { th scope="col" { "Found" } th scope="col" { "Term" } th scope="col" { "Concept" } th scope="col" { "Where" } } }
                tbody {
                    @for span in &content.found.spans {
                        tr {
                            td data-label="Found" { (marked(&[Piece { text: clean::line(&span.text), marked: true }], None)) }
                            td data-label="Term" { (foreign(&span.term)) }
                            td data-label="Concept" { @if let Some(concept) = &span.concept { "@" (concept) } @else { "–" } }
                            td data-label="Where" {
                                @match span.field { Field::Title => { "title" } Field::Body => { "text" } }
                                ", characters " (span.start) " to " (span.end)
                            }
                        }
                    }
                }
            }
            @if let Some(facets) = &content.found.facets {
                ul { @for facet in facets { li { code { (facet.query) } ": " (format!("{:.0} %", facet.share * 100.0)) } } }
            }
        }
    }
}

fn delivery_card(delivery: &DeliveryDetail, now: Timestamp) -> Markup {
    html! {
        article.delivery {
            h3 { (delivery.webhook) " " (state(delivery.state.as_str())) }
            p.meta {
                code { (delivery.id) }
                @if let Some(reason) = &delivery.reason { " · " (foreign(reason)) }
                @if let Some(next) = delivery.next_attempt_at { " · next attempt " (due(Some(next), now)) }
            }
            @if !delivery.attempts.is_empty() {
                ol.attempts { @for attempt in &delivery.attempts { li { (attempt_line(attempt, now)) } } }
            }
        }
    }
}

fn attempt_line(attempt: &AttemptRow, now: Timestamp) -> Markup {
    html! {
        (time(attempt.started_at, now)) ": "
        @if let Some(status) = attempt.status { "status " (status) }
        @else if attempt.ended_at.is_none() { "under way" }
        @else { (foreign(attempt.error_kind.as_deref().unwrap_or("no answer"))) }
        @if let Some(took) = attempt.duration_ms { ", " (took) " ms" }
        @if let Some(error) = &attempt.error { ", " (foreign(error)) }
    }
}
