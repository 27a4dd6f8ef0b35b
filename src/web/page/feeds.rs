//! Feeds: how they are, when they were and will be polled, and why then.

use maud::{Markup, html};

use super::view::{address, choice, due, foreign, maybe_time, state};
use super::words::{count, grouped};
use crate::domain::{FeedId, Timestamp};
use crate::ports::reads::{FeedHealth, FeedRow};
use crate::ports::watch::{FeedsWanted, Part, Survey};

/// How many are in which state, each a way to those.
pub(super) fn counts(survey: &Survey) -> Markup {
    html! {
        ul.counts aria-label="Feeds by state" {
            @for (health, n) in &survey.feeds {
                @if *n > 0 {
                    li { a href=(address("/feeds", &[("state", health.as_str())])) { (grouped(*n)) " " (state(health.as_str())) } }
                }
            }
        }
    }
}

/// The page of feeds.
pub(super) fn list_page(
    part: &Part<FeedRow, FeedId>,
    wanted: &FeedsWanted,
    survey: &Survey,
    now: Timestamp,
) -> Markup {
    let words = wanted.words.as_deref().unwrap_or_default();
    let chosen = wanted.state.map(FeedHealth::as_str).unwrap_or_default();
    let choices: Vec<(String, String)> = survey
        .feeds
        .iter()
        .map(|(health, n)| (health.as_str().to_owned(), format!("{} ({})", health.as_str(), grouped(*n))))
        .collect();
    html! {
        h1 { "Feeds" }
        form.filter action="/feeds" method="get" aria-label="Filter feeds" {
            label for="q" { "Words" }
            input #q type="search" name="q" value=(words) maxlength="200";
            (choice("state", "State", "All of the configuration", &choices, chosen))
            button { "Show" }
            @if wanted.words.is_some() || wanted.state.is_some() { a href="/feeds" { "Show all" } }
        }
        section aria-label="Feeds found" data-live #found {
            @if part.rows.is_empty() { p.empty { "No feed fits." } }
            @else { (table(&part.rows, "Feeds by id", now)) }
            @if let Some(after) = &part.more_after {
                p { a rel="next" href=(address("/feeds", &[("q", words), ("state", chosen), ("after", after.as_str())])) { "More feeds" } }
            }
        }
    }
}

/// A table of feeds.
pub(super) fn table(rows: &[FeedRow], caption: &str, now: Timestamp) -> Markup {
    html! {
        table.stack {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "Feed" }
                    th scope="col" { "State" }
                    th scope="col" { "Last poll" }
                    th scope="col" { "Next poll" }
                    th.number scope="col" { "Articles" }
                    th scope="col" { "Remark" }
                }
            }
            tbody { @for feed in rows { (row(feed, now)) } }
        }
    }
}

fn row(feed: &FeedRow, now: Timestamp) -> Markup {
    html! {
        tr {
            th scope="row" {
                @match &feed.title { Some(title) => { (foreign(title)) br; small { (feed.id) } } None => { (feed.id) } }
            }
            td data-label="State" { (state(feed.state.as_str())) }
            td data-label="Last poll" { (maybe_time(feed.last_poll_at, now)) }
            td.wide data-label="Next poll" {
                (due(feed.next_poll_at, now))
                @if let Some(why) = feed.next_poll_reason.as_deref().filter(|why| !why.is_empty()) { br; small { (foreign(why)) } }
            }
            td.number data-label="Articles" { (grouped(feed.articles)) }
            td.remark data-label="Remark" {
                @if let Some(error) = &feed.last_error {
                    (foreign(error))
                    @if feed.failures > 1 { " (" (count(u64::from(feed.failures), "failure", "failures")) " in a row)" }
                }
                @if let Some(notice) = &feed.notice { @if feed.last_error.is_some() { br; } (foreign(notice)) }
                @if feed.last_error.is_none() && feed.notice.is_none() { "–" }
            }
        }
    }
}
