//! Who is answered, and within which bounds.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wirewatch::app::metrics::Metrics;
use wirewatch::app::render::Destinations;
use wirewatch::app::snapshot::{Prepared, Snapshot, config_sync};
use wirewatch::app::{Context, Dice};
use wirewatch::clock::SystemClock;
use wirewatch::config::{self, LoadRequest};
use wirewatch::http::{FetchLimits, HttpFetch, HttpPost};
use wirewatch::matching;
use wirewatch::ports::watch::Watch;
use wirewatch::ports::{Clock, Store};
use wirewatch::sqlite::SqliteStore;
use wirewatch::web::{self, Bounds, Web};

use super::bed::{ask, get};
use crate::support::world::PATIENCE;

/// A server alone, without loops behind it.
struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Server {
    async fn start(daemon: &str, bounds: Bounds) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("wirewatch.toml");
        std::fs::write(&path, format!("[daemon]\n{daemon}")).unwrap();
        let settings =
            config::load(&LoadRequest { path: Some(path), ..LoadRequest::default() }).unwrap().settings;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let fetch = &settings.fetch;
        let limits = FetchLimits {
            timeout: fetch.timeout,
            connect_timeout: fetch.connect_timeout,
            first_byte_timeout: fetch.first_byte_timeout,
            max_body: fetch.max_body,
            max_compressed: fetch.max_compressed,
            max_headers: fetch.max_headers,
            max_redirects: fetch.max_redirects,
            per_host: 64,
            per_host_delay: Duration::ZERO,
            user_agent: fetch.user_agent.clone(),
            allow_networks: Vec::new(),
            proxy: None,
        };
        let prepared = Prepared {
            destinations: Destinations::new(&settings).unwrap(),
            matcher: Arc::new(matching::compile(&settings.concepts, &[]).set),
            fetch: Arc::new(HttpFetch::new(limits, Arc::clone(&clock)).unwrap()),
            post: Arc::new(HttpPost::new(&[], Arc::clone(&clock))),
            warnings: Vec::new(),
            settings,
        };
        let now = clock.now();
        let store = Arc::new(SqliteStore::open_in_memory().unwrap());
        let created = store.sync_config(config_sync(&prepared.settings, now, false), now).await.unwrap();
        let (metrics, registry) = Metrics::registered();
        let snapshot = Snapshot::new(prepared, &created, now);
        let context =
            Context::new(Arc::clone(&store) as Arc<dyn Store>, clock, Dice::seeded(1), metrics, snapshot);
        let web = Web::new(Arc::new(context), store as Arc<dyn Watch>, registry);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(web::serve(listener, web, bounds, stop.clone()));
        Self { address, stop, tasks }
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an end");
    // A reset is an end, too.
    drop(read);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn foreign_names_and_other_methods_are_refused() {
    let server = Server::start("hosts = [\"wirewatch.example\"]\n", Bounds::default()).await;
    let asked = async |line: &str, host: &str| {
        ask(server.address, &format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await
    };
    for path in ["/", "/metrics", "/healthz", "/topics/x.atom"] {
        let answer = asked(&format!("GET {path}"), "evil.example").await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.body.contains("daemon.hosts"), "{}", answer.body);
    }
    assert_eq!(asked("GET /", "wirewatch.example").await.status, 200);
    assert_eq!(asked("GET /", "localhost:8040").await.status, 200);
    assert_eq!(ask(server.address, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await.status, 400);
    assert_eq!(ask(server.address, "GET /healthz HTTP/1.0\r\n\r\n").await.status, 200);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = asked(&format!("{method} /"), "localhost").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = asked("HEAD /", "localhost").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(asked("GET /nowhere", "localhost").await.status, 404);
}

#[tokio::test]
async fn with_a_token_only_the_probes_are_open() {
    let server = Server::start("token = \"correct horse battery\"\n", Bounds::default()).await;
    let asked = async |path: &str, headers: &str| get(server.address, path, headers).await;
    for path in ["/", "/metrics", "/page.css", "/alerts", "/topics/x.atom", "/nowhere"] {
        let answer = asked(path, "").await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.head.contains("Basic realm"), "{}", answer.head);
        assert!(!answer.body.contains("correct"), "{}", answer.body);
    }
    assert_eq!(asked("/", "Authorization: Bearer correct horse batterx\r\n").await.status, 401);
    assert_eq!(asked("/", "Authorization: Bearer correct horse battery\r\n").await.status, 200);
    let basic = "Authorization: Basic eDpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=\r\n";
    assert_eq!(asked("/metrics", basic).await.status, 200);
    assert_eq!(asked("/healthz", "").await.status, 200);
    assert_eq!(asked("/readyz", "").await.status, 200);
}

#[tokio::test]
async fn a_browser_is_told_to_load_nothing_from_elsewhere() {
    let server = Server::start("", Bounds::default()).await;
    for path in ["/", "/page.js", "/metrics", "/nowhere", "/healthz"] {
        let answer = get(server.address, path, "").await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("cache-control").is_some(), "{path}");
    }
}

#[tokio::test]
async fn large_heads_are_refused() {
    let server = Server::start("", Bounds::default()).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    assert!(matches!(ask(server.address, &long).await.status, 0 | 414 | 431));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(1000));
    assert!(matches!(ask(server.address, &many).await.status, 0 | 431));
    assert_eq!(get(server.address, "/healthz", "").await.status, 200, "others are served");
}

#[tokio::test]
async fn a_guest_that_dawdles_is_shown_out_and_its_place_is_taken() {
    let bounds = Bounds { connections: 2, head: Duration::from_millis(300), ..Bounds::default() };
    let mut server = Server::start("", bounds).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.unwrap();
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    // All places are taken; this guest waits until the others are shown out.
    assert_eq!(get(server.address, "/healthz", "").await.status, 200);
    assert!(!read_to_end(&mut slow).await.contains("200 OK"));
    assert_eq!(read_to_end(&mut silent).await, "");
    server.stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, server.tasks.join_next()).await;
    assert!(ended.is_ok(), "the server ends when it is told to");
}

#[tokio::test]
async fn no_connection_lives_for_ever() {
    let bounds = Bounds { life: Duration::from_millis(200), ..Bounds::default() };
    let server = Server::start("", bounds).await;
    let mut kept = TcpStream::connect(server.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = read_to_end(&mut kept).await;
    assert!(answer.contains("200 OK"), "answered, then closed: {answer}");
}

#[test]
fn a_wrong_name_or_token_is_refused_in_the_configuration() {
    let home = crate::support::daemon::Home::new(
        "[daemon]\nhosts = [\"https://wirewatch.example/\"]\ntoken = \"short\"\n",
    );
    let output = home.run(&["check"]);
    let said = crate::support::daemon::text(&[output.stdout, output.stderr].concat());
    assert_eq!(output.status.code(), Some(78));
    assert!(said.contains("wirewatch.toml:2:") && said.contains("is no host name"), "{said}");
    assert!(said.contains("wirewatch.toml:3:") && said.contains("fewer than 16 characters"), "{said}");
    assert!(!said.contains("\"short\""), "no secret is shown: {said}");
}
