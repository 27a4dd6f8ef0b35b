//! What headers say about time: `Cache-Control`, `Age`, `Expires`, `Retry-After` (RFC 9111, RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName, RETRY_AFTER};

/// Where larger numbers saturate (RFC 9111 §1.2.2).
const MAX_SECONDS: u64 = 1 << 31;

/// For how long an answer stays fresh; `None` when the headers say nothing about it.
///
/// `max-age` less `Age` beats `Expires` less `Date`; `no-cache` and `no-store` count as stale, as does what cannot be read.
pub fn fresh_for(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(max_age) = max_age(headers) {
        return Some(max_age.saturating_sub(age(headers)));
    }
    if is_uncacheable(headers) {
        return Some(Duration::ZERO);
    }
    let Some(expires) = text(headers, &EXPIRES) else {
        return headers.contains_key(CACHE_CONTROL).then_some(Duration::ZERO);
    };
    let Ok(expires) = httpdate::parse_http_date(expires.trim()) else { return Some(Duration::ZERO) };
    let date =
        text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    Some(expires.duration_since(date).unwrap_or_default())
}

/// `max-age`, unless the answer may not be kept at all.
pub fn max_age(headers: &HeaderMap) -> Option<Duration> {
    if is_uncacheable(headers) {
        return None;
    }
    let (_, seconds_given) = directives(headers).into_iter().find(|(name, _)| name == "max-age")?;
    Some(Duration::from_secs(seconds(seconds_given.trim().trim_matches('"'))))
}

/// How old the answer was when it came.
pub fn age(headers: &HeaderMap) -> Duration {
    Duration::from_secs(text(headers, &AGE).map_or(0, |age| seconds(age.trim())))
}

fn is_uncacheable(headers: &HeaderMap) -> bool {
    directives(headers).iter().any(|(name, _)| matches!(name.as_str(), "no-cache" | "no-store"))
}

/// The directives of `Cache-Control`: names in lower case, arguments as they stand.
fn directives(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut directives = Vec::new();
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in split_quoted(&String::from_utf8_lossy(value.as_bytes())) {
            let (name, argument) = directive.split_once('=').unwrap_or((&directive, ""));
            directives.push((name.trim().to_ascii_lowercase(), argument.to_owned()));
        }
    }
    directives
}

/// What `Retry-After` asks for, as seconds or as a date; `None` when it is absent or cannot be read.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(seconds(value)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let date =
        text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    at.duration_since(date).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Delta-seconds, saturating; what is no number is zero.
fn seconds(text: &str) -> u64 {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(MAX_SECONDS).min(MAX_SECONDS)
}

/// Splits at commas that are not inside quotes.
fn split_quoted(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &'static str)], expected: Option<u64>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(fresh_for(&headers(pairs), now), expected.map(Duration::from_secs), "{pairs:?}");
    }

    #[test]
    fn freshness_is_what_the_rfc_says() {
        check(&[], None);
        check(&[("cache-control", "max-age=600")], Some(600));
        check(&[("cache-control", "public, Max-Age=\"600\"")], Some(600));
        check(&[("cache-control", "s-maxage=9, x-max-age=7, max-age=60"), ("age", "20")], Some(40));
        check(&[("cache-control", "private=\"a, max-age=5\", max-age=60")], Some(60));
        check(&[("cache-control", "max-age=99999999999999999999")], Some(MAX_SECONDS));
        check(&[("cache-control", "max-age=60, no-cache")], Some(0));
        check(&[("cache-control", "public")], Some(0));
        check(&[("cache-control", "max-age=60"), ("age", "99999999999999999999")], Some(0));
        check(&[("cache-control", "max-age=-1")], Some(0));
        check(&[("expires", "0")], Some(0));
        check(&[("expires", "Sun, 06 Nov 1994 09:49:37 GMT")], Some(3600));
        check(
            &[("expires", "Sun, 06 Nov 1994 09:49:37 GMT"), ("date", "Sun, 06 Nov 1994 09:39:37 GMT")],
            Some(600),
        );
        check(&[("cache-control", "max-age=5"), ("expires", "Sun, 06 Nov 1994 09:49:37 GMT")], Some(5));
    }

    #[test]
    fn retry_after_comes_in_two_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let ask = |value: &'static str| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(ask("120"), Some(Duration::from_secs(120)));
        assert_eq!(ask("Sun, 06 Nov 1994 08:59:37 GMT"), Some(Duration::from_secs(600)));
        assert_eq!(ask("Sun, 06 Nov 1994 07:59:37 GMT"), None);
        assert_eq!(ask("99999999999999999999999"), Some(Duration::from_secs(MAX_SECONDS)));
        assert_eq!([ask("soon"), ask(""), ask("-3")], [None; 3]);
    }
}
