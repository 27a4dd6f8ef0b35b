//! What a receiver's answer means.
//!
//! A 2xx is success whatever the body says, except where a service is known to hide failures in one:
//! Telegram (`"ok": false`) and the old Microsoft Teams connectors. Some services say in the body, not in
//! `Retry-After`, when to come back; see `wait.rs`.

use serde_json::Value;

use super::clean;
use super::wait::{throttled_for, wait_in_body};
use crate::domain::delivery::Format;
use crate::domain::settle::Verdict;

/// The most characters of a receiver's own words that go into a reason.
pub const REASON_CHARS: usize = 200;

/// How deep Discord's tree of errors is searched.
const ERRORS_DEPTH: usize = 16;

/// What the old Teams connectors wrote into an answer with status 200 (Microsoft, "Rate limiting for connectors").
const TEAMS_HIDDEN_ERROR: &str = "returned HTTP error ";

/// Judges the answer to one attempt by its status and the beginning of its body.
pub fn judge(format: Format, status: u16, body: &[u8]) -> Verdict {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let status = hidden_status(format, status, body, json.as_ref()).unwrap_or(status);
    if (200..300).contains(&status) {
        return Verdict::Accepted;
    }
    let why = reason(status, body, json.as_ref());
    match status {
        429 => Verdict::Throttled { after: throttled_for(format, json.as_ref()), why },
        410 => Verdict::Gone { why },
        404 if matches!(format, Format::Slack | Format::Discord | Format::Telegram) => Verdict::Gone { why },
        // The bot was blocked, or removed from the group.
        403 if format == Format::Telegram => Verdict::Gone { why },
        401 | 403 => Verdict::Unauthorized { why },
        408 | 425 => Verdict::Failed { why },
        400..500 => Verdict::Refused { why },
        300..400 => Verdict::Failed { why: format!("{why}: redirects are not followed, change the address") },
        _ => Verdict::Failed { why },
    }
}

/// The status a service meant where it answered 2xx to a failure.
fn hidden_status(format: Format, status: u16, body: &[u8], json: Option<&Value>) -> Option<u16> {
    if !(200..300).contains(&status) {
        return None;
    }
    match format {
        Format::Telegram => {
            let refused = json?.get("ok") == Some(&Value::Bool(false));
            let code =
                json?.get("error_code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            let without_code = if wait_in_body(json?).is_some() { 429 } else { 500 };
            refused.then(|| code.filter(|code| *code >= 300).unwrap_or(without_code))
        }
        Format::Teams => {
            let text = String::from_utf8_lossy(body);
            let (_, rest) = text.split_once(TEAMS_HIDDEN_ERROR)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).take(3).collect();
            Some(digits.parse().ok().filter(|code| *code >= 300).unwrap_or(500))
        }
        Format::Standard
        | Format::Slack
        | Format::Discord
        | Format::Ntfy
        | Format::Mattermost
        | Format::Googlechat
        | Format::Matrix
        | Format::Pagerduty
        | Format::Alertmanager
        | Format::Gotify
        | Format::Pushover
        | Format::Cloudevents
        | Format::Template => None,
    }
}

fn reason(status: u16, body: &[u8], json: Option<&Value>) -> String {
    let words = match json {
        Some(json) => words_of(json),
        None => first_line(body),
    };
    let words = clean::cut_chars(&clean::line(&words.unwrap_or_default()), REASON_CHARS).into_owned();
    if words.is_empty() { format!("answered {status}") } else { format!("answered {status}: {words}") }
}

/// What a service says went wrong, from the fields they use for it.
fn words_of(json: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(chat) = json.pointer("/parameters/migrate_to_chat_id") {
        return Some(format!("the group has become a supergroup, set chat_id = \"{chat}\""));
    }
    let main =
        ["description", "message", "errorDescription", "error", "detail", "title"].into_iter().find_map(
            |key| json.get(key).and_then(|value| text(value).or_else(|| value.get("message").and_then(text))),
        );
    let detail = json.get("errors").and_then(|errors| deepest_error(errors, &mut Vec::new(), ERRORS_DEPTH));
    match (main, detail) {
        (Some(main), Some(detail)) => Some(format!("{main}: {detail}")),
        (main, detail) => main.or(detail).or_else(|| text(json)),
    }
}

