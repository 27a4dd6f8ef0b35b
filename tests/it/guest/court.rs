//! The server, and the judge.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Chances a guest gets.
pub(super) const ROUNDS: usize = 16;

/// Between two of them.
pub(super) const ROUND: Duration = Duration::from_secs(12 * 60);

/// How long the server thinks.
const HOLD: Duration = Duration::from_millis(10);

/// Requests for a whole document, ever, where the server gives validators.
const MOST_UNCONDITIONAL: usize = 1;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) round: usize,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn is_conditional(&self) -> bool {
        self.header("if-none-match").is_some() || self.header("if-modified-since").is_some()
    }
}

/// How a body is sent.
pub(super) enum Body {
    Whole(Vec<u8>),
    /// A hundred bytes fewer than announced.
    Short(Vec<u8>),
    /// Without end, as fast as it is taken.
    Endless,
    /// Without end, a byte at a time.
    Drip,
    /// All of the answer as it stands, head included.
    Raw(Vec<u8>),
    /// A head that never ends, a field at a time.
    DripHead,
    /// Nothing: the connection is reset after the head.
    Reset,
}

pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Answer {
    pub(super) fn new(status: u16, body: Body) -> Self {
        Self { status, headers: vec![("Content-Type".into(), "application/xml".into())], body }
    }

    pub(super) fn feed(title: &str) -> Self {
        Self::new(200, Body::Whole(feed(title)))
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::new(status, Body::Whole(Vec::new()))
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| name != "Content-Type" || other != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A feed of one article.
pub(super) fn feed(title: &str) -> Vec<u8> {
    format!("<rss version='2.0'><channel><title>Court</title><item><guid>{title}</guid><title>{title}</title></item></channel></rss>")
        .into_bytes()
}

/// The evidence of a scenario.
pub(super) struct Evidence {
    pub(super) seen: Vec<Seen>,
    /// Titles of the articles the guest took home.
    pub(super) titles: Vec<String>,
    /// The most requests at a time.
    pub(super) at_once: usize,
}

impl Evidence {
    /// The rounds in which a path was asked for.
    pub(super) fn rounds(&self, path: &str) -> Vec<usize> {
        self.seen.iter().filter(|seen| seen.path == path).map(|seen| seen.round).collect()
    }
}

pub(super) type Verdict = Result<(), String>;
type Script = Box<dyn Fn(usize, &Seen, SocketAddr) -> Answer + Send + Sync>;
type Judge = Box<dyn Fn(&Evidence) -> Verdict + Send + Sync>;

pub(super) struct Scenario {
    pub(super) name: &'static str,
    script: Script,
    judge: Judge,
    /// Whether the server gives its guests anything to be conditional with.
    validators: bool,
    /// Feeds on the host besides `/feed`.
    others: usize,
}

impl Scenario {
    /// A scenario whose `script` answers the n-th request, and whose `judge` looks at all of them.
    pub(super) fn new(
        name: &'static str,
        script: impl Fn(usize, &Seen, SocketAddr) -> Answer + Send + Sync + 'static,
        judge: impl Fn(&Evidence) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self { name, script: Box::new(script), judge: Box::new(judge), validators: false, others: 0 }
    }

    /// The guest may come without validators once only.
    pub(super) fn conditional(mut self) -> Self {
        self.validators = true;
        self
    }

    /// More feeds live on the same host.
    pub(super) fn with_others(mut self, count: usize) -> Self {
        self.others = count;
        self
    }
}

struct Stand {
    scenario: Scenario,
    address: SocketAddr,
    seen: Mutex<Vec<Seen>>,
    open: AtomicUsize,
    at_once: AtomicUsize,
    round: Arc<AtomicUsize>,
}

/// A guest on trial.
#[async_trait]
pub(super) trait Guest: Send {
    /// Visits what it thinks is due, some time after the start.
    async fn visit(&mut self, court: &Court, after: Duration);
    /// The titles it keeps of a scenario's feed.
    async fn titles(&self, scenario: &str) -> Vec<String>;
}

pub(super) struct Court {
    stands: Vec<Arc<Stand>>,
    round: Arc<AtomicUsize>,
}

impl Court {
    pub(super) async fn open(scenarios: Vec<Scenario>) -> Self {
        let round = Arc::new(AtomicUsize::new(0));
        let mut stands = Vec::new();
        for scenario in scenarios {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stand = Arc::new(Stand {
                scenario,
                address: listener.local_addr().unwrap(),
                seen: Mutex::default(),
                open: AtomicUsize::new(0),
                at_once: AtomicUsize::new(0),
                round: Arc::clone(&round),
            });
            stands.push(Arc::clone(&stand));
            #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let stand = Arc::clone(&stand);
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the server lives as long as the test's runtime"
                    )]
                    tokio::spawn(async move { stand.serve(stream).await });
                }
            });
        }
        Self { stands, round }
    }

    /// The feeds: scenario and address.
    pub(super) fn feeds(&self) -> impl Iterator<Item = (String, String)> {
        self.stands.iter().flat_map(|stand| {
            let (name, address) = (stand.scenario.name, stand.address);
            let first = (name.to_owned(), format!("http://{address}/feed"));
            let others = (1..=stand.scenario.others)
                .map(move |n| (format!("{name}-{n}"), format!("http://{address}/feed/{n}")));
            std::iter::once(first).chain(others)
        })
    }

    /// Gives a guest all its chances; what is to be said against it.
    pub(super) async fn try_guest(&self, guest: &mut impl Guest) -> Vec<String> {
        for round in 0..ROUNDS {
            self.round.store(round, Ordering::SeqCst);
            guest.visit(self, ROUND * u32::try_from(round).unwrap()).await;
        }
        let mut charges = Vec::new();
        let mut everywhere = BTreeMap::new();
        for stand in &self.stands {
            let seen = stand.seen.lock().unwrap().clone();
            let evidence = Evidence {
                seen,
                titles: guest.titles(stand.scenario.name).await,
                at_once: stand.at_once.load(Ordering::SeqCst),
            };
            if let Err(charge) = (stand.scenario.judge)(&evidence) {
                charges.push(format!("{}: {charge}", stand.scenario.name));
            }
            for charge in common(&stand.scenario, &evidence) {
                everywhere.entry(charge).or_insert_with(Vec::new).push(stand.scenario.name);
            }
        }
        for (charge, places) in everywhere {
            let names = if places.len() == self.stands.len() { "all".to_owned() } else { places.join(", ") };
            charges.push(format!("{charge}: {names}"));
        }
        charges
    }
}

