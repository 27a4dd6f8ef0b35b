//! Messages: what goes over the wire for each format, and how it is signed.

pub(crate) mod events;
mod formats;
mod limits;
mod sample;
mod shapes;
mod sign;
mod standard;
mod template;
