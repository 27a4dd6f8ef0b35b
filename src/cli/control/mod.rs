//! The control socket: how commands reach the running daemon.
//!
//! One request a connection, one line of JSON each way.

mod client;
mod server;

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use client::{Daemon, RELOAD, Unanswered, ask, nudge, put_in_force, socket};
pub(super) use server::Server;

use crate::domain::Timestamp;

/// Bytes of a request; the longest there is has some twenty.
const MAX_REQUEST: u64 = 4096;

/// Bytes of an answer: a report on a configuration full of mistakes.
const MAX_ANSWER: u64 = 16 << 20;

/// What a command asks of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// Read the configuration anew.
    Reload,
    /// Say how you are.
    Status,
    /// Look at once for what was changed beside you.
    Nudge,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(super) enum Answer {
    /// The configuration is in force.
    Reloaded {
        /// Whether it says anything else than the one before.
        changed: bool,
        /// What it runs, what came and went.
        summary: String,
        /// What takes a restart, and what is surely not meant.
        notes: Vec<String>,
    },
    /// The configuration was refused.
    Refused {
        /// Everything that is wrong with it.
        report: String,
        /// Since when the one is in force that stays.
        in_force_since: Timestamp,
    },
    /// How the daemon is.
    Status(Live),
    /// It looks.
    Nudged,
    /// The request is not one this daemon knows.
    NotUnderstood {
        /// Why.
        message: String,
    },
}

/// What only the running daemon knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Live {
    /// Its version.
    pub(super) version: String,
    /// Its process.
    pub(super) pid: u32,
    /// Since when it runs.
    pub(super) started_at: Timestamp,
    /// The configuration in force.
    pub(super) configuration: LiveConfiguration,
    /// The loop that has not looked for work for too long.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) stuck: Option<String>,
    /// Whether polling and sending wait for room on the disk.
    pub(super) disk_full: bool,
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiveConfiguration {
    /// The same for the same configuration.
    pub(super) hash: String,
    /// Since when it is in force.
    pub(super) loaded_at: Timestamp,
    /// What it runs.
    pub(super) summary: String,
    /// The files it was read from.
    pub(super) files: Vec<String>,
    /// Whether the files say something else by now; absent when they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) differs_on_disk: Option<bool>,
    /// When the configuration was last read.
    pub(super) last_reload_at: Timestamp,
    /// Whether it was accepted then.
    pub(super) last_reload_ok: bool,
    /// The first mistake, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_reload_error: Option<String>,
}

/// Paths up to this length fit into a socket's address; the kernel has room for 107 bytes.
const SHORT: usize = 100;

/// A path by which the kernel takes a socket whose own path is too long; valid as long as the directory is held.
fn reachable(path: &Path) -> std::io::Result<(Option<File>, PathBuf)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((None, path.to_owned()));
    };
    if path.as_os_str().len() <= SHORT || parent.as_os_str().is_empty() {
        return Ok((None, path.to_owned()));
    }
    let directory = File::open(parent)?;
    let short = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
    Ok((Some(directory), short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_over_the_socket_is_plain_json() {
        let request = serde_json::to_string(&Request::Reload).expect("JSON");
        assert_eq!(request, r#"{"command":"reload"}"#);
        assert!(serde_json::from_str::<Request>(r#"{"command":"format_disk"}"#).is_err());
        let answer =
            Answer::Reloaded { changed: true, summary: "1 feed".to_owned(), notes: vec!["a".to_owned()] };
        let text = serde_json::to_string(&answer).expect("JSON");
        assert_eq!(text, r#"{"answer":"reloaded","changed":true,"summary":"1 feed","notes":["a"]}"#);
        assert_eq!(serde_json::from_str::<Answer>(&text).expect("an answer"), answer);
    }

    #[test]
    fn long_paths_are_shortened() {
        let dir = tempfile::tempdir().expect("a directory");
        let deep = dir.path().join("d".repeat(120));
        std::fs::create_dir(&deep).expect("a directory");
        let (held, short) = reachable(&deep.join("w.sock")).expect("an open directory");
        assert!(held.is_some() && short.as_os_str().len() < SHORT, "{}", short.display());
        let plain = Path::new("data/w.db.sock");
        assert_eq!(reachable(plain).expect("nothing to open").1, plain);
    }
}
