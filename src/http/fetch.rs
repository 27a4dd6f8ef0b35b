//! Fetching feeds: conditional, bounded, redirects followed by our own rules.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, USER_AGENT,
};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::client::{ClientError, builder};
use super::decode::{DecodeError, decode, is_gzip};
use super::errors::describe;
use super::freshness::{age, fresh_for, max_age, retry_after};
use super::guard::Guard;
use super::turns::Turns;
use crate::domain::feed::{Validators, polled_host};
use crate::domain::fetch::{AnswerMeta, FailureKind, FetchFailure, FetchOutcome, Fetched};
use crate::ports::{Auth, Clock, Fetch, FetchRequest};

/// The bounds of a visit; every number is a key of `[fetch]`.
#[derive(Clone, Debug)]
pub struct FetchLimits {
    /// For the whole visit, redirects included.
    pub timeout: Duration,
    /// For each connection.
    pub connect_timeout: Duration,
    /// For the headers of each answer.
    pub first_byte_timeout: Duration,
    /// Bytes after decompression.
    pub max_body: u64,
    /// Bytes as sent.
    pub max_compressed: u64,
    /// Bytes of an answer's headers.
    pub max_headers: u64,
    /// Redirects per visit.
    pub max_redirects: u32,
    /// Requests in flight per host and port.
    pub per_host: u32,
    /// Between the starts of two requests to one.
    pub per_host_delay: Duration,
    /// The `User-Agent` sent.
    pub user_agent: String,
    /// Exceptions from the address guard.
    pub allow_networks: Vec<IpNet>,
    /// A proxy; it resolves names, so the guard sees literal addresses only.
    pub proxy: Option<SecretString>,
}

/// The longest a visit waits, all in all, for its turns at hosts; the lease of a claim has room for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a host is let alone that asks for fewer visits and not for how long.
const PAUSE: Duration = Duration::from_secs(60);

/// The longest validator that is kept: servers refuse requests with long headers, and a feed would fail for ever.
const LONGEST_VALIDATOR: usize = 2 << 10;

/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 1;

/// For how long: longer than most hosts' next poll, shorter than most servers keep them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a body that are made room for because its server says so.
const BELIEVED: u64 = 256 << 10;

/// Headers of most requests, and those that the client adds.
const HEADERS: usize = 8;

const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, \
     application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1";

/// Fetches over HTTP.
#[derive(Debug)]
pub struct HttpFetch {
    client: Client,
    guard: Guard,
    limits: FetchLimits,
    turns: Turns,
    clock: Arc<dyn Clock>,
    /// What every request says of us; absent where it cannot stand in a header.
    user_agent: Option<HeaderValue>,
}

/// What an answer leads to.
enum Step {
    Done(FetchOutcome),
    Onward(Url, u16),
}

impl HttpFetch {
    /// A fetcher under these bounds.
    ///
    /// # Errors
    /// When the proxy's address cannot be used.
    pub fn new(limits: FetchLimits, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let mut builder = builder(&limits.allow_networks, limits.connect_timeout)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if let Some(proxy) = &limits.proxy {
            if let Some(name) = name_of_proxy(proxy.expose_secret()) {
                builder = builder.dns_resolver(Guard::new(&limits.allow_networks).trusting(&name));
            }
            let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|_error| ClientError::Proxy)?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(ClientError::Other)?;
        let turns = Turns::new(limits.per_host, limits.per_host_delay, Arc::clone(&clock));
        let user_agent = HeaderValue::from_str(&limits.user_agent).ok();
        Ok(Self { client, guard: Guard::new(&limits.allow_networks), limits, turns, clock, user_agent })
    }

    fn now(&self) -> SystemTime {
        let millis = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    async fn visit(&self, request: FetchRequest) -> Result<FetchOutcome, FetchFailure> {
        let first =
            Url::parse(&request.url).map_err(|_error| blocked("the feed's url cannot be read".to_owned()))?;
        let mut url = first.clone();
        let mut permanent = true;
        let mut permanent_url = None;
        let mut deadline = Instant::now() + self.limits.timeout;
        let mut patience = PATIENCE;
        for _ in 0..=self.limits.max_redirects {
            let whom = shown_host(&url);
            check_literal(&self.guard, &url).map_err(|why| blocked(format!("{whom}: {why}")))?;
            let began = Instant::now();
            let turn = match self.turns.take(&polled_host(&url), patience).await {
                Ok(turn) => turn,
                Err(after) => return Ok(FetchOutcome::Crowded { after }),
            };
            // That others of ours are there is no delay of the publisher's.
            let waited = began.elapsed();
            deadline += waited;
            patience = patience.saturating_sub(waited);
            let step = self.step(&url, &first, permanent_url.clone(), &request);
            let step = timeout_at(deadline, step).await.map_err(|_late| {
                let wait = self.limits.timeout.as_millis();
                let message = format!("the visit was not over within {wait} ms (fetch.timeout)");
                failure(FailureKind::Timeout, None, message)
            })??;
            drop(turn);
            match step {
                Step::Done(outcome) => return Ok(outcome),
                Step::Onward(next, status) => {
                    url = next;
                    permanent = permanent && matches!(status, 301 | 308);
                }
            }
            if permanent {
                permanent_url = Some(url.to_string());
            }
        }
        let most = self.limits.max_redirects;
        Err(bound(format!("more than {most} redirects (fetch.max_redirects)")))
    }

    /// Asks at one address, and reads the answer unless it leads on.
    async fn step(
        &self,
        url: &Url,
        first: &Url,
        permanent_url: Option<String>,
        request: &FetchRequest,
    ) -> Result<Step, FetchFailure> {
        let answer = self.ask(url, first, request).await?;
        let status = answer.status().as_u16();
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(Step::Onward(next_hop(url, &answer)?, status));
        }
        self.judge(answer, url, first, permanent_url, request).await.map(Step::Done)
    }

