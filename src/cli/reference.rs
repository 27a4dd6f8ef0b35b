//! `completions`, `man` and `schema`: what the program says about itself, for shells, manuals and editors.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::output::{complain, print, print_json};
use super::{Cli, Outcome};
use crate::config;
use crate::config::keys::{Key, Kind, TABLES, Table};
use crate::message;

/// The manual page of the configuration, section 5.
const CONFIG_PAGE: &str = "wirewatch.toml";

/// What stands at the foot of every page.
const VERSION: &str = concat!("wirewatch ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The page: a command such as `feeds list`, or wirewatch.toml for the configuration; without it, wirewatch(1)
    #[arg(value_name = "PAGE")]
    page: Vec<String>,
    /// Write all pages into this directory, which is made
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    dir: Option<PathBuf>,
}

/// `completions`: prints the script that teaches a shell the commands.
pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wirewatch", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(Outcome::Fine)
}

/// `man`: prints one manual page, or writes all.
pub(super) fn man(args: &ManArgs) -> anyhow::Result<Outcome> {
    if let Some(dir) = &args.dir {
        write_pages(dir)?;
        return Ok(Outcome::Fine);
    }
    if args.page.iter().eq([CONFIG_PAGE]) {
        print(&config_page()?)?;
        return Ok(Outcome::Fine);
    }
    let pages = command_pages()?;
    let wanted: Vec<&str> = args.page.iter().flat_map(|word| word.split_whitespace()).collect();
    let wanted = if wanted.first() == Some(&"wirewatch") { &wanted[1..] } else { &wanted[..] };
    let name = std::iter::once("wirewatch").chain(wanted.iter().copied()).collect::<Vec<_>>().join("-");
    let Some((_, text)) = pages.iter().find(|(page, _)| *page == name) else {
        let names: Vec<String> = pages.iter().map(|(page, _)| page.replace('-', " ")).collect();
        complain(&format!(
            "wirewatch: there is no page `{}`; there are {CONFIG_PAGE}, {}",
            args.page.join(" "),
            names.join(", ")
        ));
        return Ok(Outcome::WrongUse);
    };
    print(text)?;
    Ok(Outcome::Fine)
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// That of every message wirewatch sends with the format `standard`, instead
    #[arg(long)]
    events: bool,
}

/// `schema`: prints the JSON Schema of the configuration, or of messages.
pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<Outcome> {
    if args.events {
        print(message::EVENTS_SCHEMA)?;
    } else {
        print_json(&config::schema())?;
    }
    Ok(Outcome::Fine)
}

fn write_pages(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("making the directory {}", dir.display()))?;
    let pages = command_pages()?.into_iter().map(|(name, text)| (format!("{name}.1"), text));
    for (file, text) in pages.chain([(format!("{CONFIG_PAGE}.5"), config_page()?)]) {
        let path = dir.join(file);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The page of every command, by its name with hyphens, the main one first.
fn command_pages() -> anyhow::Result<Vec<(String, String)>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, pages: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    // Building the command gave each its whole name, with hyphens.
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let whole = name == command.get_name();
    let man = Man::new(command.clone()).source(VERSION);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        commands_section(command, &name).to_writer(&mut text)?;
    }
    let more = if whole { main_sections() } else { exit_status() };
    more.to_writer(&mut text)?;
    see_also(&name, command).to_writer(&mut text)?;
    pages.push((name.clone(), String::from_utf8(text)?));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        collect(inner, pages)?;
    }
    Ok(())
}

/// What each command below this one does.
fn commands_section(command: &Command, name: &str) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["COMMANDS"]);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
        page.control("TP", []);
        page.text([bold(format!("{name}-{}", inner.get_name()).replace('-', " "))]);
        page.text([roman(about)]);
    }
    page
}

fn exit_status() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    terms(
        &mut page,
        &[
            ("0", "Fine."),
            ("1", "Something is wrong, and the command has said what."),
            ("2", "Wrong use."),
            ("78", "The configuration is wrong: a service manager must not restart into it."),
        ],
    );
    page
}

