//! The daemon's side of the control socket.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Answer, Live, LiveConfiguration, MAX_REQUEST, Request, reachable};
use crate::app::reload::{Refusal, Reloaded, describe};
use crate::app::snapshot::Loader;
use crate::app::{Context, chain};
use crate::cli::daemon;

/// Connections served at a time; further ones wait.
const VISITS: usize = 16;

/// How long a caller may take to say what it wants, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// After an error of `accept`, such as too many open files.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Owner and group may give commands.
const MODE: u32 = 0o660;

/// The control socket, bound; the file goes with it.
#[derive(Debug)]
pub(in crate::cli) struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // When it is gone already, so much the better.
        drop(fs::remove_file(&self.path));
    }
}

impl Server {
    /// Binds the socket; one that a killed daemon left is replaced.
    pub(in crate::cli) fn bind(path: &Path) -> anyhow::Result<Self> {
        let remedy = "let daemon.socket name another path, or \"off\"";
        let (_held, short) = reachable(path)
            .with_context(|| format!("opening the directory of {}; {remedy}", path.display()))?;
        match fs::symlink_metadata(path) {
            Err(problem) if problem.kind() == ErrorKind::NotFound => {}
            Err(problem) => {
                return Err(problem).with_context(|| format!("looking at {}; {remedy}", path.display()));
            }
            Ok(found) if !found.file_type().is_socket() => {
                bail!("{} is there already and is no socket; {remedy}", path.display());
            }
            Ok(_) if std::os::unix::net::UnixStream::connect(&short).is_ok() => {
                bail!("another wirewatch answers at {}; {remedy}", path.display());
            }
            Ok(_) => fs::remove_file(path)
                .with_context(|| format!("removing {}, which a former daemon left", path.display()))?,
        }
        let listener = UnixListener::bind(&short)
            .with_context(|| format!("cannot make the control socket {}; {remedy}", path.display()))?;
        let server = Self { listener, path: path.to_owned() };
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))
            .with_context(|| format!("setting the permissions of {}", path.display()))?;
        Ok(server)
    }

    /// Answers until stop.
    pub(in crate::cli) async fn serve(
        self,
        context: Arc<Context>,
        loader: Arc<dyn Loader>,
        stop: CancellationToken,
    ) {
        let mut visits: JoinSet<()> = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = visits.join_next(), if !visits.is_empty() => {}
                accepted = self.listener.accept(), if visits.len() < VISITS => match accepted {
                    Ok((stream, _)) => {
                        let (context, loader) = (Arc::clone(&context), Arc::clone(&loader));
                        visits.spawn(async move {
                            if let Err(problem) = visit(stream, &context, &loader).await {
                                debug!(error = %problem, "a command left the control socket early");
                            }
                        });
                    }
                    Err(problem) => {
                        warn!(error = %problem, "accepting a connection on the control socket");
                        tokio::time::sleep(AFTER_ERROR).await;
                    }
                }
            }
        }
        // A reload under way is cut off: nothing of it is in force before its end.
        visits.shutdown().await;
    }
}

async fn visit(mut stream: UnixStream, context: &Context, loader: &Arc<dyn Loader>) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(MAX_REQUEST));
    tokio::time::timeout(PATIENCE, read.read_line(&mut line)).await??;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => answer(request, context, loader).await,
        Err(problem) => Answer::NotUnderstood { message: problem.to_string() },
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    tokio::time::timeout(PATIENCE, write.write_all(&text)).await?
}

async fn answer(request: Request, context: &Context, loader: &Arc<dyn Loader>) -> Answer {
    match request {
        Request::Reload => match daemon::reload(context, loader).await {
            Ok(Reloaded { changed, summary, notes }) => Answer::Reloaded { changed, summary, notes },
            Err(Refusal(report)) => Answer::Refused { report, in_force_since: context.snapshot().loaded_at },
        },
        Request::Status => Answer::Status(live(context, loader).await),
        Request::Nudge => {
            context.nudge();
            Answer::Nudged
        }
    }
}

async fn live(context: &Context, loader: &Arc<dyn Loader>) -> Live {
    let snapshot = context.snapshot();
    let settings = &snapshot.settings;
    let last = context.last_reload();
    let (loader, hash) = (Arc::clone(loader), settings.files_hash.clone());
    let differs = tokio::task::spawn_blocking(move || loader.differs(&hash)).await;
    if let Err(problem) = &differs {
        warn!(error = %chain(problem), "comparing the configuration with its files");
    }
    Live {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: context.started_at,
        configuration: LiveConfiguration {
            hash: settings.hash.clone(),
            loaded_at: snapshot.loaded_at,
            summary: describe(settings),
            files: settings.files.iter().map(|path| path.display().to_string()).collect(),
            differs_on_disk: differs.ok().flatten(),
            last_reload_at: last.at,
            last_reload_ok: last.refusal.is_none(),
            last_reload_error: last.refusal.map(|refusal| refusal.headline().to_owned()),
        },
        stuck: context.health.stuck(context.clock.now()).map(|which| which.as_str().to_owned()),
        disk_full: context.store.disk_is_full(),
    }
}
