//! wirewatch watches news feeds and tells people, once and with the reason, when something they
//! care about is published.

pub mod clock;
pub mod config;
pub mod domain;
pub mod message;
pub mod ports;
pub mod systemd;
pub mod telemetry;
