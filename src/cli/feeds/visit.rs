//! Looking at addresses from the command line, under the bounds of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::cli::{Global, wire};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::config::edit::same_feed;
use crate::domain::feed::Validators;
use crate::domain::fetch::{FetchOutcome, Fetched};
use crate::http::HttpFetch;
use crate::ports::{Auth, Clock, Fetch as _, FetchRequest};

/// Whether an argument is an address rather than a file.
pub(super) fn is_address(argument: &str) -> bool {
    let scheme = argument.split("://").next().unwrap_or_default();
    argument.contains("://") && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// Reads an address as people type it: `https` where no scheme is given, `feed:` as what it stands for.
///
/// # Errors
/// One sentence, when it cannot be visited.
pub(super) fn typed_address(typed: &str) -> Result<Url, String> {
    let typed = typed.trim();
    let rest = typed.strip_prefix("feed:").unwrap_or(typed);
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let whole = if rest.contains("://") { rest.to_owned() } else { format!("https://{rest}") };
    let url = Url::parse(&whole).map_err(|problem| format!("this address cannot be read: {problem}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("only http and https addresses can be polled".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "credentials do not belong into an address; `wirewatch feeds add` takes them with --basic-user or --bearer-file"
                .to_owned()
        );
    }
    Ok(url)
}

/// What a feed needs to be let in.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    pub(super) headers: Vec<(String, SecretString)>,
    pub(super) auth: Option<Auth>,
}

/// Fetches documents once, without the database.
#[derive(Debug)]
pub(super) struct Visitor {
    fetch: HttpFetch,
    /// Credentials of the configured feeds, by what tells their addresses apart.
    known: BTreeMap<String, Credentials>,
    /// Between two requests to a host.
    pub(super) pause: Duration,
}

impl Visitor {
    /// A visitor under the bounds of the configuration, where there is one, else of the defaults.
    pub(super) fn new(global: &Global) -> anyhow::Result<Self> {
        Self::of(&wire::settings_or_defaults(global)?)
    }

    /// A visitor under the bounds of these settings.
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let fetch = HttpFetch::new(wire::limits(&settings.fetch), clock)?;
        let known = settings.feeds.values().filter_map(|feed| {
            let credentials = Credentials { headers: feed.headers.clone(), auth: feed.auth.clone() };
            Some((same_feed(&Url::parse(&feed.url).ok()?), credentials))
        });
        Ok(Self { fetch, known: known.collect(), pause: settings.fetch.per_host_delay })
    }

    /// Fetches a document whole, with the credentials of the feed that is configured under its address;
    /// the error is one sentence.
    pub(super) async fn fetch(&self, url: &str) -> Result<Box<Fetched>, String> {
        let url = Url::parse(url).map_err(|problem| format!("this address cannot be read: {problem}"))?;
        let credentials = self.known.get(&same_feed(&url)).cloned().unwrap_or_default();
        self.fetch_with(&url, credentials).await
    }

    /// Fetches a document whole; the error is one sentence.
    pub(super) async fn fetch_with(
        &self,
        url: &Url,
        credentials: Credentials,
    ) -> Result<Box<Fetched>, String> {
        let request = FetchRequest {
            url: url.to_string(),
            validators: Validators::default(),
            headers: credentials.headers,
            auth: credentials.auth,
        };
        match self.fetch.fetch(request).await {
            FetchOutcome::Fetched(fetched) => Ok(fetched),
            FetchOutcome::Unchanged(_) => {
                Err("the server says nothing changed, though nothing was known".to_owned())
            }
            FetchOutcome::Gone => Err("the server says that it is gone for good (status 410)".to_owned()),
            FetchOutcome::Throttled { status, .. } => {
                Err(format!("the server asks to be left alone for a while (status {status})"))
            }
            FetchOutcome::Crowded { after } => {
                Err(format!("the server asked to be left alone for another {} s", after.as_secs()))
            }
            FetchOutcome::Failed(failure) => Err(failure.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        let read = |typed: &str| typed_address(typed).map(String::from);
        assert_eq!(read(" example.com/news "), Ok("https://example.com/news".to_owned()));
        assert_eq!(read("feed://example.com/x"), Ok("https://example.com/x".to_owned()));
        assert_eq!(read("feed:http://example.com/x"), Ok("http://example.com/x".to_owned()));
        for bad in ["", "ftp://a.example/", "file:///etc/passwd", "https://me:secret@a.example/"] {
            let why = read(bad).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
