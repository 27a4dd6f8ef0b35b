//! The client's errors in words for people, without addresses.

use std::error::Error;
use std::io;

use super::guard::Forbidden;
use crate::domain::fetch::FailureKind;

/// What kind of failure an error of the client is, and one sentence on it. `whom` is the host asked.
pub(super) fn describe(problem: &reqwest::Error, whom: &str) -> (FailureKind, String) {
    if let Some(forbidden) = find::<Forbidden>(problem) {
        return (FailureKind::Blocked, format!("{whom}: {forbidden}"));
    }
    if let Some(tls) = find::<rustls::Error>(problem) {
        return (FailureKind::Tls, format!("no secure connection to {whom}: {tls}"));
    }
    if problem.is_timeout() {
        let what = if problem.is_connect() { "no connection to" } else { "no answer from" };
        return (FailureKind::Timeout, format!("{what} {whom} in time"));
    }
    let io = find::<io::Error>(problem);
    if problem.is_connect() {
        if texts(problem).iter().any(|text| text.contains("dns error") || text.contains("lookup address")) {
            return (FailureKind::Dns, format!("the name {whom} does not resolve"));
        }
        let why = io.map(|io| format!(": {}", reason(io))).unwrap_or_default();
        return (FailureKind::Connect, format!("no connection to {whom}{why}"));
    }
    if problem.is_builder() {
        return (FailureKind::Blocked, format!("the address for {whom} cannot be asked for"));
    }
    let why = io.map(|io| format!(": {}", reason(io))).unwrap_or_default();
    (FailureKind::Broken, format!("the connection to {whom} broke before the answer was whole{why}"))
}

fn reason(problem: &io::Error) -> String {
    // `ErrorKind` prints these as "connection refused", "network unreachable" and so on, without an errno.
    problem.kind().to_string()
}

fn find<'a, E: Error + 'static>(problem: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(problem);
    while let Some(problem) = next {
        if let Some(found) = problem.downcast_ref::<E>() {
            return Some(found);
        }
        // An io::Error hides what it wraps from `source`.
        if let Some(inner) = problem.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        next = problem.source();
    }
    None
}

fn texts(problem: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = Some(problem);
    while let Some(problem) = next {
        texts.push(problem.to_string());
        next = problem.source();
    }
    texts
}
