#![cfg(test)]

mod config;
