//! `/metrics`: what was counted, how things are now, what the process uses, in the text format of `OpenMetrics`.
//!
//! `docs/METRICS.md` explains every name; a test holds it to what is shown here.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::process::Process;
use super::{Web, plain};
use crate::app::metrics::PREFIX;
use crate::app::{Context, chain};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::ports::hand::WebhookHealth;
use crate::ports::watch::Survey;

/// What Prometheus and those who speak its language take.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a webhook of the configuration may be.
const WEBHOOK_STATES: [WebhookHealth; 6] = [
    WebhookHealth::Ok,
    WebhookHealth::New,
    WebhookHealth::Paused,
    WebhookHealth::Unwell,
    WebhookHealth::Failing,
    WebhookHealth::Disabled,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWebhook {
    webhook: String,
    state: &'static str,
}

/// Shows everything.
pub(super) async fn metrics(State(web): State<Web>) -> Response {
    let survey = web.survey().await;
    if let Err(problem) = &survey {
        tracing::warn!(error = %chain(problem), "surveying for /metrics");
    }
    let mut now = Registry::with_prefix(PREFIX);
    moment(web.context(), &mut now);
    now.register(
        "survey_ok",
        "Whether the database could be read for this answer; if not, what comes from it is missing",
        ConstGauge::new(i64::from(survey.is_ok())),
    );
    if let Ok(survey) = &survey {
        let settings = &web.context().snapshot().settings;
        surveyed(survey, settings, web.context().clock.now(), &mut now);
    }
    let mut process = Registry::default();
    if let Some(read) = tokio::task::spawn_blocking(Process::read).await.ok().flatten() {
        read.register(&mut process);
    }
    let mut text = String::new();
    let written = encode_registry(&mut text, &web.0.registry)
        .and_then(|()| encode_registry(&mut text, &now))
        .and_then(|()| encode_registry(&mut text, &process))
        .and_then(|()| encode_eof(&mut text));
    match written {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(problem) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("writing metrics: {problem}\n")),
    }
}

/// How the daemon is this moment.
fn moment(context: &Context, to: &mut Registry) {
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    to.register("build", "The version that runs", Info::new(version));
    let healthy = context.health.stuck(context.clock.now()).is_none();
    to.register(
        "healthy",
        "Whether poller and dispatcher look for work, as /healthz says",
        ConstGauge::new(i64::from(healthy)),
    );
    to.register(
        "disk_full",
        "Whether polling and sending wait until the disk has room",
        ConstGauge::new(i64::from(context.store.disk_is_full())),
    );
    let settings = &context.snapshot().settings;
    let topics = ConstGauge::new(settings.topics.len() as u64);
    to.register("topics", "Topics of the configuration in force", topics);
}

/// What the database says.
fn surveyed(survey: &Survey, settings: &Settings, now: Timestamp, to: &mut Registry) {
    let feeds = Family::<OfState, Gauge>::default();
    for (state, count) in &survey.feeds {
        set(feeds.get_or_create(&OfState { state: state.as_str() }), *count);
    }
    to.register("feeds", "Feeds, by state; disabled ones have left the configuration", feeds);

    let deliveries = Family::<OfWebhook, Gauge>::default();
    for webhook in settings.webhooks.keys() {
        for state in DeliveryState::ALL {
            set(deliveries.get_or_create(&of_webhook(webhook.as_str(), state.as_str())), 0);
        }
    }
    for (webhook, state, count) in &survey.deliveries {
        set(deliveries.get_or_create(&of_webhook(webhook.as_str(), state.as_str())), *count);
    }
    to.register("deliveries", "Deliveries in the database, by webhook and state", deliveries);

    let oldest = survey.oldest_pending.map_or(0.0, |at| now.since(at).as_secs_f64());
    to.register_with_unit(
        "delivery_oldest_pending",
        "Age of the oldest delivery that is pending or being sent, 0 without any",
        Unit::Seconds,
        ConstGauge::new(oldest),
    );

    let webhooks = Family::<OfWebhook, Gauge>::default();
    for webhook in survey.webhooks.iter().filter(|webhook| webhook.state != WebhookHealth::Left) {
        for state in WEBHOOK_STATES {
            let label = of_webhook(webhook.id.as_str(), state.as_str());
            set(webhooks.get_or_create(&label), u64::from(webhook.state == state));
        }
    }
    to.register("webhook_state", "1 for the state a webhook is in, 0 for the others", webhooks);

    let size = ConstGauge::new(survey.space.file);
    to.register_with_unit("database_size", "The database file, without its log", Unit::Bytes, size);
    let used = ConstGauge::new(survey.space.used);
    to.register_with_unit("database_used", "Of the database file, what holds something", Unit::Bytes, used);
}

fn of_webhook(webhook: &str, state: &'static str) -> OfWebhook {
    OfWebhook { webhook: webhook.to_owned(), state }
}

fn set(gauge: impl std::ops::Deref<Target = Gauge>, count: u64) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}
