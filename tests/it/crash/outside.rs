//! The outside of a real process: feeds that publish whenever they are asked, a receiver that is slow, fails
//! and answers late, and a judge who knows what was published and counts what arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fastrand::Rng;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Feeds that are watched, where a fault wants no more of them.
pub(super) const FEEDS: usize = 12;

/// Feeds that are served.
pub(super) const ALL_FEEDS: usize = 60;

/// The word that the topic watches for.
pub(super) const WORD: &str = "zqkazurm";

#[derive(Debug)]
struct Shared {
    rng: Mutex<Rng>,
    /// What each feed lists, oldest first: the number of the item and its version.
    feeds: Mutex<Vec<Vec<(usize, u32)>>>,
    books: Mutex<Books>,
}

/// What was published, and what arrived.
#[derive(Debug, Default)]
struct Books {
    published: usize,
    visits: u64,
    /// How many items a feed lists; all it ever published where this is zero.
    window: usize,
    stopped: bool,
    /// Whether the receiver is slow, fails and answers late.
    trouble: bool,
    /// Items that match and were served.
    owed: BTreeSet<usize>,
    /// Under which ids an item arrived, and how often.
    arrived: BTreeMap<usize, BTreeMap<String, u32>>,
    strange: Vec<String>,
}

/// How matters stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) owed: usize,
    pub(super) missing: Vec<usize>,
    /// Items that arrived under more than one id.
    pub(super) doubled: Vec<usize>,
    /// Messages of what was never published, or does not match.
    pub(super) strange: Vec<String>,
    /// Requests beyond the first of each item.
    pub(super) repeats: u32,
}

impl Verdict {
    /// What is wrong, if anything.
    pub(super) fn judge(&self) -> Result<(), String> {
        if self.missing.is_empty() && self.doubled.is_empty() && self.strange.is_empty() && self.owed > 0 {
            return Ok(());
        }
        Err(format!(
            "of {} owed, missing: {:?}; under two ids: {:?}; strange: {:?}",
            self.owed, self.missing, self.doubled, self.strange
        ))
    }
}

/// The outside world of one process.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

