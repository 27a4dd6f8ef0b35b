//! The status page and the lists behind it: gathers what is to be seen, [`view`] and its neighbours show it.
//!
//! Every list is bounded, so that a page stays small whatever there is: a hundred thousand feeds are counted, and
//! those in trouble named.

mod alerts;
mod feeds;
mod outbox;
mod overview;
mod plot;
mod verdict;
mod view;
mod words;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use maud::Markup;
use serde::Deserialize;

use super::{Web, failed, plain, told};
use crate::domain::delivery::DeliveryState;
use crate::domain::{AlertId, FeedId, Timestamp, TopicId};
use crate::ports::StoreError;
use crate::ports::reads::{FeedHealth, Page as Rows};
use crate::ports::watch::{AlertsWanted, FeedsWanted, Place};
use view::{Here, page};

/// Alerts on the first page, and in the list.
const LATEST: usize = 10;
const ALERTS: usize = 25;

/// Rows of other lists.
const FEEDS: usize = 100;
const DELIVERIES: usize = 100;

/// Topics on the first page: those that fired last.
const TOPICS: usize = 12;

/// Topics on their own page, and in the list to choose from.
const ALL_TOPICS: usize = 500;

/// The longest text looked for; more is cut.
const WORDS: usize = 200;

/// All pages for people, and what they are dressed in.
pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/", get(overview))
        .route("/topics", get(topics))
        .route("/alerts", get(alerts))
        .route("/alerts/{id}", get(alert))
        .route("/feeds", get(feeds))
        .route("/deliveries", get(deliveries))
        .route("/page.css", asset(include_str!("page.css"), "text/css; charset=utf-8"))
        .route("/page.js", asset(include_str!("page.js"), "text/javascript; charset=utf-8"))
        .route("/icon.svg", asset(include_str!("icon.svg"), "image/svg+xml"))
}

/// A handler that shows one thing, always the same.
fn asset(body: &'static str, kind: &'static str) -> MethodRouter<Web> {
    get(move |headers: HeaderMap| async move { told::answer(&headers, body.to_owned(), kind) })
}

fn html(markup: Result<Markup, StoreError>) -> Response {
    match markup {
        Ok(markup) => {
            use axum::http::header::CONTENT_TYPE;
            use axum::response::IntoResponse as _;
            ([(CONTENT_TYPE, "text/html; charset=utf-8")], markup.into_string()).into_response()
        }
        Err(problem) => failed(&problem),
    }
}

/// What a list was asked for, as the forms on the pages send it. What makes no sense is left out.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
}

impl Asked {
    fn words(&self) -> Option<String> {
        let words: String = self.q.trim().chars().take(WORDS).collect();
        (!words.is_empty()).then_some(words)
    }

    fn place(&self) -> Option<Place> {
        let (at, number) = self.after.split_once('.')?;
        Some(Place { at: Timestamp::from_millis(at.parse().ok()?), number: number.parse().ok()? })
    }
}

async fn overview(State(web): State<Web>) -> Response {
    html(gather_overview(&web).await)
}

async fn gather_overview(web: &Web) -> Result<Markup, StoreError> {
    let context = web.context();
    let now = context.clock.now();
    let snapshot = context.snapshot();
    let survey = web.survey().await?;
    let wanted = AlertsWanted { limit: LATEST, ..AlertsWanted::default() };
    let latest = web.watch().alerts(wanted).await?;
    let topics = gather_topics(web, now, TOPICS).await?;
    let last_reload = context.last_reload();
    let overview = overview::Overview {
        now,
        settings: &snapshot.settings,
        loaded_at: snapshot.loaded_at,
        survey: &survey,
        topics: &topics,
        latest: &latest,
        last_reload: &last_reload,
        stuck: context.health.stuck(now).map(crate::app::health::Loop::as_str),
        disk_full: context.store.disk_is_full(),
    };
    Ok(page(Here::Overview, "Status", &overview.show()))
}

