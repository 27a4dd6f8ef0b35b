//! The checked values of one table, by key.

use std::time::Duration;

use config::{Map, Value, ValueKind};

use crate::config::layers::Merged;
use crate::config::source::Place;

/// The checked values of one table. A value that was wrong reads as absent, empty or zero: it is
/// reported already, and nothing will run.
pub(super) struct Fields<'a> {
    merged: &'a Merged,
    values: Map<String, Value>,
    /// Where the table's name stands.
    pub(super) at: Place,
}

impl<'a> Fields<'a> {
    pub(super) fn new(merged: &'a Merged, values: Map<String, Value>, at: Place) -> Self {
        Self { merged, values, at }
    }

    /// Whether the user gave the key, rightly or wrongly.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| value.origin().is_some())
    }

    /// Where its value was written; the table where it was not.
    pub(super) fn place(&self, key: &str) -> Place {
        match self.values.get(key) {
            Some(value) if value.origin().is_some() => self.merged.place(value),
            _ => self.at.clone(),
        }
    }

    /// Where the last of `keys` that the user gave was written.
    pub(super) fn written_last<const N: usize>(&self, keys: [&str; N]) -> Place {
        let given = keys.into_iter().rfind(|key| self.is_given(key));
        given.map_or(Place::Nowhere, |key| self.place(key))
    }

    fn kind(&self, key: &str) -> &ValueKind {
        self.values.get(key).map_or(&ValueKind::Nil, |value| &value.kind)
    }

    fn items(&self, key: &str) -> &[Value] {
        if let ValueKind::Array(items) = self.kind(key) { items } else { &[] }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        as_text(self.kind(key))
    }

    pub(super) fn owned_text(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// The texts of a list with their places.
    pub(super) fn list(&self, key: &str) -> Vec<(&str, Place)> {
        let items = self.items(key).iter();
        items.filter_map(|item| Some((as_text(&item.kind)?, self.merged.place(item)))).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).into_iter().map(|(text, _)| text.to_owned()).collect()
    }

    /// Whether a list is given, right and empty.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        matches!(self.kind(key), ValueKind::Array(items) if items.is_empty())
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&self, key: &str) -> Vec<Self> {
        let items = self.items(key).iter();
        items
            .filter_map(|item| {
                let ValueKind::Table(table) = &item.kind else { return None };
                Some(Self::new(self.merged, table.clone(), self.merged.place(item)))
            })
            .collect()
    }

    /// The names and values of a table of texts, by name.
    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let ValueKind::Table(table) = self.kind(key) else { return Vec::new() };
        let mut pairs: Vec<(String, String)> = table
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), as_text(&value.kind)?.to_owned())))
            .collect();
        pairs.sort();
        pairs
    }

    fn whole(&self, key: &str) -> Option<u64> {
        as_whole(self.kind(key))
    }

    pub(super) fn optional_duration(&self, key: &str) -> Option<Duration> {
        self.whole(key).map(Duration::from_millis)
    }

    pub(super) fn duration(&self, key: &str) -> Duration {
        self.optional_duration(key).unwrap_or_default()
    }

    pub(super) fn durations(&self, key: &str) -> Vec<Duration> {
        self.items(key).iter().filter_map(|item| as_whole(&item.kind)).map(Duration::from_millis).collect()
    }

    pub(super) fn optional_bytes(&self, key: &str) -> Option<u64> {
        self.whole(key)
    }

    pub(super) fn bytes(&self, key: &str) -> u64 {
        self.optional_bytes(key).unwrap_or_default()
    }

    pub(super) fn count(&self, key: &str) -> u32 {
        self.whole(key).and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        if let ValueKind::Float(number) = self.kind(key) { *number } else { 0.0 }
    }
}

fn as_text(kind: &ValueKind) -> Option<&str> {
    if let ValueKind::String(text) = kind { Some(text) } else { None }
}

fn as_whole(kind: &ValueKind) -> Option<u64> {
    if let ValueKind::I64(number) = kind {
        u64::try_from(*number).ok()
    } else if let ValueKind::U64(number) = kind {
        Some(*number)
    } else {
        None
    }
}