impl Outside {
    pub(super) fn new(seed: u64) -> Self {
        let shared = Shared {
            rng: Mutex::new(Rng::with_seed(seed)),
            feeds: Mutex::new(vec![Vec::new(); ALL_FEEDS]),
            books: Mutex::new(Books { trouble: true, ..Books::default() }),
        };
        let mut outside =
            Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), shared: Arc::new(shared), server: None };
        outside.open();
        outside
    }

    /// Serves; after [`Self::close`] at the same address again.
    pub(super) fn open(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener: TcpListener = socket.listen(1024).unwrap();
        self.address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/feeds/{number}", get(feed))
            .route("/hook", post(hook))
            .with_state(Arc::clone(&self.shared));
        #[expect(clippy::disallowed_methods, reason = "it is ended by `close`, or with the test's runtime")]
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        self.server = Some(server);
    }

    /// Nobody listens any more.
    pub(super) async fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            drop(server.await);
        }
    }

    /// No more news, and a receiver that works: what is owed can be delivered now.
    pub(super) fn calm_down(&self) {
        let mut books = self.shared.books.lock().unwrap();
        (books.stopped, books.trouble) = (true, false);
    }

    /// A receiver that works, while news goes on.
    pub(super) fn without_trouble(&self) {
        self.shared.books.lock().unwrap().trouble = false;
    }

    pub(super) fn verdict(&self) -> Verdict {
        let books = self.shared.books.lock().unwrap();
        Verdict {
            owed: books.owed.len(),
            missing: books.owed.iter().filter(|item| !books.arrived.contains_key(item)).copied().collect(),
            doubled: books.arrived.iter().filter(|(_, ids)| ids.len() > 1).map(|(item, _)| *item).collect(),
            strange: books.strange.clone(),
            repeats: books.arrived.values().flat_map(BTreeMap::values).sum::<u32>()
                - u32::try_from(books.arrived.len()).unwrap(),
        }
    }

    /// Waits until nothing is missing, or the patience ends.
    pub(super) async fn settle(&self, patience: Duration) -> Verdict {
        self.calm_down();
        let until = tokio::time::Instant::now() + patience;
        while !self.verdict().missing.is_empty() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // A repeat under another id would come about now.
        tokio::time::sleep(Duration::from_millis(700)).await;
        self.verdict()
    }

    /// Feeds list so many items from now on; what is older rolls off.
    pub(super) fn roll(&self, window: usize) {
        self.shared.books.lock().unwrap().window = window;
    }

    /// How often feeds were visited.
    pub(super) fn visits(&self) -> u64 {
        self.shared.books.lock().unwrap().visits
    }

    /// Waits until so many more items have arrived.
    pub(super) async fn arrive(&self, more: usize, patience: Duration) -> Result<(), String> {
        let arrived = || self.shared.books.lock().unwrap().arrived.len();
        let goal = arrived() + more;
        let until = tokio::time::Instant::now() + patience;
        while arrived() < goal {
            if tokio::time::Instant::now() > until {
                return Err(format!(
                    "{} of {more} items arrived within {patience:?}",
                    arrived() + more - goal
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Every visit may find something new, something edited, and another order.
async fn feed(State(shared): State<Arc<Shared>>, Path(number): Path<usize>) -> Response {
    let items = {
        let mut rng = shared.rng.lock().unwrap();
        let mut books = shared.books.lock().unwrap();
        let items = &mut shared.feeds.lock().unwrap()[number];
        books.visits += 1;
        if !books.stopped {
            for _ in 0..rng.u32(0..3) {
                items.push((books.published, 1));
                books.published += 1;
            }
            if !items.is_empty() {
                let edited = rng.usize(0..items.len());
                items[edited].1 += 1;
            }
        }
        if books.window > 0 {
            let old = items.len().saturating_sub(books.window);
            items.drain(..old);
        }
        books.owed.extend(items.iter().map(|(item, _)| *item).filter(|item| item % 2 == 0));
        let mut shown = items.clone();
        rng.shuffle(&mut shown);
        shown
    };
    let mut document = format!("<rss version=\"2.0\"><channel><title>Feed {number}</title>\n");
    for (item, version) in items {
        let word = if item % 2 == 0 { WORD } else { "nothing" };
        document.push_str(&format!(
            "<item><title>S{item}e {word}</title><guid>g{item}</guid><link>http://wire.example/{item}</link>\
             <description>Item {item} in version {version}</description></item>\n"
        ));
    }
    document.push_str("</channel></rss>");
    ([("content-type", "application/rss+xml")], document).into_response()
}

async fn hook(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("webhook-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
    let (wait, heard, status) = {
        let trouble = shared.books.lock().unwrap().trouble;
        let mut rng = shared.rng.lock().unwrap();
        match rng.u32(0..20) {
            0 if trouble => (0, false, StatusCode::SERVICE_UNAVAILABLE),
            1 if trouble => (5, true, StatusCode::INTERNAL_SERVER_ERROR),
            // Longer than the sender waits.
            2 if trouble => (1500, true, StatusCode::OK),
            _ if trouble => (rng.u64(0..120), true, StatusCode::OK),
            _ => (0, true, StatusCode::OK),
        }
    };
    if heard {
        note(&shared, &id, &body);
    }
    tokio::time::sleep(Duration::from_millis(wait)).await;
    status
}

fn note(shared: &Shared, id: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let mut books = shared.books.lock().unwrap();
    let item = text.split('"').find_map(|word| word.strip_prefix('S')?.split_once("e ")?.0.parse().ok());
    match item.filter(|item| books.owed.contains(item)) {
        Some(item) => *books.arrived.entry(item).or_default().entry(id.to_owned()).or_default() += 1,
        None => books.strange.push(text.chars().take(300).collect()),
    }
}