/// Topics with their rhythm, those that fired last first.
async fn gather_topics(web: &Web, now: Timestamp, most: usize) -> Result<overview::Topics, StoreError> {
    let snapshot = web.context().snapshot();
    let all: Vec<TopicId> = snapshot.settings.topics.keys().cloned().collect();
    let number = all.len();
    let last = web.watch().last_fired(all.clone()).await?;
    let mut all: Vec<(TopicId, Option<Timestamp>)> = all.into_iter().zip(last).collect();
    all.sort_by_key(|(_, last)| std::cmp::Reverse(*last));
    let from = plot::first_day(now);
    let grain = std::time::Duration::from_millis(plot::DAY.unsigned_abs());
    let midnight = plot::midnight(now);
    let fired =
        all.iter().take_while(|(_, last)| *last >= Some(midnight)).map(|(id, _)| id.clone()).collect();
    let today = web.watch().rhythm(fired, midnight, grain, 1).await?.into_iter().flatten().sum();
    all.truncate(most);
    let ids = all.iter().map(|(id, _)| id.clone()).collect();
    let rhythms = web.watch().rhythm(ids, from, grain, plot::DAYS).await?;
    let rows = all
        .into_iter()
        .zip(rhythms)
        .filter_map(|((id, last), counts)| {
            let settings = snapshot.settings.topics.get(&id)?;
            let (title, severity) = (settings.title.clone(), settings.severity);
            Some(overview::TopicRow { id, title, severity, last, counts })
        })
        .collect();
    Ok(overview::Topics { rows, number, today, from })
}

async fn topics(State(web): State<Web>) -> Response {
    let now = web.context().clock.now();
    let shown = gather_topics(&web, now, ALL_TOPICS).await;
    html(shown.map(|topics| page(Here::Topics, "Topics", &overview::topics_page(&topics, now))))
}

async fn alerts(State(web): State<Web>, Query(asked): Query<Asked>) -> Response {
    let now = web.context().clock.now();
    let snapshot = web.context().snapshot();
    let wanted = AlertsWanted {
        topic: TopicId::parse(&asked.topic).ok(),
        words: asked.words(),
        after: asked.place(),
        limit: ALERTS,
    };
    let part = web.watch().alerts(wanted.clone()).await;
    let choices: Vec<(&TopicId, &str)> = snapshot
        .settings
        .topics
        .iter()
        .take(ALL_TOPICS)
        .map(|(id, topic)| (id, topic.title.as_str()))
        .collect();
    html(part.map(|part| page(Here::Alerts, "Alerts", &alerts::list_page(&part, &wanted, &choices, now))))
}

async fn alert(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let now = web.context().clock.now();
    let found = match id.parse::<AlertId>() {
        Ok(id) => web.watch().alert(id).await,
        Err(_) => Ok(None),
    };
    match found {
        Ok(Some(detail)) => html(Ok(page(Here::Alerts, "Alert", &alerts::detail_page(&detail, now)))),
        Ok(None) => {
            plain(StatusCode::NOT_FOUND, "there is no such alert; it may be older than [retention] keeps\n")
        }
        Err(problem) => failed(&problem),
    }
}

async fn feeds(State(web): State<Web>, Query(asked): Query<Asked>) -> Response {
    let now = web.context().clock.now();
    let wanted = FeedsWanted {
        state: FeedHealth::ALL.into_iter().find(|state| state.as_str() == asked.state),
        words: asked.words(),
        after: FeedId::parse(&asked.after).ok(),
        limit: FEEDS,
    };
    let shown = async {
        let survey = web.survey().await?;
        let part = web.watch().feeds(wanted.clone()).await?;
        Ok(page(Here::Feeds, "Feeds", &feeds::list_page(&part, &wanted, &survey, now)))
    };
    html(shown.await)
}

async fn deliveries(State(web): State<Web>, Query(asked): Query<Asked>) -> Response {
    let now = web.context().clock.now();
    let state: Option<DeliveryState> = asked.state.parse().ok();
    let shown = async {
        let survey = web.survey().await?;
        let rows =
            web.context().store.list_deliveries(Rows { since: None, limit: DELIVERIES }, state).await?;
        Ok(page(Here::Deliveries, "Deliveries", &outbox::list_page(&rows, state, &survey, now)))
    };
    html(shown.await)
}
