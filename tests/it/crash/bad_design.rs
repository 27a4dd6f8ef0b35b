//! A feed watcher as it is often written: what was seen is noted first, what was found is sent from memory.
//! It shows that the judge can say no.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use fastrand::Rng;

use super::faults::Outcome;
use super::outside::{FEEDS, Outside, WORD};

/// Where the watcher finds its address and its memory.
const ADDRESS: &str = "WIREWATCH_TEST_BAD_DESIGN";

/// How often it is looked at: on a machine that is busy elsewhere the moments may be kind to it.
const LOOKS: u64 = 5;

/// What the judge says of the watcher, the first time it says no.
pub(super) async fn run() -> Outcome {
    let mut said = Ok(String::new());
    for seed in 12..12 + LOOKS {
        said = look(seed).await;
        if said.is_err() {
            break;
        }
    }
    said
}

/// The watcher, killed at random moments like the real one.
async fn look(seed: u64) -> Outcome {
    let outside = Outside::new(seed);
    let home = tempfile::tempdir().unwrap();
    let mut rng = Rng::with_seed(seed);
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "crash::bad_design::the_watcher_itself", "--ignored", "--nocapture"]);
        command.env(ADDRESS, format!("{} {}", outside.address, home.path().join("seen").display()));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for _ in 0..15 {
        let mut child = start();
        let goal = outside.visits() + rng.u64(1..30);
        let until = tokio::time::Instant::now() + Duration::from_secs(5);
        while outside.visits() < goal && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(0..30))).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    outside.calm_down();
    let mut child = start();
    let verdict = outside.settle(Duration::from_secs(2)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    verdict.judge().map(|()| format!("{} delivered", verdict.owed))
}

/// As a fault of its own: good is that it fails.
pub(super) async fn fails() -> Outcome {
    match run().await {
        Ok(told) => Err(format!("the judge found nothing: {told}")),
        Err(found) => Ok(found.chars().take(100).collect()),
    }
}

/// One exchange over a connection of its own; the answer's body where it is a success.
fn exchange(address: &str, head: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let length = body.len();
    write!(stream, "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 2").then(|| body.to_owned())
}

/// Not a test: what [`run`] starts and kills.
#[test]
#[ignore = "a program that other tests start"]
fn the_watcher_itself() {
    #[expect(clippy::disallowed_methods, reason = "how its parent tells it what to do")]
    let Ok(told) = std::env::var(ADDRESS) else { return };
    let (address, memory) = told.split_once(' ').unwrap();
    let memory = PathBuf::from(memory);
    loop {
        // What is found in a round is sent at its end.
        let mut found = Vec::new();
        for feed in 0..FEEDS {
            let Some(document) = exchange(address, &format!("GET /feeds/{feed} HTTP/1.1"), "") else {
                continue;
            };
            let mut seen: BTreeSet<String> =
                fs::read_to_string(&memory).unwrap_or_default().lines().map(str::to_owned).collect();
            let titles = document.split("<title>").filter_map(|part| part.split_once("</title>"));
            let new = titles.map(|(title, _)| title.to_owned());
            let new: Vec<String> =
                new.filter(|title| title.contains(WORD) && !seen.contains(title)).collect();
            seen.extend(new.iter().cloned());
            fs::write(&memory, seen.into_iter().collect::<Vec<_>>().join("\n")).unwrap();
            found.extend(new);
        }
        for title in found {
            let head = format!("POST /hook HTTP/1.1\r\nwebhook-id: {:x}", fastrand::u64(..));
            let body = format!("{{\"title\": \"{title}\"}}");
            // Three tries from memory, as one does.
            let sent = (0..3).any(|_| exchange(address, &head, &body).is_some());
            if !sent {
                println!("giving up on {title}");
            }
        }
    }
}
