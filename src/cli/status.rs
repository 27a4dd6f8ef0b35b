//! `wirewatch status`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::control::{self, Answer, Daemon, Live, Request, Unanswered};
use super::output::{Cell, clean, print, print_json, relative, size, table};
use super::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::domain::{FeedId, Timestamp};
use crate::ports::hand::{ByHand as _, WebhookHealth, WebhookRow};
use crate::ports::reads::{FeedHealth, FeedRow};
use crate::ports::search::Search as _;
use crate::ports::{Clock as _, Store as _};
use crate::sqlite::{self, Disk, SqliteStore};

/// How long a daemon may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Next polls, and names in one line, that are shown.
const SHOWN: usize = 3;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How everything is.
#[derive(Debug, Serialize)]
struct Status {
    /// Whether nothing is wrong.
    ok: bool,
    /// What is wrong, and what to do about it.
    problems: Vec<String>,
    /// What the running daemon says; absent when none runs, or none answers.
    daemon: Option<Live>,
    database: Database,
    feeds: Feeds,
    deliveries: Deliveries,
    webhooks: Vec<WebhookRow>,
}

#[derive(Debug, Serialize)]
struct Database {
    path: PathBuf,
    /// Bytes of its files.
    bytes: u64,
    /// Bytes that hold something.
    used: u64,
    /// Bytes that are free on its disk.
    disk_free: u64,
    /// Articles that are not in the full-text index yet.
    unindexed: u64,
}

#[derive(Debug, Serialize)]
struct Feeds {
    /// How many there are of each state.
    states: BTreeMap<&'static str, usize>,
    /// The polls that come next.
    next: Vec<NextPoll>,
}

#[derive(Debug, Serialize)]
struct NextPoll {
    feed: FeedId,
    at: Timestamp,
}

#[derive(Debug, Serialize)]
struct Deliveries {
    pending: u64,
    held: u64,
    dead: u64,
}

/// Looks at the database, asks the daemon, says what is wrong.
pub(super) async fn run(global: &Global, args: &StatusArgs) -> anyhow::Result<Outcome> {
    let place = control::socket(global)?;
    // Where not even [daemon] can be read, this says why.
    let path = match place.database.clone() {
        Some(path) => path,
        None => wire::settings(global)?.daemon.database,
    };
    let (daemon, silence) = asked(&place).await;
    let store = SqliteStore::open_for_reading(&path)?;
    let now = SystemClock.now();
    let status = gather(&store, path, daemon, silence, now).await?;
    if args.json {
        print_json(&status)?;
    } else {
        print(&describe(&status, now))?;
    }
    Ok(if status.ok { Outcome::Fine } else { Outcome::Wrong })
}

/// What the daemon says, or why it says nothing.
async fn asked(place: &Daemon) -> (Option<Live>, Option<String>) {
    let answer = match &place.socket {
        Some(socket) => control::ask(socket, Request::Status, PATIENCE).await,
        None => Err(Unanswered::Nobody(PathBuf::new())),
    };
    match answer {
        Ok(Answer::Status(live)) => (Some(live), None),
        Ok(_) => (None, Some("the daemon is of another version: restart it".to_owned())),
        // Whoever holds the lock is asked for only now: asking takes it for a moment.
        Err(Unanswered::Nobody(_)) => match place.database.as_deref().and_then(sqlite::holder) {
            None => (None, Some("no daemon runs".to_owned())),
            Some(_) if place.socket.is_none() => (None, None),
            Some(pid) => {
                let why = "nobody answers at its control socket: restart it";
                (None, Some(format!("process {pid} runs on this database, but {why}")))
            }
        },
        Err(problem) => (None, Some(problem.to_string())),
    }
}

