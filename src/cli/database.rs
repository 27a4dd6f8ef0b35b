//! `backup` and `database check`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::output::{print, print_json, size};
use super::waiting::watched;
use super::{Global, Outcome, wire};
use crate::clock::SystemClock;
use crate::ports::Clock as _;
use crate::sqlite::{self, Soundness};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write, which must not be there yet, or a directory to get `wirewatch-DATE.db` in
    path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What can be done with the database.
#[derive(Debug, Subcommand)]
pub(super) enum DatabaseCommand {
    /// Read the whole database and say whether it is sound, also while the daemon runs
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Check this file, a backup for instance, instead of the configuration's database
    path: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `wirewatch backup`.
pub(super) async fn backup(global: &Global, args: BackupArgs) -> anyhow::Result<Outcome> {
    let database = wire::settings(global)?.daemon.database;
    let copy = if args.path.is_dir() { args.path.join(dated_name()) } else { args.path };
    let (whole, mut part) = (bytes(&database), copy.clone().into_os_string());
    part.push(".part");
    let copying = tokio::task::spawn_blocking(move || sqlite::backup(&database, &copy));
    let line = |_| format!("copying: {} of {}", size(bytes(Path::new(&part))), size(whole));
    let made = watched(copying, line).await.context("copying the database")??;
    if args.json {
        print_json(&made)?;
    } else {
        print(&format!(
            "{}: {}, {} articles, {} alerts, {} deliveries; read back and sound\n",
            made.path.display(),
            size(made.bytes),
            made.articles,
            made.alerts,
            made.deliveries
        ))?;
    }
    Ok(Outcome::Fine)
}

fn dated_name() -> String {
    let now = SystemClock.now().to_string();
    let stamp: String = now.chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    format!("wirewatch-{stamp}Z.db")
}

/// Runs `wirewatch database …`.
pub(super) async fn run(global: &Global, command: DatabaseCommand) -> anyhow::Result<Outcome> {
    let DatabaseCommand::Check(args) = command;
    let path = match args.path {
        Some(path) => path,
        None => wire::settings(global)?.daemon.database,
    };
    let whole = bytes(&path);
    let checking = tokio::task::spawn_blocking(move || sqlite::check(&path));
    let line = |took: Duration| format!("reading {}: {} s", size(whole), took.as_secs());
    let sound = watched(checking, line).await.context("checking the database")??;
    if args.json {
        print_json(&sound)?;
    } else {
        print(&describe(&sound))?;
    }
    Ok(if sound.findings.is_empty() { Outcome::Fine } else { Outcome::Wrong })
}

fn describe(sound: &Soundness) -> String {
    let mut text = format!(
        "{}: schema {}, {} of which {} hold nothing, {} articles, {} alerts, {} deliveries\n",
        sound.path.display(),
        sound.schema,
        size(sound.bytes),
        size(sound.free),
        sound.articles,
        sound.alerts,
        sound.deliveries
    );
    if sound.findings.is_empty() {
        text.push_str("It is sound.\n");
        return text;
    }
    for finding in &sound.findings {
        text.push_str("damage: ");
        text.push_str(&super::output::clean(finding));
        text.push('\n');
    }
    text.push_str("Stop wirewatch, keep this file, and restore a backup over it.\n");
    text
}

/// The size of a file, zero while there is none.
fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}
