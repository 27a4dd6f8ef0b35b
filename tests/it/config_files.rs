//! The configuration that ships: it is right, it is complete, and it says what the program does.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wirewatch::config::keys::{Key, Kind, TABLES, Table};
use wirewatch::config::{self, LoadRequest, Loaded, Settings, Variables};

const SHIPPED: &str = include_str!("../../config/wirewatch.toml");

/// What stands behind the credentials that the examples name.
const VARIABLES: [(&str, &str); 6] = [
    ("WIREWATCH_TOKEN", "correct horse battery staple"),
    ("FEED_PROXY", "http://proxy.example:3128"),
    ("MEMBERS_PASSWORD", "password"),
    ("EXAMPLE_TOKEN", "token"),
    ("DESK_WEBHOOK_URL", "https://hooks.example/desk"),
    ("ARCHIVE_SECRET", SECRET),
];

/// The same for those in files.
const FILES: [(&str, &str); 9] = [
    ("web.token", "correct horse battery staple"),
    ("proxy", "http://proxy.example:3128"),
    ("members.password", "password"),
    ("example.token", "token"),
    ("desk.url", "https://hooks.example/desk"),
    ("telegram.url", "https://api.telegram.org/bot1:token/sendMessage"),
    ("new.whsec", SECRET),
    ("old.whsec", SECRET),
    ("internal-ca.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
];

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A line that is a key with its value, active or switched off.
#[derive(Debug)]
struct Setting<'a> {
    /// Counted from 0.
    line: usize,
    table: &'static Table,
    key: &'static Key,
    /// As it would stand without what switches it off.
    text: &'a str,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It is in force.
    Active,
    /// Begins with `#`.
    Off,
    /// Begins with `# or`: to be put in place of the line above.
    Alternative,
}

/// Every setting the text shows.
fn settings(text: &str) -> Vec<Setting<'_>> {
    let mut found = Vec::new();
    let mut header = "";
    for (line, written) in text.lines().enumerate() {
        let off = written.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#', ':']));
        let (form, text) = if let Some(rest) = written.strip_prefix("# or ") {
            (Form::Alternative, rest)
        } else {
            off.map_or((Form::Active, written), |rest| (Form::Off, rest))
        };
        if text.starts_with('[') {
            header = text.trim_matches(['[', ']']);
            continue;
        }
        let Some((name, _)) = text.split_once('=') else { continue };
        if written.starts_with("# ") && form != Form::Alternative {
            continue;
        }
        let (table, keys) = keys_of(header);
        let name = name.trim();
        let key = keys.iter().find(|key| key.name == name);
        let key = key.unwrap_or_else(|| panic!("line {}: [{header}] has no key `{name}`", line + 1));
        found.push(Setting { line, table, key, text, form });
    }
    found
}

/// The keys that may stand below a header such as `topics.x.tests`.
fn keys_of(header: &str) -> (&'static Table, &'static [Key]) {
    let mut parts = header.split('.');
    let name = parts.next().unwrap_or_default();
    let table = config::keys::table(name).unwrap_or_else(|| panic!("no table is called [{header}]"));
    match parts.nth(1) {
        None => (table, table.keys),
        Some(key) => match table.key(key).map(|key| key.kind) {
            Some(Kind::Tables(keys)) => (table, keys),
            _ => panic!("[{header}] is no table"),
        },
    }
}

