//! wirewatch watches news feeds and tells people, once and with the reason, when something they
//! care about is published.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod matching;
pub mod message;
pub mod offload;
pub mod opml;
pub mod parse;
pub mod ports;
pub mod sqlite;
pub mod systemd;
pub mod telemetry;
pub mod web;
