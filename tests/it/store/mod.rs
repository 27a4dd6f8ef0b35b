//! The contract of the `Store` port: what every store promises, held against SQLite on disk and in memory.

pub(crate) mod bed;
mod deliveries;
mod feeds;
mod holds;
mod listings;
mod polls;
mod retention;
mod samples;
mod search;
