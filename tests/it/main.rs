#![cfg(test)]

mod message;
