//! One file: read whole, every mistake in it found, what is right turned into values.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use config::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Checker, Wrong};
use super::hide;
use super::keys::{self, Key, Kind, TABLES, Table};
use super::report::{Level, MAX_PROBLEMS, Problem, Report, nearest, quote};
use super::source::{Place, SourceFile};

/// Beyond this many bytes only the first syntax error of a file is reported: finding all of them
/// takes memory in proportion to their number.
const MAX_RECOVERED: usize = 1 << 20;

/// An id as a file defines it.
#[derive(Debug)]
pub(super) struct Defined {
    pub(super) table: &'static Table,
    pub(super) id: String,
    /// Where its name stands.
    pub(super) span: Range<usize>,
}

/// A file as it was understood.
pub(super) struct ReadFile {
    pub(super) source: Arc<SourceFile>,
    /// What is right in it, as far as it goes; wrong values are `Nil`.
    pub(super) values: Map<String, Value>,
    /// The ids it defines.
    pub(super) defined: Vec<Defined>,
    pub(super) report: Report,
    /// How far what it defines is all it was meant to define.
    pub(super) doubt: DoubtLevel,
}

/// Understands the text of file number `index`.
pub(super) fn read(index: usize, path: PathBuf, text: String) -> ReadFile {
    let mut reader = Reader { index, found: Vec::new(), defined: Vec::new(), hidden: Vec::new() };
    let (table, errors) = parse(&text);
    let values = table.map(|table| reader.tables(table.get_ref())).unwrap_or_default();
    let Reader { mut found, defined, mut hidden, .. } = reader;
    hide::trailing_comments(&text, &mut hidden);
    let mut doubt = Doubt::default();
    if !errors.is_empty() {
        hide::suspicious_lines(&text, &mut hidden);
        let syntax: Vec<Wrong> =
            errors.iter().take(MAX_PROBLEMS).map(|error| syntax_error(&text, error)).collect();
        doubt = Doubt::new(&text, &syntax);
        found.retain(|wrong| !doubt.covers(wrong.span.start));
        found.extend(syntax);
    }
    let source = Arc::new(SourceFile::new(path, text, hidden));
    let mut report = Report::default();
    report.leave_out(errors.len().saturating_sub(MAX_PROBLEMS));
    for Wrong { code, span, message, help } in found {
        let place = Place::File { file: Arc::clone(&source), span };
        report.push(Problem { level: Level::Error, code, place, message, help });
    }
    ReadFile { source, values, defined, report, doubt: doubt.level }
}

fn syntax_error(text: &str, error: &toml::de::Error) -> Wrong {
    let at = error.span().unwrap_or(text.len()..text.len());
    let span = at.start.min(text.len())..at.end.min(text.len());
    // The commonest slip: `interval = 5m`.
    let unquoted = error.message().starts_with("string values must be quoted");
    let (what, help) = if unquoted {
        ("texts stand in quotes", Some("put the value in double quotes".to_owned()))
    } else {
        (error.message(), None)
    };
    Wrong { code: "syntax", span, message: format!("not TOML: {what}"), help }
}

/// How far a file can be trusted to say all it was meant to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DoubtLevel {
    /// It is TOML.
    #[default]
    None,
    /// Single lines are broken: keys may be missing.
    Lines,
    /// A header or a text over several lines is broken: whole tables may be missing.
    Tables,
}

/// Which mistakes in a broken file may be mere consequences of what is broken.
#[derive(Default)]
struct Doubt {
    level: DoubtLevel,
    /// Byte ranges in which nothing but the syntax is reported.
    ranges: Vec<Range<usize>>,
}

impl Doubt {
    fn new(text: &str, syntax: &[Wrong]) -> Self {
        let mut doubt = Self { level: DoubtLevel::Lines, ranges: Vec::new() };
        for wrong in syntax {
            let start = text[..text.floor_char_boundary(wrong.span.start)].rfind('\n').map_or(0, |at| at + 1);
            let rest = &text[start..];
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            let mut end = start + line.len();
            if line.trim_start().starts_with('[') {
                // What follows belongs to a table nobody knows.
                end = rest[line.len()..].find("\n[").map_or(text.len(), |at| end + at);
                doubt.level = DoubtLevel::Tables;
            } else if wrong.span.end == text.len() || line.contains("\"\"\"") || line.contains("'''") {
                doubt.level = DoubtLevel::Tables;
            }
            doubt.ranges.push(start..end.max(wrong.span.end));
        }
        doubt
    }

