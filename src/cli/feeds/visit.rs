//! Looking at addresses from the command line, under the bounds of the configuration.

use std::sync::Arc;

use url::Url;

use crate::cli::{Global, wire};
use crate::clock::SystemClock;
use crate::domain::feed::Validators;
use crate::domain::fetch::{FetchOutcome, Fetched};
use crate::http::HttpFetch;
use crate::ports::{Clock, Fetch as _, FetchRequest};

/// Whether an argument is an address rather than a file.
pub(super) fn is_address(argument: &str) -> bool {
    let scheme = argument.split("://").next().unwrap_or_default();
    argument.contains("://") && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// Fetches documents once, without the database.
#[derive(Debug)]
pub(super) struct Visitor {
    fetch: HttpFetch,
}

impl Visitor {
    /// A visitor under the bounds of the configuration, where there is one, else of the defaults.
    pub(super) fn new(global: &Global) -> anyhow::Result<Self> {
        let settings = wire::settings_or_defaults(global)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self { fetch: HttpFetch::new(wire::limits(&settings.fetch), clock)? })
    }

    /// Fetches a document whole; the error is one sentence.
    pub(super) async fn fetch(&self, url: &str) -> Result<Box<Fetched>, String> {
        let url = Url::parse(url).map_err(|problem| format!("this address cannot be read: {problem}"))?;
        let request = FetchRequest {
            url: url.into(),
            validators: Validators::default(),
            headers: Vec::new(),
            auth: None,
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
            FetchOutcome::Failed(failure) => Err(failure.message),
        }
    }
}