/// The first error in a list of texts (PagerDuty, Pushover), or in Discord's tree, with its path.
fn deepest_error(errors: &Value, path: &mut Vec<String>, depth: usize) -> Option<String> {
    if depth == 0 {
        return None;
    }
    match errors {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.iter().find_map(|each| deepest_error(each, path, depth - 1)),
        Value::Object(map) => {
            if let Some(message) =
                map.get("_errors").and_then(|e| e.pointer("/0/message")).and_then(Value::as_str)
            {
                return Some(format!("{}: {message}", path.join(".")));
            }
            map.iter().find_map(|(key, value)| {
                path.push(key.clone());
                let found = deepest_error(value, path, depth - 1);
                path.pop();
                found
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The first line of a plain answer; a page of HTML says nothing to people reading a log.
fn first_line(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let line = text.trim_start().lines().next()?.to_owned();
    (!line.starts_with('<')).then_some(line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::wait::RETRY_AFTER_MAX;
    use super::*;

    #[track_caller]
    fn check(format: Format, status: u16, body: &str, expected: &Verdict) {
        assert_eq!(&judge(format, status, body.as_bytes()), expected);
    }

    fn throttled(millis: Option<u64>, why: &str) -> Verdict {
        Verdict::Throttled { after: millis.map(Duration::from_millis), why: why.to_owned() }
    }

    #[test]
    fn a_2xx_is_success_whatever_the_body() {
        for format in Format::ALL {
            for body in ["", "ok", "{}", "<html>", r#"{"error":"no"}"#, "\u{0}\u{1}"] {
                for status in [200, 201, 202, 204] {
                    check(format, status, body, &Verdict::Accepted);
                }
            }
        }
    }

    #[test]
    fn telegram_and_old_teams_hide_failures() {
        check(Format::Telegram, 200, r#"{"ok":true,"result":{}}"#, &Verdict::Accepted);
        check(
            Format::Telegram,
            200,
            r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
            &Verdict::Refused { why: "answered 400: Bad Request: chat not found".into() },
        );
        check(
            Format::Telegram,
            200,
            r#"{"ok":false,"description":"slow down","parameters":{"retry_after":3}}"#,
            &throttled(Some(3000), "answered 429: slow down"),
        );
        check(
            Format::Teams,
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
            &throttled(
                None,
                "answered 429: Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
            ),
        );
    }

    #[test]
    fn the_wait_is_read_where_each_service_puts_it() {
        check(
            Format::Discord,
            429,
            r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#,
            &throttled(Some(64_570), "answered 429: You are being rate limited."),
        );
        check(
            Format::Telegram,
            429,
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 31","parameters":{"retry_after":31}}"#,
            &throttled(Some(31_000), "answered 429: Too Many Requests: retry after 31"),
        );
        check(
            Format::Slack,
            429,
            r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#,
            &throttled(Some(1000), "answered 429: rate_limited"),
        );
        check(
            Format::Matrix,
            429,
            r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}"#,
            &throttled(Some(2000), "answered 429"),
        );
        for hostile in ["-1", "1e308", "\"soon\"", "null"] {
            let body = format!(r#"{{"retry_after":{hostile}}}"#);
            let Verdict::Throttled { after, .. } = judge(Format::Discord, 429, body.as_bytes()) else {
                panic!("429 is throttled")
            };
            assert!(after.is_none_or(|after| after <= RETRY_AFTER_MAX));
        }
    }

    #[test]
    fn who_does_not_say_how_long_is_left_alone_as_documented() {
        for (format, body, seconds) in [
            (Format::Ntfy, r#"{"code":42901,"http":429,"error":"limit reached"}"#, Some(5)),
            (Format::Ntfy, r#"{"code":42908,"http":429,"error":"daily"}"#, Some(3600)),
            (Format::Googlechat, r#"{"error":{"code":429,"message":"Resource exhausted"}}"#, Some(60)),
            (Format::Pagerduty, "", Some(180)),
            (Format::Pushover, r#"{"status":0,"errors":["quota"]}"#, Some(3600)),
            (Format::Pushover, r#"{"retry_after":2}"#, Some(2)),
            (Format::Standard, "", None),
        ] {
            let Verdict::Throttled { after, .. } = judge(format, 429, body.as_bytes()) else {
                panic!("429 is throttled")
            };
            assert_eq!(after.map(|wait| wait.as_secs()), seconds, "{format}: {body}");
        }
    }

    #[test]
    fn slack_and_discord_say_which_message_is_wrong_and_which_hook_is_gone() {
        let why = |status: u16, word: &str| format!("answered {status}: {word}");
        for word in ["invalid_payload", "no_text", "invalid_blocks", "msg_blocks_too_long"] {
            check(Format::Slack, 400, word, &Verdict::Refused { why: why(400, word) });
        }
        for (status, word) in [(404, "no_service"), (410, "channel_is_archived")] {
            check(Format::Slack, status, word, &Verdict::Gone { why: why(status, word) });
        }
        let word = "action_prohibited";
        check(Format::Slack, 403, word, &Verdict::Unauthorized { why: why(403, word) });
        check(Format::Slack, 500, "rollup_error", &Verdict::Failed { why: why(500, "rollup_error") });
        let word = "Unknown Webhook";
        let body = r#"{"message":"Unknown Webhook","code":10015}"#;
        check(Format::Discord, 404, body, &Verdict::Gone { why: why(404, word) });
    }

    #[test]
    fn what_will_never_work_is_told_from_what_may() {
        check(
            Format::Slack,
            404,
            "channel_not_found",
            &Verdict::Gone { why: "answered 404: channel_not_found".into() },
        );
        check(Format::Standard, 404, "", &Verdict::Refused { why: "answered 404".into() });
        check(Format::Standard, 410, "<html>gone</html>", &Verdict::Gone { why: "answered 410".into() });
        check(
            Format::Telegram,
            403,
            r#"{"ok":false,"description":"Forbidden: bot was kicked"}"#,
            &Verdict::Gone { why: "answered 403: Forbidden: bot was kicked".into() },
        );
        check(
            Format::Discord,
            400,
            r#"{"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"title":{"_errors":[{"code":"X","message":"Must be 256 or fewer in length."}]}}}}}"#,
            &Verdict::Refused {
                why: "answered 400: Invalid Form Body: embeds.0.title: Must be 256 or fewer in length."
                    .into(),
            },
        );
        check(
            Format::Pushover,
            400,
            r#"{"user":"invalid","errors":["user identifier is invalid"],"status":0}"#,
            &Verdict::Refused { why: "answered 400: user identifier is invalid".into() },
        );
        check(
            Format::Standard,
            301,
            "",
            &Verdict::Failed { why: "answered 301: redirects are not followed, change the address".into() },
        );
        check(
            Format::Slack,
            401,
            "invalid_token",
            &Verdict::Unauthorized { why: "answered 401: invalid_token".into() },
        );
        for status in [408, 425, 500, 502, 503, 504, 599, 100, 700] {
            assert!(matches!(judge(Format::Standard, status, b""), Verdict::Failed { .. }), "{status}");
        }
    }

    #[test]
    fn a_hostile_answer_stays_one_short_line() {
        let body = format!("\u{1b}[31m{}\r\nsecond", "x".repeat(10_000));
        let verdict = judge(Format::Standard, 500, body.as_bytes());
        let why = verdict.why().expect("a failure has a reason");
        assert!(why.chars().count() < REASON_CHARS + 20 && !why.chars().any(char::is_control), "{why}");
    }
}
