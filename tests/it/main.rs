//! Everything that is tested from outside, in one binary.
#![cfg(test)]

mod architecture;
mod message;
mod poll_rules;
mod config;
