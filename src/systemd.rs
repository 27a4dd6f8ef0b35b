//! What a service manager is told: ready, reloading, stopping, alive.
//!
//! Without `NOTIFY_SOCKET` every call does nothing.

use std::time::Duration;

use tracing::debug;

/// The daemon polls and sends; `status` is what `systemctl status` shows.
pub fn ready(status: &str) {
    notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
}

/// What `systemctl status` shows from now on.
pub fn status(status: &str) {
    notify(&[sd_notify::NotifyState::Status(status)]);
}

/// The daemon stops.
pub fn stopping() {
    notify(&[sd_notify::NotifyState::Stopping]);
}

/// How long the service manager waits for a sign of life before it kills the daemon; none when it does not watch.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// The daemon lives.
pub fn alive() {
    notify(&[sd_notify::NotifyState::Watchdog]);
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(problem) = sd_notify::notify(states) {
        debug!(error = %problem, "telling the service manager");
    }
}
