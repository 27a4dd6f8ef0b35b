//! The layers: built-in defaults, the files in their order, the environment. Later ones win.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use config::{Config, ConfigError, Map, Source, Value};
use ring::digest;
use toml::Spanned;
use toml::de::DeValue;

use super::check::Checker;
use super::keys::{self, Key, Kind, TABLES, Table};
use super::load::{PREFIX, Variables};
use super::read::{Defined, DoubtLevel, ReadFile, parse_origin, unknown_key_help};
use super::report::{Problem, Report, nearest, quote};
use super::source::{Place, SourceFile};

/// Everything the files say.
#[derive(Default)]
pub(super) struct Read {
    pub(super) files: Vec<Arc<SourceFile>>,
    layers: Vec<Layer>,
    ids: BTreeMap<(&'static str, String), Place>,
    doubt: Vec<DoubtLevel>,
}

impl Read {
    /// Adds the next file; an id that an earlier one defines is a mistake.
    pub(super) fn add(&mut self, mut file: ReadFile, report: &mut Report) {
        for Defined { table, id, span } in file.defined {
            let place = Place::File { file: Arc::clone(&file.source), span };
            if let Some(first) = self.ids.get(&(table.name, id.clone())) {
                let entry = table.entry.unwrap_or(table.name);
                let message = format!("the {entry} `{id}` is defined twice");
                let help = format!("the first is at {first}; rename one of them or remove it");
                report.push(Problem::error("duplicate-id", place, message).help(help));
                // Merging the two would only raise further, misleading problems.
                if let Some(config::ValueKind::Table(entries)) =
                    file.values.get_mut(table.name).map(|entries| &mut entries.kind)
                {
                    entries.remove(&id);
                }
            } else {
                self.ids.insert((table.name, id), place);
            }
        }
        self.files.push(file.source);
        self.doubt.push(file.doubt);
        self.layers.push(Layer(file.values));
    }
}

/// All layers in one.
pub(super) struct Merged {
    pub(super) files: Vec<Arc<SourceFile>>,
    pub(super) ids: BTreeMap<(&'static str, String), Place>,
    pub(super) doubt: Vec<DoubtLevel>,
    pub(super) values: Map<String, Value>,
    /// SHA-256 over what was read so far; credentials are still to come.
    pub(super) hash: digest::Context,
}

impl Merged {
    /// Whether a table that is missing was surely not given.
    pub(super) fn knows_all_tables(&self) -> bool {
        self.doubt.iter().all(|doubt| *doubt < DoubtLevel::Tables)
    }

