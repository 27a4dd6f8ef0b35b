//! wirewatch watches news feeds and tells people, once and with the reason, when something they
//! care about is published.

pub mod domain;
pub mod parse;
