//! Where a message is really posted to, and where each service wants its credentials.
//!
//! One rule for credentials:
//!
//! - What stands in the address stays in the address; the whole address is a secret.
//! - `secret` signs for `standard`, `cloudevents` and `template`; it becomes a header for `ntfy`, `gotify`,
//!   `alertmanager`, and for `template` when it is not a `whsec_…`; PagerDuty and Pushover take it in the body.
//! - What belongs in the body but must not be stored is put in at the time of sending, by [`finish`]:
//!   stored bodies hold no secret. That is PagerDuty's `routing_key`, Pushover's `token`, and the ntfy
//!   topic (on a public server its name is the password).
//! - The others take no `secret`: for them one is refused, so that nothing the user wrote is ignored.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::sign::{KeyError, MAX_KEYS, SECRET_PREFIX, SigningKey};
use crate::domain::Timestamp;
use crate::domain::delivery::Format;

/// The longest topic name ntfy takes (its `topicRegex`, `^[-_A-Za-z0-9]{1,64}$`).
pub const NTFY_TOPIC_CHARS: usize = 64;

/// The length of a PagerDuty integration key (Events API v2, `routing_key`).
pub const PAGERDUTY_KEY_CHARS: usize = 32;

/// The length of a Pushover application token (Pushover API, "Application Registration").
pub const PUSHOVER_TOKEN_CHARS: usize = 30;

/// For how long an alert fires in Alertmanager after it was sent.
///
/// News has no end of its own; without `endsAt` it would resolve after `resolve_timeout` (5 min), before a group's next `group_interval` (5 min).
pub const ALERTMANAGER_HOLD: Duration = Duration::from_hours(1);

/// Where messages go. Neither the address nor the topic can be printed.
#[derive(Clone, Debug)]
pub struct Target {
    url: SecretString,
    ntfy_topic: Option<SecretString>,
}

/// Why an address does not suit its format. Never holds any of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It does not parse, or has no host.
    #[error("is not an address: write https://host/path")]
    NotUrl,
    /// It is not for the web.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// ntfy's topic is missing or cannot be one.
    #[error("must end in the ntfy topic, 1 to 64 of A-Z a-z 0-9 - _, as in https://ntfy.sh/my-topic")]
    NtfyTopic,
    /// Not the address of a Telegram bot.
    #[error("must be https://api.telegram.org/bot<token>/sendMessage")]
    Telegram,
    /// Not the address of a Discord webhook.
    #[error("must be https://discord.com/api/webhooks/<id>/<token>, with nothing after the token")]
    Discord,
}

impl Target {
    /// Reads the address the user wrote and completes it as its service needs it: Discord's `wait=true`, the
    /// root of an ntfy server, Telegram's `sendMessage`, and the usual path of PagerDuty, Pushover, Gotify and
    /// Alertmanager where the address names only the host.
    ///
    /// # Errors
    /// When it is no http(s) address, or lacks what its service needs in it.
    pub fn new(format: Format, url: &str) -> Result<Self, TargetError> {
        let Ok(mut url) = Url::parse(url.trim()) else { return Err(TargetError::NotUrl) };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if !url.has_host() {
            return Err(TargetError::NotUrl);
        }
        url.set_fragment(None);
        let mut ntfy_topic = None;
        match format {
            Format::Discord => discord_target(&mut url)?,
            Format::Telegram => telegram_target(&mut url)?,
            Format::Ntfy => ntfy_topic = Some(split_ntfy_topic(&mut url)?.into()),
            Format::Gotify => complete_path(&mut url, "/message"),
            Format::Alertmanager => complete_path(&mut url, "/api/v2/alerts"),
            Format::Pagerduty if url.path() == "/" => url.set_path("/v2/enqueue"),
            Format::Pushover if url.path() == "/" => url.set_path("/1/messages.json"),
            Format::Standard
            | Format::Slack
            | Format::Teams
            | Format::Mattermost
            | Format::Googlechat
            | Format::Matrix
            | Format::Pagerduty
            | Format::Pushover
            | Format::Cloudevents
            | Format::Template => {}
        }
        Ok(Self { url: String::from(url).into(), ntfy_topic })
    }

    /// The address to post to.
    pub const fn url(&self) -> &SecretString {
        &self.url
    }
}

/// Without `wait=true` Discord does not say when it could not save a message.
fn discord_target(url: &mut Url) -> Result<(), TargetError> {
    let segments: Vec<&str> = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty()).collect();
    let is_webhook = segments.iter().rev().nth(2) == Some(&"webhooks");
    if !is_webhook {
        return Err(TargetError::Discord);
    }
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(name, _)| name != "wait").map(|(n, v)| (n.into(), v.into())).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("wait", "true");
    Ok(())
}

