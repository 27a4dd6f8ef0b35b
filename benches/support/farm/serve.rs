//! HTTP/1.1 by hand: so that the moments of first and last bytes are what they are called, and cost next to nothing.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Farm, Stats};

/// A request, as far as the farm cares.
#[derive(Debug, Default)]
struct Request {
    is_post: bool,
    path: String,
    etag: Option<String>,
    accepts_gzip: bool,
    body: Vec<u8>,
    /// When its first byte came.
    at: Option<Instant>,
}

/// Serves on every address of the farm until the task is dropped; `ready` gets the port.
pub(crate) async fn serve(farm: Arc<Farm>, ready: impl FnOnce(u16)) -> io::Result<()> {
    let mut port = farm.options.port;
    let mut listeners = Vec::new();
    for host in 1..=farm.options.hosts {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), port)).await?;
        port = listener.local_addr()?.port();
        listeners.push((host, listener));
    }
    ready(port);
    let mut tasks = JoinSet::new();
    for (host, listener) in listeners {
        let farm = Arc::clone(&farm);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (stream, _) = accepted?;
                        farm.state().stats.connections += 1;
                        connections.spawn(connection(stream, host, Arc::clone(&farm)));
                    }
                    Some(_) = connections.join_next(), if !connections.is_empty() => {}
                }
            }
        });
    }
    let steadily = Arc::clone(&farm);
    tasks.spawn(async move {
        steadily.publish_steadily().await;
        std::future::pending().await
    });
    tasks.join_next().await.map_or(Ok(()), |ended| ended.map_err(io::Error::other)?)
}

async fn connection(mut stream: TcpStream, host: u8, farm: Arc<Farm>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8 << 10);
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        match request.path.strip_prefix("/feed/").and_then(|number| number.parse().ok()) {
            Some(number) if number < farm.options.feeds => {
                begin(&farm, host);
                let answered = feed(&mut stream, &farm, number, &request).await;
                end(&farm, host);
                answered?;
            }
            _ => other(&mut stream, &farm, request).await?,
        }
        if farm.options.close {
            break;
        }
    }
    Ok(())
}

fn begin(farm: &Farm, host: u8) {
    let mut state = farm.state();
    state.in_flight += 1;
    let here = state.in_flight_per_host.entry(host).or_default();
    *here += 1;
    let here = *here;
    state.stats.requests += 1;
    state.stats.in_flight_max = state.stats.in_flight_max.max(state.in_flight);
    state.stats.in_flight_per_host_max = state.stats.in_flight_per_host_max.max(here);
}

fn end(farm: &Farm, host: u8) {
    let mut state = farm.state();
    state.in_flight -= 1;
    if let Some(here) = state.in_flight_per_host.get_mut(&host) {
        *here -= 1;
    }
}

/// Answers for a feed: the document, or 304.
async fn feed(stream: &mut TcpStream, farm: &Farm, number: u32, request: &Request) -> io::Result<()> {
    let options = &farm.options;
    if options.latency_ms > 0 {
        let jitter = options.jitter_ms.min(options.latency_ms);
        let wait = options.latency_ms - jitter + fastrand::u64(..=2 * jitter);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    let (published, body) = {
        let mut state = farm.state();
        let feed = &mut state.feeds[number as usize];
        (feed.published, farm.body(feed, number))
    };
    let connection = if options.close { "connection: close\r\n" } else { "" };
    let etag = format!("\"{}-{number}-{published}\"", options.seed);
    let unchanged = !options.no_validators && request.etag.as_deref() == Some(etag.as_str());
    if unchanged {
        let head = format!("HTTP/1.1 304 Not Modified\r\netag: {etag}\r\n{connection}\r\n");
        count(farm, request, head.len(), |stats| stats.unchanged += 1);
        return stream.write_all(head.as_bytes()).await;
    }
    let (coding, body) = match &body.gzipped {
        Some(gzipped) if request.accepts_gzip => ("content-encoding: gzip\r\n", gzipped),
        _ => ("", &body.plain),
    };
    let validators = if options.no_validators { String::new() } else { format!("etag: {etag}\r\n") };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/rss+xml\r\n{validators}{coding}{connection}content-length: {}\r\n\r\n",
        body.len()
    );
    count(farm, request, head.len() + body.len(), |stats| stats.whole += 1);
    let mut answer = head.into_bytes();
    answer.extend_from_slice(body);
    stream.write_all(&answer).await?;
    farm.served(number, published);
    Ok(())
}

fn count(farm: &Farm, request: &Request, bytes: usize, which: impl FnOnce(&mut Stats)) {
    let mut state = farm.state();
    state.stats.bytes_out += bytes as u64;
    state.stats.conditional += u64::from(request.etag.is_some());
    which(&mut state.stats);
}

/// The sink, and the handles of whoever measures.
async fn other(stream: &mut TcpStream, farm: &Farm, request: Request) -> io::Result<()> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let asked: HashMap<&str, u32> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect();
    let value = |name: &str, default: u32| asked.get(name).copied().unwrap_or(default);
    let (status, body) = match (request.is_post, path) {
        (true, "/hook") => {
            if let Some(at) = request.at {
                farm.told(&request.body, at);
            }
            if farm.options.hook_latency_ms > 0 {
                tokio::time::sleep(Duration::from_millis(farm.options.hook_latency_ms)).await;
            }
            ("204 No Content", String::new())
        }
        (true, "/_publish") => {
            farm.publish(value("from", 0), value("n", farm.options.feeds), value("items", 1));
            ("204 No Content", String::new())
        }
        (true, "/_reset") => {
            farm.state().stats = Stats::default();
            ("204 No Content", String::new())
        }
        (false, "/_stats") => {
            let stats = farm.state().stats.clone();
            ("200 OK", serde_json::to_string(&stats).unwrap_or_default())
        }
        _ => ("404 Not Found", String::new()),
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await
}

/// Reads one request; `None` when the other side closed.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut at = (!buffer.is_empty()).then(Instant::now);
    let head = loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
        at.get_or_insert_with(Instant::now);
    };
    let (mut request, length) = understand(&buffer[..head]);
    request.at = at;
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Ok(Some(request))
}

/// Reads the head of a request; answers also how long its body is.
fn understand(head: &[u8]) -> (Request, usize) {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut request = Request {
        is_post: words.next() == Some("POST"),
        path: words.next().unwrap_or_default().to_owned(),
        ..Request::default()
    };
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "if-none-match" => request.etag = Some(value.to_owned()),
            "accept-encoding" => request.accepts_gzip = value.contains("gzip"),
            _ => {}
        }
    }
    (request, length)
}
