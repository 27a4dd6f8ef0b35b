//! `feeds import`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;

use clap::Args;
use serde::Serialize;
use url::Url;

use super::visit::typed_address;
use super::write::{Writing, name_of};
use crate::cli::output::{self, Cell};
use crate::cli::{Global, Outcome, control};
use crate::config::edit::{NewFeed, choose_id, same_feed};
use crate::domain::FeedId;
use crate::opml::{self, Outline};
use crate::parse::limits;

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The OPML file; `-` reads stdin
    file: String,
    /// A tag for all of them, besides their folders; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Show what would be added, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON array, an object for each feed of the list
    #[arg(long)]
    json: bool,
}

/// What becomes of one feed of a list.
#[derive(Debug, Serialize)]
struct Row {
    url: String,
    title: Option<String>,
    tags: Vec<String>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<FeedId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
}

/// Adds the feeds of a list to the configuration; one that cannot be added stops none of the others.
pub(super) async fn run(global: &Global, args: &ImportArgs) -> anyhow::Result<Outcome> {
    let document = match read(&args.file) {
        Ok(document) => document,
        Err(problem) => {
            output::complain(&format!("wirewatch: {} cannot be read: {problem}", output::clean(&args.file)));
            return Ok(Outcome::Wrong);
        }
    };
    let list = match opml::read(&document) {
        Ok(list) => list,
        Err(problem) => {
            output::complain(&format!("wirewatch: {}: {problem}", output::clean(&args.file)));
            return Ok(Outcome::Wrong);
        }
    };
    let writing = Writing::begin(global)?;
    let (rows, feeds) = decide(&writing, list, &args.tags);
    let path = if feeds.is_empty() || args.dry_run {
        // What would be written is checked all the same.
        writing.settings_with(&feeds)?;
        None
    } else {
        Some(writing.write(&feeds)?)
    };
    tell(args, &rows, path.as_deref())?;
    if path.is_some() {
        control::put_in_force(global).await;
    }
    if path.is_some() {
        control::put_in_force(global).await;
    }
    let refused = rows.iter().any(|row| row.outcome == "refused");
    Ok(if refused || rows.is_empty() { Outcome::Wrong } else { Outcome::Fine })
}

fn read(name: &str) -> std::io::Result<Vec<u8>> {
    let most = limits::DOCUMENT_BYTES as u64 + 1;
    let mut document = Vec::new();
    if name == "-" {
        std::io::stdin().take(most).read_to_end(&mut document)?;
    } else {
        File::open(name)?.take(most).read_to_end(&mut document)?;
    }
    Ok(document)
}

/// Decides what becomes of each feed.
fn decide(writing: &Writing, list: Vec<Outline>, tags: &[String]) -> (Vec<Row>, Vec<NewFeed>) {
    let mut rows = Vec::with_capacity(list.len());
    let mut feeds: Vec<NewFeed> = Vec::new();
    let mut added = HashMap::new();
    let mut ids = HashSet::new();
    for outline in list {
        let mut all: Vec<String> = outline.tags.clone();
        all.extend(tags.iter().filter(|tag| !outline.tags.contains(tag)).cloned());
        let title = outline.title.as_deref().map(name_of);
        let mut row = Row { url: outline.url, title, tags: all, outcome: "refused", id: None, remark: None };
        match decide_one(writing, &row, &added, |id| ids.contains(id)) {
            Err((outcome, remark)) => {
                row.outcome = outcome;
                row.remark = Some(remark);
                row.url = without_credentials(row.url);
            }
            Ok((id, url)) => {
                added.insert(same_feed(&url), id.clone());
                ids.insert(id.to_string());
                feeds.push(NewFeed {
                    id: id.clone(),
                    url: url.to_string(),
                    title: row.title.clone(),
                    tags: row.tags.clone(),
                    interval: None,
                    lang: outline.lang,
                    credentials: Vec::new(),
                });
                row.outcome = "added";
                row.id = Some(id);
            }
        }
        rows.push(row);
    }
    (rows, feeds)
}

/// An address as it may be shown.
fn without_credentials(url: String) -> String {
    let from = url.find("://").map_or(0, |at| at + 3);
    let host_to = url[from..].find(['/', '?', '#']).map_or(url.len(), |at| from + at);
    match url[from..host_to].rfind('@') {
        Some(at) => format!("{}***{}", &url[..from], &url[from + at..]),
        None => url,
    }
}

type Refusal = (&'static str, String);

fn decide_one(
    writing: &Writing,
    row: &Row,
    added: &HashMap<String, FeedId>,
    is_taken: impl Fn(&str) -> bool,
) -> Result<(FeedId, Url), Refusal> {
    if row.url.len() > limits::LINK_BYTES {
        return Err(("refused", "the address is too long".to_owned()));
    }
    let url = typed_address(&row.url).map_err(|problem| ("refused", problem))?;
    if let Some(known) = writing.configured(&url) {
        return Err(("configured", format!("polled already, as the feed `{known}`")));
    }
    if let Some(twin) = added.get(&same_feed(&url)) {
        return Err(("duplicate", format!("the list has it twice; it is the feed `{twin}`")));
    }
    let id = choose_id(row.title.as_deref(), &url, |id| writing.has_id(id) || is_taken(id));
    Ok((id, url))
}

fn tell(args: &ImportArgs, rows: &[Row], path: Option<&str>) -> anyhow::Result<()> {
    if args.json {
        return Ok(output::print_json(&rows)?);
    }
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                Cell::new(if args.dry_run && row.outcome == "added" { "would add" } else { row.outcome }),
                Cell::new(row.id.as_ref().map_or("-", FeedId::as_str)),
                Cell::new(row.tags.join(", ")),
                Cell::new(&row.url),
                Cell::new(row.remark.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    let mut text = output::table(
        &["OUTCOME", "FEED", "TAGS", "URL", "REMARK"],
        &cells,
        "there are no feeds in this list",
    );
    let count = rows.iter().filter(|row| row.outcome == "added").count();
    let others = rows.len() - count;
    if let Some(path) = path {
        text.extend([format!("{count} written to {path}, {others} left out\n")]);
    } else if !rows.is_empty() {
        text.extend([format!("{count} to add, {others} to leave out; nothing was written\n")]);
    }
    Ok(output::print(&text)?)
}
