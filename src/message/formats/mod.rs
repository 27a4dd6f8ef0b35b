//! One file for each service: what a message looks like there, and what it may not exceed.
//!
//! The limits are the services' own, from their documentation; we stay under them by counting UTF-16
//! units of the escaped text, which is never less than what any of them counts.

mod alertmanager;
mod cloudevents;
mod discord;
mod googlechat;
mod gotify;
mod markdown;
mod matrix;
mod mattermost;
mod ntfy;
mod pagerduty;
mod pushover;
mod slack;
mod teams;
mod telegram;
mod template;

pub use template::{TEMPLATE_NAMES, Telling, Template, TemplateError};

use super::standard::Event;
use super::story::Brief;
use super::{Content, FormatOptions, RenderError, json};
use crate::domain::delivery::{Format, Rendered};

/// Makes the body of a message in the format asked for.
pub(super) fn render(options: &FormatOptions<'_>, content: &Content<'_>) -> Result<Rendered, RenderError> {
    let brief = Brief::of(content);
    let chat = || options.chat_id.ok_or(RenderError::NoChat(options.format));
    let body = match options.format {
        Format::Standard => return Ok(json(&Event::of(content))),
        Format::Cloudevents => return Ok(cloudevents::render(options.message, content)),
        Format::Template => {
            let template = options.template.ok_or(RenderError::NoTemplate)?;
            return Ok(template.render(options.message, content)?);
        }
        Format::Slack => slack::body(&brief),
        Format::Discord => discord::body(&brief),
        Format::Teams => teams::body(&brief),
        Format::Telegram => telegram::body(&brief, chat()?),
        Format::Ntfy => ntfy::body(brief),
        Format::Mattermost => mattermost::body(&brief),
        Format::Googlechat => googlechat::body(&brief),
        Format::Matrix => matrix::body(&brief),
        Format::Pagerduty => pagerduty::body(&brief, options.message),
        Format::Alertmanager => alertmanager::body(&brief),
        Format::Gotify => gotify::body(brief),
        Format::Pushover => pushover::body(brief, chat()?),
    };
    Ok(json(&body))
}
