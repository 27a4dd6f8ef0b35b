//! The JSON Schema of the configuration, so that editors complete and check while one writes.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, TABLES, Table};

/// Durations as [`super::units::parse_duration`] reads them.
const DURATION: &str = "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

/// Rates as [`super::units::parse_rate`] reads them.
const RATE: &str = "^(off|[0-9]+ */ *(s|m|min|h|d))$";

/// Sizes as [`super::units::parse_size`] reads them.
const SIZE: &str = "^[0-9]+ *(B|KiB|MiB|GiB)?$";

/// Ids as [`crate::domain::id::is_slug`] takes them.
const ID: &str = "^[A-Za-z0-9_-]{1,64}$";

/// The JSON Schema (draft 2020-12) of `wirewatch.toml` and the files in `conf.d`.
pub fn schema() -> Value {
    let tables: Map<String, Value> =
        TABLES.iter().map(|table| (table.name.to_owned(), table_schema(table))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wirewatch.toml",
        "description": "The configuration of wirewatch: wirewatch.toml and the files in conf.d beside it.",
        "type": "object",
        "additionalProperties": false,
        "properties": tables,
    })
}

fn table_schema(table: &Table) -> Value {
    let mut keys = keys_schema(table.keys);
    if table.entry.is_none() {
        keys["description"] = table.doc.into();
        return keys;
    }
    if !table.one_of.is_empty() {
        keys["oneOf"] = table.one_of.iter().map(|name| json!({ "required": [name] })).collect();
    }
    json!({
        "description": table.doc,
        "type": "object",
        "propertyNames": { "pattern": ID },
        "additionalProperties": keys,
    })
}

fn keys_schema(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), key_schema(key))).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn key_schema(key: &Key) -> Value {
    let mut schema = kind_schema(key.kind);
    schema["description"] = key.doc.into();
    if let Some(default) = key.default {
        let parsed: toml::Table =
            format!("default = {default}").parse().expect("defaults are TOML, a test reads them");
        schema["default"] = serde_json::to_value(&parsed["default"]).expect("TOML without dates is JSON");
    }
    schema
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text
        | Kind::LongText
        | Kind::VariableName
        | Kind::Path
        | Kind::CredentialPath
        | Kind::Secret
        | Kind::Listen
        | Kind::Language
        | Kind::QuietHours
        | Kind::Digest
        | Kind::TimeZone
        | Kind::Network => json!({ "type": "string", "minLength": 1 }),
        Kind::Id(_) => json!({ "type": "string", "pattern": ID }),
        Kind::Url | Kind::SecretUrl => json!({ "type": "string", "format": "uri" }),
        Kind::TextOrNumber => json!({ "type": ["string", "integer"] }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Rate => json!({ "type": "string", "pattern": RATE }),
        Kind::Duration(_) => json!({ "type": "string", "pattern": DURATION }),
        Kind::Size { min, max } => json!({ "anyOf": [
            { "type": "integer", "minimum": min, "maximum": max },
            { "type": "string", "pattern": SIZE },
        ] }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::List(item) => json!({ "type": "array", "items": kind_schema(*item) }),
        Kind::OneOrMany(item) => {
            json!({ "anyOf": [kind_schema(*item), { "type": "array", "items": kind_schema(*item) }] })
        }
        Kind::Headers => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Tables(keys) => json!({ "type": "array", "items": keys_schema(keys) }),
    }
}
