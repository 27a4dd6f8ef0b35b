//! `silences add · list · expire`.

use std::time::Duration;

use anyhow::bail;
use clap::{ArgGroup, Args, Subcommand};

use super::listings::ListArgs;
use super::output::{Cell, clean, print, print_json, relative, table};
use super::{Global, Outcome, wire};
use crate::app::silences::compile;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::config::units::parse_duration;
use crate::domain::silence::{Silence, SilenceMatcher};
use crate::domain::topic::Severity;
use crate::domain::{FeedId, SilenceId, Timestamp, TopicId};
use crate::ports::Clock as _;
use crate::ports::hand::{ByHand as _, Expired, SilenceRow};

/// What can be done with silences.
#[derive(Debug, Subcommand)]
pub(super) enum SilencesCommand {
    /// Mute what matches until a time: such alerts are stored and listed as silenced, and nobody is told
    Add(Add),
    /// List the silences in force
    List(List),
    /// End silences now; what they muted is not sent afterwards
    Expire(Expire),
}

/// All that is given must hold; of several topics, feeds, tags or severities, one.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("matcher").args(["topic", "feed", "tag", "severity", "query"]).multiple(true).required(true))]
#[command(group = ArgGroup::new("end").args(["lasting", "until"]).required(true))]
pub(super) struct Add {
    /// Alerts of this topic; may be repeated
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<TopicId>,
    /// Only on articles seen in this feed; may be repeated
    #[arg(long, value_name = "FEED")]
    feed: Vec<FeedId>,
    /// Only on articles seen in a feed with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only alerts of this severity: low, normal, high, critical; may be repeated
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Vec<Severity>,
    /// Only on articles that this query matches: words, or all that a topic's query may be
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// For so long: 4h, 7d
    #[arg(long = "for", id = "lasting", value_name = "TIME", value_parser = parse_duration)]
    lasting: Option<Duration>,
    /// Until then: an instant such as 2026-12-24T08:00:00+01:00, or a date (its beginning in UTC)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Who wants it [default: the user who is logged in]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Also those that have ended
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub(super) struct Expire {
    /// The silences, `sil_…`
    #[arg(required = true)]
    ids: Vec<SilenceId>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

fn severity(word: &str) -> Result<Severity, String> {
    let words = Severity::ALL.map(Severity::as_str).join(", ");
    word.parse().map_err(|()| format!("one of {words}"))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| format!("`{text}` is no instant such as 2026-12-24T08:00:00+01:00, and no date"))
}

/// Runs one of them.
pub(super) async fn run(global: &Global, command: SilencesCommand) -> anyhow::Result<Outcome> {
    match command {
        SilencesCommand::Add(args) => add(global, args).await,
        SilencesCommand::List(args) => list(global, &args).await,
        SilencesCommand::Expire(args) => expire(global, &args).await,
    }
}

async fn add(global: &Global, args: Add) -> anyhow::Result<Outcome> {
    let settings = wire::settings(global)?;
    let now = SystemClock.now();
    let until = args.until.or(args.lasting.map(|time| now.plus(time))).unwrap_or(now);
    if until <= now {
        bail!("a silence until {until} would have ended already");
    }
    let matcher = SilenceMatcher {
        topics: args.topic,
        feeds: args.feed,
        tags: args.tag,
        severities: args.severity,
        query: args.query,
    };
    check(&settings, &matcher)?;
    let author = args.author.unwrap_or_else(login);
    let silence = Silence {
        id: SilenceId::derive(&matcher, now, &author),
        matcher,
        created_at: now,
        until,
        author,
        comment: args.comment,
    };
    let store = wire::changing_store(global)?;
    store.add_silence(silence.clone()).await?;
    store.close().await;
    let Silence { id, matcher, until, .. } = silence;
    if args.json {
        print_json(&serde_json::json!({ "id": id, "until": until, "matcher": matcher }))?;
    } else {
        let matcher = clean(&matcher.to_string());
        print(&format!("{id}: alerts are muted until {until}: {matcher}\n"))?;
    }
    Ok(Outcome::Fine)
}

/// What is misspelt would mute nothing, and nobody would know.
fn check(settings: &Settings, matcher: &SilenceMatcher) -> anyhow::Result<()> {
    for topic in &matcher.topics {
        if !settings.topics.contains_key(topic) {
            let near = nearest(topic.as_str(), settings.topics.keys().map(TopicId::as_str));
            bail!("there is no topic `{topic}`{near}");
        }
    }
    for feed in &matcher.feeds {
        if !settings.feeds.contains_key(feed) {
            bail!(
                "there is no feed `{feed}`{}",
                nearest(feed.as_str(), settings.feeds.keys().map(FeedId::as_str))
            );
        }
    }
    let known = || settings.feeds.values().flat_map(|feed| &feed.tags).map(String::as_str);
    for tag in &matcher.tags {
        if !known().any(|other| other == tag) {
            bail!("no feed has the tag `{}`{}", clean(tag), nearest(tag, known()));
        }
    }
    if let Some(query) = &matcher.query
        && let Err(problem) = compile(query, &settings.concepts)
    {
        bail!("the query {problem}; `wirewatch topics match --query` shows where");
    }
    Ok(())
}

pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.min_by_key(|known| strsim::damerau_levenshtein(known, written));
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Who is logged in, as far as the environment knows.
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn login() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    let name = names.filter_map(|name| std::env::var(name).ok()).find(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| "unknown".to_owned())
}

async fn list(global: &Global, args: &List) -> anyhow::Result<Outcome> {
    let now = SystemClock.now();
    let page = args.list.page();
    let mut rows = wire::reading_store(global)?.list_silences(args.all, now).await?;
    rows.retain(|row| page.since.is_none_or(|since| row.created_at >= since));
    if page.limit > 0 {
        rows.truncate(page.limit);
    }
    if args.list.json {
        print_json(&rows)?;
        return Ok(Outcome::Fine);
    }
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, now)).collect();
    let heading = ["SILENCE", "STATE", "UNTIL", "BY", "MUTED", "WHAT", "COMMENT"];
    print(&table(&heading, &cells, "no silences"))?;
    Ok(Outcome::Fine)
}

fn cells(row: &SilenceRow, now: Timestamp) -> Vec<Cell> {
    vec![
        Cell::new(row.id.to_string()),
        Cell::new(if row.in_force { "in force" } else { "ended" }),
        Cell::new(relative(Some(row.until), now)),
        Cell::new(&row.author),
        Cell::new(row.alerts.to_string()),
        Cell::new(row.matcher.to_string()),
        Cell::new(row.comment.as_deref().unwrap_or_default()),
    ]
}

async fn expire(global: &Global, args: &Expire) -> anyhow::Result<Outcome> {
    let store = wire::changing_store(global)?;
    let now = SystemClock.now();
    let mut ended = Vec::new();
    for id in &args.ids {
        ended.push((*id, store.expire_silence(*id, now).await?));
    }
    store.close().await;
    if args.json {
        let rows: Vec<_> =
            ended.iter().map(|(id, outcome)| serde_json::json!({ "id": id, "outcome": outcome })).collect();
        print_json(&rows)?;
    } else {
        for (id, outcome) in &ended {
            print(&match outcome {
                Expired::Now => format!("{id}: has ended; what it muted stays untold\n"),
                Expired::Already => format!("{id}: had ended before\n"),
                Expired::Unknown => format!("{id}: there is no such silence\n"),
            })?;
        }
    }
    let all_known = ended.iter().all(|(_, outcome)| *outcome != Expired::Unknown);
    Ok(if all_known { Outcome::Fine } else { Outcome::Wrong })
}