    async fn ask(&self, url: &Url, first: &Url, request: &FetchRequest) -> Result<Response, FetchFailure> {
        let whom = shown_host(url);
        let get = self.client.get(url.clone()).headers(self.headers(url, first, request));
        let wait = self.limits.first_byte_timeout;
        let answer = tokio::time::timeout(wait, get.send())
            .await
            .map_err(|_error| {
                let message =
                    format!("{whom} sent nothing within {} ms (fetch.first_byte_timeout)", wait.as_millis());
                failure(FailureKind::Timeout, None, message)
            })?
            .map_err(|problem| {
                let (kind, message) = describe(&problem, &whom);
                failure(kind, None, message)
            })?;
        let bytes: usize =
            answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if bytes as u64 > self.limits.max_headers {
            return Err(bound(format!("{whom} sent {bytes} bytes of headers (fetch.max_headers)")));
        }
        Ok(answer)
    }

    fn headers(&self, url: &Url, first: &Url, request: &FetchRequest) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.extend(self.user_agent.clone().map(|user_agent| (USER_AGENT, user_agent)));
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd, deflate"));
        let mut put = |name, value: &[u8]| {
            // What cannot stand in a header was refused with the configuration, or came as a header.
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name, value);
            }
        };
        if let Some(etag) = &request.validators.etag {
            put(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &request.validators.last_modified {
            put(IF_MODIFIED_SINCE, last_modified);
        }
        if url.origin() == first.origin() {
            match &request.auth {
                Some(Auth::Bearer(token)) => {
                    put(AUTHORIZATION, format!("Bearer {}", token.expose_secret()).as_bytes());
                }
                Some(Auth::Basic { user, password }) => {
                    use base64::Engine as _;
                    let pair = format!("{user}:{}", password.expose_secret());
                    let coded = base64::engine::general_purpose::STANDARD.encode(pair);
                    put(AUTHORIZATION, format!("Basic {coded}").as_bytes());
                }
                None => {}
            }
            for (name, value) in &request.headers {
                if let Ok(name) = name.parse::<reqwest::header::HeaderName>() {
                    put(name, value.expose_secret().as_bytes());
                }
            }
        }
        headers
    }

    async fn judge(
        &self,
        answer: Response,
        url: &Url,
        first: &Url,
        permanent_url: Option<String>,
        request: &FetchRequest,
    ) -> Result<FetchOutcome, FetchFailure> {
        let status = answer.status().as_u16();
        let whom = shown_host(url);
        let asked = retry_after(answer.headers(), self.now());
        let failed = |kind, message: String| {
            Err(FetchFailure { kind, status: Some(status), retry_after: asked, message })
        };
        match status {
            200 => self.document(answer, url, permanent_url).await,
            304 if request.validators.is_empty() => {
                failed(FailureKind::Status, format!("{whom} answered 304 to an unconditional request"))
            }
            304 => Ok(FetchOutcome::Unchanged(self.meta(answer.headers()))),
            410 => Ok(FetchOutcome::Gone),
            429 => {
                let host = polled_host(url);
                self.turns.pause(&host, asked.unwrap_or(PAUSE));
                if host == polled_host(first) {
                    return Ok(FetchOutcome::Throttled { status, retry_after: asked });
                }
                // The feed's own host asked for nothing.
                failed(FailureKind::Status, format!("{whom} asks for fewer visits (status {status})"))
            }
            503 if asked.is_some() => Ok(FetchOutcome::Throttled { status, retry_after: asked }),
            401 | 403 => failed(
                FailureKind::Denied,
                format!(
                    "{whom} refuses access (status {status}); credentials of the feed may be missing or wrong"
                ),
            ),
            404 => failed(
                FailureKind::NotFound,
                format!("{whom} knows no such page (status 404); the address may have changed"),
            ),
            _ => failed(FailureKind::Status, format!("{whom} answered with status {status}")),
        }
    }

    fn meta(&self, headers: &HeaderMap) -> AnswerMeta {
        let bytes = |name| {
            let value = headers.get(name).map(HeaderValue::as_bytes);
            value.filter(|value| value.len() <= LONGEST_VALIDATOR).map(<[u8]>::to_vec)
        };
        AnswerMeta {
            validators: Validators { etag: bytes(ETAG), last_modified: bytes(LAST_MODIFIED) },
            fresh_for: fresh_for(headers, self.now()),
            max_age: max_age(headers),
            age: age(headers),
        }
    }

    async fn document(
        &self,
        mut answer: Response,
        url: &Url,
        permanent_url: Option<String>,
    ) -> Result<FetchOutcome, FetchFailure> {
        let whom = shown_host(url);
        let meta = self.meta(answer.headers());
        let text = |name| {
            answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let content_type = text(CONTENT_TYPE);
        let codings: Vec<String> = answer
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let codings = codings.join(",");
        let limit = if codings.is_empty() { self.limits.max_body } else { self.limits.max_compressed };
        let key = if codings.is_empty() { "fetch.max_body" } else { "fetch.max_compressed" };
        // What is announced is believed as far as it costs little.
        let announced = answer.content_length().unwrap_or(0).min(limit).min(BELIEVED);
        let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        loop {
            let chunk = answer.chunk().await.map_err(|problem| {
                let (kind, message) = describe(&problem, &whom);
                failure(kind, Some(200), message)
            })?;
            let Some(chunk) = chunk else { break };
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(bound(format!("the body is larger than {limit} bytes ({key})")));
            }
            body.extend_from_slice(&chunk);
        }
        let max_body = self.limits.max_body;
        if !codings.is_empty() || is_gzip(&body) {
            // Inflating takes milliseconds for what the bounds allow; it does not belong on an async thread.
            body = tokio::task::spawn_blocking(move || decode(body, &codings, max_body))
                .await
                .map_err(|_error| {
                    failure(FailureKind::Internal, Some(200), "decompression ended by a defect".to_owned())
                })?
                .map_err(|problem| match problem {
                    DecodeError::TooLarge => bound(format!(
                        "the body is larger than {max_body} bytes after decompression (fetch.max_body)"
                    )),
                    DecodeError::Broken(..) | DecodeError::Unknown(_) => {
                        failure(FailureKind::Broken, Some(200), format!("{whom}: {problem}"))
                    }
                })?;
        }
        let final_url = url.to_string();
        Ok(FetchOutcome::Fetched(Box::new(Fetched { body, content_type, final_url, permanent_url, meta })))
    }
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn fetch(&self, request: FetchRequest) -> FetchOutcome {
        self.visit(request).await.unwrap_or_else(FetchOutcome::Failed)
    }
}