fn telegram_target(url: &mut Url) -> Result<(), TargetError> {
    let path = url.path().trim_end_matches('/').to_owned();
    let is_bot = |segment: &str| segment.len() > "bot".len() && segment.starts_with("bot");
    let mut last_two = path.rsplit('/');
    match (last_two.next(), last_two.next()) {
        (Some(last), _) if is_bot(last) => url.set_path(&format!("{path}/sendMessage")),
        (Some(last), Some(bot)) if is_bot(bot) && last.eq_ignore_ascii_case("sendmessage") => {
            url.set_path(&path);
        }
        _ => return Err(TargetError::Telegram),
    }
    Ok(())
}

/// ntfy takes JSON at its root only, with the topic inside.
fn split_ntfy_topic(url: &mut Url) -> Result<String, TargetError> {
    let path = url.path().trim_end_matches('/').to_owned();
    let (root, topic) = path.rsplit_once('/').ok_or(TargetError::NtfyTopic)?;
    let is_topic = (1..=NTFY_TOPIC_CHARS).contains(&topic.len())
        && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_topic {
        return Err(TargetError::NtfyTopic);
    }
    url.set_path(&format!("{root}/"));
    Ok(topic.to_owned())
}

fn complete_path(url: &mut Url, end: &str) {
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(end) {
        let path = format!("{path}{end}");
        url.set_path(&path);
    }
}

/// What a service does with the webhook's `secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// It signs every message (`whsec_…`); may be absent.
    Signs,
    /// It signs if it is a `whsec_…`, else it is sent as `Authorization`; may be absent.
    SignsOrAuthorizes,
    /// It is sent as `Authorization`: `Basic` for `user:password`, else `Bearer`; may be absent.
    Authorizes,
    /// It is sent as `X-Gotify-Key`; may be absent when the address has `?token=`.
    GotifyKey,
    /// It goes into the body under this name when the message is sent; must be there.
    InBody(&'static str),
    /// There is no use for one: the address is the credential.
    Unused,
}

/// What `format` does with a secret.
pub const fn secret_use(format: Format) -> SecretUse {
    match format {
        Format::Standard | Format::Cloudevents => SecretUse::Signs,
        Format::Template => SecretUse::SignsOrAuthorizes,
        Format::Ntfy | Format::Alertmanager => SecretUse::Authorizes,
        Format::Gotify => SecretUse::GotifyKey,
        Format::Pagerduty => SecretUse::InBody("routing_key"),
        Format::Pushover => SecretUse::InBody("token"),
        Format::Slack
        | Format::Discord
        | Format::Teams
        | Format::Telegram
        | Format::Mattermost
        | Format::Googlechat
        | Format::Matrix => SecretUse::Unused,
    }
}

/// What proves to a receiver that a message is ours.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Keys that sign every attempt, newest first.
    pub keys: Vec<SigningKey>,
    /// Headers to send with every attempt.
    pub headers: Vec<(&'static str, SecretString)>,
    in_body: Option<SecretString>,
}

/// Why a secret does not suit its format. Never holds any of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// More than [`MAX_KEYS`].
    #[error("{0} secrets; at most {MAX_KEYS} sign at a time")]
    TooMany(usize),
    /// Several where the service knows one.
    #[error("`{0}` takes one secret; a list is for signing")]
    OnlyOne(Format),
    /// One where the service has no use for it.
    #[error("`{0}` takes no secret: its address is the credential")]
    Unused(Format),
    /// None where the service needs one.
    #[error("`{0}` needs a secret: the {what}", what = wanted_secret(*.0))]
    Missing(Format),
    /// It cannot be what the service calls for.
    #[error("this secret is not a {what}", what = wanted_secret(*.0))]
    Shape(Format),
}

const fn wanted_secret(format: Format) -> &'static str {
    match format {
        Format::Pagerduty => "integration key, 32 letters and digits",
        Format::Pushover => "application token, 30 letters and digits",
        Format::Standard
        | Format::Slack
        | Format::Discord
        | Format::Teams
        | Format::Telegram
        | Format::Ntfy
        | Format::Mattermost
        | Format::Googlechat
        | Format::Matrix
        | Format::Alertmanager
        | Format::Gotify
        | Format::Cloudevents
        | Format::Template => "value for a header: printable ASCII, not empty",
    }
}

