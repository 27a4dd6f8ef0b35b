//! A receiver that judges: it plays the endpoints senders meet, and says of each request what is wrong with it.

mod bad;
mod judge;
mod scenarios;
mod server;
