//! Messages: what goes over the wire for each format, and how it is signed.

mod events;
mod formats;
mod limits;
mod sample;
mod shapes;
mod sign;
mod standard;
mod template;
