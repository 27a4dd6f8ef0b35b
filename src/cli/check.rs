//! `wirewatch check`.

use std::io::IsTerminal as _;

use super::{Global, Outcome, compile, output};
use crate::app::reload::describe;
use crate::config::{Credentials, LoadRequest};

/// Checks the configuration; the report goes to stderr, what will run to stdout.
pub(super) fn run(global: &Global) -> anyhow::Result<Outcome> {
    let request = LoadRequest::of_process(global.config.clone(), Credentials::Optional);
    let colour = std::io::stderr().is_terminal();
    match compile::check(&request) {
        Ok(checked) => {
            if !checked.report.is_empty() {
                output::complain(checked.report.render(colour).trim_end());
            }
            let settings = &checked.loaded.settings;
            let tests: usize = settings.topics.values().map(|topic| topic.tests.len()).sum();
            let files: Vec<String> = settings.files.iter().map(|file| file.display().to_string()).collect();
            output::print(&format!(
                "ok: {}; {tests} topic {} passed; read {}\n",
                describe(settings),
                if tests == 1 { "test" } else { "tests" },
                files.join(", ")
            ))?;
            Ok(Outcome::Fine)
        }
        Err(report) => {
            output::complain(&report.render(colour));
            Ok(Outcome::BadConfig)
        }
    }
}
