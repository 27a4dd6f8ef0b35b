//! What the client for feeds tells whom, on real sockets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wirewatch::clock::SystemClock;
use wirewatch::domain::feed::Validators;
use wirewatch::domain::fetch::{FailureKind, FetchOutcome};
use wirewatch::http::{FetchLimits, HttpFetch};
use wirewatch::ports::{Auth, Fetch as _, FetchRequest};

/// A server that answers by a script, and what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn open(script: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&asked);
        #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
                let answer = script(&head);
                heads.lock().unwrap().push(head);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

const DOCUMENT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<rss/>";

fn client(allow: &[&str], proxy: Option<&str>) -> HttpFetch {
    crowd_of(64, allow, proxy)
}

/// A client that comes to a host with so many requests at a time.
fn crowd_of(per_host: u32, allow: &[&str], proxy: Option<&str>) -> HttpFetch {
    let limits = FetchLimits {
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        first_byte_timeout: Duration::from_secs(5),
        max_body: 1 << 20,
        max_compressed: 1 << 20,
        max_headers: 1 << 16,
        max_redirects: 5,
        per_host,
        per_host_delay: Duration::ZERO,
        user_agent: "wirewatch/test".to_owned(),
        allow_networks: allow.iter().map(|network| network.parse().unwrap()).collect(),
        proxy: proxy.map(SecretString::from),
    };
    HttpFetch::new(limits, Arc::new(SystemClock)).unwrap()
}

fn request(url: String) -> FetchRequest {
    FetchRequest {
        url,
        validators: Validators::default(),
        headers: vec![("X-Key".to_owned(), SecretString::from("open-sesame"))],
        auth: Some(Auth::Basic { user: "me".to_owned(), password: SecretString::from("secret") }),
    }
}

/// `me:secret`.
const BASIC: &str = "authorization: basic bwu6c2vjcmv0";

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_shown_to_the_feeds_own_origin_only() {
    let other = Server::open(|_| DOCUMENT.to_owned()).await;
    let away = format!("http://{}/else", other.address);
    let home =
        Server::open(move |head| moved(if head.starts_with("get /feed") { "/next" } else { away.as_str() }))
            .await;
    let fetch = client(&["127.0.0.0/8"], None);
    let outcome = fetch.fetch(request(format!("http://{}/feed", home.address))).await;
    assert!(matches!(outcome, FetchOutcome::Fetched(_)), "{outcome:?}");
    let at_home = home.asked();
    assert_eq!(at_home.len(), 2);
    assert!(
        at_home.iter().all(|head| head.contains(BASIC) && head.contains("x-key: open-sesame")),
        "{at_home:?}"
    );
    // Another port is another origin.
    let elsewhere = other.asked();
    assert_eq!(elsewhere.len(), 1);
    let home = home.address.to_string();
    let leaks = ["authorization", "x-key", "cookie", "referer", home.as_str()];
    assert!(leaks.iter().all(|leak| !elsewhere[0].contains(leak)), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_asked_for_names_and_never_for_private_addresses() {
    let proxy = Server::open(|head| {
        if head.starts_with("get http://feed.example/first ") {
            moved("http://10.0.0.1/inside")
        } else {
            DOCUMENT.to_owned()
        }
    })
    .await;
    // The proxy may be a neighbour: it was chosen by the user, not by a publisher.
    let fetch = client(&[], Some(&format!("http://localhost:{}", proxy.address.port())));
    let outcome = fetch.fetch(request("http://feed.example/feed".to_owned())).await;
    assert!(matches!(outcome, FetchOutcome::Fetched(_)), "{outcome:?}");
    for url in ["http://127.0.0.1/", "http://feed.example/first", "http://[::ffff:10.0.0.1]/"] {
        let outcome = fetch.fetch(request(url.to_owned())).await;
        let FetchOutcome::Failed(failure) = outcome else { panic!("{url}: {outcome:?}") };
        assert_eq!(failure.kind, FailureKind::Blocked, "{url}: {}", failure.message);
    }
    assert_eq!(proxy.asked().len(), 2, "{:?}", proxy.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_inside_is_not_followed() {
    let inside = Server::open(|_| DOCUMENT.to_owned()).await;
    let fetch = client(&[], None);
    let outcome = fetch.fetch(request(format!("http://localhost:{}/", inside.address.port()))).await;
    let FetchOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.kind, FailureKind::Blocked, "{}", failure.message);
    assert!(failure.message.contains("fetch.allow_networks"), "{}", failure.message);
    assert!(inside.asked().is_empty());
}

/// A host that many feeds of other hosts lead to sees no more of wirewatch at a time than any other.
#[tokio::test(flavor = "multi_thread")]
async fn redirects_take_turns_at_the_host_they_lead_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (Arc::clone(&open), Arc::clone(&most));
    #[expect(clippy::disallowed_methods, reason = "the server lives as long as the test's runtime")]
    tokio::spawn(async move {
        let mut guests = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
            guests.spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Long enough for others to be seen beside it.
                tokio::time::sleep(Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                drop(stream.write_all(DOCUMENT.as_bytes()).await);
            });
        }
    });
    let fetch = Arc::new(crowd_of(1, &["127.0.0.0/8"], None));
    let mut visits = JoinSet::new();
    for _ in 0..8 {
        let home = Server::open(move |_| moved(&format!("http://{target}/feed"))).await;
        let fetch = Arc::clone(&fetch);
        visits.spawn(async move { fetch.fetch(request(format!("http://{}/", home.address))).await });
    }
    let outcomes = visits.join_all().await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, FetchOutcome::Fetched(_))), "{outcomes:?}");
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

/// 429 speaks for the host that says it, not for the one that led there.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_at_the_end_of_redirects_that_asks_for_a_pause_gets_it() {
    let busy = "HTTP/1.1 429 No\r\nRetry-After: 600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let target = Server::open(move |_| busy.to_owned()).await;
    let to = format!("http://{}/feed", target.address);
    let fetch = client(&["127.0.0.0/8"], None);
    let (first, second) = (to.clone(), to.clone());
    let first = Server::open(move |_| moved(&first)).await;
    let second = Server::open(move |_| moved(&second)).await;
    let outcome = fetch.fetch(request(format!("http://{}/", first.address))).await;
    let FetchOutcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.status, failure.retry_after), (Some(429), Some(Duration::from_secs(600))));
    for url in [format!("http://{}/", second.address), to] {
        let outcome = fetch.fetch(request(url)).await;
        let FetchOutcome::Crowded { after } = outcome else { panic!("{outcome:?}") };
        assert!(after > Duration::from_secs(500) && after <= Duration::from_secs(600), "{after:?}");
    }
    assert_eq!(target.asked().len(), 1);
}
