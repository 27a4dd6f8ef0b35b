//! What of a file is never shown: every value that is not the value of a known, harmless key.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::keys::{Key, Kind, TABLES};
use super::report::nearest;

/// Nesting followed; deeper values are hidden whole.
const MAX_DEPTH: u32 = 16;

/// Hides every value in `value`, table by table, so that the keys stay readable.
pub(super) fn leaves(value: &Spanned<DeValue<'_>>, hidden: &mut Vec<Range<usize>>) {
    hide(value, hidden, 0);
}

fn hide(value: &Spanned<DeValue<'_>>, hidden: &mut Vec<Range<usize>>, depth: u32) {
    match value.get_ref() {
        DeValue::Table(table) if depth < MAX_DEPTH => {
            for (_, item) in table {
                hide(item, hidden, depth + 1);
            }
        }
        DeValue::Array(items) if depth < MAX_DEPTH && items.iter().any(|item| item.get_ref().is_table()) => {
            for item in items {
                hide(item, hidden, depth + 1);
            }
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => hidden.push(value.span()),
    }
}

/// Hides the comment behind a hidden value: people keep the old secret there.
pub(super) fn trailing_comments(text: &str, hidden: &mut [Range<usize>]) {
    for range in hidden {
        let rest = &text[range.end..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        if line.trim_start_matches([' ', '\t', ',', ']', '}']).starts_with('#') {
            range.end += line.trim_end().len();
        }
    }
}

/// Hides what may be a credential in a file that is not TOML, line by line, by the look of it.
///
/// Values of keys that are known and harmless stay readable, so that `interval = 5m` is shown.
pub(super) fn suspicious_lines(text: &str, hidden: &mut Vec<Range<usize>>) {
    let mut owner = Owner::None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let shown = line.trim_end();
        let indent = shown.len() - shown.trim_start().len();
        let content = shown.trim_start();
        let start = if content.is_empty() || content.starts_with('#') {
            None
        } else if content.starts_with('[') && !content.contains(['"', '\'']) {
            owner = Owner::None;
            None
        } else if let Some((key, value)) = assignment(content) {
            let harmless = is_harmless(key) && !(value.contains('=') && names_a_secret(value));
            owner = if harmless { Owner::Harmless } else { Owner::Suspicious };
            (!harmless).then(|| shown.len() - value.len())
        } else {
            match owner {
                Owner::Harmless => None,
                Owner::Suspicious => Some(indent),
                Owner::None => {
                    Some(indent + content.find(|c: char| !is_key_char(c)).unwrap_or(content.len()))
                }
            }
        };
        if let Some(start) = start
            && start < shown.len()
        {
            hidden.push(at + start..at + shown.len());
        }
        at += line.len();
    }
}

/// Whose value a line without a key continues.
#[derive(Clone, Copy)]
enum Owner {
    None,
    Harmless,
    Suspicious,
}

/// Splits `key = value`; the key may be dotted and quoted.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim_end();
    let plain = !key.is_empty() && key.chars().all(|c| is_key_char(c) || matches!(c, '.' | '"' | '\'' | ' '));
    plain.then_some((key, value.trim_start()))
}

fn is_key_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn is_harmless(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key).trim_matches([' ', '"', '\'']);
    let harmless = |name| !secret_keys().any(|secret| secret == name);
    let mut known = all_keys().flatten().map(|key| key.name);
    if known.any(|known| known == name) {
        return harmless(name);
    }
    let sounds_secret =
        ["secret", "token", "pass", "key", "auth", "url"].iter().any(|word| name.contains(word));
    !sounds_secret && nearest(name, all_keys().flatten().map(|key| key.name)).is_some_and(harmless)
}

fn names_a_secret(value: &str) -> bool {
    secret_keys().any(|secret| value.contains(secret))
}

fn all_keys() -> impl Iterator<Item = &'static [Key]> {
    TABLES.iter().flat_map(|table| {
        let nested = table
            .keys
            .iter()
            .filter_map(|key| if let Kind::Tables(keys) = key.kind { Some(keys) } else { None });
        std::iter::once(table.keys).chain(nested)
    })
}

fn secret_keys() -> impl Iterator<Item = &'static str> {
    all_keys()
        .flatten()
        .filter(|key| key.kind.is_secret() || matches!(key.kind, Kind::Url))
        .map(|key| key.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_shows_harmless_lines_only() {
        let text = "interval = 5m\nsecret = whsec_S\nurl = \"https://S\n[webhooks.a\nkeywords = [\n  \"a\" \"b\"\n]\n\
                    secret = [\n  \"S\",\n]\n[x]\nwebhook: S\nd = { url = S }\ntitle = \"a\", secret = \"S\"\n";
        let mut hidden = Vec::new();
        suspicious_lines(text, &mut hidden);
        let mut shown = text.to_owned();
        for range in hidden.into_iter().rev() {
            shown.replace_range(range, "…");
        }
        assert!(!shown.contains('S'), "{shown}");
        assert!(shown.contains("interval = 5m") && shown.contains("\"a\" \"b\""), "{shown}");
    }

    #[test]
    fn the_comment_behind_a_secret_is_hidden_too() {
        let text = "secret = \"a\" # was b\nnext = 1 # seen\n";
        let mut hidden = [9..12, 28..29];
        trailing_comments(text, &mut hidden);
        assert_eq!(hidden.map(|range| &text[range]), ["\"a\" # was b", "1 # seen"]);
    }
}
