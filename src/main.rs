//! The wirewatch command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wirewatch::cli::main()
}
