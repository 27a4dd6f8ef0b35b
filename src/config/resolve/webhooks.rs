//! Webhooks: that what their format needs is there, and what it has no use for is not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::Resolver;
use super::entries::unreachable_address;
use super::fields::Fields;
use crate::config::secret::SecretUrl;
use crate::config::settings::{DeliverySettings, WebhookSettings};
use crate::config::units::parse_rate;
use crate::domain::WebhookId;
use crate::domain::delivery::Format;
use crate::message::{Credentials, SecretUse, TEMPLATE_NAMES, Target, Template, secret_use};

const URL_FORMS: [&str; 3] = ["url", "url_env", "url_file"];
const SECRET_FORMS: [&str; 3] = ["secret", "secret_env", "secret_file"];

impl Resolver<'_> {
    pub(super) fn webhooks(
        &mut self,
        delivery: &DeliverySettings,
        zone: &TimeZone,
    ) -> BTreeMap<WebhookId, WebhookSettings> {
        let mut webhooks = BTreeMap::new();
        for (id, fields) in self.entries("webhooks") {
            if !URL_FORMS.iter().any(|form| fields.is_given(form)) {
                let help = "give its address as url_env = \"VARIABLE\" or url_file = \"FILE\", or as url";
                self.missing(&fields, "webhooks", &id, "url", help);
            }
            // A format that is wrong is reported already; what it needs is not known.
            let format: Option<Format> = fields.text("format").and_then(|word| word.parse().ok());
            if let Some(format) = format {
                self.keys_of_format(&fields, &id, format);
            }
            let url = self.webhook_url(&fields, format);
            let secrets = self.webhook_secrets(&fields, &id, format);
            let ca_file = self.ca_file(&fields);
            let hold = self.webhook_hold(&fields, zone);
            let Ok(id) = WebhookId::parse(&id) else { continue };
            let settings = WebhookSettings {
                url: url.unwrap_or_else(unreachable_address),
                format: format.unwrap_or_default(),
                secrets,
                timeout: fields.optional_duration("timeout").unwrap_or(delivery.timeout),
                max_in_flight: fields.count("max_in_flight"),
                rate: match fields.text("rate").map(parse_rate) {
                    Some(Ok(rate)) => rate,
                    // A rate that is wrong is reported already.
                    Some(Err(_)) | None => format.and_then(Format::documented_rate),
                },
                give_up_after: fields.optional_duration("give_up_after").unwrap_or(delivery.give_up_after),
                chat_id: fields.owned_text("chat_id"),
                template: fields.owned_text("template"),
                hold,
                ca_file,
            };
            webhooks.insert(id, settings);
        }
        webhooks
    }

    /// `chat_id` and `template`: there where the format needs them, and nowhere else.
    fn keys_of_format(&mut self, fields: &Fields<'_>, id: &str, format: Format) {
        let chat = match format {
            Format::Telegram => Some("give the chat: chat_id = \"-1001234567890\" or \"@name\""),
            Format::Pushover => Some("give the user or group key: chat_id = \"u…\""),
            Format::Standard
            | Format::Slack
            | Format::Discord
            | Format::Teams
            | Format::Ntfy
            | Format::Mattermost
            | Format::Googlechat
            | Format::Matrix
            | Format::Pagerduty
            | Format::Alertmanager
            | Format::Gotify
            | Format::Cloudevents
            | Format::Template => None,
        };
        if let Some(help) = chat {
            self.missing(fields, "webhooks", id, "chat_id", help);
        } else if fields.is_given("chat_id") {
            self.error(
                "contradiction",
                fields.place("chat_id"),
                format!("`chat_id` says nothing to a webhook with the format `{format}`"),
                "remove it, or set format = \"telegram\" or \"pushover\"",
            );
        }
        if format == Format::Template {
            let help = "give what is sent: template = '{\"text\": {{ text }}}'";
            self.missing(fields, "webhooks", id, "template", help);
            self.template(fields);
        } else if fields.is_given("template") {
            self.error(
                "contradiction",
                fields.place("template"),
                format!("`template` says nothing to a webhook with the format `{format}`"),
                "remove it, or set format = \"template\"",
            );
        }
    }

    /// A template must make JSON of every kind of message, before one has to be sent.
    fn template(&mut self, fields: &Fields<'_>) {
        let Some(source) = fields.text("template") else { return };
        if let Err(problem) = Template::parse(source).and_then(|template| template.try_out()) {
            let help = format!("there is {}; what an article lacks is none", TEMPLATE_NAMES.join(", "));
            self.error("bad-template", fields.place("template"), format!("the template {problem}"), help);
        }
    }

    fn webhook_url(&mut self, fields: &Fields<'_>, format: Option<Format>) -> Option<SecretUrl> {
        let url = self.secret_url(fields, "url", false)?;
        if let Some(Err(problem)) = format.map(|format| Target::new(format, url.expose())) {
            let help = "copy it whole from the service, or set another `format`";
            self.error("bad-url", fields.written_last(URL_FORMS), format!("the address {problem}"), help);
            return None;
        }
        Some(url)
    }

    fn webhook_secrets(
        &mut self,
        fields: &Fields<'_>,
        id: &str,
        format: Option<Format>,
    ) -> Vec<SecretString> {
        let Some(format) = format else { return Vec::new() };
        let given = SECRET_FORMS.iter().any(|form| fields.is_given(form));
        if secret_use(format) == SecretUse::Signs {
            return self.signing_secrets(fields);
        }
        let secrets: Vec<SecretString> =
            self.credentials(fields, "secret").into_iter().map(super::secrets::Found::into_secret).collect();
        if given && secrets.is_empty() {
            // Reported already, and perhaps there for the daemon.
            return secrets;
        }
        let Err(problem) = Credentials::new(format, &secrets) else { return secrets };
        let help = if secret_use(format) == SecretUse::Unused {
            "remove it"
        } else {
            "give it as secret_env = \"VARIABLE\" or secret_file = \"FILE\", or as secret"
        };
        if given {
            self.error("bad-secret", fields.written_last(SECRET_FORMS), problem.to_string(), help);
        } else if self.is_trusted(&fields.at) {
            self.error("missing-key", fields.at.clone(), format!("[webhooks.{id}]: {problem}"), help);
        }
        secrets
    }

    fn ca_file(&mut self, fields: &Fields<'_>) -> Option<PathBuf> {
        let named = fields.text("ca_file")?;
        let place = fields.place("ca_file");
        let path = super::relative_to(&place, named);
        match crate::config::load::bounded(&path, 16 << 20) {
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                self.unreachable(place, message, "let the user wirewatch runs as read it");
            }
            Ok(bytes) if !bytes.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") => {
                let message = format!("{} holds no certificate", path.display());
                self.error(
                    "bad-ca-file",
                    place,
                    message,
                    "give a file in PEM form (-----BEGIN CERTIFICATE-----)",
                );
            }
            Ok(bytes) => self.hash.update(&bytes),
        }
        Some(path)
    }
}
