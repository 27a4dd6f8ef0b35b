//! The direction of dependencies, enforced; ARCHITECTURE.md explains it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of the crate a module may name, besides itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("matching", &["domain"]),
    ("parse", &["domain"]),
    ("opml", &["domain", "parse"]),
    ("message", &["domain"]),
    ("ports", &["domain"]),
    ("clock", &["domain", "ports"]),
    ("config", &["domain", "ports", "matching", "message"]),
    ("sqlite", &["domain", "ports", "offload"]),
    ("http", &["domain", "ports"]),
    ("systemd", &[]),
    ("offload", &[]),
    ("telemetry", &[]),
    ("app", &["domain", "ports", "parse", "matching", "message", "config", "offload"]),
    ("web", &["app", "config", "domain", "ports", "message"]),
];

/// Modules that know no clock, no I/O, no async.
const PURE: &[&str] = &["domain", "matching", "parse", "message", "opml"];

const IMPURE: &[&str] = &[
    "tokio::",
    "std::fs",
    "std::net::Tcp",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "reqwest",
    "rusqlite",
    "axum",
    "tracing::",
    "fastrand",
];

/// Who alone may name a crate.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/sqlite/"]),
    ("maud", &["src/web/page/"]),
    ("hyper", &["src/web/serve.rs"]),
    ("prometheus_client", &["src/app/metrics.rs", "src/web/", "src/cli/wire.rs"]),
    ("reqwest", &["src/http/"]),
    ("feed_rs", &["src/parse/feedrs.rs"]),
    ("axum", &["src/web/", "src/cli/demo/", "src/cli/control.rs", "src/cli/daemon.rs"]),
    ("std::env::var", &["src/config/load", "src/cli/"]),
    ("sd_notify", &["src/systemd.rs"]),
];

fn files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The code of a file without comments and without its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn relative(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string()
}

fn module(path: &str) -> &str {
    let inner = path.strip_prefix("src/").unwrap();
    inner.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Modules of the crate that a text names as `crate::name` or in `use crate::{name, …}`.
fn named_modules(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    c if depth == 0 && (c.is_alphanumeric() || c == '_') => {
                        word.push(c);
                        continue;
                    }
                    _ => {}
                }
                if !word.is_empty() {
                    names.insert(std::mem::take(&mut word));
                }
            }
            if !word.is_empty() {
                names.insert(word);
            }
        } else {
            names.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).chain(["cli"]).collect();
    names.retain(|name| known.contains(name.as_str()));
    names
}

#[test]
fn dependencies_point_inwards() {
    let mut breaches = Vec::new();
    for path in files("src") {
        let place = relative(&path);
        let module = module(&place);
        if matches!(module, "lib" | "main" | "cli") {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
            breaches
                .push(format!("{place}: module `{module}` has no row in the table of allowed dependencies"));
            continue;
        };
        for name in named_modules(&code(&path)) {
            if name != module && !allowed.contains(&name.as_str()) {
                breaches.push(format!("{place}: `{module}` may not use `{name}`"));
            }
        }
    }
    assert!(breaches.is_empty(), "see ARCHITECTURE.md, code map:\n{}", breaches.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let mut breaches = Vec::new();
    for path in files("src") {
        let place = relative(&path);
        if PURE.contains(&module(&place)) {
            let code = code(&path);
            breaches.extend(
                IMPURE
                    .iter()
                    .filter(|name| code.contains(*name))
                    .map(|name| format!("{place} uses {name}; {} is pure", module(&place))),
            );
        }
    }
    assert!(breaches.is_empty(), "see ARCHITECTURE.md, invariants:\n{}", breaches.join("\n"));
}

#[test]
fn each_adapter_owns_its_crate() {
    let mut breaches = Vec::new();
    for path in files("src") {
        let place = relative(&path);
        let code = code(&path);
        for (name, owners) in OWNERS {
            let used = code.contains(&format!("{name}::")) || code.contains(&format!("{name}("));
            if used && !owners.iter().any(|owner| place.starts_with(owner)) {
                breaches.push(format!("{place} names {name}, which belongs to {}", owners.join(", ")));
            }
        }
    }
    assert!(breaches.is_empty(), "see ARCHITECTURE.md, code map:\n{}", breaches.join("\n"));
}

#[test]
fn every_test_file_is_listed() {
    let main = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/main.rs")).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "main" && name != "snapshots" {
            assert!(main.contains(&format!("mod {name};")), "tests/it/main.rs does not list `mod {name};`");
        }
    }
}

#[test]
fn a_planted_breach_is_seen() {
    assert_eq!(
        named_modules("use crate::{app::Context, sqlite};\ncrate::web::x()"),
        ["app", "sqlite", "web"].map(str::to_owned).into()
    );
}
