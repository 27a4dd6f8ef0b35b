//! `wirewatch reload`.

use anyhow::bail;
use clap::Args;

use super::control::{self, Answer, Request};
use super::output::{complain, print, print_json, relative};
use super::{Global, Outcome};
use crate::app::reload::said;
use crate::clock::SystemClock;
use crate::ports::Clock as _;

#[derive(Debug, Args)]
pub(super) struct ReloadArgs {
    /// Print one JSON object: the daemon's answer
    #[arg(long)]
    json: bool,
    /// Print the first mistake of a refusal, and nothing else: the daemon's log has it all
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

/// Asks the running daemon to read its configuration anew, and prints what came of it.
pub(super) async fn run(global: &Global, args: &ReloadArgs) -> anyhow::Result<Outcome> {
    let Some(socket) = control::socket(global)?.socket else {
        bail!("daemon.socket is \"off\": send SIGHUP to the daemon, its log says what came of it");
    };
    let answer = control::ask(&socket, Request::Reload, control::RELOAD).await?;
    if args.json {
        print_json(&answer)?;
    }
    match answer {
        Answer::Reloaded { changed, summary, notes } => {
            if !args.json && !args.quiet {
                for note in &notes {
                    complain(note);
                }
                print(&format!("{}: {summary}\n", said(changed)))?;
            }
            Ok(Outcome::Fine)
        }
        Answer::Refused { report, in_force_since } => {
            if !args.json {
                let mistakes = crate::app::reload::Refusal(report);
                complain(if args.quiet { mistakes.headline() } else { &mistakes.0 });
                let age = relative(Some(in_force_since), SystemClock.now());
                complain(&format!("refused: the configuration put in force {age} stays"));
            }
            Ok(Outcome::BadConfig)
        }
        Answer::NotUnderstood { message } => bail!("the daemon does not know this command: {message}"),
        Answer::Status(_) | Answer::Nudged => bail!("the daemon answered something else than it was asked"),
    }
}