    /// Where a value was written.
    pub(super) fn place(&self, value: &Value) -> Place {
        let Some(origin) = value.origin() else { return Place::Nowhere };
        if let Some(name) = origin.strip_prefix('$') {
            return Place::Variable(name.to_owned());
        }
        match parse_origin(origin) {
            Some((file, span)) if file < self.files.len() => {
                Place::File { file: Arc::clone(&self.files[file]), span }
            }
            _ => Place::Nowhere,
        }
    }
}

/// Merges the layers by the `config` crate.
pub(super) fn merge(read: Read, variables: &Variables, report: &mut Report) -> Merged {
    let Read { files, layers, mut ids, doubt } = read;
    let mut hash = digest::Context::new(&digest::SHA256);
    for file in &files {
        hash.update(&(file.text().len() as u64).to_be_bytes());
        hash.update(file.text().as_bytes());
    }
    let environment = environment(variables, &mut ids, &mut hash, report);
    let mut builder = Config::builder().add_source(default_layer());
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.add_source(environment).build();
    // The layers are checked tables of checked keys; there is nothing left for the merge to refuse.
    let values = merged.and_then(|merged| merged.cache.into_table()).unwrap_or_else(|error| {
        report.push(Problem::error("merge", Place::Nowhere, format!("the layers do not merge: {error}")));
        Map::new()
    });
    Merged { files, ids, doubt, values, hash }
}

/// One layer, as the `config` crate takes it.
#[derive(Clone)]
struct Layer(Map<String, Value>);

impl fmt::Debug for Layer {
    /// Shows the tables alone: values may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// The defaults of all tables without ids; those of entries are filled in where an entry is.
fn default_layer() -> Layer {
    let tables = TABLES.iter().filter(|table| table.entry.is_none());
    Layer(tables.map(|table| (table.name.to_owned(), Value::new(None, defaults_of(table.keys)))).collect())
}

/// The defaults of `keys`, canonical.
pub(super) fn defaults_of(keys: &[Key]) -> Map<String, Value> {
    let mut values = Map::new();
    for key in keys {
        let Some(written) = key.default else { continue };
        let parsed = DeValue::parse(written).expect("defaults are TOML, a test reads them all");
        let mut checker = Checker { origin: &|_| String::new(), wrong: Vec::new() };
        let mut value = checker.check(key.name, key.kind, &parsed);
        debug_assert!(checker.wrong.is_empty(), "the default of {} is wrong: {:?}", key.name, checker.wrong);
        value = Value::new(None, value.kind);
        values.insert(key.name.to_owned(), value);
    }
    values
}

/// The layer of `WIREWATCH__TABLE__KEY` and `WIREWATCH__TABLE__ID__KEY`.
///
/// Ids are matched without regard to case and with `_` for `-`, since shells allow no more; an id
/// that no file defines is defined by its variables, in lower case.
fn environment(
    variables: &Variables,
    ids: &mut BTreeMap<(&'static str, String), Place>,
    hash: &mut digest::Context,
    report: &mut Report,
) -> Layer {
    let folded: BTreeMap<(&str, String), String> =
        ids.keys().map(|(table, id)| ((*table, fold(id)), id.clone())).collect();
    let mut layer: Map<String, Value> = Map::new();
    for (path, value) in variables.keys() {
        let name = format!("{PREFIX}{path}");
        let place = Place::Variable(name.clone());
        let target = match target(path) {
            Ok(target) => target,
            Err(help) => {
                let message = "no key of the configuration has this name";
                report.push(Problem::error("unknown-key", place, message).help(help));
                continue;
            }
        };
        let Some(value) = value.to_str() else {
            report.push(Problem::error("not-utf8", place, "the value is not UTF-8"));
            continue;
        };
        hash.update(name.as_bytes());
        hash.update(&(value.len() as u64).to_be_bytes());
        hash.update(value.as_bytes());
        let checked = checked(target.key, value, &name, report);
        let mut parents = vec![target.table.name.to_owned()];
        if let Some(written) = target.id {
            let id = folded.get(&(target.table.name, fold(written))).cloned();
            let id = id.unwrap_or_else(|| written.to_ascii_lowercase());
            ids.entry((target.table.name, id.clone())).or_insert(place);
            parents.push(id);
        }
        insert(&mut layer, &parents, target.key.name, checked);
    }
    Layer(layer)
}

fn fold(id: &str) -> String {
    id.to_ascii_lowercase().replace('-', "_")
}

fn insert(layer: &mut Map<String, Value>, parents: &[String], key: &str, value: Value) {
    let Some((first, rest)) = parents.split_first() else {
        layer.insert(key.to_owned(), value);
        return;
    };
    let table = layer.entry(first.clone()).or_insert_with(|| Value::new(None, Map::<String, Value>::new()));
    if let config::ValueKind::Table(table) = &mut table.kind {
        insert(table, rest, key, value);
    }
}

/// The key a variable stands for.
struct Target<'a> {
    table: &'static Table,
    id: Option<&'a str>,
    key: &'static Key,
}

/// Finds the key a variable stands for, or says what to write instead.
fn target(path: &str) -> Result<Target<'_>, String> {
    let tables = || TABLES.iter().map(|table| table.name);
    let parts: Vec<&str> = path.split("__").collect();
    let name = parts[0].to_ascii_lowercase();
    let Some(table) = keys::table(&name) else {
        return Err(match nearest(&name, tables()) {
            Some(near) => format!("did you mean {PREFIX}{}…?", near.to_ascii_uppercase()),
            None => {
                format!(
                    "write {PREFIX}TABLE__KEY with a table of {}",
                    tables().collect::<Vec<_>>().join(", ")
                )
            }
        });
    };
    let (id, key) = match (table.entry, parts.as_slice()) {
        (None, [_, key]) => (None, *key),
        (Some(_), [_, id, key]) if crate::domain::id::is_slug(id) => (Some(*id), *key),
        (None, _) => return Err(format!("write {PREFIX}{}__KEY", name.to_ascii_uppercase())),
        (Some(_), _) => return Err(format!("write {PREFIX}{}__ID__KEY", name.to_ascii_uppercase())),
    };
    let key_name = key.to_ascii_lowercase();
    match table.key(&key_name) {
        Some(key) if matches!(key.kind, Kind::Tables(_) | Kind::Headers) => {
            Err(format!("`{}` can be given in a file only", key.name))
        }
        Some(key) => Ok(Target { table, id, key }),
        None => Err(unknown_key_help(table.keys, &key_name)),
    }
}

/// Checks the text of a variable as the value of `key`. Lists are written as in a file, or
/// separated by commas.
fn checked(key: &'static Key, written: &str, name: &str, report: &mut Report) -> Value {
    let bracketed = key.kind.is_list() && written.trim_start().starts_with('[');
    let numeric = key.kind.is_numeric();
    let toml = if bracketed || numeric {
        Some(written.trim().to_owned())
    } else if key.kind.is_list() {
        let items = written.split(',').map(str::trim).filter(|item| !item.is_empty());
        // Written as TOML and read back: lists cannot be made otherwise.
        Some(format!("[{}]", items.map(toml_string).collect::<Vec<_>>().join(",")))
    } else {
        None
    };
    let value = toml.as_deref().and_then(|toml| DeValue::parse(toml).ok());
    let value = value.unwrap_or_else(|| Spanned::new(0..0, DeValue::String(written.into())));
    let mut checker = Checker { origin: &|_| format!("${name}"), wrong: Vec::new() };
    let value = checker.check(key.name, key.kind, &value);
    for wrong in checker.wrong {
        let problem = Problem::error(wrong.code, Place::Variable(name.to_owned()), wrong.message);
        report.push(match wrong.help {
            Some(help) if numeric => problem.help(help.replace("write it without quotes", "write a number")),
            Some(help) => problem.help(help),
            None => problem,
        });
    }
    value
}

/// A basic string of TOML.
fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// For messages about what is not there.
pub(super) fn named<'a>(
    kind: &str,
    id: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> (String, Option<String>) {
    let mut known: Vec<&str> = known.into_iter().take(2000).collect();
    let help = match nearest(id, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => {
            Some(format!("there is no {kind} yet: write [{kind}s.{id}] and its keys"))
        }
        None => {
            known.truncate(12);
            Some(format!("{kind}s are {}", known.join(", ")))
        }
    };
    (format!("no {kind} is named {}", quote(id)), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::origin;

    #[test]
    fn every_default_is_what_its_key_takes() {
        for table in TABLES {
            let given = table.keys.iter().filter(|key| key.default.is_some()).count();
            let defaults = defaults_of(table.keys);
            assert_eq!(defaults.len(), given);
            assert!(defaults.values().all(|value| !matches!(value.kind, config::ValueKind::Nil)));
        }
    }

    #[test]
    fn an_origin_reads_back() {
        assert_eq!(parse_origin(&origin(3, &(17..29))), Some((3, 17..29)));
        assert_eq!(parse_origin("$WIREWATCH__X"), None);
    }
}
