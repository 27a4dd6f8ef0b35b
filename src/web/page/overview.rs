//! The first page: is everything well, what fired, what is in force.

use maud::{Markup, html};

use super::verdict::{Concern, Moment, concerns, headline, level};
use super::view::{due, foreign, maybe_time, outward, state, time};
use super::words::{bytes, count, grouped};
use super::{alerts, feeds, outbox, plot};
use crate::app::reload::LastReload;
use crate::config::Settings;
use crate::domain::delivery::DeliveryState;
use crate::domain::topic::Severity;
use crate::domain::{Timestamp, TopicId};
use crate::ports::reads::FeedHealth;
use crate::ports::watch::{Part, Place, Survey, Told};

/// Lines of a refused reload's report that are shown.
const REPORT_LINES: usize = 40;

/// All that the first page shows.
pub(super) struct Overview<'a> {
    pub(super) now: Timestamp,
    pub(super) settings: &'a Settings,
    pub(super) loaded_at: Timestamp,
    pub(super) survey: &'a Survey,
    pub(super) topics: &'a Topics,
    pub(super) latest: &'a Part<Told, Place>,
    pub(super) last_reload: &'a LastReload,
    pub(super) stuck: Option<&'a str>,
    pub(super) disk_full: bool,
}

/// Topics and how often they fired.
pub(super) struct Topics {
    pub(super) rows: Vec<TopicRow>,
    /// How many there are.
    pub(super) number: usize,
    /// Alerts of all of them since midnight (UTC).
    pub(super) today: u64,
    /// When the first day of the plots begins.
    pub(super) from: Timestamp,
}

/// A topic and how often it fired, day by day.
pub(super) struct TopicRow {
    pub(super) id: TopicId,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) last: Option<Timestamp>,
    pub(super) counts: Vec<u64>,
}

impl Overview<'_> {
    pub(super) fn show(&self) -> Markup {
        html! {
            (self.health())
            section #topics aria-labelledby="topics-title" data-live {
                h2 #topics-title { "Topics" }
                (topics_table(self.topics, self.now))
                @if self.topics.number > self.topics.rows.len() {
                    p { a href="/topics" { "All " (grouped(self.topics.number as u64)) " topics" } }
                }
            }
            section #alerts aria-labelledby="alerts-title" data-live {
                h2 #alerts-title { "Latest alerts" }
                (alerts::list(&self.latest.rows, self.now, "No alert yet. What topics find appears here."))
                @if self.latest.more_after.is_some() { p { a href="/alerts" { "More alerts" } } }
            }
            section #webhooks aria-labelledby="webhooks-title" data-live {
                h2 #webhooks-title { "Deliveries" }
                (outbox::webhooks_table(self.survey, self.now))
            }
            section #feeds aria-labelledby="feeds-title" data-live {
                h2 #feeds-title { "Feeds" }
                (feeds::counts(self.survey))
                @if !self.survey.troubled.is_empty() {
                    (feeds::table(&self.survey.troubled, "Feeds in trouble", self.now))
                }
                p { a href="/feeds" { "All feeds" } }
            }
            (self.configuration())
        }
    }

    fn health(&self) -> Markup {
        let moment = Moment {
            stuck: self.stuck,
            disk_full: self.disk_full,
            refused: self.last_reload.refusal.is_some(),
            feeds: self.settings.feeds.len(),
            topics: self.settings.topics.len(),
        };
        let concerns = concerns(self.survey, &moment, self.now);
        let level = level(&concerns);
        html! {
            section #health.health.(level.as_str()) aria-labelledby="health-title" data-live {
                h1 #health-title { (headline(level)) }
                @if !concerns.is_empty() {
                    ul.concerns { @for concern in &concerns { li.(concern.level.as_str()) { (show_concern(concern)) } } }
                }
                dl.figures { (self.figures()) }
            }
        }
    }

    fn figures(&self) -> Markup {
        let feeds = self.settings.feeds.len() as u64;
        let pending = self.survey.deliveries_in(DeliveryState::Pending)
            + self.survey.deliveries_in(DeliveryState::Sending);
        let well = self.survey.feeds_in(FeedHealth::Ok) + self.survey.feeds_in(FeedHealth::New);
        html! {
            div { dt { "Alerts today" } dd { (grouped(self.topics.today)) } }
            div { dt { "Feeds well" } dd { (grouped(well)) " of " (grouped(feeds)) } }
            div { dt { "Next poll" } dd { (due(self.survey.next_poll_at, self.now)) } }
            div { dt { "Pending" } dd { (grouped(pending)) } }
            div { dt { "Held" } dd { (grouped(self.survey.deliveries_in(DeliveryState::Held))) } }
            div { dt { "Dead" } dd { (grouped(self.survey.deliveries_in(DeliveryState::Dead))) } }
        }
    }

    fn configuration(&self) -> Markup {
        let settings = self.settings;
        let number = |n: usize, one, many| count(n as u64, one, many);
        html! {
            section #configuration aria-labelledby="configuration-title" data-live {
                h2 #configuration-title { "Configuration in force" }
                dl.facts {
                    div { dt { "Hash" } dd { code { (settings.hash) } } }
                    div { dt { "Loaded" } dd { (time(self.loaded_at, self.now)) } }
                    div {
                        dt { "Watches" }
                        dd {
                            (number(settings.feeds.len(), "feed", "feeds")) ", "
                            (number(settings.topics.len(), "topic", "topics")) ", "
                            (number(settings.webhooks.len(), "webhook", "webhooks"))
                        }
                    }
                    div {
                        dt { "Files" }
                        dd { @for (n, file) in settings.files.iter().enumerate() { @if n > 0 { ", " } code { (file.display()) } } }
                    }
                    div { dt { "Database" } dd { (bytes(self.survey.space.used)) " used of " (bytes(self.survey.space.file)) } }
                    div {
                        dt { "Last read" }
                        dd {
                            (time(self.last_reload.at, self.now))
                            @if self.last_reload.refusal.is_some() { ", " strong { "refused" } } @else { ", accepted" }
                        }
                    }
                }
                @if let Some(refusal) = &self.last_reload.refusal {
                    details {
                        summary { "What was wrong with it" }
                        pre tabindex="0" { @for line in refusal.0.lines().take(REPORT_LINES) { (line) "\n" } }
                    }
                }
            }
        }
    }
}

