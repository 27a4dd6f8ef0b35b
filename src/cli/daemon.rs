//! `wirewatch run`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::control::Server;
use super::{Global, Outcome, output, wire};
use crate::app::reload::{self, Refusal, Reloaded};
use crate::app::snapshot::Loader;
use crate::app::supervisor::{self, Ended};
use crate::app::{Context, chain};
use crate::ports::StoreError;
use crate::{systemd, web};

/// How long requests for pages and commands in flight may take to end after stop.
const SIDE_DRAIN: Duration = Duration::from_secs(2);

/// Runs the daemon until SIGTERM or SIGINT.
pub(super) async fn run(global: &Global) -> anyhow::Result<Outcome> {
    let loader = wire::loader(global);
    let mut daemon = match wire::start(&loader, true).await? {
        Ok(daemon) => daemon,
        Err(report) => {
            output::complain(&report);
            return Ok(Outcome::BadConfig);
        }
    };
    let context = Arc::clone(&daemon.context);
    let snapshot = context.snapshot();
    let listener = match snapshot.settings.daemon.listen {
        Some(address) => Some(web::bind(address).await.map_err(anyhow::Error::msg)?),
        None => None,
    };
    let mut side = JoinSet::new();
    let stop_side = CancellationToken::new();
    if let Some(listener) = listener {
        let address = listener.local_addr().context("asking for the address served on")?;
        info!("serving http://{address}/");
        let web = daemon.web();
        side.spawn(web::serve(listener, web, web::Bounds::default(), stop_side.clone()));
    }
    if let Some(path) = &snapshot.settings.daemon.socket {
        let server = Server::bind(path)?;
        side.spawn(server.serve(Arc::clone(&context), Arc::clone(&loader), stop_side.clone()));
    }
    side.spawn(signals(Arc::clone(&context), loader)?);
    if let Some(interval) = systemd::watchdog() {
        side.spawn(watch(Arc::clone(&context), interval, stop_side.clone()));
    }

    let line = reload::describe(&snapshot.settings);
    info!(config.hash = snapshot.settings.hash, "watching {line}");
    drop(snapshot);
    systemd::ready(&format!("watching {line}"));
    let ended = supervisor::run(Arc::clone(&context)).await;
    systemd::stopping();
    stop_side.cancel();
    // Signals are listened to for ever; the others get a moment for their last answers.
    let rest = async { while side.len() > 1 && side.join_next().await.is_some() {} };
    drop(tokio::time::timeout(SIDE_DRAIN, rest).await);
    side.shutdown().await;
    daemon.close().await;
    Ok(match ended {
        Ended::Stopped => {
            info!("stopped");
            Outcome::Fine
        }
        Ended::Broken => Outcome::Wrong,
    })
}

/// Turns signals into stop and reload. A second SIGTERM or SIGINT is not waited for: the supervisor's
/// deadline ends the process.
fn signals(
    context: Arc<Context>,
    loader: Arc<dyn Loader>,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => info!("SIGTERM: stopping"),
                _ = interrupt.recv() => info!("SIGINT: stopping"),
                _ = hangup.recv() => {
                    // The outcome is logged by the reload itself.
                    drop(reload(&context, &loader).await);
                    continue;
                }
            }
            context.stop.cancel();
        }
    })
}

/// Reads the configuration anew and lets the service manager show what came of it.
pub(super) async fn reload(context: &Context, loader: &Arc<dyn Loader>) -> Result<Reloaded, Refusal> {
    let outcome = reload::reload(context, loader).await;
    let line = reload::describe(&context.snapshot().settings);
    match &outcome {
        Ok(_) => systemd::status(&format!("watching {line}")),
        Err(refusal) => systemd::status(&format!(
            "watching {line}; the configuration on disk was refused: {}",
            refusal.headline()
        )),
    }
    outcome
}

/// Tells the service manager that the daemon lives, as long as it does: the loops look for work, and the database
/// answers. A daemon that hangs is thus killed and started again.
async fn watch(context: Arc<Context>, interval: Duration, stop: CancellationToken) {
    // Three times within what the service manager waits for, so that one slow commit is no hang.
    let pause = interval / 3;
    loop {
        match lives(&context, pause).await {
            Ok(()) => systemd::alive(),
            Err(why) => warn!("the service manager is not told that all is well: {why}"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Whether the loops look for work and the database answers in time; else why not.
async fn lives(context: &Context, patience: Duration) -> Result<(), String> {
    let now = context.clock.now();
    if let Some(which) = context.health.stuck(now) {
        return Err(format!("the {} has not looked for work", which.as_str()));
    }
    match tokio::time::timeout(patience, context.store.probe(now)).await {
        // A full disk is waited out; starting again would make no room.
        Ok(Ok(()) | Err(StoreError::DiskFull(_))) => Ok(()),
        Ok(Err(problem)) => Err(chain(&problem)),
        Err(_) => Err("the database does not answer".to_owned()),
    }
}