/// What is to be said against any request, whatever the scenario.
fn common(scenario: &Scenario, evidence: &Evidence) -> Vec<&'static str> {
    let all = &evidence.seen;
    let any_sends = |name: &str| all.iter().any(|seen| seen.header(name).is_some());
    let unconditional = all.iter().filter(|seen| !seen.is_conditional()).count();
    let names_itself = |seen: &Seen| seen.header("user-agent").is_some_and(|agent| agent.contains("(+http"));
    let takes_gzip =
        |seen: &Seen| seen.header("accept-encoding").is_some_and(|codings| codings.contains("gzip"));
    let charges = [
        (all.is_empty(), "never comes"),
        (!all.iter().all(names_itself), "does not say who it is"),
        (!all.iter().all(takes_gzip), "takes no compressed answers"),
        (any_sends("cookie"), "carries cookies"),
        (any_sends("referer"), "tells where it comes from"),
        (any_sends("pragma") || any_sends("cache-control"), "wants caches to be passed by"),
        (any_sends("authorization"), "shows credentials to strangers"),
        (scenario.validators && unconditional > MOST_UNCONDITIONAL, "asks for everything again and again"),
        (evidence.at_once > 1, "comes several times at once"),
    ];
    charges.into_iter().filter(|(guilty, _)| *guilty).map(|(_, charge)| charge).collect()
}

pub(super) fn ensure(right: bool, charge: &str) -> Verdict {
    if right { Ok(()) } else { Err(charge.to_owned()) }
}

impl Stand {
    async fn serve(&self, mut stream: TcpStream) {
        let Some(mut seen) = read_request(&mut stream).await else { return };
        seen.round = self.round.load(Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once.fetch_max(open, Ordering::SeqCst);
        let count = {
            let mut all = self.seen.lock().unwrap();
            all.push(seen.clone());
            all.len() - 1
        };
        let answer = (self.scenario.script)(count, &seen, self.address);
        // Long enough for a second request to be seen beside the first.
        tokio::time::sleep(HOLD).await;
        self.open.fetch_sub(1, Ordering::SeqCst);
        // A guest that leaves early is none of our business.
        drop(send(&mut stream, answer).await);
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some(Seen { round: 0, path, headers: lines.filter_map(pair).collect() })
}

async fn send(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    if let Body::Raw(bytes) = &answer.body {
        stream.write_all(bytes).await?;
        return stream.shutdown().await;
    }
    let mut head = format!("HTTP/1.1 {} Court\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let length = match &answer.body {
        Body::Whole(body) => Some(body.len()),
        Body::Short(body) => Some(body.len() + 100),
        Body::Reset => Some(1_000),
        Body::Endless | Body::Drip | Body::Raw(_) | Body::DripHead => None,
    };
    if let Some(length) = length {
        head.extend([format!("Content-Length: {length}\r\n")]);
    }
    let drips = matches!(answer.body, Body::DripHead);
    stream.write_all(format!("{head}{}", if drips { "" } else { "\r\n" }).as_bytes()).await?;
    match answer.body {
        Body::Whole(body) | Body::Short(body) => stream.write_all(&body).await?,
        Body::Endless => loop {
            stream.write_all(&[b' '; 4096]).await?;
        },
        Body::Drip => loop {
            stream.write_all(b" ").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        },
        // Longer than wirewatch waits, and not for ever: the rude have no patience of their own.
        Body::DripHead => {
            for _ in 0..15 {
                stream.write_all(b"X-Slow: y\r\n").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        // What was asked and not read yet makes of the end a reset.
        Body::Reset => stream.set_zero_linger()?,
        Body::Raw(_) => {}
    }
    stream.shutdown().await
}
