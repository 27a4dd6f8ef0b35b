//! The commands' side of the control socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::{Answer, MAX_ANSWER, Request, reachable};
use crate::app::reload::Refusal;
use crate::cli::Global;
use crate::cli::output::complain;
use crate::config::settings::DaemonSettings;
use crate::config::{self, Credentials, LoadRequest};

/// Where the packaged unit puts the socket: asked where not even `[daemon]` can be read.
const PACKAGED: &str = "/run/wirewatch/wirewatch.sock";

/// Ten thousand topics compile in seconds; a daemon that takes longer than this is stuck.
pub(in crate::cli) const RELOAD: Duration = Duration::from_secs(120);

/// How long a nudge may take; the daemon looks every two seconds anyway.
const NUDGE: Duration = Duration::from_secs(1);

/// Where the daemon is to be found.
#[derive(Debug)]
pub(in crate::cli) struct Daemon {
    /// Its socket; none: it was told to have none.
    pub(in crate::cli) socket: Option<PathBuf>,
    /// Its database, where the configuration says which.
    pub(in crate::cli) database: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Unanswered {
    /// Nobody is there.
    #[error("no daemon runs here: nobody answers at {0}; `wirewatch run` starts one")]
    Nobody(PathBuf),
    /// Somebody is, but not for us.
    #[error("this user may not give commands to the daemon at {0}; try it as the daemon's user, or as root")]
    Forbidden(PathBuf),
    /// Something went wrong on the way.
    #[error("the daemon at {0} did not answer: {1}")]
    Broken(PathBuf, String),
}

/// Finds the daemon of this configuration, also when the files have mistakes.
///
/// # Errors
/// When a file that was named cannot be read at all: it would be another daemon's.
pub(in crate::cli) fn socket(global: &Global) -> anyhow::Result<Daemon> {
    let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
    if let Some(named) = &global.config {
        std::fs::read_to_string(named).with_context(|| format!("cannot read {}", named.display()))?;
    }
    Ok(match config::daemon_settings(&request) {
        Some(DaemonSettings { socket, database, .. }) => Daemon { socket, database: Some(database) },
        None => Daemon { socket: Some(PACKAGED.into()), database: None },
    })
}

/// Asks the daemon and waits for its answer, at most `patience`.
pub(in crate::cli) async fn ask(
    path: &Path,
    request: Request,
    patience: Duration,
) -> Result<Answer, Unanswered> {
    let broken = |problem: String| Unanswered::Broken(path.to_owned(), problem);
    let exchange = async {
        let (_held, short) = reachable(path).map_err(|problem| refine(path, &problem))?;
        let mut stream = UnixStream::connect(&short).await.map_err(|problem| refine(path, &problem))?;
        let mut text = serde_json::to_vec(&request).map_err(|problem| broken(problem.to_string()))?;
        text.push(b'\n');
        stream.write_all(&text).await.map_err(|problem| broken(problem.to_string()))?;
        let mut line = String::new();
        let mut read = BufReader::new(stream.take(MAX_ANSWER));
        read.read_line(&mut line).await.map_err(|problem| broken(problem.to_string()))?;
        if line.is_empty() {
            return Err(broken("it stopped before it answered".to_owned()));
        }
        serde_json::from_str(&line).map_err(|problem| broken(format!("its answer makes no sense: {problem}")))
    };
    match tokio::time::timeout(patience, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(broken(format!("not within {} s", patience.as_secs()))),
    }
}

fn refine(path: &Path, problem: &std::io::Error) -> Unanswered {
    let kind = problem.kind();
    if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        Unanswered::Nobody(path.to_owned())
    } else if kind == ErrorKind::PermissionDenied {
        Unanswered::Forbidden(path.to_owned())
    } else {
        Unanswered::Broken(path.to_owned(), problem.to_string())
    }
}

/// Lets a running daemon look at once for what this command changed. Where that is not possible it looks by
/// itself, two seconds later.
pub(in crate::cli) async fn nudge(global: &Global) {
    if let Ok(Daemon { socket: Some(path), .. }) = socket(global)
        && let Err(problem) = ask(&path, Request::Nudge, NUDGE).await
    {
        tracing::debug!(error = %problem, "nudging the daemon");
    }
}

/// Lets a running daemon put in force what this command wrote into the configuration, and says what came of it.
pub(in crate::cli) async fn put_in_force(global: &Global) {
    let answer = match socket(global).ok().and_then(|daemon| daemon.socket) {
        Some(path) => ask(&path, Request::Reload, RELOAD).await,
        None => Err(Unanswered::Nobody(PathBuf::new())),
    };
    complain(&match answer {
        // The next one that runs reads it.
        Err(Unanswered::Nobody(_)) => return,
        Ok(Answer::Reloaded { .. }) => "the running daemon has put it in force".to_owned(),
        Ok(Answer::Refused { report, .. }) => {
            format!("the running daemon refused the configuration: {}", Refusal(report).headline())
        }
        Ok(_) => "`wirewatch reload` puts it in force".to_owned(),
        Err(problem) => format!("{problem}; `wirewatch reload` puts it in force"),
    });
}
