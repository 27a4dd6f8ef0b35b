//! A message on its way: the request that carries it, and what may be kept of the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::render::Destination;
use crate::config::Settings;
use crate::config::settings::WebhookSettings;
use crate::domain::delivery::PostOutcome;
use crate::domain::{MessageId, Timestamp};
use crate::message;
use crate::ports::PostRequest;

/// A message as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// `webhook-id` on the wire.
    pub id: MessageId,
    /// The bytes, without what may not be stored.
    pub body: &'a [u8],
    /// What they are.
    pub content_type: &'a str,
}

/// The request that carries a message at `now`, signed.
pub fn request(
    settings: &Settings,
    webhook: &WebhookSettings,
    destination: &Destination,
    letter: &Letter<'_>,
    now: Timestamp,
) -> PostRequest {
    let Destination { format, target, credentials, .. } = destination;
    let body = message::finish(*format, letter.body, target, credentials, now);
    let signature = message::sign::headers(&credentials.keys, &letter.id.to_string(), now.as_secs(), &body);
    let mut headers = vec![
        ("content-type".to_owned(), SecretString::from(letter.content_type.to_owned())),
        ("user-agent".to_owned(), SecretString::from(settings.fetch.user_agent.clone())),
    ];
    headers.extend(signature.into_iter().map(|(name, value)| (name.to_owned(), SecretString::from(value))));
    headers.extend(credentials.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    PostRequest {
        url: target.url().clone(),
        body: body.into_owned(),
        headers,
        timeout: webhook.timeout,
        connect_timeout: settings.delivery.connect_timeout,
        ca_file: webhook.ca_file.clone(),
    }
}

/// What stands for a credential where it was blotted out.
pub const BLOT: &str = "***";

/// Shorter parts of an address are words like `hooks`, and to blot those out helps nobody.
const SECRET_PART: usize = 8;

/// Shorter passwords and values of a query than this would blot out more than themselves.
const SECRET_VALUE: usize = 4;

/// Without its escapes.
fn plain(escaped: &str) -> String {
    percent_encoding::percent_decode_str(escaped).decode_utf8_lossy().into_owned()
}

/// What must not be seen of a webhook: its address, the parts of it that look drawn by lot, its secrets; as they are and
/// as they are escaped.
pub(super) fn secrets_of(
    webhook: &WebhookSettings,
    destination: (&str, &message::Credentials),
) -> Vec<SecretString> {
    let (url, credentials) = destination;
    let mut parts = vec![url.to_owned()];
    let mut values = Vec::new();
    if let Ok(url) = Url::parse(url) {
        let drawn = |part: &str| part.len() >= 2 * SECRET_PART || part.bytes().any(|b| b.is_ascii_digit());
        parts.push(url[url::Position::BeforePath..].to_owned());
        let segments: Vec<&str> =
            url.path_segments().into_iter().flatten().filter(|part| drawn(part)).collect();
        parts.extend(segments.iter().map(|part| (*part).to_owned()));
        parts.extend(segments.iter().map(|part| plain(part)));
        values.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        let raw = url.query().into_iter().flat_map(|query| query.split('&'));
        values.extend(raw.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
        if let Some(password) = url.password() {
            values.extend([password.to_owned(), plain(password)]);
            let user = format!("{}:{}", plain(url.username()), plain(password));
            parts.push(STANDARD.encode(&user));
            parts.push(user);
        }
    }
    parts.extend(webhook.secrets.iter().map(|secret| secret.expose_secret().trim().to_owned()));
    parts.extend(credentials.headers.iter().map(|(_, value)| value.expose_secret().to_owned()));
    parts.retain(|part| part.len() >= SECRET_PART);
    parts.extend(values.into_iter().filter(|value| value.len() >= SECRET_VALUE));
    // The longest first, so that no part of it is left standing.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    parts.into_iter().map(SecretString::from).collect()
}

/// How many bytes of a secret's beginning stand at the end of a text.
fn half_at_end(text: &str, secret: &str) -> Option<usize> {
    let lengths = (SECRET_PART + 1..secret.len()).rev().filter(|length| secret.is_char_boundary(*length));
    lengths.into_iter().find(|length| text.ends_with(&secret[..*length]))
}

impl Destination {
    /// Blots out what a text repeats of this destination's address and secrets.
    pub fn redact(&self, text: &str) -> String {
        let text = self
            .secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), BLOT));
        // An answer is read so far and no further, perhaps into the middle of one.
        let cut = self.secrets.iter().filter_map(|secret| half_at_end(&text, secret.expose_secret())).max();
        match cut {
            Some(length) => format!("{}{BLOT}", &text[..text.len() - length]),
            None => text,
        }
    }

    /// The outcome as it may be stored, logged and shown.
    #[must_use]
    pub fn redact_outcome(&self, outcome: PostOutcome) -> PostOutcome {
        match outcome {
            PostOutcome::Answered { status, retry_after, excerpt, took } => {
                let excerpt = self.redact(&String::from_utf8_lossy(&excerpt)).into_bytes();
                PostOutcome::Answered { status, retry_after, excerpt, took }
            }
            PostOutcome::Failed { kind, message, took } => {
                PostOutcome::Failed { kind, message: self.redact(&message), took }
            }
        }
    }

    /// The host of the address, for people; the rest of it is a credential.
    pub fn shown_address(&self) -> String {
        let url = Url::parse(self.target.url().expose_secret());
        url.map_or_else(
            |_| BLOT.to_owned(),
            |url| {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{}{port}/{BLOT}", url.scheme(), url.host_str().unwrap_or_default())
            },
        )
    }
}
