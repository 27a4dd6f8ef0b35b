//! The program with its pages, a world around it, and a browser of a few lines.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::daemon::{Daemon, Home, text};
use crate::support::world::{PATIENCE, SECRET, World, atom};

/// What a publisher with bad intentions calls an article. The reader of feeds takes mark-up out of titles; what is
/// no mark-up as long as an invisible character stands in it is left to the page.
pub(crate) const HOSTILE: &str = "&lt;\u{2060}script&gt;alert(1)&lt;\u{2060}/script&gt; Pyongyang \u{202e}troops\u{202c} \"onmouseover=x &lt;\u{2060}b&gt;&amp;";

/// Two feeds, of which one fails; two topics; two webhooks, of which one fails.
pub(crate) fn config(world: &World, more: &str) -> String {
    format!(
        r#"
[daemon]
database = "wirewatch.db"
listen = "127.0.0.1:0"
{more}
[fetch]
interval = "1s"
min_interval = "1s"
per_host = 4
per_host_delay = "0s"
allow_networks = ["127.0.0.1/32"]

[delivery]
retries = []

[feeds.wire]
url = "{wire}"
interval = "1s"

[feeds.broken]
url = "{broken}"
title = "A <broken> feed"
interval = "1s"

[topics.dprk]
title = "North Korean <troops>"
query = '(Pyongyang OR 북한) AND (soldier* OR troops OR 병력)'
webhooks = ["desk", "down"]
severity = "high"

[topics.rain]
keywords = ["rain"]

[webhooks.desk]
url = "{hook}"
secret = "{SECRET}"

[webhooks.down]
url = "http://127.0.0.1:9/"
retries_none = 0
"#,
        wire = world.feed_url("wire"),
        broken = world.feed_url("broken"),
        hook = world.hook_url()
    )
    .replace("retries_none = 0\n", "")
}

/// A running program with one alert on a hostile article, told to the desk.
pub(crate) struct Bed {
    pub(crate) world: World,
    pub(crate) home: Home,
    pub(crate) daemon: Daemon,
    pub(crate) address: SocketAddr,
}

impl Bed {
    pub(crate) async fn start(more: &str) -> Self {
        let mut world = World::start().await;
        world.publish("wire", "application/atom+xml", atom(&world, &[("Sun", "sun")]));
        let home = Home::new(&config(&world, more));
        let mut daemon = home.start();
        let address = address_of(&mut daemon);
        world.polled("wire", 1).await;
        let items = [(HOSTILE, "evil"), ("북한, 병력 파견", "good"), ("Sun", "sun")];
        world.publish("wire", "application/atom+xml", atom(&world, &items));
        let _first = world.next().await;
        let _second = world.next().await;
        Self { world, home, daemon, address }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.address, path, "").await
    }
}

/// Where a daemon serves.
pub(crate) fn address_of(daemon: &mut Daemon) -> SocketAddr {
    let line = daemon.line("serving http://");
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks with these additional header lines.
pub(crate) async fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n"))
        .await
}

/// Sends bytes, reads until the other side closes.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A refused request may end in a reset once the answer is here.
        drop(stream.read_to_end(&mut bytes).await);
        bytes
    };
    let bytes = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time");
    let answer = text(&bytes);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
