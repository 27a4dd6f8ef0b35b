//! How long a service that answers 429 wants to be left alone.

use std::time::Duration;

use serde_json::Value;

use crate::domain::delivery::Format;

/// The longest wait taken from a body; a longer one is a mistake of the receiver.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(7 * 24);

/// ntfy's error code for a day's messages used up; all others pass within seconds.
const NTFY_QUOTA: u64 = 42_908;

/// ntfy allows one message in five seconds after a burst.
const NTFY_WAIT: Duration = Duration::from_secs(5);

/// Google Chat counts what all applications write into a space in a minute.
const GOOGLECHAT_WAIT: Duration = Duration::from_mins(1);

/// PagerDuty asks for a few minutes.
const PAGERDUTY_WAIT: Duration = Duration::from_mins(3);

/// Between looks whether a used-up quota (ntfy's of the day, Pushover's of the month) is there again.
const QUOTA_WAIT: Duration = Duration::from_hours(1);

/// How long a service that throttles wants to be left alone: as its answer says, else as its documentation does.
pub(super) fn throttled_for(format: Format, json: Option<&Value>) -> Option<Duration> {
    json.and_then(wait_in_body).or_else(|| match format {
        Format::Ntfy => {
            let used_up = json.and_then(|body| body.get("code")).and_then(Value::as_u64) == Some(NTFY_QUOTA);
            Some(if used_up { QUOTA_WAIT } else { NTFY_WAIT })
        }
        Format::Googlechat => Some(GOOGLECHAT_WAIT),
        Format::Pagerduty => Some(PAGERDUTY_WAIT),
        Format::Pushover => Some(QUOTA_WAIT),
        Format::Standard
        | Format::Slack
        | Format::Discord
        | Format::Teams
        | Format::Telegram
        | Format::Mattermost
        | Format::Matrix
        | Format::Alertmanager
        | Format::Gotify
        | Format::Cloudevents
        | Format::Template => None,
    })
}

/// How long to wait: Discord and Slack `retry_after` (seconds, Discord with a fraction), Telegram
/// `parameters.retry_after`, Matrix `retry_after_ms`.
pub(super) fn wait_in_body(body: &Value) -> Option<Duration> {
    let seconds = body
        .get("retry_after")
        .or_else(|| body.pointer("/parameters/retry_after"))
        .and_then(Value::as_f64)
        .or_else(|| body.get("retry_after_ms").and_then(Value::as_f64).map(|ms| ms / 1000.0))?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(RETRY_AFTER_MAX))
}