async fn gather(
    store: &SqliteStore,
    path: PathBuf,
    daemon: Option<Live>,
    silence: Option<String>,
    now: Timestamp,
) -> anyhow::Result<Status> {
    let rows = store.list_feeds().await?;
    let webhooks: Vec<WebhookRow> = store.list_webhooks(now).await?;
    let Disk { bytes, free } = sqlite::disk(&path).context("looking at the database's disk")?;
    let database = Database {
        path,
        bytes,
        used: store.space().await?.used,
        disk_free: free,
        unindexed: store.count_unindexed().await?,
    };
    let sum = |count: fn(&WebhookRow) -> u64| webhooks.iter().map(count).sum();
    let deliveries =
        Deliveries { pending: sum(|row| row.pending), held: sum(|row| row.held), dead: sum(|row| row.dead) };
    let mut problems: Vec<String> = silence.into_iter().collect();
    problems.extend(daemon.iter().flat_map(problems_of_daemon));
    problems.extend(problems_of_feeds(&rows));
    problems.extend(problems_of_webhooks(&webhooks));
    if deliveries.dead > 0 {
        problems.push(format!(
            "{} dead: `wirewatch deliveries list --state dead` lists them, `deliveries retry --dead` sends them \
             again, `deliveries purge` gives them up",
            counted(deliveries.dead, "delivery is", "deliveries are")
        ));
    }
    Ok(Status {
        ok: problems.is_empty(),
        problems,
        daemon,
        database,
        feeds: feeds(&rows),
        deliveries,
        webhooks,
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn feeds(rows: &[FeedRow]) -> Feeds {
    let mut states = BTreeMap::new();
    for row in rows.iter().filter(|row| row.state != FeedHealth::Disabled) {
        *states.entry(row.state.as_str()).or_insert(0) += 1;
    }
    let mut next: Vec<NextPoll> = rows
        .iter()
        .filter_map(|row| row.next_poll_at.map(|at| NextPoll { feed: row.id.clone(), at }))
        .collect();
    next.sort_by(|a, b| (a.at, a.feed.as_str()).cmp(&(b.at, b.feed.as_str())));
    next.truncate(SHOWN);
    Feeds { states, next }
}

fn problems_of_daemon(live: &Live) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(which) = &live.stuck {
        problems.push(format!("the {which} has not looked for work for too long: restart the daemon"));
    }
    if live.disk_full {
        problems.push("the disk is full: polling and sending wait until there is room".to_owned());
    }
    if let Some(mistake) = &live.configuration.last_reload_error {
        problems.push(format!(
            "the configuration was refused when it was last read, the one before is in force: {mistake}"
        ));
    }
    problems
}

fn problems_of_feeds(rows: &[FeedRow]) -> Vec<String> {
    [(FeedHealth::Failing, "failing"), (FeedHealth::Gone, "gone for good (410)")]
        .into_iter()
        .filter_map(|(state, word)| {
            let names: Vec<&str> =
                rows.iter().filter(|row| row.state == state).map(|row| row.id.as_str()).collect();
            let count = counted(names.len() as u64, "feed is", "feeds are");
            let list = named(&names);
            (!names.is_empty()).then(|| format!("{count} {word}: {list}; `wirewatch feeds list` says why"))
        })
        .collect()
}

/// The first few names.
fn named(names: &[&str]) -> String {
    let mut list = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let _infallible = write!(list, " and {} more", names.len() - SHOWN);
    }
    list
}

fn problems_of_webhooks(rows: &[WebhookRow]) -> Vec<String> {
    rows.iter()
        .filter_map(|row| match row.state {
            WebhookHealth::Failing => Some(format!(
                "webhook {} is failing, what comes for it is held: {}",
                row.id,
                row.last_error.as_deref().unwrap_or("see its deliveries")
            )),
            WebhookHealth::Disabled => Some(format!(
                "webhook {0} is disabled: `wirewatch webhooks enable {0}` brings it back",
                row.id
            )),
            WebhookHealth::Left if row.held > 0 => Some(format!(
                "{} for webhook {1}, which left the configuration: bring it back, or `wirewatch deliveries purge --held \
                 --webhook {1}`",
                counted(row.held, "delivery is held", "deliveries are held"),
                row.id
            )),
            WebhookHealth::Ok
            | WebhookHealth::Unwell
            | WebhookHealth::Paused
            | WebhookHealth::Left
            | WebhookHealth::New => None,
        })
        .collect()
}

fn coloured(text: &str, colour: AnsiColor) -> String {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    format!("{style}{text}{style:#}")
}

fn describe(status: &Status, now: Timestamp) -> String {
    let mut out = match &status.daemon {
        Some(live) => {
            let since = relative(Some(live.started_at), now);
            format!("wirewatch {}, process {}, started {since}: ", live.version, live.pid)
        }
        None => "wirewatch: ".to_owned(),
    };
    if status.ok {
        out.push_str(&coloured("all is well", AnsiColor::Green));
        out.push('\n');
    } else {
        out.push_str(&coloured("something is wrong", AnsiColor::Red));
        out.push('\n');
        out.extend(status.problems.iter().map(|problem| format!("  {}\n", clean(problem))));
    }
    out.push('\n');
    for (name, value) in lines(status, now) {
        let _infallible = writeln!(out, "{name:<15}{}", clean(&value));
    }
    if !status.webhooks.is_empty() {
        let cells: Vec<Vec<Cell>> = status.webhooks.iter().map(|row| webhook(row, now)).collect();
        let heading = ["WEBHOOK", "STATE", "LAST GOOD", "PENDING", "HELD", "DEAD"];
        out.push('\n');
        out.push_str(&table(&heading, &cells, ""));
    }
    out
}

fn lines(status: &Status, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(live) = &status.daemon {
        let configuration = &live.configuration;
        let age = relative(Some(configuration.loaded_at), now);
        lines.push(("configuration", format!("{}, put in force {age}", configuration.hash)));
        lines.push(("", configuration.summary.clone()));
        let outcome = if configuration.last_reload_ok { "accepted" } else { "refused" };
        let read = relative(Some(configuration.last_reload_at), now);
        lines.push(("", format!("last read {read}: {outcome}")));
        lines.push(("", configuration.files.join(", ")));
        let differs = match configuration.differs_on_disk {
            Some(true) => Some("the files say something else by now: `wirewatch reload` puts that in force"),
            Some(false) => None,
            None => Some("the files cannot be read"),
        };
        lines.extend(differs.map(|text| ("", text.to_owned())));
    }
    let feeds = &status.feeds;
    let kinds: Vec<String> = feeds.states.iter().map(|(word, count)| format!("{count} {word}")).collect();
    lines.push(("feeds", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }));
    let next: Vec<String> =
        feeds.next.iter().map(|poll| format!("{} {}", poll.feed, relative(Some(poll.at), now))).collect();
    if !next.is_empty() {
        lines.push(("next polls", next.join(", ")));
    }
    let Deliveries { pending, held, dead } = status.deliveries;
    lines.push(("deliveries", format!("{pending} pending, {held} held, {dead} dead")));
    let database = &status.database;
    lines.push((
        "database",
        format!(
            "{}: {}, {} of it in use; {} free on its disk",
            database.path.display(),
            size(database.bytes),
            size(database.used),
            size(database.disk_free)
        ),
    ));
    if database.unindexed > 0 {
        lines.push((
            "",
            format!("{} not indexed for search yet", counted(database.unindexed, "article", "articles")),
        ));
    }
    lines
}

fn webhook(row: &WebhookRow, now: Timestamp) -> Vec<Cell> {
    vec![
        Cell::new(row.id.as_str()),
        Cell::state(row.state.as_str()),
        Cell::new(relative(row.last_good_at, now)),
        Cell::new(row.pending.to_string()),
        Cell::new(row.held.to_string()),
        Cell::new(row.dead.to_string()),
    ]
}
