//! Everything that is tested from outside, in one binary.
#![cfg(test)]

mod architecture;
mod poll_rules;