/// The name of a proxy that resolves all others: then ours is the only name the client looks up itself.
fn name_of_proxy(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let resolves = matches!(url.scheme(), "http" | "https" | "socks4a" | "socks5h");
    url.host_str().filter(|_| resolves).map(str::to_owned)
}

/// Where a redirect leads: http or https only, never from https to http.
fn next_hop(url: &Url, answer: &Response) -> Result<Url, FetchFailure> {
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
        .ok_or_else(|| {
            failure(
                FailureKind::Status,
                Some(answer.status().as_u16()),
                "a redirect without Location".to_owned(),
            )
        })?;
    let next = url
        .join(location)
        .map_err(|_error| blocked("a redirect to an address that cannot be read".to_owned()))?;
    match (url.scheme(), next.scheme()) {
        ("https", "http") => Err(blocked(format!("a redirect from https to http ({})", shown_host(&next)))),
        (_, "http" | "https") => Ok(next),
        (_, scheme) => Err(blocked(format!("a redirect to {scheme}:, which is neither http nor https"))),
    }
}

/// Checks an address that stands in a URL as a number: the resolver is not asked for those.
pub(super) fn check_literal(guard: &Guard, url: &Url) -> Result<(), String> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err("no host".to_owned()),
    };
    guard.check(address).map_err(|forbidden| forbidden.to_string())
}

/// Host and port: all of an address that is shown to people.
pub(super) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn failure(kind: FailureKind, status: Option<u16>, message: String) -> FetchFailure {
    FetchFailure { kind, status, retry_after: None, message }
}

fn blocked(message: String) -> FetchFailure {
    failure(FailureKind::Blocked, None, message)
}

fn bound(message: String) -> FetchFailure {
    failure(FailureKind::Bound, None, message)
}
