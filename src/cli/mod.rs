//! The command line. One file per command; `wire` is the only place that builds adapters.

mod alerts;
mod articles;
mod check;
mod compile;
mod control;
mod daemon;
mod database;
mod deliveries;
mod demo;
mod feeds;
mod listings;
mod names;
mod once;
mod output;
mod progress;
mod reference;
mod reload;
mod silences;
mod status;
mod time;
mod topics;
mod waiting;
mod webhooks;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::telemetry::{self, LogEnvironment, LogFormat};

/// Watches news feeds and tells you, once and with the reason, when something you care about is published.
#[derive(Debug, Parser)]
#[command(name = "wirewatch", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
struct Global {
    /// The configuration file; conf.d/*.toml beside it is read, too [default: `$WIREWATCH_CONFIG`,
    /// ./config/wirewatch.toml, `$CONFIGURATION_DIRECTORY/wirewatch.toml`, /etc/wirewatch/wirewatch.toml]
    #[arg(long, short, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// How much to log to stderr: error, warn, info, debug, trace, or a filter as in `RUST_LOG`, which overrides it
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: SIGHUP reloads the configuration, SIGTERM and SIGINT stop it cleanly
    Run,
    /// Ask the running daemon to read its configuration anew; wait, and print what came of it
    Reload(reload::ReloadArgs),
    /// How everything is: feeds, deliveries, webhooks, the configuration in force; exit status 1 when something is wrong
    Status(status::StatusArgs),
    /// Poll everything that is due, deliver what is pending, and exit (for cron, CI, trying out)
    Once,
    /// Read and check the configuration, compile the topics and run their tests
    Check,
    /// Show the whole way from feed to webhook on bundled sample feeds, without network or configuration
    Demo(demo::DemoArgs),
    /// What is polled
    #[command(subcommand)]
    Feeds(feeds::FeedsCommand),
    /// What is watched for
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// What was stored
    #[command(subcommand)]
    Articles(articles::ArticlesCommand),
    /// What was told, and why
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// The outbox
    #[command(subcommand)]
    Deliveries(deliveries::DeliveriesCommand),
    /// What is muted for a time
    #[command(subcommand)]
    Silences(silences::SilencesCommand),
    /// Where alerts go
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Copy the database while the daemon runs; the copy is read back before it gets its name
    Backup(database::BackupArgs),
    /// Whether the database is sound
    #[command(subcommand)]
    Database(database::DatabaseCommand),
    /// Print the script that teaches a shell to complete commands
    Completions(reference::CompletionsArgs),
    /// Print a manual page, or write all of them
    Man(reference::ManArgs),
    /// Print the JSON Schema of the configuration, with which editors complete and check it, or that of messages
    Schema(reference::SchemaArgs),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// As it should.
    Fine,
    /// The command found that something is wrong, and has said so.
    Wrong,
    /// What was typed cannot be used, and the command has said why.
    WrongUse,
    /// The configuration is wrong, and the report was printed: a service manager must not restart into it.
    BadConfig,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => Self::SUCCESS,
            Outcome::Wrong => Self::from(1),
            Outcome::WrongUse => Self::from(2),
            Outcome::BadConfig => Self::from(78),
        }
    }
}

/// Threads for blocking work: the store's writer and readers, and parsing. Bounds how many documents
/// are in memory parsed at a time.
const BLOCKING_THREADS: usize = 16;

/// Runs the command line and answers with the exit status: 0 fine, 1 something is wrong, 2 wrong use,
/// 78 wrong configuration.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let default_level = match &cli.command {
        Command::Run | Command::Once => "info",
        Command::Reload(_)
        | Command::Status(_)
        | Command::Check
        | Command::Demo(_)
        | Command::Feeds(_)
        | Command::Topics(_)
        | Command::Articles(_)
        | Command::Alerts(_)
        | Command::Deliveries(_)
        | Command::Silences(_)
        | Command::Webhooks(_)
        | Command::Backup(_)
        | Command::Database(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Schema(_) => "warn",
    };
    let level = cli.global.log.as_deref().unwrap_or(default_level);
    if let Err(problem) = telemetry::start(level, cli.global.log_format, &log_environment()) {
        output::complain(&format!("wirewatch: {problem}"));
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli)),
        Err(problem) => Err(anyhow::Error::new(problem).context("starting the runtime")),
    };
    match ended {
        Ok(outcome) => outcome.into(),
        Err(problem) => fail(&problem).into(),
    }
}

/// Says why a command could not do its work.
fn fail(problem: &anyhow::Error) -> Outcome {
    if let Some(report) = problem.downcast_ref::<wire::BadConfiguration>() {
        output::complain(&report.to_string());
        return Outcome::BadConfig;
    }
    output::complain(&format!("wirewatch: {problem:#}"));
    Outcome::Wrong
}

async fn dispatch(cli: Cli) -> anyhow::Result<Outcome> {
    let global = cli.global;
    match cli.command {
        Command::Run => daemon::run(&global).await,
        Command::Reload(args) => reload::run(&global, &args).await,
        Command::Status(args) => status::run(&global, &args).await,
        Command::Once => once::run(&global).await,
        Command::Check => check::run(&global).await,
        Command::Demo(args) => demo::run(&args).await,
        Command::Feeds(command) => feeds::run(&global, &command).await,
        Command::Topics(command) => topics::run(&global, &command).await,
        Command::Articles(command) => articles::run(&global, &command).await,
        Command::Alerts(command) => alerts::run(&global, &command).await,
        Command::Deliveries(command) => deliveries::run(&global, &command).await,
        Command::Silences(command) => silences::run(&global, command).await,
        Command::Webhooks(command) => webhooks::run(&global, &command).await,
        Command::Backup(args) => database::backup(&global, args).await,
        Command::Database(command) => database::run(&global, command).await,
        Command::Completions(args) => reference::completions(&args),
        Command::Man(args) => reference::man(&args),
        Command::Schema(args) => reference::schema(&args),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn log_environment() -> LogEnvironment {
    LogEnvironment {
        rust_log: std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()),
        journal_stream: std::env::var("JOURNAL_STREAM").is_ok(),
        no_color: std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty()),
    }
}
