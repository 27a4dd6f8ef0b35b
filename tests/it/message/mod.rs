//! Messages: what goes over the wire for each format, and how it is signed.

mod formats;
mod limits;
mod sample;
mod sign;
mod standard;
mod template;
