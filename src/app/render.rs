//! Where messages go and how they look: the webhooks of the configuration, ready for use.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::envelope::secrets_of;
use crate::config::Settings;
use crate::config::settings::WebhookSettings;
use crate::domain::alert::AlertContent;
use crate::domain::delivery::{Format, Rendered};
use crate::domain::poll::Renderer;
use crate::domain::{DeliveryId, MessageId, WebhookId};
use crate::message::{self, Content, Credentials, FormatOptions, Target, Template};

/// A destination whose address and secrets were found to suit its format.
#[derive(Debug)]
pub struct Destination {
    /// What it expects.
    pub format: Format,
    /// Where messages go.
    pub target: Target,
    /// What proves that they are ours.
    pub credentials: Credentials,
    /// The Telegram chat, or the Pushover user or group key.
    pub chat_id: Option<String>,
    /// The user's own template.
    pub template: Option<Template>,
    /// What must not be seen of it, the longest first.
    pub(super) secrets: Vec<SecretString>,
}

impl Destination {
    fn new(webhook: &WebhookSettings) -> Result<Self, String> {
        let target =
            Target::new(webhook.format, webhook.url.expose()).map_err(|problem| format!("url: {problem}"))?;
        let credentials = Credentials::new(webhook.format, &webhook.secrets)
            .map_err(|problem| format!("secret: {problem}"))?;
        let template = webhook.template.as_deref().map(Template::parse).transpose();
        let template = template.map_err(|problem| format!("template: {problem}"))?;
        let chat_id = webhook.chat_id.clone();
        let mut secrets = secrets_of(webhook, (target.url().expose_secret(), &credentials));
        secrets.extend(secrets_of(webhook, (webhook.url.expose(), &credentials)));
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Ok(Self { format: webhook.format, target, credentials, chat_id, template, secrets })
    }

    /// What a body for this destination depends on.
    pub fn options(&self, message: MessageId) -> FormatOptions<'_> {
        FormatOptions {
            format: self.format,
            message,
            chat_id: self.chat_id.as_deref(),
            template: self.template.as_ref(),
        }
    }
}

/// All destinations of a configuration; renders alerts in the format of each.
#[derive(Debug)]
pub struct Destinations(BTreeMap<WebhookId, Destination>);

impl Destinations {
    /// Makes every webhook ready for use.
    ///
    /// # Errors
    /// One sentence for each address or secret that does not suit its format.
    pub fn new(settings: &Settings) -> Result<Self, Vec<String>> {
        let mut ready = BTreeMap::new();
        let mut problems = Vec::new();
        for (id, webhook) in &settings.webhooks {
            match Destination::new(webhook) {
                Ok(destination) => drop(ready.insert(id.clone(), destination)),
                Err(problem) => problems.push(format!("webhooks.{id}.{problem}")),
            }
        }
        if problems.is_empty() { Ok(Self(ready)) } else { Err(problems) }
    }

    /// Makes the body of a message for a webhook.
    ///
    /// # Errors
    /// One sentence: the webhook is not configured, or its template fails.
    pub fn render_for(
        &self,
        webhook: &WebhookId,
        message: MessageId,
        content: &Content<'_>,
    ) -> Result<Rendered, String> {
        let destination =
            self.get(webhook).ok_or_else(|| format!("webhook {webhook} is not in the configuration"))?;
        message::render(&destination.options(message), content).map_err(|problem| problem.to_string())
    }

    /// One of them.
    pub fn get(&self, id: &WebhookId) -> Option<&Destination> {
        self.0.get(id)
    }
}

impl Renderer for Destinations {
    fn render(&self, webhook: &WebhookId, alert: &AlertContent) -> Result<Rendered, String> {
        let message = MessageId::derive(&[DeliveryId::derive(alert.alert.id, webhook)]);
        self.render_for(webhook, message, &Content::Alert(alert))
    }
}