/// Files, environment, signals and the like, on the main page.
fn main_sections() -> Roff {
    let mut page = exit_status();
    page.control("SH", ["SIGNALS"]);
    terms(
        &mut page,
        &[
            (
                "SIGHUP",
                "Makes the daemon read its configuration again. A wrong one is refused, the old one stays in force.",
            ),
            ("SIGTERM, SIGINT", "Stop the daemon; polls and attempts in flight get ten seconds."),
        ],
    );
    page.control("SH", ["ENVIRONMENT"]);
    terms(
        &mut page,
        &[
            ("WIREWATCH_CONFIG", "The configuration file."),
            ("WIREWATCH__TABLE__KEY", "Sets a key of the configuration: WIREWATCH__FETCH__INTERVAL=5m."),
            ("RUST_LOG", "What is logged; as --log, which it overrides."),
            ("NO_COLOR", "No colours, where it is set and not empty."),
            (
                "CONFIGURATION_DIRECTORY, STATE_DIRECTORY, RUNTIME_DIRECTORY, CREDENTIALS_DIRECTORY",
                "As systemd sets them: where the configuration, the database, the control socket and the credentials are looked for.",
            ),
        ],
    );
    page.control("SH", ["FILES"]);
    terms(
        &mut page,
        &[
            ("/etc/wirewatch/wirewatch.toml, /etc/wirewatch/conf.d/*.toml", "The configuration."),
            ("/var/lib/wirewatch/wirewatch.db", "The database of the service."),
            ("/run/wirewatch/wirewatch.sock", "The control socket of the service."),
        ],
    );
    page
}

fn terms(page: &mut Roff, rows: &[(&str, &str)]) {
    for (term, meaning) in rows {
        page.control("TP", []);
        page.text([bold(*term)]);
        page.text([roman(*meaning)]);
    }
}

fn see_also(name: &str, command: &Command) -> Roff {
    let mut others: Vec<String> = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
        .map(|inner| format!("{name}-{}", inner.get_name()))
        .collect();
    if name != "wirewatch" {
        others.insert(0, "wirewatch".to_owned());
    }
    let mut line: Vec<Inline> = Vec::new();
    for other in others {
        line.extend([bold(other), roman("(1), ")]);
    }
    line.extend([bold(CONFIG_PAGE), roman("(5)")]);
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text(line);
    page
}

/// wirewatch.toml(5), from the same table as everything else that knows the keys.
fn config_page() -> anyhow::Result<String> {
    let mut page = Roff::new();
    page.control("TH", [CONFIG_PAGE, "5", "", VERSION, ""]);
    page.control("SH", ["NAME"]);
    page.text([roman("wirewatch.toml - configuration of wirewatch")]);
    page.control("SH", ["DESCRIPTION"]);
    for paragraph in [
        "TOML. After wirewatch.toml come all files conf.d/*.toml beside it, sorted by name, and then the environment: WIREWATCH__FETCH__INTERVAL=5m sets interval in [fetch]. What is read later wins. Feeds, concepts, topics and webhooks are tables keyed by an id, 1 to 64 of A-Z a-z 0-9 - _, and an id may be given once only.",
        "Durations are written \"250ms\", \"90s\", \"15m\", \"1h30m\", \"7d\"; sizes \"64KiB\", \"10MiB\", or a number of bytes; rates \"60/min\". Relative paths count from the directory of the file in which they are written.",
        "A credential can be given as NAME_env, the environment variable that holds it; as NAME_file, the file that holds it, looked up in $CREDENTIALS_DIRECTORY first; or as NAME, itself. None is ever shown.",
        "`wirewatch check` says everything that is wrong. The file that is installed documents every key with examples.",
    ] {
        page.control("PP", []);
        page.text([roman(paragraph)]);
    }
    for table in TABLES {
        table_section(&mut page, table);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("wirewatch"), roman("(1)")]);
    let mut text = Vec::new();
    page.to_writer(&mut text)?;
    Ok(String::from_utf8(text)?)
}

fn table_section(page: &mut Roff, table: &Table) {
    let header =
        if table.entry.is_some() { format!("[{}.ID]", table.name) } else { format!("[{}]", table.name) };
    page.control("SH", [header.as_str()]);
    page.text([roman(table.doc)]);
    for key in table.keys {
        key_entry(page, key);
        if let Kind::Tables(inner) = key.kind {
            page.control("RS", []);
            for key in inner {
                key_entry(page, key);
            }
            page.control("RE", []);
        }
    }
}

fn key_entry(page: &mut Roff, key: &Key) {
    let mut line = vec![bold(key.name), roman(" = "), italic(config::wanted(key.kind))];
    if let Some(default) = key.default {
        line.push(roman(format!("   (default {default})")));
    }
    page.control("TP", []);
    page.text(line);
    page.text([roman(key.doc)]);
}
