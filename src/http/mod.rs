//! HTTP towards feeds and webhooks: the only place that names reqwest.
//!
//! Redirects, decompression and every bound are our own: the client follows nothing and decodes nothing.
//! Addresses are checked where the connection is made, so that a name cannot resolve differently between
//! check and use.

mod client;
mod decode;
mod errors;
mod fetch;
pub mod freshness;
pub mod guard;
mod post;
mod turns;

pub use client::ClientError;
pub use fetch::{FetchLimits, HttpFetch};
pub use post::HttpPost;