impl Credentials {
    /// Sorts the secrets of a webhook (newest first; space around them does not count) to where its format wants them.
    ///
    /// # Errors
    /// When a secret is missing, of no use, or cannot be what the service calls for.
    pub fn new(format: Format, secrets: &[SecretString]) -> Result<Self, SecretError> {
        let first = secrets.first().map(|s| s.expose_secret().trim());
        let mut credentials = Self::default();
        match (secret_use(format), first) {
            (SecretUse::InBody(_), None) => return Err(SecretError::Missing(format)),
            (_, None) => {}
            (SecretUse::Unused, Some(_)) => return Err(SecretError::Unused(format)),
            (SecretUse::Signs, Some(_)) => credentials.keys = signing_keys(secrets)?,
            (SecretUse::SignsOrAuthorizes, Some(secret)) if secret.starts_with(SECRET_PREFIX) => {
                credentials.keys = signing_keys(secrets)?;
            }
            (_, Some(_)) if secrets.len() > 1 => return Err(SecretError::OnlyOne(format)),
            (SecretUse::Authorizes | SecretUse::SignsOrAuthorizes, Some(secret)) => {
                credentials.headers.push(("authorization", authorization(format, secret)?));
            }
            (SecretUse::GotifyKey, Some(secret)) => {
                credentials.headers.push(("x-gotify-key", header_value(format, secret)?.into()));
            }
            (SecretUse::InBody(_), Some(secret)) => credentials.in_body = Some(body_key(format, secret)?),
        }
        Ok(credentials)
    }
}

fn signing_keys(secrets: &[SecretString]) -> Result<Vec<SigningKey>, SecretError> {
    if secrets.len() > MAX_KEYS {
        return Err(SecretError::TooMany(secrets.len()));
    }
    let keys: Result<_, KeyError> = secrets.iter().map(|s| SigningKey::parse(s.expose_secret())).collect();
    Ok(keys?)
}

fn authorization(format: Format, secret: &str) -> Result<SecretString, SecretError> {
    let secret = header_value(format, secret)?;
    Ok(if secret.contains(':') {
        format!("Basic {}", STANDARD.encode(secret)).into()
    } else {
        format!("Bearer {secret}").into()
    })
}

fn header_value(format: Format, secret: &str) -> Result<&str, SecretError> {
    let fits = !secret.is_empty() && secret.bytes().all(|b| (b' '..=b'~').contains(&b));
    if fits { Ok(secret) } else { Err(SecretError::Shape(format)) }
}

fn body_key(format: Format, secret: &str) -> Result<SecretString, SecretError> {
    let chars = if format == Format::Pagerduty { PAGERDUTY_KEY_CHARS } else { PUSHOVER_TOKEN_CHARS };
    if secret.len() == chars && secret.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(secret.into())
    } else {
        Err(SecretError::Shape(format))
    }
}

/// Makes the bytes to send from the bytes stored.
///
/// Puts in what must not be stored (see the top of this file) and what is only known now (Alertmanager's
/// `endsAt`). For all other formats the bytes to send are the stored bytes.
/// Signatures are made over what this returns. The same input gives the same bytes.
pub fn finish<'a>(
    format: Format,
    stored: &'a [u8],
    target: &Target,
    credentials: &Credentials,
    now: Timestamp,
) -> Cow<'a, [u8]> {
    let changed = match format {
        Format::Pagerduty => insert(stored, "routing_key", credentials.in_body.as_ref()),
        Format::Pushover => insert(stored, "token", credentials.in_body.as_ref()),
        Format::Ntfy => insert(stored, "topic", target.ntfy_topic.as_ref()),
        Format::Alertmanager => with_ends(stored, now),
        Format::Standard
        | Format::Slack
        | Format::Discord
        | Format::Teams
        | Format::Telegram
        | Format::Mattermost
        | Format::Googlechat
        | Format::Matrix
        | Format::Gotify
        | Format::Cloudevents
        | Format::Template => None,
    };
    changed.map_or(Cow::Borrowed(stored), Cow::Owned)
}

fn insert(stored: &[u8], key: &str, value: Option<&SecretString>) -> Option<Vec<u8>> {
    let mut body: Map<String, Value> = serde_json::from_slice(stored).ok()?;
    body.insert(key.to_owned(), value?.expose_secret().into());
    serde_json::to_vec(&body).ok()
}

fn with_ends(stored: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let mut alerts: Vec<Map<String, Value>> = serde_json::from_slice(stored).ok()?;
    for alert in &mut alerts {
        let starts = alert.get("startsAt").and_then(Value::as_str).and_then(Timestamp::parse_rfc3339);
        // The article may be from a clock ahead of ours; an end before the start would be refused.
        let ends = now.max(starts.unwrap_or(now)).plus(ALERTMANAGER_HOLD);
        alert.entry("endsAt").or_insert_with(|| ends.to_string().into());
    }
    serde_json::to_vec(&alerts).ok()
}
