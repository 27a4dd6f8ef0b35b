//! The bare parts and nothing else: reqwest, feed-rs, an insert; reqwest and a body. What they cost is the bound that
//! figures stand beside.
//!
//! The poller here has no limits per host, cleans no text, matches nothing, trusts every date and character set.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::task::JoinSet;

use super::measure::cpu;

/// Polls and posts in flight.
const IN_FLIGHT: usize = 64;

/// Feeds in one transaction, at most; the writer also commits when it runs out of work.
const PER_TRANSACTION: usize = 100;

/// How the database is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// Bytes.
    pub(crate) size: u32,
    /// `NORMAL` or `FULL`.
    pub(crate) synchronous: &'static str,
}

/// SQLite's own page size, and commits that a power cut may forget: what a program gets that sets nothing but WAL.
pub(crate) const PLAIN: Pages = Pages { size: 4096, synchronous: "NORMAL" };

/// As wirewatch sets it.
pub(crate) const OURS: Pages = Pages { size: 16_384, synchronous: "FULL" };

struct Polled {
    feed: u32,
    etag: Option<String>,
    status: u16,
    entries: Vec<feed_rs::model::Entry>,
}

/// A poller of nothing but the essentials.
#[derive(Debug)]
pub(crate) struct BarePoller {
    client: reqwest::Client,
    urls: Arc<Vec<String>>,
    etags: Vec<Option<String>>,
    store: Option<Connection>,
}

impl BarePoller {
    pub(crate) fn new(dir: &Path, pages: Pages, urls: Vec<String>) -> Self {
        let store = Connection::open(dir.join("bare.db")).unwrap();
        store
            .execute_batch(&format!(
                "PRAGMA page_size = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA cache_size = -16000;
                 CREATE TABLE feed (id INTEGER PRIMARY KEY, url TEXT NOT NULL, etag TEXT, polled INTEGER, status INTEGER);
                 CREATE TABLE article (id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, guid TEXT NOT NULL, link TEXT,
                     title TEXT, published INTEGER, summary TEXT, content TEXT, UNIQUE (feed, guid));
                 CREATE INDEX article_published ON article (feed, published); BEGIN;",
                pages.size, pages.synchronous
            ))
            .unwrap();
        for url in &urls {
            store.execute("INSERT INTO feed (url) VALUES (?1)", [url]).unwrap();
        }
        store.execute_batch("COMMIT").unwrap();
        store.set_prepared_statement_cache_capacity(32);
        Self { client: client(), etags: vec![None; urls.len()], urls: Arc::new(urls), store: Some(store) }
    }

    /// Polls every feed once; answers the CPU time it took.
    pub(crate) fn poll_all(&mut self) -> Duration {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let began = cpu();
        let (sender, receiver) = mpsc::sync_channel::<Polled>(256);
        let store = self.store.take().unwrap();
        let writer = std::thread::spawn(move || {
            write(&store, &receiver);
            store
        });
        let next = Arc::new(AtomicU32::new(0));
        let etags = Arc::new(std::mem::take(&mut self.etags));
        let mut renewed = etags.to_vec();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..IN_FLIGHT {
                tasks.spawn(poll_some(
                    self.client.clone(),
                    Arc::clone(&self.urls),
                    Arc::clone(&etags),
                    Arc::clone(&next),
                    sender.clone(),
                ));
            }
            for (feed, etag) in tasks.join_all().await.into_iter().flatten() {
                renewed[feed as usize] = etag;
            }
        });
        drop(sender);
        self.store = Some(writer.join().unwrap());
        self.etags = renewed;
        cpu().saturating_sub(began)
    }
}

async fn poll_some(
    client: reqwest::Client,
    urls: Arc<Vec<String>>,
    etags: Arc<Vec<Option<String>>>,
    next: Arc<AtomicU32>,
    sender: mpsc::SyncSender<Polled>,
) -> Vec<(u32, Option<String>)> {
    let mut seen = Vec::new();
    loop {
        let feed = next.fetch_add(1, Relaxed);
        let Some(url) = urls.get(feed as usize) else { return seen };
        let mut request = client.get(url);
        if let Some(etag) = &etags[feed as usize] {
            request = request.header("if-none-match", etag);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let etag = answer.headers().get("etag").and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let entries = if status == 200 {
            feed_rs::parser::parse(&answer.bytes().await.unwrap()[..]).unwrap().entries
        } else {
            Vec::new()
        };
        seen.push((feed, etag.clone()));
        sender.send(Polled { feed, etag, status, entries }).unwrap();
    }
}

fn write(store: &Connection, polls: &mpsc::Receiver<Polled>) {
    while let Ok(first) = polls.recv() {
        store.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (mut next, mut count) = (Some(first), 0);
        while let Some(polled) = next {
            record(store, polled).unwrap();
            count += 1;
            next = if count < PER_TRANSACTION { polls.try_recv().ok() } else { None };
        }
        store.execute_batch("COMMIT").unwrap();
    }
}

fn record(store: &Connection, polled: Polled) -> rusqlite::Result<()> {
    let Polled { feed, etag, status, entries } = polled;
    let mut insert = store.prepare_cached(
        "INSERT INTO article (feed, guid, link, title, published, summary, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (feed, guid) DO NOTHING",
    )?;
    for entry in entries {
        let link = entry.links.into_iter().next().map(|link| link.href);
        insert.execute(params![
            feed,
            entry.id,
            link,
            entry.title.map(|text| text.content),
            entry.published.map(|at| at.timestamp()),
            entry.summary.map(|text| text.content),
            entry.content.and_then(|content| content.body),
        ])?;
    }
    store
        .prepare_cached("UPDATE feed SET etag = coalesce(?2, etag), polled = 1, status = ?3 WHERE id = ?1")?
        .execute(params![feed + 1, etag, status])?;
    Ok(())
}

/// Posts `count` bodies to `url`, so many in flight; answers the CPU time it took.
pub(crate) fn post_all(url: &str, body: &[u8], count: u32, in_flight: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = client();
    let began = cpu();
    runtime.block_on(async {
        let next = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            let (client, next, url, body) =
                (client.clone(), Arc::clone(&next), url.to_owned(), body.to_vec());
            tasks.spawn(async move {
                while next.fetch_add(1, Relaxed) < count {
                    let answer = client.post(&url).body(body.clone()).send().await.unwrap();
                    assert!(answer.status().is_success());
                }
            });
        }
        tasks.join_all().await;
    });
    cpu().saturating_sub(began)
}

fn client() -> reqwest::Client {
    // A provider may be installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}