/// Loads a text as `wirewatch.toml`, with all credentials in reach.
#[track_caller]
fn load(text: &str) -> (TempDir, Loaded) {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in FILES {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    let path = dir.path().join("wirewatch.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = load_path(&path, Variables::from_pairs(VARIABLES));
    (dir, loaded)
}

/// Loads a file; a warning is a failure, too.
#[track_caller]
fn load_path(path: &Path, variables: Variables) -> Loaded {
    let request = LoadRequest { path: Some(path.to_owned()), variables, ..LoadRequest::default() };
    let loaded = config::load(&request).unwrap_or_else(|report| panic!("{}", report.render(false)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    loaded
}

/// The tables without ids, comparable.
fn globals(settings: &Settings) -> String {
    let Settings { daemon, fetch, alerts, retention, delivery, .. } = settings;
    format!("{daemon:#?}\n{fetch:#?}\n{alerts:#?}\n{retention:#?}\n{delivery:#?}")
}

/// The text with other lines in some places.
fn with_lines<'a>(text: &str, replace: impl Fn(usize) -> Option<&'a str>) -> String {
    text.lines().enumerate().fold(String::new(), |mut all, (at, line)| {
        writeln!(all, "{}", replace(at).unwrap_or(line)).unwrap();
        all
    })
}

fn shipped_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

#[test]
fn the_file_as_shipped_changes_nothing() {
    let (_dir, loaded) = load(SHIPPED);
    let default = config::defaults();
    assert_eq!(globals(&loaded.settings), globals(&default));
    assert!(loaded.settings.feeds.is_empty() && loaded.settings.concepts.is_empty());
    assert!(loaded.settings.topics.is_empty() && loaded.settings.webhooks.is_empty());
}

#[test]
fn the_file_with_its_fragments_loads_and_keeps_the_defaults() {
    let loaded = load_path(&shipped_directory().join("wirewatch.toml"), Variables::default());
    assert_eq!(globals(&loaded.settings), globals(&config::defaults()));
    assert!(loaded.settings.feeds.len() >= 35, "{} feeds", loaded.settings.feeds.len());
    assert!(loaded.settings.topics.len() >= 2 && loaded.settings.webhooks.is_empty());
    for (id, feed) in &loaded.settings.feeds {
        assert!(feed.title.is_some() && feed.lang.is_some() && !feed.tags.is_empty(), "feed {id}");
    }
}

#[test]
fn every_key_is_documented() {
    let shown: BTreeSet<(&str, &str)> =
        settings(SHIPPED).iter().map(|setting| (setting.table.name, setting.key.name)).collect();
    let mut missing = Vec::new();
    for table in TABLES {
        let nested = table
            .keys
            .iter()
            .filter_map(|key| if let Kind::Tables(keys) = key.kind { Some(keys) } else { None });
        // An array of tables is shown by its keys.
        let plain = table.keys.iter().filter(|key| !matches!(key.kind, Kind::Tables(_)));
        for key in plain.chain(nested.flatten()) {
            if !shown.contains(&(table.name, key.name)) {
                missing.push(format!("{}.{}: {}", table.name, key.name, key.doc));
            }
        }
    }
    assert!(missing.is_empty(), "config/wirewatch.toml does not show\n{}", missing.join("\n"));
}

#[test]
fn what_is_shown_as_default_is_the_default() {
    let shown = settings(SHIPPED);
    let is_default = |setting: &Setting<'_>| setting.table.entry.is_none() && setting.key.default.is_some();
    let switched_on = with_lines(SHIPPED, |at| {
        let setting = shown.iter().find(|setting| setting.line == at && is_default(setting))?;
        Some(setting.text)
    });
    assert_ne!(switched_on, SHIPPED);
    let (_dir, loaded) = load(&switched_on);
    assert_eq!(globals(&loaded.settings), globals(&config::defaults()));
}

#[test]
fn the_database_shown_is_the_one_beside_the_configuration() {
    let shown = settings(SHIPPED);
    let database = shown.iter().find(|setting| setting.key.name == "database").unwrap();
    let (dir, loaded) = load(&with_lines(SHIPPED, |at| (at == database.line).then_some(database.text)));
    let expected = dir.path().join("..").join(config::defaults().daemon.database);
    assert_eq!(loaded.settings.daemon.database, expected);
}

#[test]
fn all_examples_load_together() {
    let examples: String = SHIPPED.lines().fold(String::new(), |mut all, line| {
        let off = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', ':']));
        writeln!(all, "{}", off.unwrap_or(line)).unwrap();
        all
    });
    let (_dir, Loaded { settings, .. }) = load(&examples);
    assert!(!settings.feeds.is_empty() && !settings.concepts.is_empty());
    assert!(!settings.topics.is_empty() && !settings.webhooks.is_empty());

    // Each alternative in place of what stands above it.
    let shown = self::settings(SHIPPED);
    for (before, setting) in shown.iter().enumerate().skip(1) {
        if setting.form != Form::Alternative {
            continue;
        }
        let instead_of = shown[..before].iter().rfind(|other| other.form != Form::Alternative).unwrap();
        load(&with_lines(&examples, |at| (at == instead_of.line).then_some(setting.text)));
    }
}

/// The README points to them.
#[test]
fn the_package_carries_all_of_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    let carried: Vec<&str> = assets.iter().map(|asset| asset[0].as_str().unwrap()).collect();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("docs/DELIVERY.md") && carried.contains(&"docs/*.md"), "{carried:?}");
    assert_eq!(
        assets.iter().find(|asset| asset[0].as_str() == Some("docs/*.md")).unwrap()[1].as_str(),
        Some("usr/share/doc/wirewatch/docs/")
    );
}
