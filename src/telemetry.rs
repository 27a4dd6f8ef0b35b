//! Logging: for people on a terminal, for journald under systemd, JSON on request.
//!
//! Field names are stable: `feed.id`, `topic.id`, `webhook.id`, `delivery.id`, `alert.id`,
//! `message.id`, `outcome`, `error`. A failure is logged once, where it is handled.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// journald where the process is started by systemd, text otherwise.
    #[default]
    Auto,
    /// Lines for people, coloured on a terminal.
    Text,
    /// One JSON object a line.
    Json,
    /// Structured fields to journald.
    Journald,
}

/// The part of the environment that logging depends on, read by the command line.
#[derive(Clone, Debug, Default)]
pub struct LogEnvironment {
    /// `RUST_LOG`: overrides the level.
    pub rust_log: Option<String>,
    /// `JOURNAL_STREAM`: stderr is journald's.
    pub journal_stream: bool,
    /// `NO_COLOR`.
    pub no_color: bool,
}

/// Starts logging to stderr.
///
/// # Errors
/// When `level` or `RUST_LOG` is no filter, or journald does not answer.
pub fn start(level: &str, format: LogFormat, environment: &LogEnvironment) -> Result<(), String> {
    let directives = environment.rust_log.as_deref().unwrap_or(level);
    if let Some((word, meant)) = directives.split(',').find_map(misspelt) {
        return Err(format!("`{word}` is no log level; did you mean {meant}?"));
    }
    let filter = EnvFilter::try_new(directives).map_err(|problem| {
        format!("`{directives}` is no log filter: {problem}; try info, debug or wirewatch=debug")
    })?;
    let journald = match format {
        LogFormat::Auto => environment.journal_stream,
        LogFormat::Journald => true,
        LogFormat::Text | LogFormat::Json => false,
    };
    let layer: Box<dyn Layer<Registry> + Send + Sync> = if journald {
        match tracing_journald::layer() {
            Ok(layer) => layer.with_field_prefix(None).boxed(),
            Err(problem) if format == LogFormat::Journald => {
                return Err(format!("journald does not answer: {problem}"));
            }
            Err(_) => text(false).boxed(),
        }
    } else if format == LogFormat::Json {
        fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed()
    } else {
        text(std::io::stderr().is_terminal() && !environment.no_color).boxed()
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|problem| format!("logging is started already: {problem}"))
}

/// A level that is not quite one. The filter would take it for the name of a module, and log nothing else.
fn misspelt(directive: &str) -> Option<(&str, &'static str)> {
    let word = directive.trim();
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let near = |level: &&&str| strsim::damerau_levenshtein(level, &word.to_ascii_lowercase()) == 1;
    levels.iter().find(near).map(|level| (word, *level))
}

fn text<S>(colour: bool) -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_ansi(colour).with_target(false).with_writer(std::io::stderr)
}
