//! What is served over HTTP, on real sockets.

mod bed;
mod feeds;
mod guard;
mod metrics;
mod monitoring;
mod pages;
mod reads;
