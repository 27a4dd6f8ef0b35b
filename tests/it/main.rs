//! Everything that is tested from outside, in one binary.
#![cfg(test)]

mod architecture;
mod bad_days;
mod boilerplate;
mod config;
mod config_files;
mod control;
mod crash;
mod end_to_end;
mod example_topics;
mod feeds_commands;
mod fetch;
mod guest;
mod history;
mod holds;
mod matching;
mod message;
mod operator;
mod parse;
mod poll_rules;
mod receiver;
mod reference;
mod search;
mod sim;
mod simulation;
mod store;
mod support;
mod topics;
mod upkeep;
mod web;
mod wrong_queries;
