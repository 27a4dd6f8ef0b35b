//! What a user sees when something is wrong: one clear message with what to do, and the right exit status.

mod configuration;
mod databases;
mod outside;

use std::fmt::Write as _;
use std::process::Output;

use crate::support::daemon::{Home, text};

/// What a command said, as a person reads it: its status, then both streams, with the home's random name
/// left out.
fn said(home: &Home, output: &Output) -> String {
    let status = output.status.code().expect("it ended by itself");
    let mut said = format!("exit status {status}\n");
    for (name, stream) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !stream.is_empty() {
            write!(said, "--- {name}\n{}", text(stream)).unwrap();
        }
    }
    said.replace(&home.path().display().to_string(), "HOME")
}