fn show_concern(concern: &Concern) -> Markup {
    html! {
        @match concern.link {
            Some(link) => { a href=(link) { (foreign(&concern.text)) } }
            None => { (foreign(&concern.text)) }
        }
    }
}

/// The page of all topics.
pub(super) fn topics_page(topics: &Topics, now: Timestamp) -> Markup {
    html! {
        h1 { "Topics" }
        section aria-label="Topics" data-live #topics {
            (topics_table(topics, now))
            @if topics.number > topics.rows.len() {
                p { "The " (topics.rows.len()) " that fired last, of " (grouped(topics.number as u64)) "." }
            }
        }
    }
}

fn topics_table(topics: &Topics, now: Timestamp) -> Markup {
    if topics.rows.is_empty() {
        return html! { p.empty { "No topic yet: a table [topics.ID] in the configuration makes one." } };
    }
    html! {
        table.stack {
            thead {
                tr {
                    th scope="col" { "Topic" }
                    th scope="col" { "Last " (plot::DAYS) " days" }
                    th.number scope="col" { "Today" }
                    th.number scope="col" { (plot::DAYS) " days" }
                    th scope="col" { "Last fired" }
                    th scope="col" { "Feed" }
                }
            }
            tbody { @for topic in &topics.rows { (topic_row(topic, topics.from, now)) } }
        }
    }
}

fn topic_row(topic: &TopicRow, from: Timestamp, now: Timestamp) -> Markup {
    let own = |ending: &str| format!("/topics/{}.{ending}", topic.id);
    html! {
        tr {
            th scope="row" {
                a href=(format!("/alerts?topic={}", topic.id)) { (foreign(&topic.title)) }
                @if topic.severity > Severity::Normal { " " (state(topic.severity.as_str())) }
            }
            td.wide data-label="Rhythm" { (plot::plot(&topic.counts, from)) }
            td.number data-label="Today" { (grouped(topic.counts.last().copied().unwrap_or_default())) }
            td.number data-label="14 days" { (grouped(topic.counts.iter().sum())) }
            td data-label="Last fired" { (maybe_time(topic.last, now)) }
            td data-label="Feed" {
                a href=(own("atom")) aria-label=(format!("Atom feed of {}", topic.id)) { "Atom" } " "
                a href=(own("json")) aria-label=(format!("JSON feed of {}", topic.id)) { "JSON" }
            }
        }
    }
}

/// Where an article is to be read.
pub(super) fn article_link(link: Option<&str>, title: &Markup) -> Markup {
    outward(link, title)
}