    fn covers(&self, at: usize) -> bool {
        self.ranges.iter().any(|range| range.contains(&at))
    }
}

fn parse(text: &str) -> (Option<Spanned<DeTable<'_>>>, Vec<toml::de::Error>) {
    if text.len() <= MAX_RECOVERED {
        let (table, errors) = DeTable::parse_recoverable(text);
        return (Some(table), errors);
    }
    match DeTable::parse(text) {
        Ok(table) => (Some(table), Vec::new()),
        Err(error) => (None, vec![error]),
    }
}

/// A value's origin, as it travels through the layers: the file's number and the bytes in it.
pub(super) fn origin(file: usize, span: &Range<usize>) -> String {
    format!("{file}:{}:{}", span.start, span.end)
}

/// Takes back what [`origin`] gave.
pub(super) fn parse_origin(origin: &str) -> Option<(usize, Range<usize>)> {
    let mut parts = origin.splitn(3, ':').map(str::parse::<usize>);
    let (Some(Ok(file)), Some(Ok(start)), Some(Ok(end))) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    Some((file, start..end))
}

struct Reader {
    index: usize,
    found: Vec<Wrong>,
    defined: Vec<Defined>,
    hidden: Vec<Range<usize>>,
}

impl Reader {
    fn tables(&mut self, document: &DeTable<'_>) -> Map<String, Value> {
        let mut values = Map::new();
        for (name, value) in document {
            let Some(table) = keys::table(name.get_ref()) else {
                hide::leaves(value, &mut self.hidden);
                self.unknown_table(name, value);
                continue;
            };
            let Some(entries) = value.get_ref().as_table() else {
                hide::leaves(value, &mut self.hidden);
                self.not_a_table(table, name.span());
                continue;
            };
            let read = match table.entry {
                None => self.keys(table.name, table.keys, entries),
                Some(entry) => self.entries(table, entry, entries),
            };
            values.insert(table.name.to_owned(), Value::new(None, read));
        }
        values
    }

    fn entries(
        &mut self,
        table: &'static Table,
        entry: &'static str,
        entries: &DeTable<'_>,
    ) -> Map<String, Value> {
        let mut values = Map::new();
        for (id, value) in entries {
            let Some(fields) = value.get_ref().as_table() else {
                hide::leaves(value, &mut self.hidden);
                self.stray_key(table, entry, id);
                continue;
            };
            if !crate::domain::id::is_slug(id.get_ref()) {
                self.found.push(Wrong {
                    code: "bad-id",
                    span: id.span(),
                    message: format!("{} cannot be the id of a {entry}", quote(id.get_ref())),
                    help: Some("use 1 to 64 of A-Z a-z 0-9 - _, and `title` for the name people read".into()),
                });
            }
            let path = format!("{}.{}", table.name, id.get_ref());
            let read = self.keys(&path, table.keys, fields);
            values.insert(id.get_ref().to_string(), Value::new(None, read));
            self.defined.push(Defined { table, id: id.get_ref().to_string(), span: id.span() });
        }
        values
    }

    /// Reads the keys of one table; `path` names it in messages.
    fn keys(&mut self, path: &str, known: &'static [Key], table: &DeTable<'_>) -> Map<String, Value> {
        let mut values = Map::new();
        for (name, value) in table {
            let Some(key) = keys::find(known, name.get_ref()) else {
                let meant = nearest(name.get_ref(), known.iter().map(|key| key.name));
                if !meant.and_then(|near| keys::find(known, near)).is_some_and(|key| key.kind.is_harmless()) {
                    hide::leaves(value, &mut self.hidden);
                }
                self.unknown_key(path, known, name);
                continue;
            };
            values.insert(key.name.to_owned(), self.value(path, key, value));
        }
        values
    }

