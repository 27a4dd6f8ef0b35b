//! Messages: what goes over the wire for each format, and how it is signed.

mod sample;
mod sign;
mod standard;
