//! Alert to bytes: every message format, escaping, and signing.
//!
//! Pure: the same content and options always give the same bytes. A message is made in three steps, so
//! that what is stored can be sent again unchanged and holds no secret:
//!
//! 1. [`render`] makes the body, once; it is stored with the delivery.
//! 2. [`finish`] puts in what may not be stored, before each attempt (for most formats: nothing).
//! 3. [`sign::headers`] signs those bytes with the time of the attempt.
//!
//! [`judge()`] then says what the answer means. [`Target`] and [`Credentials`] are made once, when the
//! configuration is read, and say there what is wrong with an address or a secret.
//!
//! Feed text is hostile. It is cleaned ([`clean`]), cut between graphemes to the service's limits,
//! and escaped, in that order; JSON is written by a serialiser only.

pub mod clean;
mod dialect;
mod formats;
mod group;
mod judge;
pub mod sign;
mod standard;
mod story;
mod target;
mod wait;

pub use formats::{TEMPLATE_NAMES, Telling, Template, TemplateError};
pub use group::parcels;
pub use judge::{REASON_CHARS, judge};
pub use standard::{ALERT_OPENED, ALERTS_GROUPED};
pub use target::{
    ALERTMANAGER_HOLD, Credentials, NTFY_TOPIC_CHARS, PAGERDUTY_KEY_CHARS, PUSHOVER_TOKEN_CHARS, SecretError,
    SecretUse, Target, TargetError, finish, secret_use,
};
pub use wait::RETRY_AFTER_MAX;

pub use crate::domain::alert::OPERATIONS;

use crate::domain::alert::{AlertContent, OperationsEvent};
use crate::domain::delivery::{Format, Rendered};
use crate::domain::{MessageId, Timestamp};

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// One alert.
    Alert(&'a AlertContent),
    /// Several alerts that were held or grouped.
    Group {
        /// In the order they are shown.
        alerts: &'a [AlertContent],
        /// When they were put together.
        at: Timestamp,
        /// Why, in a word: `grouped`, `quiet_hours`, `digest`, `rate`, …
        reason: &'a str,
    },
    /// Something about wirewatch itself, or a test.
    Operations(&'a OperationsEvent),
}

/// What a body depends on besides its content. Nothing here is a secret: it is stored with the body.
#[derive(Clone, Copy, Debug)]
pub struct FormatOptions<'a> {
    /// What the destination expects.
    pub format: Format,
    /// The message, `webhook-id` on the wire; CloudEvents and PagerDuty repeat it in the body.
    pub message: MessageId,
    /// The Telegram chat, or the Pushover user or group key.
    pub chat_id: Option<&'a str>,
    /// The template of the format `template`.
    pub template: Option<&'a Template>,
}

/// Why a message could not be made. The delivery is dead at birth with this as its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The service wants to know for whom the message is.
    #[error("format `{0}` needs `chat_id`")]
    NoChat(Format),
    /// The format `template` without one.
    #[error("format `template` needs `template`")]
    NoTemplate,
    /// The template fails on this message.
    #[error("the template {0}")]
    Template(#[from] TemplateError),
}

/// Makes the body of a message.
///
/// # Errors
/// When the format wants a chat or a template and has none, or the template fails on this content.
pub fn render(options: &FormatOptions<'_>, content: &Content<'_>) -> Result<Rendered, RenderError> {
    formats::render(options, content)
}

/// The JSON Schema (draft 2020-12) of every message of the format `standard`.
pub const EVENTS_SCHEMA: &str = include_str!("events.schema.json");

fn json(body: &impl serde::Serialize) -> Rendered {
    let body = serde_json::to_vec(body).expect("maps with text keys always serialise");
    Rendered { body, content_type: "application/json" }
}