    fn value(&mut self, path: &str, key: &'static Key, value: &Spanned<DeValue<'_>>) -> Value {
        let index = self.index;
        let wrong_shape = value.get_ref().is_table() && !matches!(key.kind, Kind::Headers);
        let credential_in_address = matches!(key.kind, Kind::Url)
            && value.get_ref().as_str().is_some_and(|address| address.contains('@'));
        if key.kind.is_secret() || wrong_shape || credential_in_address {
            hide::leaves(value, &mut self.hidden);
        }
        if let (Kind::Tables(keys), Some(items)) = (key.kind, value.get_ref().as_array()) {
            let items: Vec<Value> = items
                .iter()
                .filter_map(|item| {
                    let Some(table) = item.get_ref().as_table() else {
                        self.found.push(Wrong {
                            code: "wrong-type",
                            span: item.span(),
                            message: format!("`{}` takes tables", key.name),
                            help: Some(format!("write [[{path}.{}]] and its keys below", key.name)),
                        });
                        return None;
                    };
                    let path = format!("{path}.{}", key.name);
                    let read = self.keys(&path, keys, table);
                    self.require(&path, keys, &read, item.span());
                    Some(Value::new(Some(&origin(index, &item.span())), read))
                })
                .collect();
            return Value::new(Some(&origin(index, &value.span())), items);
        }
        let mut checker = Checker { origin: &|span| origin(index, &span), wrong: Vec::new() };
        let read = checker.check(key.name, key.kind, value);
        if !checker.wrong.is_empty() && key.kind.is_reference() {
            // A credential put where its whereabouts belong.
            hide::leaves(value, &mut self.hidden);
        }
        self.found.append(&mut checker.wrong);
        read
    }

    /// Reports keys a table cannot be without; only for tables that cannot be continued elsewhere.
    fn require(&mut self, path: &str, keys: &[Key], read: &Map<String, Value>, span: Range<usize>) {
        for key in keys.iter().filter(|key| key.required && !read.contains_key(key.name)) {
            let message = format!("`{}` is missing in [[{path}]]", key.name);
            let help = Some(key.doc.into());
            self.found.push(Wrong { code: "missing-key", span: span.clone(), message, help });
        }
    }

    fn unknown_table(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        let written = name.get_ref();
        let owner = TABLES.iter().find(|table| table.entry.is_none() && table.key(written).is_some());
        let help = match (nearest(written, TABLES.iter().map(|table| table.name)), owner) {
            (_, Some(owner)) if !value.get_ref().is_table() => format!("it belongs into [{}]", owner.name),
            (Some(near), _) => format!("did you mean `{near}`?"),
            _ => format!("tables are {}", join(TABLES.iter().map(|table| table.name))),
        };
        let kind = if value.get_ref().is_table() { "table" } else { "key" };
        self.found.push(Wrong {
            code: "unknown-key",
            span: name.span(),
            message: format!("unknown {kind} {}", quote(written)),
            help: Some(help),
        });
    }

    fn not_a_table(&mut self, table: &Table, span: Range<usize>) {
        let id = if table.entry.is_some() { ".ID" } else { "" };
        self.found.push(Wrong {
            code: "wrong-type",
            span,
            message: format!("`{}` is a table", table.name),
            help: Some(format!("write [{}{id}] and its keys below", table.name)),
        });
    }

    fn stray_key(&mut self, table: &Table, entry: &str, id: &Spanned<std::borrow::Cow<'_, str>>) {
        let written = id.get_ref();
        let help = if table.key(written).is_some() {
            format!("it belongs to one {entry}: write [{}.ID] above it", table.name)
        } else {
            format!("write [{}.{written}] and its keys below", table.name)
        };
        self.found.push(Wrong {
            code: "wrong-type",
            span: id.span(),
            message: format!("{} is not a {entry}: it holds no keys", quote(written)),
            help: Some(help),
        });
    }

    fn unknown_key(&mut self, path: &str, known: &'static [Key], name: &Spanned<std::borrow::Cow<'_, str>>) {
        self.found.push(Wrong {
            code: "unknown-key",
            span: name.span(),
            message: format!("unknown key {} in [{path}]", quote(name.get_ref())),
            help: Some(unknown_key_help(known, name.get_ref())),
        });
    }
}

/// What to do about a key that is not known in a table with the keys `known`.
pub(super) fn unknown_key_help(known: &'static [Key], written: &str) -> String {
    if let Some(near) = nearest(written, known.iter().map(|key| key.name)) {
        return format!("did you mean `{near}`?");
    }
    let owners: Vec<String> =
        TABLES
            .iter()
            .filter(|table| table.key(written).is_some())
            .map(|table| {
                if table.entry.is_some() {
                    format!("[{}.ID]", table.name)
                } else {
                    format!("[{}]", table.name)
                }
            })
            .collect();
    if owners.is_empty() {
        format!("keys are {}", join(known.iter().map(|key| key.name)))
    } else {
        format!("it belongs into {}", owners.join(" or "))
    }
}

fn join(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
