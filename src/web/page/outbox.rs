//! Webhooks and deliveries: what waits, what is held, what was given up.

use maud::{Markup, html};

use super::view::{address, choice, due, foreign, maybe_time, state, time};
use super::words::grouped;
use crate::domain::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::ports::hand::{WebhookHealth, WebhookRow};
use crate::ports::reads::DeliveryRow;
use crate::ports::watch::Survey;

/// Webhooks and what waits for them.
pub(super) fn webhooks_table(survey: &Survey, now: Timestamp) -> Markup {
    let rows: Vec<&WebhookRow> = survey
        .webhooks
        .iter()
        .filter(|webhook| {
            webhook.state != WebhookHealth::Left || webhook.pending + webhook.held + webhook.dead > 0
        })
        .collect();
    if rows.is_empty() {
        return html! { p.empty { "No webhook: alerts go to the log and to this page." } };
    }
    html! {
        table.stack {
            thead {
                tr {
                    th scope="col" { "Webhook" }
                    th scope="col" { "State" }
                    th.number scope="col" { "Pending" }
                    th.number scope="col" { "Held" }
                    th.number scope="col" { "Dead" }
                    th.number scope="col" { "Delivered" }
                    th scope="col" { "Last accepted" }
                    th scope="col" { "Remark" }
                }
            }
            tbody { @for webhook in rows { (webhook_row(webhook, now)) } }
        }
        p { a href="/deliveries" { "All deliveries" } }
    }
}

fn webhook_row(webhook: &WebhookRow, now: Timestamp) -> Markup {
    let counted = |n: u64, state: DeliveryState| {
        html! {
            @if n == 0 { "0" }
            @else { a href=(address("/deliveries", &[("state", state.as_str())])) aria-label=(format!("{n} {state}")) { (grouped(n)) } }
        }
    };
    html! {
        tr {
            th scope="row" { (webhook.id) }
            td data-label="State" { (state(webhook.state.as_str())) }
            td.number data-label="Pending" { (counted(webhook.pending, DeliveryState::Pending)) }
            td.number data-label="Held" { (counted(webhook.held, DeliveryState::Held)) }
            td.number data-label="Dead" { (counted(webhook.dead, DeliveryState::Dead)) }
            td.number data-label="Delivered" { (counted(webhook.delivered, DeliveryState::Delivered)) }
            td data-label="Last accepted" { (maybe_time(webhook.last_good_at, now)) }
            td.remark data-label="Remark" { (remark(webhook, now)) }
        }
    }
}

fn remark(webhook: &WebhookRow, now: Timestamp) -> Markup {
    html! {
        @if let Some(reason) = &webhook.reason { (foreign(reason)) }
        @else if let Some(error) = &webhook.last_error { (foreign(error)) }
        @else { "–" }
        @if let Some(until) = webhook.paused_until { "; paused, goes on " (time(until, now)) }
        @if webhook.state == WebhookHealth::Failing { "; next try " (due(webhook.next_probe_at, now)) }
    }
}

/// The page of deliveries.
pub(super) fn list_page(
    rows: &[DeliveryRow],
    chosen: Option<DeliveryState>,
    survey: &Survey,
    now: Timestamp,
) -> Markup {
    let choices: Vec<(String, String)> = DeliveryState::ALL
        .into_iter()
        .map(|state| {
            (state.as_str().to_owned(), format!("{state} ({})", grouped(survey.deliveries_in(state))))
        })
        .collect();
    html! {
        h1 { "Deliveries" }
        form.filter action="/deliveries" method="get" aria-label="Filter deliveries" {
            (choice("state", "State", "All", &choices, chosen.map(DeliveryState::as_str).unwrap_or_default()))
            button { "Show" }
        }
        section aria-label="Webhooks" data-live #webhooks { (webhooks_table(survey, now)) }
        section aria-label="Deliveries found" data-live #found {
            @if rows.is_empty() { p.empty { "No delivery fits." } }
            @else { (table(rows, now)) }
        }
    }
}

fn table(rows: &[DeliveryRow], now: Timestamp) -> Markup {
    html! {
        table.stack {
            caption { "The latest " (rows.len()) }
            thead {
                tr {
                    th scope="col" { "Written" }
                    th scope="col" { "Webhook" }
                    th scope="col" { "State" }
                    th scope="col" { "Carries" }
                    th.number scope="col" { "Attempts" }
                    th scope="col" { "Next attempt" }
                    th scope="col" { "Remark" }
                }
            }
            tbody { @for delivery in rows { (delivery_row(delivery, now)) } }
        }
    }
}

fn delivery_row(delivery: &DeliveryRow, now: Timestamp) -> Markup {
    html! {
        tr {
            td data-label="Written" { (time(delivery.created_at, now)) }
            th scope="row" { (delivery.webhook) }
            td data-label="State" { (state(delivery.state.as_str())) }
            td data-label="Carries" {
                @match (&delivery.alert, &delivery.event) {
                    (Some(alert), _) => { a href=(format!("/alerts/{alert}")) { code { (alert) } } }
                    (None, Some(event)) => { (event) }
                    (None, None) => { "–" }
                }
            }
            td.number data-label="Attempts" { (delivery.attempts) }
            td data-label="Next attempt" { (due(delivery.next_attempt_at, now)) }
            td.remark data-label="Remark" {
                @if let Some(reason) = &delivery.reason { (foreign(reason)) }
                @if let Some(error) = &delivery.last_error { @if delivery.reason.is_some() { ": " } (foreign(error)) }
                @if delivery.reason.is_none() && delivery.last_error.is_none() { "–" }
            }
        }
    }
}
