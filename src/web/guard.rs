//! What every request passes: who may ask, what may be asked, how long an answer may take, and what a browser is told.
//!
//! A page of another site can make a browser ask us under that site's name, once the name resolves to our address
//! (DNS rebinding), and then read the answer. Hence only names that are ours are answered.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Web, plain};

/// How long an answer may take to be made.
const ANSWER: Duration = Duration::from_secs(10);

/// What is answered without a token: both say nothing but yes or no.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// The page and its style and script are ours; nothing else is loaded, run, sent or framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What a browser is told with every answer.
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The address of ours that a connection came in on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local(pub(super) Option<IpAddr>);

/// Lets a request pass, or answers it.
pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&web, &request) {
        Some(refusal) => refusal.answer(),
        None => match tokio::time::timeout(ANSWER, next.run(request)).await {
            Ok(response) => response,
            Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the answer takes too long\n"),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(web: &Web, request: &Request) -> Option<Refusal> {
    let snapshot = web.context().snapshot();
    let daemon = &snapshot.settings.daemon;
    let rules = Rules {
        local: request.extensions().get::<Local>().and_then(|local| local.0),
        hosts: &daemon.hosts,
        token: daemon.token.as_ref(),
    };
    rules.refuse(request.method(), request.version(), request.uri(), request.headers())
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    Method,
    Host(String),
    NoHost,
    Token,
}

impl Refusal {
    fn answer(&self) -> Response {
        match self {
            Self::Method => {
                let mut response =
                    plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD: nothing can be changed here\n");
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            Self::Host(host) => {
                let host: String = host.chars().filter(char::is_ascii_graphic).take(100).collect();
                plain(
                    StatusCode::FORBIDDEN,
                    &format!(
                        "wirewatch is not known as {host:?}; where it is to be, daemon.hosts names it\n"
                    ),
                )
            }
            Self::NoHost => plain(StatusCode::BAD_REQUEST, "the request names no host\n"),
            Self::Token => {
                let mut response = plain(
                    StatusCode::UNAUTHORIZED,
                    "a token is asked for: as bearer token, or as the password to any user name\n",
                );
                let headers = response.headers_mut();
                // A browser asks for a password; programs send the token as it is.
                let basic = HeaderValue::from_static("Basic realm=\"wirewatch\", charset=\"UTF-8\"");
                headers.append(header::WWW_AUTHENTICATE, basic);
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}

/// Whose requests are answered.
#[derive(Clone, Copy, Debug)]
struct Rules<'a> {
    local: Option<IpAddr>,
    hosts: &'a [String],
    token: Option<&'a SecretString>,
}

impl Rules<'_> {
    fn refuse(&self, method: &Method, version: Version, uri: &Uri, headers: &HeaderMap) -> Option<Refusal> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Some(Refusal::Method);
        }
        let named: Vec<&str> = headers
            .get_all(header::HOST)
            .iter()
            .map(|host| host.to_str().unwrap_or_default())
            .chain(uri.authority().map(Authority::as_str))
            .collect();
        // Load balancers ask under HTTP/1.0, without a name; browsers never do.
        if named.is_empty() && version > Version::HTTP_10 {
            return Some(Refusal::NoHost);
        }
        if let Some(foreign) = named.iter().find(|host| !self.is_ours(host)) {
            return Some(Refusal::Host((*foreign).to_owned()));
        }
        match self.token {
            Some(token) if !OPEN.contains(&uri.path()) && !bears(headers, token) => Some(Refusal::Token),
            _ => None,
        }
    }

    /// Whether a name, with or without a port, is ours: loopback, the address the connection came in on, or named
    /// in the configuration. Whatever the port: it may be forwarded.
    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host);
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return address.is_loopback()
                || self.local.is_some_and(|local| local.to_canonical() == address)
                || self.hosts.iter().any(|host| host.parse() == Ok(address));
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// Whether the token was sent, as bearer token or as password.
fn bears(headers: &HeaderMap, token: &SecretString) -> bool {
    let Some((scheme, given)) = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
    else {
        return false;
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return is_same(given.trim().as_bytes(), token);
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(given.trim()).unwrap_or_default();
        let password = pair.iter().position(|b| *b == b':').map(|colon| &pair[colon + 1..]);
        return password.is_some_and(|password| is_same(password, token));
    }
    false
}

/// Compares in a time that says nothing of where the two differ, nor of their lengths.
fn is_same(given: &[u8], token: &SecretString) -> bool {
    let token = token.expose_secret().as_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA256, token);
    hmac::verify(&key, given, hmac::sign(&key, token).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(host: Option<&str>, local: &str, hosts: &[&str]) -> Option<Refusal> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut headers = HeaderMap::new();
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().unwrap());
        }
        let rules = Rules { local: local.parse().ok(), hosts: &hosts, token: None };
        rules.refuse(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &headers)
    }

    #[test]
    fn only_our_own_names_are_answered() {
        for host in [
            "127.0.0.1:8040",
            "127.0.0.1",
            "localhost",
            "LocalHost:1",
            "localhost.",
            "[::1]:8040",
            "[::1]",
            "127.8.8.8",
        ] {
            assert_eq!(ask(Some(host), "127.0.0.1", &[]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8040",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "0.0.0.0:8040",
            "192.0.2.1",
            "[2001:db8::1]:80",
            "",
            ":8040",
            "127.0.0.1@evil.example",
            "localhost:80:80",
        ] {
            assert!(matches!(ask(Some(host), "127.0.0.1", &[]), Some(Refusal::Host(_))), "{host}");
        }
        assert_eq!(ask(None, "127.0.0.1", &[]), Some(Refusal::NoHost));
        assert_eq!(ask(Some("192.0.2.1:8040"), "192.0.2.1", &[]), None, "the address asked is ours");
        assert_eq!(ask(Some("192.0.2.1:8040"), "::ffff:192.0.2.1", &[]), None);
        let hosts = ["wirewatch.example", "198.51.100.7"];
        assert_eq!(ask(Some("WireWatch.example:443"), "127.0.0.1", &hosts), None);
        assert_eq!(ask(Some("198.51.100.7"), "127.0.0.1", &hosts), None);
        assert!(ask(Some("x.wirewatch.example"), "127.0.0.1", &hosts).is_some());
    }

    #[test]
    fn a_second_host_does_not_hide_behind_the_first() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "localhost".parse().unwrap());
        headers.append(header::HOST, "evil.example".parse().unwrap());
        let rules = Rules { local: None, hosts: &[], token: None };
        let refused = rules.refuse(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &headers);
        assert_eq!(refused, Some(Refusal::Host("evil.example".to_owned())));
        let one = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        let whole = Uri::from_static("http://evil.example/");
        assert!(rules.refuse(&Method::GET, Version::HTTP_11, &whole, &one).is_some());
        assert_eq!(
            rules.refuse(&Method::GET, Version::HTTP_10, &Uri::from_static("/"), &HeaderMap::new()),
            None
        );
    }

    #[test]
    fn a_token_is_asked_for_everywhere_but_at_the_probes() {
        let token = SecretString::from("open sesame");
        let rules = Rules { local: None, hosts: &[], token: Some(&token) };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for (path, sent, passes) in [
            ("/", None, false),
            ("/metrics", Some("Bearer open".to_owned()), false),
            ("/metrics", Some("Bearer open sesame and more".to_owned()), false),
            ("/metrics", Some("Bearer open sesame".to_owned()), true),
            ("/metrics", Some("bearer open sesame".to_owned()), true),
            ("/page.css", Some(basic("anybody:open sesame")), true),
            ("/page.css", Some(basic("open sesame:")), false),
            ("/page.css", Some("Basic ???".to_owned()), false),
            ("/healthz", None, true),
            ("/readyz", None, true),
            ("/healthz/", None, false),
        ] {
            let mut headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
            if let Some(sent) = &sent {
                headers.insert(header::AUTHORIZATION, sent.parse().unwrap());
            }
            let refused = rules.refuse(&Method::GET, Version::HTTP_11, &path.parse().unwrap(), &headers);
            assert_eq!(refused, (!passes).then_some(Refusal::Token), "{path} {sent:?}");
        }
    }

    #[test]
    fn nothing_can_be_changed() {
        let rules = Rules { local: None, hosts: &[], token: None };
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        for method in
            [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::CONNECT]
        {
            let refused = rules.refuse(&method, Version::HTTP_11, &Uri::from_static("/"), &headers);
            assert_eq!(refused, Some(Refusal::Method), "{method}");
        }
    }
}
