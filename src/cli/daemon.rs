//! `wirewatch run`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Global, Outcome, output, wire};
use crate::app::snapshot::Loader;
use crate::app::supervisor::{self, Ended};
use crate::app::{Context, reload};
use crate::{systemd, web};

/// How long requests for pages in flight may take to end after stop.
const WEB_DRAIN: Duration = Duration::from_secs(2);

/// Runs the daemon until SIGTERM or SIGINT.
pub(super) async fn run(global: &Global) -> anyhow::Result<Outcome> {
    let loader = wire::loader(global);
    let daemon = match wire::start(&loader, true).await? {
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
    let stop_web = CancellationToken::new();
    if let Some(listener) = listener {
        let address = listener.local_addr().context("asking for the address served on")?;
        info!("serving http://{address}/healthz and /readyz");
        side.spawn(serve(listener, Arc::clone(&context), stop_web.clone()));
    }
    side.spawn(signals(Arc::clone(&context), loader)?);

    let line = reload::describe(&snapshot.settings);
    info!(config.hash = snapshot.settings.hash, "watching {line}");
    drop(snapshot);
    systemd::ready(&format!("watching {line}"));
    let ended = supervisor::run(Arc::clone(&context)).await;
    systemd::stopping();
    stop_web.cancel();
    // Signals are listened to for ever; the web server gets a moment for its last answers.
    drop(tokio::time::timeout(WEB_DRAIN, side.join_next()).await);
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

async fn serve(listener: tokio::net::TcpListener, context: Arc<Context>, stop: CancellationToken) {
    if let Err(problem) = web::serve(listener, context, stop).await {
        error!(error = %problem, "serving HTTP");
    }
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
                    match reload::reload(&context, &loader).await {
                        Ok(_) => {
                            let line = reload::describe(&context.snapshot().settings);
                            systemd::status(&format!("watching {line}"));
                        }
                        Err(_) => systemd::status("the last reload was refused; the former configuration is in force"),
                    }
                    continue;
                }
            }
            context.stop.cancel();
        }
    })
}
